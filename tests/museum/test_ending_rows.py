"""Other people's bugs with how a program ends: what it was told at the start, and who answers."""

import signal
import socket
import subprocess
import sys

import pytest

from tests.doubles.program import ROOT, Program

PATIENCE = 10.0


@pytest.mark.thorough
def test_row_216_a_good_bye_that_nobody_answers_is_no_success() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with Program("examples.client", "127.0.0.1", port, 5001) as client:
            client.wait_for("connected")
            client.end_input()
            assert client.finish() == 1
            assert client.err == "client: left before the good-bye was answered\n"


def test_row_216_a_signal_that_was_ignored_at_the_start_ends_nothing() -> None:
    command = [sys.executable, "-m", "examples.echo", "127.0.0.1", "0"]
    with subprocess.Popen(
        ["sh", "-c", "trap '' INT HUP; exec \"$@\"", "sh", *command],
        cwd=ROOT,
        stdout=subprocess.PIPE,
    ) as program:
        assert program.stdout is not None
        port = int(program.stdout.readline().rpartition(b":")[2])
        for signum in (signal.SIGINT, signal.SIGHUP):
            program.send_signal(signum)
        with socket.create_connection(("127.0.0.1", port), PATIENCE) as client:
            client.settimeout(PATIENCE)
            client.sendall(b"hola\n")
            assert client.recv(100) == b"hola\n"
        program.send_signal(signal.SIGTERM)
    assert program.returncode == 0
