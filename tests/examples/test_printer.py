"""A printer keeps nobody, loses nothing that could be written, and counts the rest."""

import os
import re
import select
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from examples.printer import Printer
from tests.doubles.program import read_some, small_pipe

PATIENCE = 20.0


@pytest.fixture
def cleanup() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def pipe(cleanup: ExitStack) -> tuple[int, int]:
    ours, theirs = small_pipe()
    for end in (ours, theirs):
        cleanup.callback(close_if_open, end)
    return ours, theirs


def close_if_open(descriptor: int) -> None:
    try:
        os.close(descriptor)
    except OSError:
        pass


def read_until(descriptor: int, enough: Callable[[bytes], object]) -> bytes:
    """What comes out until it is enough; fails if it never is."""
    data = b""
    deadline = time.monotonic() + PATIENCE
    while not enough(data):
        ready, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
        assert ready, data[-200:]
        data += read_some(descriptor)
    return data


def wait_until_full(descriptor: int) -> None:
    """Until not a byte more can be written."""
    deadline = time.monotonic() + PATIENCE
    while select.select([], [descriptor], [], 0)[1]:
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_what_is_written_comes_out_in_order(pipe: tuple[int, int]) -> None:
    ours, theirs = pipe
    printer = Printer(theirs, "utf-8")
    for number in range(900):
        printer.write(f"{number}\n")
    expected = b"".join(b"%d\n" % number for number in range(900))
    assert read_until(ours, lambda data: data.endswith(b"899\n")) == expected


def test_nobody_is_kept_waiting_and_what_is_left_out_is_told_in_its_place(
    pipe: tuple[int, int],
) -> None:
    ours, theirs = pipe
    printer = Printer(theirs, "ascii")
    for number in range(20_000):
        printer.write(f"line {number}\n")
    expected = 0
    told = read_until(ours, lambda data: data.endswith(b"line 19999\n")).decode()
    for line in told.splitlines():
        if line.startswith("lines left out here"):
            expected += int(line.split()[-1])
        else:
            assert line == f"line {expected}"
            expected += 1
    assert expected == 20_000


def test_of_what_nobody_takes_the_last_thousand_are_kept(pipe: tuple[int, int]) -> None:
    ours, theirs = pipe
    printer = Printer(theirs, "ascii")
    printer.write("x" * 5000)  # more than the pipe holds: once it is full, the rest is in hand
    wait_until_full(theirs)
    for number in range(1500):
        printer.write(f"{number}\n")
    lines = read_until(ours, lambda data: data.endswith(b"\n1499\n")).splitlines()
    assert lines[1] == b"lines left out here, because they could not be written: 500"
    assert lines[2:] == [b"%d" % number for number in range(500, 1500)]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="full(4) is Linux'")
def test_lines_for_which_a_disk_has_no_room_are_counted(pipe: tuple[int, int]) -> None:
    ours, theirs = pipe
    disk = os.open("/dev/full", os.O_WRONLY)
    try:
        printer = Printer(disk, "ascii")
        printer.write("one\ntwo\n")
        printer.write("three\n")
        assert printer.drain(PATIENCE)
        os.dup2(theirs, disk)  # there is room again
        printer.write("four\n")
        told = b"lines left out here, because they could not be written: 3\nfour\n"
        assert read_until(ours, lambda data: data.endswith(b"four\n")) == told
    finally:
        os.close(disk)


def test_a_line_that_was_begun_and_is_lost_is_ended_before_the_next(
    pipe: tuple[int, int], cleanup: ExitStack
) -> None:
    ours, theirs = pipe
    printer = Printer(theirs, "ascii")
    printer.write("x" * 100_000 + "\n")
    assert os.read(ours, 1) == b"x"
    os.close(ours)  # in the middle of the line
    assert printer.drain(PATIENCE)
    ours, others = os.pipe()
    for end in (ours, others):
        cleanup.callback(os.close, end)
    os.dup2(others, theirs)
    printer.write("next\n")
    told = read_until(ours, lambda data: data.endswith(b"next\n"))
    assert told == b"\nlines left out here, because they could not be written: 1\nnext\n"


def test_a_pipe_without_a_reader_is_written_to_again_once_it_has_one(
    tmp_path: Path, cleanup: ExitStack
) -> None:
    path = tmp_path / "log"
    os.mkfifo(path)
    first = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    theirs = os.open(path, os.O_WRONLY)
    cleanup.callback(os.close, theirs)
    os.close(first)
    printer = Printer(theirs, "ascii")
    printer.write("lost\n")
    assert printer.drain(PATIENCE)
    second = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    cleanup.callback(os.close, second)
    printer.write("heard\n")
    told = b"lines left out here, because they could not be written: 1\nheard\n"
    assert read_until(second, lambda data: data.endswith(b"heard\n")) == told


def test_a_pipe_that_somebody_made_non_blocking_loses_nothing(pipe: tuple[int, int]) -> None:
    ours, theirs = pipe
    os.set_blocking(theirs, False)
    printer = Printer(theirs, "ascii")
    for number in range(900):
        printer.write(f"{number:99}\n")
    wait_until_full(theirs)
    expected = b"".join(b"%99d\n" % number for number in range(900))
    assert read_until(ours, lambda data: len(data) >= len(expected)) == expected


@pytest.mark.parametrize("encoding", ["ascii", "iso-8859-1", "cp437", "utf-8"])
@pytest.mark.parametrize("char", ["ñ", "€", "視", "\ufffd", chr(0xDCFF), "\x00", "\U0001f600"])
def test_any_character_can_be_written_in_any_encoding(
    pipe: tuple[int, int], encoding: str, char: str
) -> None:
    ours, theirs = pipe
    Printer(theirs, encoding).write(f"a{char}b\n")
    told = read_until(ours, lambda data: data.endswith(b"\n")).decode(encoding)
    escaped = char.encode("ascii", "backslashreplace").decode()
    assert told in (f"a{char}b\n", f"a{escaped}b\n")


def test_without_a_thread_to_be_had_lines_wait_for_one(
    pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = pipe
    printer = Printer(theirs, "ascii")
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", fail_to_start)
        printer.write("one\n")
    printer.write("two\n")
    assert read_until(ours, lambda data: data.endswith(b"two\n")) == b"one\ntwo\n"


def fail_to_start(thread: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


def test_to_drain_waits_for_nobody_longer_than_told(pipe: tuple[int, int]) -> None:
    ours, theirs = pipe
    printer = Printer(theirs, "ascii")
    printer.write("x" * 5000)
    assert not printer.drain(0.01)
    read_until(ours, lambda data: len(data) == 5000)
    assert printer.drain(PATIENCE)


def test_a_prompt_is_no_line(pipe: tuple[int, int]) -> None:
    ours, theirs = pipe
    printer = Printer(theirs, "ascii")
    printer.write("x" * 4096 + "\n")
    wait_until_full(theirs)
    for _ in range(1500):
        printer.write("> ")
    told = read_until(ours, lambda data: data.endswith(b"> " * 1000))
    assert re.fullmatch(rb"x+\n(> )+", told)
