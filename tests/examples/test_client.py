"""The client program as a viewer sees it: four words, their replies, and clear ends."""

import signal
import socket
from collections.abc import Iterator

import pytest

from examples import client as client_program
from tests.doubles.program import Program, ProgramOnTerminal
from tests.size import thoroughly


@pytest.fixture
def server() -> Iterator[Program]:
    with Program("examples.server", "127.0.0.1", 0, "--ingest", "127.0.0.1:0") as program:
        yield program


@pytest.fixture(scope="module")
def ports() -> Iterator[tuple[int, int]]:
    """Those of a server that many tests share."""
    with Program("examples.server", "127.0.0.1", 0, "--ingest", "127.0.0.1:0") as program:
        yield ports_of(program)


def ports_of(server: Program) -> tuple[int, int]:
    """The server's control port and its ingest port."""
    found = server.wait_for(r"listening on 127\.0\.0\.1:(\d+), ingest on 127\.0\.0\.1:(\d+)")
    return int(found[1]), int(found[2])


def client(port: int, *more: object) -> Program:
    return Program("examples.client", "127.0.0.1", port, *(more or (5001,)))


def test_the_four_words_are_answered_in_any_case_from_a_pipe(ports: tuple[int, int]) -> None:
    with client(ports[0]) as program:
        for word in ("conectar", "Interrumpir", "CONTINUAR", "  desconectar "):
            program.say(word)
        assert program.finish() == 0
        lines = program.out.splitlines()
    assert lines[0].startswith("connected to 127.0.0.1")
    assert lines[1:-1] == ["OK", "OK", "OK", "OK", "disconnected"]


def test_at_the_end_of_input_it_says_good_bye(server: Program) -> None:
    with client(ports_of(server)[0]) as program:
        program.say("conectar")
        program.end_input()
        assert program.finish() == 0
    server.wait_for("is closed")


def test_a_last_word_without_a_line_end_counts(ports: tuple[int, int]) -> None:
    with client(ports[0]) as program:
        assert program.process.stdin is not None
        program.process.stdin.write(b"interrumpir")
        program.end_input()
        assert program.finish() == 0
        assert "ERROR NO_CONECTADO" in program.out


@pytest.mark.parametrize(
    ("size", "end"), [(500, b"\n"), thoroughly(5_000_000, b"\n"), thoroughly(5_000_000, b"")]
)
def test_a_line_that_is_too_long_is_answered_once_and_not_the_end(
    ports: tuple[int, int], size: int, end: bytes
) -> None:
    with client(ports[0]) as program:
        assert program.process.stdin is not None
        program.process.stdin.write(b"x" * size + end)
        if end:
            program.say("conectar")
            program.wait_for("\nOK\n")
        program.end_input()
        assert program.finish() == 0
        assert program.out.count("unknown word 'xxxxxxxxxxxx...xxxxxxxxxxxxx': say one of") == 1


def test_the_next_word_waits_for_the_answer_to_the_one_before() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        with client(listener.getsockname()[1]) as program:
            connection, _ = listener.accept()
            with connection, connection.makefile("rwb", buffering=0) as control:
                for _ in range(5000):
                    program.say("continuar")
                for _ in range(3):
                    assert control.read(100) == b"CONTINUAR\n"
                    control.write(b"OK\n")
                connection.shutdown(socket.SHUT_WR)
                assert program.finish() == 1


def test_an_unknown_word_is_answered_here_and_not_sent(
    server: Program,
) -> None:
    with client(ports_of(server)[0]) as program:
        program.say("hola")
        program.wait_for("unknown word 'hola': say one of CONECTAR, INTERRUMPIR, CONTINUAR")
        program.end_input()
        assert program.finish() == 0
    server.wait_for("0 errors")


def test_a_reply_of_error_is_shown_and_the_conversation_goes_on(ports: tuple[int, int]) -> None:
    with client(ports[0]) as program:
        program.say("continuar")
        program.wait_for("ERROR NO_CONECTADO")
        program.say("conectar")
        program.wait_for("\nOK\n")


@pytest.mark.parametrize("signum", [signal.SIGINT, thoroughly(signal.SIGTERM)])
def test_watch_connects_at_once_and_stays_until_interrupted(server: Program, signum: int) -> None:
    with client(ports_of(server)[0], 5001, "--watch") as program:
        program.wait_for("\nOK\n")
        assert program.finish(signum) == 0
        assert program.err == ""
    server.wait_for("is closed")


def test_the_stream_arrives_at_the_player(ports: tuple[int, int]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as player:
        player.bind(("127.0.0.1", 0))
        player.settimeout(10)
        with client(ports[0], player.getsockname()[1], "--watch") as program:
            program.wait_for("\nOK\n")
            for number in range(50):
                player.sendto(bytes([number]) * 1316, ("127.0.0.1", ports[1]))
            received = [player.recv(2000) for _ in range(50)]
    assert received == [bytes([number]) * 1316 for number in range(50)]


def test_the_last_line_is_the_whole_account(ports: tuple[int, int]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as player:
        player.bind(("127.0.0.1", 0))
        player.settimeout(10)
        port = player.getsockname()[1]
        with client(ports[0], port, "--watch") as program:
            program.wait_for("\nOK\n")
            for _ in range(3):
                player.sendto(b"video", ("127.0.0.1", ports[1]))
            assert [player.recv(100) for _ in range(3)] == [b"video"] * 3
            assert program.finish(signal.SIGINT) == 0
            assert program.out.splitlines()[-2:] == [
                "disconnected",
                f"ended: 3 datagrams received, 3 sent to VLC at UDP port {port}, "
                "0 could not be sent",
            ]


@pytest.mark.thorough
def test_silence_is_explained(ports: tuple[int, int]) -> None:
    with client(ports[0], 5001, "--watch") as program:
        program.wait_for("no datagram within 2 s at UDP port [0-9]+: a firewall on this machine")


def assert_ends_with(program: Program, complaint: str, status: int) -> None:
    assert program.finish() == status
    assert program.err.count("\n") == 1, program.err
    assert complaint in program.err


def test_no_server_is_one_clear_line() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound, but not listening
        port = unused.getsockname()[1]
        with client(port) as program:
            assert_ends_with(program, f"does examples.server run at 127.0.0.1:{port}", 1)
            assert program.out == ""


def test_a_lost_server_is_one_clear_line(server: Program) -> None:
    with client(ports_of(server)[0], 5001, "--watch") as program:
        program.wait_for("\nOK\n")
        server.process.send_signal(signal.SIGTERM)
        assert_ends_with(program, "the server is lost", 1)


@pytest.mark.usefixtures("signals_kept")
@pytest.mark.parametrize("backlog", [0, 1])
def test_a_good_bye_that_nobody_answers_is_no_success(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], backlog: int
) -> None:
    monkeypatch.setattr(client_program, "_LEAVE_TIMEOUT", 0.05)
    monkeypatch.setattr(client_program, "lines_of", lambda descriptor: iter(()))
    with (
        socket.create_server(("127.0.0.1", 0), backlog=backlog) as listener,
        socket.create_connection(listener.getsockname()),  # room for one more, or for none
    ):
        port = listener.getsockname()[1]
        assert client_program.main(["127.0.0.1", str(port), "5001"]) == 1
    out, err = capfd.readouterr()
    assert err == "client: left before the good-bye was answered\n"
    assert "disconnected" not in out


def test_nothing_that_was_typed_stays_before_a_line(ports: tuple[int, int]) -> None:
    with ProgramOnTerminal("examples.client", "127.0.0.1", ports[0], 5001) as program:
        program.wait_for("> ")
        program.type(b"CONT")
        program.wait_for("> CONT")
        assert program.finish(signal.SIGINT) == 0
        assert "\r\x1b[KOK\r\n" in program.out


def test_a_complaint_does_not_stand_behind_a_prompt() -> None:
    with (
        socket.create_server(("127.0.0.1", 0), backlog=0) as listener,
        socket.create_connection(listener.getsockname()),  # there is room for no other
        ProgramOnTerminal("examples.client", *listener.getsockname(), 5001) as program,
    ):
        program.type(b"\nCONT")
        program.wait_for("> ")
        program.wait_for("CONT")
        program.process.send_signal(signal.SIGINT)
        assert program.finish(signal.SIGTERM) == 1
        assert program.out.endswith("\r\x1b[K")
        assert program.err == "client: left before the good-bye was answered\n"


def test_a_full_server_is_one_clear_line() -> None:
    options = ("127.0.0.1", 0, "--ingest", "127.0.0.1:0", "--max-clients", 1)
    with Program("examples.server", *options) as server:
        port = int(server.wait_for(r"listening on 127\.0\.0\.1:(\d+)").group(1))
        with client(port, 5001, "--watch") as first:
            first.wait_for("\nOK\n")
            with client(port, 5002, "--watch") as second:
                assert_ends_with(second, "LLENO", 1)


def test_another_kind_of_server_is_one_clear_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        with client(listener.getsockname()[1]) as program:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(b"220 mail.example ESMTP\r\n")
                assert_ends_with(program, "this is no relay", 1)
