"""The checks in the simulated system: a small size of each, and that each can fail."""

import itertools
import random
from typing import Any

import pytest

from reactor import EVENT_READ, EventLoop, ReceiveBuffer, Stream, Watcher
from reactor.relay.control import ControlConnection
from reactor.relay.fanout import FanOut
from reactor.testing import injections
from reactor.testing.simulated.stream_audit import StreamAudit
from reactor.testing.simulated.tcp import TcpSocket
from tests.reliability import scenarios, seeds, torture
from tests.reliability.outcome import Plan
from tests.reliability.scenarios import SCENARIOS, TORTURED
from tests.reliability.workers import divide
from tests.size import thoroughly

pytestmark = pytest.mark.usefixtures("watchdog")


@pytest.mark.parametrize("seed", [0, 1, thoroughly(2), thoroughly(3)])
def test_the_scenarios_hold_with_any_seed(seed: int) -> None:
    assert seeds.run_seeds([seed]) == (len(SCENARIOS), [])


@pytest.mark.parametrize("size", [4, thoroughly(12)])
@pytest.mark.parametrize("name", TORTURED)
def test_the_scenarios_hold_under_torture(name: str, size: int) -> None:
    attempts = [(name, 0, each) for each in injections(TORTURED[name], 0)]
    assert torture.try_all(random.Random(0).sample(attempts, size)) == []


def test_torture_goes_on_with_the_next_seed_until_there_is_enough() -> None:
    of_one_seed = {seed for _, seed, _ in torture.gather(5, 1)}
    of_two_seeds = {seed for _, seed, _ in torture.gather(5, 12_000)}
    assert (of_one_seed, of_two_seeds) == ({5}, {5, 6})


@pytest.mark.thorough
def test_seeds_are_divided_among_processes() -> None:
    outcome = seeds.run(Plan(seed=7), seeds=4)
    assert outcome.figures["simulated runs"] == 4 * len(SCENARIOS)
    assert outcome.failures == []


def test_work_is_divided_whole_and_in_order() -> None:
    assert list(itertools.chain(*divide(list, range(100)))) == list(range(100))


# -- that they can fail --------------------------------------------------------------------


def found_by(name: str) -> bool:
    """Whether some of a few seeds make this scenario fail."""
    complaints = (line for seed in (0, 2, 4) for line in seeds.run_seeds([seed])[1])
    return any(f"scenario {name}" in line for line in complaints)


def test_an_echo_that_loses_a_byte_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def data_received(echo: scenarios.Echo, buffer: ReceiveBuffer) -> None:
        echo.stream.write(buffer.take_all()[:-1])

    monkeypatch.setattr(scenarios.Echo, "data_received", data_received)
    _, failures = seeds.run_seeds([0])
    assert any("scenario echo" in failure for failure in failures)


def test_a_reply_that_a_reset_destroys_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    close = Stream.close
    monkeypatch.setattr(Stream, "close", lambda stream, timeout=5.0: close(stream, timeout=0.0))
    assert found_by("farewell")


def test_a_relay_that_sends_a_datagram_twice_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    once = FanOut.datagrams_received

    def twice(self: FanOut, endpoint: Any, batch: Any) -> None:
        once(self, endpoint, batch)
        once(self, endpoint, batch)

    monkeypatch.setattr(FanOut, "datagrams_received", twice)
    _, failures = seeds.run_seeds([0])
    assert any("scenario relay" in failure for failure in failures)


def test_a_relay_whose_end_overtakes_its_answers_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    # What is no answer has the stream closed.
    monkeypatch.setattr(ControlConnection, "eof_received", lambda connection: None)
    _, failures = seeds.run_seeds([0])
    assert any("scenario commands" in failure for failure in failures)


def test_a_loop_that_a_full_selector_ends_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    modify = Watcher.modify

    def fail(watcher: Watcher, events: int) -> None:
        try:
            modify(watcher, events)
        except OSError as exc:
            raise RuntimeError("nobody reckons with this") from exc

    monkeypatch.setattr(Watcher, "modify", fail)
    attempts = [each for each in torture.gather(0, 1) if each[2].call == "register"]
    assert any("the loop was ended by" in failure for failure in torture.try_all(attempts))


def test_a_loop_that_leaks_when_it_can_not_watch_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    register = EventLoop.register

    def leak(loop: EventLoop, *watched: Any) -> Watcher:
        try:
            return register(loop, *watched)
        except OSError:
            loop.network.socketpair()
            raise

    monkeypatch.setattr(EventLoop, "register", leak)
    attempts = [each for each in torture.gather(0, 1) if each[2].call == "register"]
    assert any("never closed" in failure for failure in torture.try_all(attempts))


# -- the bugs of streams that the scenarios were made for ------------------------------------------


def test_a_stream_whose_end_overtakes_what_was_left_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    modify = Watcher.modify

    def read_on(watcher: Watcher, events: int) -> None:
        modify(watcher, events | EVENT_READ)

    monkeypatch.setattr(Watcher, "modify", read_on)
    assert found_by("dialogue")


def test_a_stream_whose_failed_output_ends_its_input_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    send, receive = TcpSocket.send, TcpSocket.recv
    deaf = set()

    def fail_for_good(sock: TcpSocket, data: bytes) -> int:
        try:
            return send(sock, data)
        except (BrokenPipeError, ConnectionError):
            deaf.add(sock)
            raise

    def hear_nothing(sock: TcpSocket, size: int, flags: int = 0) -> bytes:
        if sock in deaf:
            raise ConnectionResetError
        return receive(sock, size, flags)

    monkeypatch.setattr(TcpSocket, "send", fail_for_good)
    monkeypatch.setattr(TcpSocket, "recv", hear_nothing)
    assert found_by("refusal")


def test_a_stream_that_is_torn_by_an_exit_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    deliver = StreamAudit.data_received

    def tear(audit: StreamAudit, buffer: ReceiveBuffer) -> None:
        try:
            deliver(audit, buffer)
        except SystemExit:
            buffer.discard(len(buffer))
            raise

    monkeypatch.setattr(StreamAudit, "data_received", tear)
    assert found_by("dialogue")


def test_a_stream_that_outlives_both_its_halves_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    shut, receive = TcpSocket.shutdown, TcpSocket.recv
    over = set()

    def remember(sock: TcpSocket, how: int) -> None:
        over.add(sock)
        shut(sock, how)

    def miss_the_end(sock: TcpSocket, size: int, flags: int = 0) -> bytes:
        data = receive(sock, size, flags)
        if sock in over and not data:
            raise BlockingIOError
        return data

    monkeypatch.setattr(TcpSocket, "shutdown", remember)
    monkeypatch.setattr(TcpSocket, "recv", miss_the_end)
    assert found_by("dialogue")
