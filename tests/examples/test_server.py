"""The server program as its operator sees it: one line for what matters, clear refusals."""

import json
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from examples import console
from reactor.timeline import Recorder
from tests.doubles.program import Program
from tests.size import thoroughly

ANY = ("127.0.0.1", 0)
ARGUMENTS = ("127.0.0.1", 0, "--ingest", "127.0.0.1:0")


@pytest.fixture
def server() -> Iterator[Program]:
    with Program("examples.server", *ARGUMENTS) as program:
        yield program


def control_port(server: Program) -> int:
    return int(server.wait_for(r"listening on 127\.0\.0\.1:(\d+), ingest on 127").group(1))


def refusal(*arguments: object) -> str:
    """What stands on stderr of a server that can't start."""
    with Program("examples.server", *arguments) as program:
        assert program.finish() == 2
        assert program.out == ""
        return program.err


def assert_one_line(text: str, *parts: str) -> None:
    assert text.count("\n") == 1, text
    for part in parts:
        assert part in text


def test_it_says_where_it_listens_once_it_is_ready(server: Program) -> None:
    port = control_port(server)
    socket.create_connection(("127.0.0.1", port)).close()


@pytest.mark.parametrize("signum", [signal.SIGINT, thoroughly(signal.SIGTERM)])
def test_a_signal_ends_it_cleanly_with_a_client_connected(server: Program, signum: int) -> None:
    with socket.create_connection(("127.0.0.1", control_port(server))) as client:
        client.sendall(b"CONECTAR 5000\n")
        assert client.recv(100) == b"OK\n"
        server.process.send_signal(signum)
        assert client.recv(100) == b""
    assert server.finish() == 0
    assert server.err == ""


def test_one_line_tells_of_each_step_of_a_client(server: Program) -> None:
    with socket.create_connection(("127.0.0.1", control_port(server))) as client:
        client.sendall(b"CONECTAR 5000\nINTERRUMPIR\nCONTINUAR\nDESCONECTAR\n")
        with client.makefile("rb") as replies:
            assert replies.read() == b"OK\n" * 4
    server.wait_for(r"left: 0 datagrams sent")
    words = [line.split(" ", 2)[2] for line in server.out.splitlines() if "client" in line]
    assert words[:5] == [
        "joined",
        "is active, UDP port 5000",
        "is paused, UDP port 5000",
        "is active, UDP port 5000",
        "is closed",
    ]


def test_bytes_from_outside_can_not_forge_a_line(server: Program) -> None:
    with socket.create_connection(("127.0.0.1", control_port(server))) as client:
        client.sendall(b"\x1b[2J\rlistening on evil\xff\n")
        server.wait_for("EXTRANO")
    assert "\x1b" not in server.out
    assert "\r" not in server.out
    assert r"\x1b[2J\rlistening on evil\xff" in server.out


@pytest.mark.thorough
def test_a_flood_of_clients_does_not_flood_the_log(server: Program) -> None:
    address = "127.0.0.1", control_port(server)
    for _ in range(300):
        socket.create_connection(address).close()
    left_out = int(server.wait_for(r"(\d+) more events were left out")[1])
    assert left_out > 100
    assert server.finish(signal.SIGTERM) == 0


def test_every_client_that_left_is_told_or_counted_before_the_last_line(server: Program) -> None:
    port = control_port(server)
    with ExitStack() as clients:
        for _ in range(120):
            client = clients.enter_context(socket.create_connection(("127.0.0.1", port)))
            client.sendall(b"CONTINUAR\n")
            assert client.recv(100).startswith(b"ERROR")
        server.process.send_signal(signal.SIGTERM)
        assert client.recv(100) == b""
        assert server.finish(signal.SIGTERM) == 0  # the second does not wait for them
    *lines, last = server.out.splitlines()
    told = sum(" joined" in line or " left:" in line for line in lines)
    left_out = sum(int(line.split()[0]) for line in lines if line.endswith("were left out"))
    assert told + left_out == 240
    assert last.startswith("ended:")


def test_a_port_in_use_is_one_clear_line() -> None:
    with socket.create_server(ANY) as taken:
        port = taken.getsockname()[1]
        error = refusal("127.0.0.1", port, "--ingest", "127.0.0.1:0")
    assert_one_line(error, f"127.0.0.1:{port}", "in use", "choose another port")


def test_an_ingest_port_in_use_is_one_clear_line() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(ANY)
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        error = refusal("127.0.0.1", 0, "--ingest", address)
    assert_one_line(error, address, "in use", "choose another --ingest")


def test_an_address_of_another_machine_is_one_clear_line() -> None:
    error = refusal("192.0.2.1", 0, "--ingest", "127.0.0.1:0")
    assert_one_line(error, "192.0.2.1:0", "no address of this machine")


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="rights are checked on Unix")
def test_a_trace_that_can_not_be_written_is_one_clear_line(tmp_path: Path) -> None:
    path = tmp_path / "no such folder" / "trace"
    assert_one_line(refusal(*ARGUMENTS, "--trace", path), str(path), "No such file")


def test_a_trace_is_one_json_object_a_line(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    with Program("examples.server", *ARGUMENTS, "--trace", path) as server:
        with socket.create_connection(("127.0.0.1", control_port(server))) as client:
            client.sendall(b"DESCONECTAR\n")
            assert client.recv(100) == b"OK\n"
        server.wait_for("left")
        assert server.finish(signal.SIGTERM) == 0
    events = [json.loads(line) for line in path.read_text().splitlines()]
    assert {"start", "select", "ready", "callback", "end"} <= {event["e"] for event in events}
    labels = [event["label"] for event in events if event["e"] == "label"]
    assert labels == ["video in"]


def test_a_trace_of_what_is_recorded_already_is_one_clear_line(tmp_path: Path) -> None:
    with Recorder(tmp_path / "run.jsonl"), pytest.raises(OSError, match="leave --trace out"):
        with console.recording(str(tmp_path / "trace.jsonl")):
            pass


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["echo", "chat"])
def test_every_server_can_be_traced(tmp_path: Path, name: str) -> None:
    path = tmp_path / "trace.jsonl"
    with Program(f"examples.{name}", "127.0.0.1", 0, "--trace", path) as server:
        server.wait_for("listening")
        assert server.finish(signal.SIGTERM) == 0
    assert '"kind": "listener"' in path.read_text()


def test_limits_are_set_by_options() -> None:
    with Program("examples.server", *ARGUMENTS, "--max-clients-per-host", 1) as server:
        port = control_port(server)
        with socket.create_connection(("127.0.0.1", port)) as first:
            first.sendall(b"CONECTAR 5000\n")  # who has what it came for makes no room
            assert first.recv(100) == b"OK\n"
            with socket.create_connection(("127.0.0.1", port)) as second:
                assert second.recv(100).startswith(b"ERROR LLENO_EQUIPO ")


def test_an_unfinished_command_is_answered_after_the_time_out() -> None:
    with Program("examples.server", *ARGUMENTS, "--command-timeout", 0.05) as server:
        port = control_port(server)
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(b"CONEC")
            expected = b"ERROR INCOMPLETO No se recibio el comando correctamente, intente denuevo\n"
            assert client.recv(200) == expected


@pytest.mark.parametrize(
    "option", [["--no-gso"], thoroughly(["--coalesce", 0]), thoroughly(["--coalesce", 5])]
)
def test_datagrams_pass_with_every_way_of_sending(option: list[object]) -> None:
    with (
        Program("examples.server", *ARGUMENTS, *option) as server,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as player,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as source,
    ):
        found = server.wait_for(r"listening on 127\.0\.0\.1:(\d+), ingest on 127\.0\.0\.1:(\d+)")
        player.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        player.bind(ANY)
        player.settimeout(10)
        with socket.create_connection(("127.0.0.1", int(found[1]))) as client:
            client.sendall(b"CONECTAR %d\n" % player.getsockname()[1])
            assert client.recv(100) == b"OK\n"
            for number in range(100):
                source.sendto(bytes([number]) * 1316, ("127.0.0.1", int(found[2])))
            received = [player.recv(2000) for _ in range(100)]
    assert received == [bytes([number]) * 1316 for number in range(100)]


def test_the_last_line_is_the_whole_account(server: Program) -> None:
    control_port(server)
    assert server.finish(signal.SIGINT) == 0
    last = server.out.splitlines()[-1]
    lost = "0" if sys.platform == "linux" else "an unknown number"
    assert last == f"ended: 0 datagrams received, {lost} lost before; 0 copies sent, 0 dropped"
