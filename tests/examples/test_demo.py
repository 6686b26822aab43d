"""The demo: a newcomer's first command must show the relay at work, and tell the truth."""

import re
import socket
import subprocess
import sys
from collections.abc import Callable

import pytest

import reactor
from examples import demo
from examples.synthetic import Source, datagram, number_of
from reactor.testing import ManualClock
from tests.doubles.program import ROOT, Program, ProgramOnTerminal


def test_every_datagram_arrives_and_the_exit_status_says_so() -> None:
    with Program("examples.demo", "--seconds", 0.3) as program:
        assert program.finish() == 0
        assert program.err == ""
        assert re.search(r"all [1-9]\d+ datagrams that were due arrived", program.out)


def test_one_client_pauses_and_resumes() -> None:
    # On a terminal the table is shown often enough for a short pause to be seen.
    with ProgramOnTerminal("examples.demo", "--seconds", 1.5, "--clients", 2) as program:
        program.wait_for(r"client 2 +paused")
        assert program.finish() == 0
        whole = re.findall(r"client 1 +\S+ +\S+ +(\d+)", program.out)[-1]
        part = re.findall(r"client 2 +\S+ +\S+ +(\d+)", program.out)[-1]
    assert 0 < int(part) < int(whole)


@pytest.mark.thorough
def test_a_single_client_may_pause_too() -> None:
    with Program("examples.demo", "--seconds", 0.3, "--clients", 1) as program:
        assert program.finish() == 0


@pytest.mark.usefixtures("signals_kept")
def test_a_loss_is_told_by_the_exit_status(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("examples.synthetic.datagram", damage_every_hundredth())
    assert demo.main(["--seconds", "0.3", "--clients", "1"]) == 1
    assert re.search(r"[1-9]\d* damaged", capfd.readouterr().out)


def damage_every_hundredth() -> Callable[[int], bytes]:
    """A source that damages its own stream: what the players see is not what is due."""
    seen: set[int] = set()

    def damaged(number: int) -> bytes:
        first_time = number not in seen
        seen.add(number)
        whole = datagram(number)
        return whole[:-1] + b"?" if first_time and number % 100 == 50 else whole

    return damaged


def test_on_a_terminal_the_table_is_refreshed_in_place() -> None:
    with ProgramOnTerminal("examples.demo", "--seconds", 0.3, "--clients", 1) as program:
        assert program.finish() == 0
        assert "\x1b[2F" in program.out  # two lines up: the head and the one client


@pytest.mark.thorough
def test_a_rate_that_was_not_reached_is_told() -> None:
    with Program("examples.demo", "--seconds", 0.3, "--clients", 1, "--mbps", 1e5) as program:
        program.finish()
        verdict = program.out.splitlines()[-1]
    reached = re.search(r"; the source reached ([\d.]+) of the 100000 Mbit/s asked for$", verdict)
    assert reached is not None, verdict
    assert 0 < float(reached[1]) < 2000


def test_a_rate_that_was_reached_needs_no_words() -> None:
    clock = ManualClock()
    with reactor.EventLoop(clock=clock) as loop:
        source = Source(loop, ("127.0.0.1", 9), 8.0)
        for _ in range(100):
            clock.advance(0.01)
            loop.run_once(0)
        assert source.skipped == 0
        assert source.reached == pytest.approx(8.0, abs=0.02)


@pytest.mark.thorough
def test_a_time_too_short_for_a_datagram_is_called_so() -> None:
    with Program("examples.demo", "--seconds", 1e-9, "--clients", 1) as program:
        assert program.finish() == 1
        verdict = program.out.splitlines()[-1]
    assert verdict == "nothing was streamed: no datagram was due in so short a time, at 8 Mbit/s"


@pytest.mark.thorough
@pytest.mark.skipif(sys.platform == "win32", reason="ulimit is a shell's of Unix")
def test_a_limit_that_keeps_clients_out_is_named() -> None:
    impatient = "from examples import demo; demo._GRACE = 0.2; demo.main(['--clients', '30'])"
    done = subprocess.run(
        ["sh", "-c", 'ulimit -n 60; exec "$0" -c "$1"', sys.executable, impatient],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.stderr == ""
    verdict = done.stdout.splitlines()[-1]
    assert re.search(r"of 30 clients could join \(.*ulimit -n allows 60\)$", verdict)


def test_the_columns_of_a_thousand_clients_stay_apart() -> None:
    with reactor.EventLoop() as loop, socket.create_server(("127.0.0.1", 0)) as silent:
        watcher = demo.Watcher(loop, "client 1000", silent.getsockname())
        assert watcher.row(1.0).split()[:3] == ["client", "1000", "new"]


@pytest.mark.parametrize(
    ("height", "shown"),
    [
        (6, ["head", "1", "2", "3", "4"]),
        (5, ["head", "1", "2", "and 2 more"]),
        (3, ["head", "and 4 more"]),
        (1, ["head", "and 4 more"]),
    ],
)
def test_a_table_is_no_higher_than_its_terminal(height: int, shown: list[str]) -> None:
    assert demo.fitted(["head", "1", "2", "3", "4"], height) == shown


@pytest.mark.thorough
def test_a_terminal_that_is_too_low_shows_how_many_more_there_are() -> None:
    arguments = ("--seconds", 0.3, "--clients", 5)
    with ProgramOnTerminal("examples.demo", *arguments, LINES="5") as program:
        assert program.finish() == 0
        assert "and 3 more\x1b[K\r\n" in program.out
        assert "\x1b[4F" in program.out
        assert "client 3" not in program.out


@pytest.mark.parametrize(("mbps", "seconds"), [(8.0, 3600.0), (1e308, 0.005)])
def test_a_source_does_not_make_up_for_what_it_could_not_send(mbps: float, seconds: float) -> None:
    clock = ManualClock()
    with reactor.EventLoop(clock=clock) as loop:
        source = Source(loop, ("127.0.0.1", 9), mbps)
        for ticks in (1, 2):
            clock.advance(seconds)
            loop.run_once(0)
            assert source.sent == ticks * 200


def test_a_datagram_is_seven_packets_of_a_transport_stream() -> None:
    packets = [datagram(7)[start : start + 188] for start in range(0, 7 * 188, 188)]
    assert all(len(packet) == 188 and packet[0] == 0x47 for packet in packets)


def test_a_changed_datagram_is_told_from_a_whole_one() -> None:
    whole = datagram(70_000)
    assert number_of(whole) == 70_000
    assert number_of(whole[:-1] + b"?") is None
    assert number_of(whole[:-1]) is None
