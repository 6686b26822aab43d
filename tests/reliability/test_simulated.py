"""The checks in the simulated system: a small size of each, and that each can fail."""

import itertools
import random
from typing import Any

import pytest

from reactor import EventLoop, ReceiveBuffer, Stream
from reactor.relay.control import ControlConnection
from reactor.relay.fanout import FanOut
from reactor.stream import Input, Life
from reactor.wakeup import Wakeup
from tests.reliability import scenarios, seeds, torture
from tests.reliability.outcome import Plan
from tests.reliability.scenarios import SCENARIOS, TORTURED
from tests.reliability.workers import divide

pytestmark = pytest.mark.usefixtures("watchdog")


@pytest.mark.parametrize("seed", range(4))
def test_the_scenarios_hold_with_any_seed(seed: int) -> None:
    assert seeds.run_seeds([seed]) == (len(SCENARIOS), [])


@pytest.mark.parametrize("name", TORTURED)
def test_the_scenarios_hold_under_torture(name: str) -> None:
    attempts = [each for each in torture.gather(0, 20_000) if each[:2] == (name, 0)]
    assert torture.try_all(random.Random(0).sample(attempts, 60)) == []


def test_torture_goes_on_with_the_next_seed_until_there_is_enough() -> None:
    of_one_seed = {seed for _, seed, _ in torture.gather(5, 1)}
    of_two_seeds = {seed for _, seed, _ in torture.gather(5, 11_000)}
    assert (of_one_seed, of_two_seeds) == ({5}, {5, 6})


def test_seeds_are_divided_among_processes() -> None:
    outcome = seeds.run(Plan(seed=7), seeds=4)
    assert outcome.figures["simulated runs"] == 4 * len(SCENARIOS)
    assert outcome.failures == []


def test_work_is_divided_whole_and_in_order() -> None:
    assert list(itertools.chain(*divide(list, range(100)))) == list(range(100))


# -- that they can fail --------------------------------------------------------------------


def test_an_echo_that_loses_a_byte_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def data_received(self: Any, buffer: ReceiveBuffer) -> None:
        self._stream.write(buffer.take_all()[:-1])

    monkeypatch.setattr(scenarios.Echo, "data_received", data_received)
    _, failures = seeds.run_seeds([0])
    assert any("scenario echo" in failure for failure in failures)


def test_a_reply_that_a_reset_destroys_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def close_at_once(self: Stream, timeout: float = 5.0) -> None:
        self._flush()
        self.abort()

    monkeypatch.setattr(Stream, "close", close_at_once)
    failures = [line for _, lines in map(seeds.run_seeds, ([0], [2], [4])) for line in lines]
    assert any("scenario farewell" in failure for failure in failures)


def test_a_relay_that_sends_a_datagram_twice_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    once = FanOut.datagrams_received

    def twice(self: FanOut, endpoint: Any, batch: Any) -> None:
        once(self, endpoint, batch)
        once(self, endpoint, batch)

    monkeypatch.setattr(FanOut, "datagrams_received", twice)
    _, failures = seeds.run_seeds([0])
    assert any("scenario relay" in failure for failure in failures)


def test_a_relay_whose_end_overtakes_its_answers_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def eof_received(self: ControlConnection) -> None:
        self._stream.close()

    monkeypatch.setattr(ControlConnection, "eof_received", eof_received)
    _, failures = seeds.run_seeds([0])
    assert any("scenario commands" in failure for failure in failures)


def test_a_loop_that_a_full_selector_ends_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def raise_it(self: Stream, events: int) -> None:
        if self._life is Life.OPEN:
            self._watcher.modify(events)

    monkeypatch.setattr(Stream, "_watch", raise_it)
    attempts = [each for each in torture.gather(0, 1) if each[2].call == "register"]
    assert any("the loop was ended by" in failure for failure in torture.try_all(attempts))


def test_a_loop_that_leaks_when_it_can_not_start_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def leak(self: EventLoop) -> None:
        self._wakeup = Wakeup(self._network)
        self._wakeup_watcher = self.register(self._wakeup, 1, self._on_wakeup)

    monkeypatch.setattr(EventLoop, "_hang_bell", leak)
    attempts = [each for each in torture.gather(0, 1) if each[2].call == "register"]
    assert any("never closed" in failure for failure in torture.try_all(attempts))


# -- the bugs of streams that the scenarios were made for ------------------------------------------


def found_by(name: str) -> bool:
    """Whether some of a few seeds make this scenario fail."""
    failures = [line for _, lines in map(seeds.run_seeds, ([0], [2], [4])) for line in lines]
    return any(f"scenario {name}" in failure for failure in failures)


def test_a_stream_whose_end_overtakes_what_was_left_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def resume_at_once(self: Stream) -> None:
        if self._input is Input.PAUSED:
            self._input = Input.OPEN
            self._watch_input()
            self._loop.call_soon(self._deliver)

    monkeypatch.setattr(Stream, "resume_reading", resume_at_once)
    assert found_by("dialogue")


def test_a_stream_whose_failed_output_ends_its_input_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Stream, "_lose_output", Stream._end)
    assert found_by("refusal")


def test_a_stream_that_is_torn_by_an_exit_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def deliver(self: Stream) -> None:
        self._handler.data_received(self._buffer)

    monkeypatch.setattr(Stream, "_deliver", deliver)
    assert found_by("dialogue")


def test_a_stream_that_outlives_both_its_halves_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def end_if_closed(self: Stream) -> None:
        if self._deadline is not None and self._input is Input.ENDED:
            self._end(None)

    monkeypatch.setattr(Stream, "_end_if_over", end_if_closed)
    assert found_by("dialogue")
