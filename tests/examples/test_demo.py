"""The demo: a newcomer's first command must show the relay at work, and tell the truth."""

import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable

import pytest

from examples import demo
from examples.synthetic import datagram, number_of
from tests.programs import ROOT, Program


def test_every_datagram_arrives_and_the_exit_status_says_so() -> None:
    with Program("examples.demo", "--seconds", 1.5) as program:
        assert program.finish() == 0
        assert program.err == ""
        assert re.search(r"all [1-9]\d+ datagrams that were due arrived", program.out)


def test_one_client_pauses_and_resumes() -> None:
    with Program("examples.demo", "--seconds", 4.5, "--clients", 2) as program:
        program.wait_for(r"client 2 +paused")
        assert program.finish() == 0
        whole = re.findall(r"client 1 +\S+ +\S+ +(\d+)", program.out)[-1]
        part = re.findall(r"client 2 +\S+ +\S+ +(\d+)", program.out)[-1]
    assert 0 < int(part) < int(whole)


def test_a_single_client_may_pause_too() -> None:
    with Program("examples.demo", "--seconds", 0.6, "--clients", 1) as program:
        assert program.finish() == 0


def test_a_loss_is_told_by_the_exit_status(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("examples.synthetic.datagram", lose_every_hundredth())
    assert demo.main(["--seconds", "0.6", "--clients", "1"]) == 1
    assert "missing or damaged" in capsys.readouterr().out


def lose_every_hundredth() -> Callable[[int], bytes]:
    """A source that damages its own stream: what the players see is not what is due."""
    seen: set[int] = set()

    def damaged(number: int) -> bytes:
        first_time = number not in seen
        seen.add(number)
        whole = datagram(number)
        return whole[:-1] + b"?" if first_time and number % 100 == 50 else whole

    return damaged


def test_on_a_terminal_the_table_is_refreshed_in_place() -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "examples.demo", "--seconds", "1", "--clients", "1"]
    with subprocess.Popen(command, cwd=ROOT, stdout=theirs) as process:
        os.close(theirs)
        output = read_all(ours)
    assert process.returncode == 0
    assert "\x1b[2F" in output  # two lines up: the head and the one client


def read_all(terminal: int) -> str:
    chunks = []
    try:
        while chunk := os.read(terminal, 4096):
            chunks.append(chunk)
    except OSError:  # Linux: the other end was closed
        pass
    os.close(terminal)
    return b"".join(chunks).decode()


def test_a_datagram_is_seven_packets_of_a_transport_stream() -> None:
    packets = [datagram(7)[start : start + 188] for start in range(0, 7 * 188, 188)]
    assert all(len(packet) == 188 and packet[0] == 0x47 for packet in packets)


def test_a_changed_datagram_is_told_from_a_whole_one() -> None:
    whole = datagram(70_000)
    assert number_of(whole) == 70_000
    assert number_of(whole[:-1] + b"?") is None
    assert number_of(whole[:-1]) is None
