"""Whatever becomes of a program's output, the program does its work and ends when it is told to."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from tests.doubles.program import (
    ROOT,
    Program,
    ProgramOnTerminal,
    read_some,
    small_pipe,
    wait_until_ignored,
)
from tests.size import thoroughly

linux = pytest.mark.skipif(sys.platform != "linux", reason="full(4) and proc(5) are Linux'")

ARGUMENTS = ("127.0.0.1", 0, "--ingest", "127.0.0.1:0")
CTRL_S, CTRL_Q = b"\x13", b"\x11"


@pytest.fixture(scope="module")
def server() -> Iterator[Program]:
    """One that many tests share."""
    with Program("examples.server", *ARGUMENTS) as program:
        yield program


def ports_of(server: Program) -> tuple[int, int]:
    found = server.wait_for(r"listening on 127\.0\.0\.1:(\d+), ingest on 127\.0\.0\.1:(\d+)")
    return int(found[1]), int(found[2])


@contextmanager
def stuck_server() -> Iterator[tuple[Program, int, int]]:
    """A server whose output nobody reads after the first line; our end of the pipe, its port."""
    ours, theirs = small_pipe()
    with Program("examples.server", *ARGUMENTS, stdout=theirs) as server:
        found = re.search(rb"listening on 127\.0\.0\.1:(\d+)", os.read(ours, 4096))
        assert found is not None
        yield server, ours, int(found[1])
    os.close(ours)


def flood(port: int) -> None:
    """Make a server print more than a pipe has room for; all of its clients are answered."""
    with ExitStack() as cleanup:
        address = ("127.0.0.1", port)
        clients = [cleanup.enter_context(socket.create_connection(address)) for _ in range(30)]
        for client in clients:
            client.sendall(b"\xff" * 60 + b"\n")
        for client in clients:
            assert client.recv(100).startswith(b"ERROR")


@pytest.mark.thorough
def test_a_server_whose_lines_nobody_reads_serves_and_ends() -> None:
    with stuck_server() as (server, _, port):
        flood(port)
        assert server.finish(signal.SIGTERM) == 0
        assert server.err == ""


@pytest.mark.thorough
def test_the_account_comes_out_when_somebody_reads_again() -> None:
    with stuck_server() as (server, ours, port):
        flood(port)
        server.process.send_signal(signal.SIGTERM)
        told = b""
        while data := read_some(ours):
            told += data
        assert server.finish() == 0
    assert told.splitlines()[-1].startswith(b"ended: ")
    assert told.count(b" joined\n") == 30


@pytest.mark.thorough
@linux
def test_a_further_signal_does_not_cost_the_account() -> None:
    with stuck_server() as (server, ours, port):
        flood(port)
        server.process.send_signal(signal.SIGTERM)
        wait_until_ignored(server, signal.SIGTERM)
        for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            server.process.send_signal(signum)
        told = b""
        while data := read_some(ours):
            told += data
        assert server.finish() == 0
    assert told.splitlines()[-1].startswith(b"ended: ")


@linux
def test_a_full_disk_is_no_reason_to_end() -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    with Program("examples.demo", "--seconds", 0.3, "--clients", 1, stdout=full) as demo:
        assert demo.finish() == 0
        assert demo.err == ""


def test_a_reader_that_goes_away_is_no_reason_to_end() -> None:
    with Program("examples.server", *ARGUMENTS) as server:
        port = int(server.wait_for(r"listening on 127\.0\.0\.1:(\d+)")[1])
        server.stop_reading()
        flood(port)
        assert server.finish(signal.SIGTERM) == 0
        assert server.err == ""


@linux
@pytest.mark.parametrize("sink", ["/dev/full", thoroughly("a reader that is gone")])
def test_help_that_nobody_takes_is_no_error(sink: str) -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    if sink == "/dev/full":
        os.close(theirs)
        theirs = os.open(sink, os.O_WRONLY)
    with Program("examples.server", "--help", stdout=theirs) as server:
        assert server.finish() == 0
        assert server.err == ""


def shell(script: str, *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-c", script, sys.executable, *more],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
    )


@pytest.mark.thorough
def test_a_program_may_be_started_without_standard_descriptors() -> None:
    done = shell('exec "$0" -m examples.demo --seconds 0.2 --clients 1 <&- >&- 2>&-')
    assert done.returncode == 0


def test_a_client_without_standard_input_says_good_bye(server: Program) -> None:
    port = str(ports_of(server)[0])
    done = shell('exec "$0" -m examples.client 127.0.0.1 "$1" 5001 <&- >&- 2>&-', port)
    assert done.returncode == 0
    server.wait_for(" is closed")


OPENS_A_FILE = """
import os, sys
from examples import console
def work(arguments):
    console.say("for nobody")
    return os.dup(0)
sys.exit(console.run("test", work, None))
"""


def test_no_socket_gets_the_number_of_a_standard_descriptor_that_was_closed() -> None:
    done = shell('exec "$0" -c "$1" <&- >&- 2>&-', OPENS_A_FILE)
    assert done.returncode > 2


# -- terminals ---------------------------------------------------------------------------------


def test_after_ctrl_s_the_video_goes_on_and_after_ctrl_q_the_lines_come(server: Program) -> None:
    control, ingest = ports_of(server)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as player:
        player.bind(("127.0.0.1", 0))
        player.settimeout(10)
        port = player.getsockname()[1]
        with ProgramOnTerminal("examples.client", "127.0.0.1", control, port) as client:
            client.wait_for("> ")
            client.type(CTRL_S + b"CONECTAR\n")
            server.wait_for("is active")
            for _ in range(200):
                client.type(b"hola\n")
            player.sendto(b"video", ("127.0.0.1", ingest))
            assert player.recv(100) == b"video"
            assert "OK" not in client.out
            client.type(CTRL_Q)
            client.wait_for(r"\x1b\[KOK\r\n")
            client.wait_for("unknown word 'hola'")


@pytest.mark.parametrize(
    ("encoding", "typed", "shown"),
    [
        # \xf1: a byte, as it was typed
        thoroughly("iso-8859-1", b"se\xf1al", r"unknown word 'se\\xf1al'"),
        thoroughly("ascii", b"\xff\x00\x1b[2J", r"unknown word '\\ufffd\\x00\\x1b\[2J'"),
        ("utf-8", "señal 視".encode(), "unknown word 'señal 視'"),
    ],
)
def test_any_word_can_be_typed_at_any_terminal(
    server: Program, encoding: str, typed: bytes, shown: str
) -> None:
    arguments = ("127.0.0.1", ports_of(server)[0], 5001)
    with ProgramOnTerminal("examples.client", *arguments, PYTHONIOENCODING=encoding) as client:
        client.wait_for("> ")
        client.type(typed.replace(b"\x00", b"\x16\x00").replace(b"\x1b", b"\x16\x1b") + b"\n")
        client.wait_for(shown)
        client.type(b"DESCONECTAR\n")
        assert client.finish() == 0
        assert client.err == ""


def test_a_locale_that_knows_only_ascii_is_enough_for_a_complaint() -> None:
    name = "señal.invalid"
    locale = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    with ProgramOnTerminal("examples.echo", name, 0, **locale) as program:
        assert program.finish() == 2
        assert program.err.count("\n") == 1
        assert program.err.startswith("echo: cannot resolve 'se")
