"""Echo and chat: what `import reactor` looks like for somebody else's server."""

import re
import signal
import socket
import sys
from types import ModuleType

import pytest

from examples import chat, console, echo
from tests.doubles.program import ROOT, Program
from tests.size import thoroughly


def port_of(program: Program) -> int:
    return int(program.wait_for(r"listening on 127\.0\.0\.1:(\d+)").group(1))


def test_echo_says_every_line_back() -> None:
    with Program("examples.echo", "127.0.0.1", 0) as program:
        with socket.create_connection(("127.0.0.1", port_of(program))) as client:
            client.sendall(b"uno\r\ndos\nt")
            client.sendall(b"res\n")
            client.shutdown(socket.SHUT_WR)
            with client.makefile("rb") as file:
                assert file.read() == b"uno\ndos\ntres\n"
        assert program.finish(signal.SIGINT) == 0


@pytest.mark.thorough
def test_echo_says_everything_back_to_one_who_reads_late() -> None:
    lines = b"".join(b"%d\n" % number for number in range(200_000))
    with Program("examples.echo", "127.0.0.1", 0) as program:
        with socket.create_connection(("127.0.0.1", port_of(program))) as client:
            client.settimeout(0.5)
            sent = 0
            try:
                while sent < len(lines):
                    sent += client.send(lines[sent:])
            except TimeoutError:
                pass  # everything between us is full: now read
            client.settimeout(10)
            received = bytearray()
            while len(received) < sent:
                received += client.recv(65536)
        assert received == lines[:sent]


def test_echo_turns_an_endless_line_down() -> None:
    with Program("examples.echo", "127.0.0.1", 0) as program:
        with socket.create_connection(("127.0.0.1", port_of(program))) as client:
            client.sendall(b"x" * 5000)
            assert client.recv(200).startswith(b"line longer than 1000 bytes")


def test_chat_tells_all_others() -> None:
    with Program("examples.chat", "127.0.0.1", 0) as program:
        address = ("127.0.0.1", port_of(program))
        with socket.create_connection(address) as first:
            with first.makefile("rb") as heard:
                with socket.create_connection(address) as second:
                    assert heard.readline().endswith(b" is here\n")
                    second.sendall(b"hola\x1b[2J\r\x07\n")
                    assert heard.readline().endswith(b": hola[2J\n")  # no cursor is moved
                assert heard.readline().endswith(b" has left\n")
        assert program.finish(signal.SIGTERM) == 0


@pytest.mark.skipif(sys.platform != "linux", reason="others have one loopback address only")
@pytest.mark.usefixtures("signals_kept")
@pytest.mark.parametrize("program", [echo, chat])
def test_they_say_every_address_at_which_they_listen(
    monkeypatch: pytest.MonkeyPatch, program: ModuleType
) -> None:
    def look_up(host: str, port: int, *, type: int) -> list[tuple[object, ...]]:
        hosts = ("127.0.0.1", "127.0.0.2")
        return [(socket.AF_INET, type, 6, "", (address, port)) for address in hosts]

    said = []

    def say(line: str) -> None:
        said.append(line)
        raise KeyboardInterrupt

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setattr(console, "say", say)
    assert program.main(["two.example", "0"]) == console.EXIT_INTERRUPTED
    assert re.fullmatch(r"listening on 127\.0\.0\.1:(\d+) and 127\.0\.0\.2:\1", said[0])


@pytest.mark.parametrize("name", ["echo", "chat"])
def test_they_stay_under_sixty_lines(name: str) -> None:
    assert len((ROOT / "examples" / f"{name}.py").read_text().splitlines()) < 60


@pytest.mark.parametrize("name", ["echo", thoroughly("chat")])
def test_a_port_in_use_is_one_clear_line(name: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with Program(f"examples.{name}", "127.0.0.1", port) as program:
            assert program.finish() == 2
            assert program.err.count("\n") == 1
            assert f"127.0.0.1:{port}: Address already in use" in program.err
