"""Other people's bugs with what a program prints, and how it ends: real processes and pipes."""

import os
import re
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from examples.printer import Printer
from tests.doubles.program import Program, read_some, small_pipe

SERVER = ("127.0.0.1", 0, "--ingest", "127.0.0.1:0")
PATIENCE = 5.0


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """The two ends of a small pipe; a program that is given the other one closes it."""
    ours, theirs = small_pipe()
    yield ours, theirs
    os.close(ours)


def flood(port: int) -> None:
    """Make a server print more than a pipe has room for; all of its clients are answered."""
    with ExitStack() as cleanup:
        address = ("127.0.0.1", port)
        clients = [
            cleanup.enter_context(socket.create_connection(address, PATIENCE)) for _ in range(30)
        ]
        for client in clients:
            client.sendall(b"\xff" * 60 + b"\n")
        for client in clients:
            assert client.recv(100).startswith(b"ERROR")


@pytest.mark.thorough
def test_row_216_lines_that_nobody_reads_keep_nobody_waiting(pipe: tuple[int, int]) -> None:
    ours, theirs = pipe
    with Program("examples.server", *SERVER, stdout=theirs) as server:
        found = re.search(rb"listening on 127\.0\.0\.1:(\d+)", os.read(ours, 4096))
        assert found is not None
        flood(int(found[1]))
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(PATIENCE) == 0


def test_row_216_lines_that_are_left_out_are_counted(pipe: tuple[int, int]) -> None:
    ours, theirs = pipe
    printer = Printer(theirs, "ascii")
    for number in range(5000):
        printer.write(f"{number}\n")
    told = b""
    while not told.endswith(b"\n4999\n"):
        told += read_some(ours)
    os.close(theirs)
    lines = told.splitlines()
    left_out = [int(line.split()[-1]) for line in lines if line.startswith(b"lines left out")]
    assert len(lines) - len(left_out) + sum(left_out) == 5000


def test_row_216_any_character_goes_to_any_terminal(pipe: tuple[int, int]) -> None:
    ours, theirs = pipe
    for encoding in ("ascii", "iso-8859-1", "utf-8"):
        Printer(theirs, encoding).write("ñ€\ufffd\udcff\n")
        told = b""
        while not told.endswith(b"\n"):
            told += read_some(ours)
        assert told.rstrip().endswith(rb"\udcff")
    os.close(theirs)


def test_row_216_a_terminal_that_goes_away_ends_a_server_with_its_account() -> None:
    with Program("examples.server", *SERVER) as server:
        server.wait_for("listening")
        assert server.finish(signal.SIGHUP) == 0
        assert server.out.splitlines()[-1].startswith("ended: ")


def test_row_216_a_line_that_is_too_long_is_answered_and_the_next_one_too() -> None:
    with Program("examples.server", *SERVER) as server:
        port = server.wait_for(r"listening on 127\.0\.0\.1:(\d+)")[1]
        with Program("examples.client", "127.0.0.1", port, 5001) as client:
            client.say("x" * 10_000)
            client.say("CONTINUAR")
            client.wait_for("unknown word 'xxx(?s:.)*ERROR NO_CONECTADO")
