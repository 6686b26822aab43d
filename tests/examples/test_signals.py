"""What a program does when it is told to end: in good order, at any time, and only once."""

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

import reactor
from examples import console
from tests.doubles.program import ROOT, Program
from tests.size import thoroughly

PATIENCE = 10.0
SERVER = ("127.0.0.1", 0, "--ingest", "127.0.0.1:0")
OURS = {
    "server": (SERVER, "ended: "),
    "echo": (("127.0.0.1", 0), "listening"),
    "chat": (("127.0.0.1", 0), "listening"),
}


def port_of(program: Program) -> int:
    return int(program.wait_for(r"listening on 127\.0\.0\.1:(\d+)")[1])


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A server that accepts, and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


@pytest.mark.parametrize("name", ["server", thoroughly("echo"), thoroughly("chat")])
def test_a_terminal_that_goes_away_ends_a_server_in_good_order(name: str) -> None:
    arguments, last_line = OURS[name]
    with Program(f"examples.{name}", *arguments) as program:
        port_of(program)
        assert program.finish(signal.SIGHUP) == 0
        assert program.out.splitlines()[-1].startswith(last_line)
        assert program.err == ""


def test_a_terminal_that_goes_away_ends_a_client_in_good_order(silent: socket.socket) -> None:
    port = silent.getsockname()[1]
    with Program("examples.client", "127.0.0.1", port, 5001, "--watch") as program:
        connection, _ = silent.accept()
        with connection, connection.makefile("rwb", buffering=0) as control:
            assert control.readline().startswith(b"CONECTAR")
            program.process.send_signal(signal.SIGHUP)
            assert control.readline() == b"DESCONECTAR\n"
            control.write(b"OK\nOK\n")
            assert program.finish() == 0
        assert program.err == ""


@pytest.mark.parametrize(
    ("ignored", "heard"), [("HUP", "TERM"), thoroughly("INT", "TERM"), thoroughly("TERM", "INT")]
)
def test_a_signal_that_was_ignored_at_the_start_changes_nothing(ignored: str, heard: str) -> None:
    command = [sys.executable, "-m", "examples.echo", "127.0.0.1", "0"]
    trap = f"trap '' {ignored}; exec \"$@\""
    with subprocess.Popen(
        ["sh", "-c", trap, "sh", *command], cwd=ROOT, stdout=subprocess.PIPE
    ) as program:
        assert program.stdout is not None
        port = int(program.stdout.readline().rpartition(b":")[2])
        program.send_signal(signal.Signals[f"SIG{ignored}"])
        with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
            client.sendall(b"hola\n")
            assert client.recv(100) == b"hola\n"
        program.send_signal(signal.Signals[f"SIG{heard}"])
    assert program.returncode == 0


def test_a_program_that_was_stopped_goes_on() -> None:
    with Program("examples.echo", "127.0.0.1", 0) as program:
        with socket.create_connection(("127.0.0.1", port_of(program)), timeout=10) as client:
            program.process.send_signal(signal.SIGTSTP)
            client.sendall(b"hola\n")
            program.process.send_signal(signal.SIGCONT)
            assert client.recv(100) == b"hola\n"
        assert program.finish(signal.SIGTERM) == 0


# A signal that comes just before a sleep is heard just after it.
STARTS_FOR_EVER = """
import sys, time
from examples import console
def work(arguments):
    console.say("working")
    while True:
        time.sleep(0.01)
sys.exit(console.run("test", work, None))
"""


def run(source: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", source],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_ctrl_c_before_anything_has_begun_is_no_traceback() -> None:
    with run(STARTS_FOR_EVER) as program:
        assert program.stdout is not None
        assert program.stderr is not None
        assert program.stdout.readline() == "working\n"
        program.send_signal(signal.SIGINT)
        assert program.stderr.read() == ""
    assert program.returncode == 128 + signal.SIGINT


HAS_A_BUG = """
import sys
from examples import console
sys.exit(console.run("test", lambda arguments: 1 // arguments, 0))
"""


def test_a_bug_is_a_traceback() -> None:
    with run(HAS_A_BUG) as program:
        _, complaint = program.communicate(timeout=20)
    assert program.returncode == 1
    assert complaint.endswith("ZeroDivisionError: integer division or modulo by zero\n")


def test_the_second_ctrl_c_does_not_wait_for_clients_but_gives_the_account() -> None:
    with Program("examples.server", *SERVER) as program:
        address = ("127.0.0.1", port_of(program))
        with socket.create_connection(address, timeout=10) as client:
            client.sendall(b"CONTINUAR\n")
            assert client.recv(100).startswith(b"ERROR")
            program.process.send_signal(signal.SIGINT)
            assert client.recv(100) == b""  # it waits for our end of the connection
            assert program.finish(signal.SIGINT) == 0
        assert [line.split()[0] for line in program.out.splitlines()[-2:]] == ["client", "ended:"]
        assert program.err == ""


@pytest.mark.usefixtures("signals_kept")
def test_a_second_signal_is_the_second_though_the_loop_has_not_heard_the_first() -> None:
    heard = []
    with reactor.EventLoop() as loop, console.on_interrupt(loop, lambda: heard.append("leave")):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGTERM)
        loop.call_later(PATIENCE, heard.append, "never stopped")
        loop.run()
    assert heard == ["leave"]


def test_the_second_ctrl_c_does_not_wait_for_a_good_bye(silent: socket.socket) -> None:
    port = silent.getsockname()[1]
    with Program("examples.client", "127.0.0.1", port, 5001, "--watch") as program:
        connection, _ = silent.accept()
        with connection, connection.makefile("rb") as said:
            assert said.readline().startswith(b"CONECTAR")
            program.process.send_signal(signal.SIGINT)
            assert said.readline() == b"DESCONECTAR\n"
            assert program.finish(signal.SIGINT) == 1
        assert program.err == "client: left before the good-bye was answered\n"
        assert program.out.splitlines()[-1].startswith("ended: 0 datagrams received")


@pytest.mark.thorough
def test_a_demo_that_can_not_keep_up_ends_with_books_that_add_up() -> None:
    with Program("examples.demo", "--seconds", 1e308, "--mbps", 1e308) as program:
        program.wait_for(r"client 3 +active +\S+ +[1-9]")
        status = program.finish(signal.SIGINT)
        assert program.err == ""
        verdict = program.out.splitlines()[-1]
    if status == 0:
        assert verdict.startswith("all ")
        return
    assert status == 1
    due, arrived, *losses = map(int, re.findall(r"\d+", verdict.partition(";")[0]))
    assert due == arrived + sum(losses) > 0
