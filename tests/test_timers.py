"""Timers are pure data that are told the time, so every promise can be tried at any hour.
A small sorted list says what is right; bounds and rhythms are checked at sizes no day reaches.
"""

import weakref
from collections.abc import Callable
from fractions import Fraction
from itertools import count
from math import inf, nan, ulp

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from reactor import Timer
from reactor.timers import TimerQueue

HEAP_SLACK = 64
YEAR = 365.25 * 24 * 3600.0


def nothing(*args: object) -> None:
    pass


def run_due(queue: TimerQueue, now: float) -> list[tuple[object, ...]]:
    """Call all that is due at `now`; the arguments of each call, in order."""
    queue.expire(now)
    calls = []
    while (due := queue.pop_expired(now)) is not None:
        callback, args, _ = due
        callback(*args)
        calls.append(args)
    return calls


# -- against a model ---------------------------------------------------------------------


class TimerModel(RuleBasedStateMachine):
    """Waiting timers are a list sorted by time and by turn; due ones a list in order."""

    def __init__(self) -> None:
        super().__init__()
        self.queue = TimerQueue()
        self.now = 0.0
        self.turns = count()
        self.timers: list[Timer] = []
        self.waiting: list[tuple[float, int, int]] = []
        self.due: list[tuple[float, int, int]] = []

    def live(self) -> set[int]:
        return {name for _, _, name in self.waiting + self.due}

    @rule(delay=st.integers(-2, 4), interval=st.none() | st.integers(1, 3))
    def add(self, delay: int, interval: int | None) -> None:
        name = len(self.timers)
        when = self.now + delay
        self.timers.append(self.queue.add(when, nothing, (name,), interval))
        self.waiting.append((when, next(self.turns), name))

    @precondition(lambda self: self.timers)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        name = data.draw(st.integers(0, len(self.timers) - 1))
        self.timers[name].cancel()
        self.waiting = [entry for entry in self.waiting if entry[2] != name]
        self.due = [entry for entry in self.due if entry[2] != name]

    @rule(passed=st.integers(0, 9))
    def expire(self, passed: int) -> None:
        self.now += passed
        self.queue.expire(self.now)
        self.due += sorted(entry for entry in self.waiting if entry[0] <= self.now)
        self.waiting = [entry for entry in self.waiting if entry[0] > self.now]

    @rule(calls=st.integers(1, 4))
    def pop(self, calls: int) -> None:
        for _ in range(calls):
            call = self.queue.pop_expired(self.now)
            if not self.due:
                assert call is None
                return
            when, _, name = self.due.pop(0)
            assert call == (nothing, (name,), when)
            interval = self.timers[name].interval
            if interval is not None:
                while when <= self.now:
                    when += interval
                self.waiting.append((when, next(self.turns), name))

    @invariant()
    def the_length_is_the_number_of_live_timers(self) -> None:
        assert self.queue.live == len(self.live())

    @invariant()
    def a_timer_is_active_as_long_as_a_call_is_to_come(self) -> None:
        live = self.live()
        assert [timer.active for timer in self.timers] == [
            name in live for name in range(len(self.timers))
        ]

    @invariant()
    def a_timer_tells_when_it_is_due(self) -> None:
        for when, _, name in self.waiting + self.due:
            assert self.timers[name].when == when

    @invariant()
    def next_when_is_the_earliest_time_or_a_past_one_while_calls_are_due(self) -> None:
        when = self.queue.next_when()
        if self.due:
            assert when is not None
            assert when <= self.now
        else:
            assert when == min((entry[0] for entry in self.waiting), default=None)

    @invariant()
    def the_heap_is_bounded(self) -> None:
        live = self.queue.live
        assert live <= self.queue.heap_size <= 2 * live + HEAP_SLACK


TimerModel.TestCase.settings = settings(stateful_step_count=50)
test_timers_behave_like_a_sorted_list = TimerModel.TestCase


# -- order -------------------------------------------------------------------------------


def test_the_earliest_timer_is_called_first() -> None:
    queue = TimerQueue()
    for when in (3.0, 1.0, 2.0):
        queue.add(when, nothing, (when,))
    assert run_due(queue, 3.0) == [(1.0,), (2.0,), (3.0,)]


def test_equal_times_keep_their_order() -> None:
    queue = TimerQueue()
    for name in range(100):
        queue.add(1.0, nothing, (name,))
    assert run_due(queue, 1.0) == [(name,) for name in range(100)]


def test_a_timer_is_due_at_its_time_and_not_before() -> None:
    queue = TimerQueue()
    queue.add(5.0, nothing)
    assert run_due(queue, 4.999) == []
    assert run_due(queue, 5.0) == [()]


def test_a_single_timer_is_called_once() -> None:
    queue = TimerQueue()
    queue.add(1.0, nothing)
    assert run_due(queue, 1.0) == [()]
    assert run_due(queue, 9.0) == []
    assert (queue.live, queue.heap_size, queue.next_when()) == (0, 0, None)


def test_a_timer_added_while_expiring_waits_for_the_next_round() -> None:
    queue = TimerQueue()

    def rearm() -> None:
        queue.add(0.0, rearm)

    rearm()
    assert run_due(queue, 1.0) == [()]
    assert run_due(queue, 1.0) == [()]


# -- cancelling --------------------------------------------------------------------------


def test_a_cancelled_timer_is_not_called() -> None:
    queue = TimerQueue()
    timer = queue.add(1.0, nothing)
    timer.cancel()
    assert run_due(queue, 2.0) == []


def test_cancelling_twice_or_after_the_call_is_harmless() -> None:
    queue = TimerQueue()
    queue.add(9.0, nothing)
    twice, called = queue.add(1.0, nothing), queue.add(1.0, nothing)
    twice.cancel()
    twice.cancel()
    run_due(queue, 1.0)
    called.cancel()
    assert queue.live == 1


def test_a_callback_can_cancel_another_that_is_due_in_the_same_round() -> None:
    queue = TimerQueue()
    queue.add(1.0, lambda: later.cancel())
    later = queue.add(1.0, nothing, ("later",))
    assert run_due(queue, 1.0) == [()]
    assert queue.next_when() is None


def test_next_when_passes_over_what_was_cancelled_while_due() -> None:
    queue = TimerQueue()
    due = [queue.add(when, nothing) for when in (1.0, 2.0, 3.0)]
    queue.add(8.0, nothing)
    queue.expire(5.0)
    due[0].cancel()
    assert queue.next_when() == 2.0
    due[1].cancel()
    due[2].cancel()
    assert queue.next_when() == 8.0


def test_a_repeating_timer_can_cancel_itself_from_its_callback() -> None:
    queue = TimerQueue()
    timer = queue.add(1.0, lambda: timer.cancel(), interval=1.0)
    assert run_due(queue, 1.0) == [()]
    assert run_due(queue, 9.0) == []
    assert queue.live == 0


def test_only_the_cancelled_ones_are_lost_when_the_heap_is_cleaned() -> None:
    queue = TimerQueue()
    timers = [queue.add(float(name % 7), nothing, (name,)) for name in range(1_000)]
    queue.expire(2.0)
    for name, timer in enumerate(timers):
        if name % 10:
            timer.cancel()
    kept = [name for name in range(1_000) if name % 10 == 0]
    assert run_due(queue, 7.0) == [(name,) for name in sorted(kept, key=lambda name: name % 7)]


# -- the bound ---------------------------------------------------------------------------


def test_the_heap_stays_bounded_over_a_hundred_thousand_timers_set_and_cancelled() -> None:
    queue = TimerQueue()
    kept = [queue.add(1.0 + name, nothing) for name in range(10)]
    for name in range(100_000):
        queue.add(1e6 - name, nothing).cancel()
        assert queue.heap_size <= 2 * queue.live + HEAP_SLACK
    assert queue.live == len(kept)


def test_the_heap_stays_bounded_when_a_crowd_is_cancelled_in_any_order() -> None:
    queue = TimerQueue()
    timers = [queue.add(float(name), nothing) for name in range(10_000)]
    queue.expire(2_500.0)
    for start in (3, 1, 0, 2):
        for timer in timers[start::4]:
            timer.cancel()
            assert queue.heap_size <= 2 * queue.live + HEAP_SLACK
    assert queue.live == 0


def test_the_heap_stays_bounded_when_live_timers_go_and_cancelled_ones_remain() -> None:
    queue = TimerQueue()
    for _ in range(1_000):
        queue.add(1.0, nothing)
    for _ in range(1_000):
        queue.add(100.0, nothing).cancel()
    run_due(queue, 1.0)
    assert queue.heap_size <= 2 * queue.live + HEAP_SLACK


def test_cancelled_timers_are_cleaned_away_rarely_so_that_cancelling_stays_cheap() -> None:
    queue = TimerQueue()
    timers = [queue.add(float(name), nothing) for name in range(10_000)]
    cleanings = 0
    for timer in timers:
        before = queue.heap_size
        timer.cancel()
        cleanings += queue.heap_size < before
    assert cleanings <= 12


# -- repeating ---------------------------------------------------------------------------


def test_a_repeating_timer_keeps_its_rhythm_when_it_is_called_late() -> None:
    queue = TimerQueue()
    timer = queue.add(10.0, nothing, interval=10.0)
    due = []
    for now in (10.0, 21.5, 30.25, 49.0):
        assert run_due(queue, now) == [()]
        due.append(timer.when)
    assert due == [20.0, 30.0, 40.0, 50.0]


def test_missed_times_are_skipped() -> None:
    queue = TimerQueue()
    timer = queue.add(10.0, nothing, interval=10.0)
    assert run_due(queue, 1_000_005.0) == [()]
    assert timer.when == 1_000_010.0


def test_a_time_that_is_just_now_is_not_called_twice() -> None:
    queue = TimerQueue()
    timer = queue.add(10.0, nothing, interval=10.0)
    assert run_due(queue, 30.0) == [()]
    assert timer.when == 40.0


def test_rounding_does_not_call_a_repeating_timer_twice_at_one_time() -> None:
    queue = TimerQueue()
    now = 16.19592972722763
    # In exact numbers the next time is a hair after `now`, in floats it is `now` itself.
    timer = queue.add(6.515929727227629, nothing, interval=0.02)
    assert run_due(queue, now) == [()]
    assert timer.when == now + 0.02


@settings(deadline=None)
@given(
    when=st.floats(0, 100 * YEAR),
    late=st.floats(0, 1e6) | st.sampled_from([0.0, 0.1, 0.3, 1.0]),
    interval=st.floats(1e-3, 1e5) | st.sampled_from([0.001, 0.1, 0.3, 1 / 30]),
)
def test_the_next_time_is_the_first_of_the_rhythm_after_now(
    when: float, late: float, interval: float
) -> None:
    queue = TimerQueue()
    timer = queue.add(when, nothing, interval=interval)
    now = when + late
    run_due(queue, now)
    assert now < timer.when <= now + interval
    beats = (Fraction(timer.when) - Fraction(when)) / Fraction(interval)
    assert abs(beats - round(beats)) * Fraction(interval) <= 4 * Fraction(ulp(now + interval))


def test_a_hundred_virtual_years_pass() -> None:
    queue = TimerQueue()
    day = 24 * 3600.0
    century = 100 * YEAR
    daily = queue.add(day, nothing, ("daily",), interval=day)
    queue.add(century - 1.0, nothing, ("jubilee",))
    calls = []
    while (now := queue.next_when()) is not None and now <= century:
        calls += run_due(queue, now)
    assert calls == [*[("daily",)] * 36_524, ("jubilee",), ("daily",)]
    assert daily.when == century + day


# -- what a timer holds ------------------------------------------------------------------


class Owner:
    def called(self, other: object) -> None:
        pass


def finish_by_cancel(queue: TimerQueue, timer: Timer) -> None:
    timer.cancel()


def finish_by_cancel_while_due(queue: TimerQueue, timer: Timer) -> None:
    queue.expire(1.0)
    timer.cancel()


def finish_by_call(queue: TimerQueue, timer: Timer) -> None:
    run_due(queue, 1.0)


@pytest.mark.parametrize("finish", [finish_by_cancel, finish_by_cancel_while_due, finish_by_call])
def test_a_finished_timer_lets_go_of_its_callback_and_arguments(
    finish: Callable[[TimerQueue, Timer], None],
) -> None:
    queue = TimerQueue()
    owner, argument = Owner(), Owner()
    timer = queue.add(1.0, owner.called, (argument,))
    held = [weakref.ref(owner), weakref.ref(argument)]
    finish(queue, timer)
    del owner, argument
    assert [reference() for reference in held] == [None, None]
    assert not timer.active


# -- arguments ---------------------------------------------------------------------------


@pytest.mark.parametrize("when", [inf, -inf, nan])
def test_a_time_must_be_finite(when: float) -> None:
    queue = TimerQueue()
    with pytest.raises(ValueError, match="finite time"):
        queue.add(when, nothing)
    assert (queue.live, queue.heap_size) == (0, 0)


@pytest.mark.parametrize("interval", [0.0, -0.0, -1.0, inf, nan])
def test_an_interval_must_be_positive_and_finite(interval: float) -> None:
    queue = TimerQueue()
    with pytest.raises(ValueError, match="interval"):
        queue.add(1.0, nothing, interval=interval)
    assert (queue.live, queue.heap_size) == (0, 0)


def test_a_timer_is_shown_without_all_others() -> None:
    shown = repr(TimerQueue().add(1.0, nothing))
    assert "when=1.0" in shown
    assert "_queue" not in shown


def test_a_time_may_lie_in_the_past() -> None:
    queue = TimerQueue()
    queue.add(-1.0, nothing)
    assert run_due(queue, 0.0) == [()]


@pytest.mark.parametrize("due", [False, True])
def test_a_cleared_queue_has_no_timer_and_keeps_no_callback(due: bool) -> None:
    queue = TimerQueue()
    timers = [queue.add(1.0, int), queue.add(2.0, int, interval=1.0), queue.add(3.0, int)]
    timers[2].cancel()
    if due:
        queue.expire(now=1.0)
    queue.clear()
    assert [timer.active for timer in timers] == [False] * 3
    assert [timer.callback for timer in timers] == [None] * 3
    assert (queue.live, queue.heap_size, queue.next_when()) == (0, 0, None)
    queue.expire(now=5.0)
    assert queue.pop_expired(now=5.0) is None
