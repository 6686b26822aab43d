"""Other people's bugs with time: timers that stop, fire early, starve the rest, or leak.

Time is virtual, and so is the wall clock, which nobody may ask. A round that never ends is
found by counting its calls.
"""

import math
import random
import socket
import time
import weakref
from collections.abc import Callable

import pytest

from reactor import EVENT_READ, EventLoop, Timer
from reactor.testing import ManualClock
from reactor.timers import TimerQueue
from tests.doubles.spy_selector import SpySelector

DAY = 24 * 3600.0
YEAR = 365.25 * DAY
CENTURY = 100 * YEAR
EPOLL_LIMIT = 2_147_483  # seconds, as milliseconds in 31 bits


def nothing(*args: object) -> None:
    pass


class Patience:
    """Counts calls; one too many is a round that never ends."""

    def __init__(self, limit: int) -> None:
        self.calls = 0
        self._limit = limit

    def spend(self) -> None:
        self.calls += 1
        if self.calls > self._limit:
            pytest.fail(f"called {self._limit} times, and no end")


class WallClock:
    """Shows now one time and now another, a year or more away."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self._now = 1.0e9

    def __call__(self) -> float:
        self._now += self._chance.choice([-YEAR, -3600.0, 0.0, 3600.0, YEAR])
        return self._now


# -- 22: the wall clock moves the timers -------------------------------------------------


def test_row_22_a_loop_keeps_the_time_that_nobody_sets() -> None:
    with EventLoop() as loop:
        before = time.monotonic()
        assert before <= loop.time() <= time.monotonic()


@pytest.mark.parametrize("seed", range(3))
def test_row_22_no_jump_of_the_wall_clock_moves_a_timer(
    loop: EventLoop,
    clock: ManualClock,
    selector: SpySelector,
    monkeypatch: pytest.MonkeyPatch,
    seed: int,
) -> None:
    selector.clock = clock
    monkeypatch.setattr(time, "time", WallClock(seed))
    called: list[tuple[str, float]] = []
    loop.call_later(5.0, lambda: called.append(("later", loop.time())))
    loop.call_at(7.0, lambda: called.append(("at", loop.time())))
    every = loop.call_every(3.0, lambda: called.append(("every", loop.time())))
    for _ in range(4):
        loop.run_once()
    every.cancel()
    assert called == [("every", 3.0), ("later", 5.0), ("every", 6.0), ("at", 7.0)]


def test_row_22_a_hundred_virtual_years_move_no_timer(
    loop: EventLoop, clock: ManualClock, selector: SpySelector
) -> None:
    selector.clock = clock
    due = [25 * DAY, 50 * DAY, YEAR, 30 * YEAR, 69 * YEAR, CENTURY - 0.5, CENTURY]
    called: list[tuple[float, float]] = []
    for when in random.Random(0).sample(due, len(due)):
        loop.call_later(when, lambda when=when: called.append((when, loop.time())))
    loop.run()
    assert called == [(when, when) for when in due]
    assert max(timeout or 0.0 for timeout in selector.timeouts) < EPOLL_LIMIT


# -- 23: a timer that arms itself again for now ------------------------------------------


def again_after_0(loop: EventLoop, callback: Callable[[], None]) -> None:
    loop.call_later(0, callback)


def again_in_the_past(loop: EventLoop, callback: Callable[[], None]) -> None:
    loop.call_at(loop.time() - 1.0, callback)


def again_soon(loop: EventLoop, callback: Callable[[], None]) -> None:
    loop.call_soon(callback)


def again_before_the_wait(loop: EventLoop, callback: Callable[[], None]) -> None:
    loop.call_before_select(callback)


@pytest.mark.parametrize(
    "arm", [again_after_0, again_in_the_past, again_soon, again_before_the_wait]
)
def test_row_23_what_arms_itself_for_now_leaves_each_iteration_to_the_sockets(
    loop: EventLoop, clock: ManualClock, arm: Callable[[EventLoop, Callable[[], None]], None]
) -> None:
    patience = Patience(100)

    def again() -> None:
        patience.spend()
        arm(loop, again)

    served: list[int] = []
    near, far = socket.socketpair()
    with near, far:
        loop.register(near, EVENT_READ, served.append)
        far.send(b"x")
        again()
        for _ in range(10):
            loop.run_once(0)
    assert (len(served), patience.calls) == (10, 11)


def test_row_23_what_a_timer_queues_leaves_the_iteration_to_the_sockets(
    loop: EventLoop, clock: ManualClock
) -> None:
    order: list[str] = []
    near, far = socket.socketpair()
    with near, far:
        loop.register(near, EVENT_READ, lambda events: order.append("socket"))
        far.send(b"x")
        loop.call_later(0, loop.call_soon, order.append, "call")
        loop.run_once(0)
        loop.run_once(0)
    assert order == ["socket", "socket", "call"]


def test_row_23_what_a_call_arms_leaves_the_iteration_to_the_sockets(
    loop: EventLoop, clock: ManualClock
) -> None:
    order: list[str] = []
    near, far = socket.socketpair()
    with near, far:
        loop.register(near, EVENT_READ, lambda events: order.append("socket"))
        far.send(b"x")
        loop.call_soon(loop.call_later, 0, order.append, "timer")
        loop.run_once(0)
        loop.run_once(0)
    assert order == ["socket", "socket", "timer"]


def test_row_23_a_crowd_that_arms_itself_for_now_is_called_once_each_iteration(
    loop: EventLoop, clock: ManualClock
) -> None:
    calls: list[int] = []
    patience = Patience(1000)

    def again(name: int) -> None:
        patience.spend()
        calls.append(name)
        loop.call_later(0, again, name)

    for name in range(5):
        loop.call_later(0, again, name)
    for _ in range(3):
        loop.run_once(0)
    assert calls == [0, 1, 2, 3, 4] * 3


# -- 24: cancelled timers stay in memory -------------------------------------------------


@pytest.mark.parametrize("live", [0, 1, 100])
def test_row_24_timers_that_are_set_and_cancelled_do_not_pile_up(live: int) -> None:
    queue = TimerQueue()
    for number in range(live):
        queue.add(float(number), nothing)
    for number in range(20_000):
        queue.add(1e6 + number % 7, nothing, (), 1.0 if number % 2 else None).cancel()
        assert queue.heap_size <= 2 * live + 64
    assert queue.live == live


def test_row_24_a_crowd_that_is_cancelled_while_it_is_due_does_not_stay() -> None:
    queue = TimerQueue()
    crowd = [queue.add(1.0, nothing) for _ in range(2000)]
    queue.expire(1.0)
    random.Random(0).shuffle(crowd)
    for cancelled, timer in enumerate(crowd, start=1):
        timer.cancel()
        assert queue.heap_size <= 2 * (len(crowd) - cancelled) + 64


class Owner:
    """Somebody who waits, and should not be kept alive by that."""

    def called(self, other: "Owner | None" = None) -> None:
        pass


@pytest.mark.parametrize("interval", [None, 1.0])
def test_row_24_a_cancelled_timer_keeps_nobody_alive(interval: float | None) -> None:
    queue = TimerQueue()
    callee, argument = Owner(), Owner()
    gone = [weakref.ref(callee), weakref.ref(argument)]
    timer = queue.add(CENTURY, callee.called, (argument,), interval)
    del callee, argument
    timer.cancel()
    assert [reference() for reference in gone] == [None, None]


def test_row_24_a_loop_whose_timers_are_all_cancelled_has_nothing_to_wait_for(
    loop: EventLoop, clock: ManualClock, selector: SpySelector
) -> None:
    selector.clock = clock
    timers: list[Timer] = [loop.call_later(YEAR, nothing) for _ in range(1000)]
    for timer in timers:
        timer.cancel()
        timer.cancel()
    loop.run()
    assert (clock(), selector.timeouts) == (0.0, [])


# -- 123: a repeating timer drifts, or makes up for what it missed -----------------------


def test_row_123_a_repeating_timer_that_is_called_late_keeps_its_rhythm(
    loop: EventLoop, clock: ManualClock
) -> None:
    chance = random.Random(0)
    beats: list[float] = []
    loop.call_every(0.25, lambda: beats.append(clock()))
    for beat in range(1, 1001):
        clock.advance(beat * 0.25 + chance.choice([0.0, 0.0625, 0.125]) - clock())
        loop.run_once(0)
    assert [math.floor(when / 0.25) for when in beats] == list(range(1, 1001))


def test_row_123_after_a_night_asleep_there_is_one_call_and_then_the_old_rhythm(
    loop: EventLoop, clock: ManualClock
) -> None:
    beats: list[float] = []
    loop.call_every(60.0, lambda: beats.append(clock()))
    clock.advance(8 * 3600.0 + 20.0)
    for _ in range(10):
        loop.run_once(0)
    clock.advance(39.0)
    loop.run_once(0)
    clock.advance(1.0)
    loop.run_once(0)
    assert beats == [8 * 3600.0 + 20.0, 8 * 3600.0 + 60.0]


def test_row_123_a_beat_that_rounding_brings_to_now_is_not_called_again_at_once(
    loop: EventLoop, clock: ManualClock
) -> None:
    chance = random.Random(0)
    for _ in range(200):
        beats: list[float] = []
        timer = loop.call_every(chance.choice([0.02, 0.1, 0.3]), lambda: beats.append(clock()))  # noqa: B023
        clock.advance(timer.interval or 0.0)
        clock.advance((timer.interval or 0.0) * chance.randrange(1000))
        for _ in range(3):
            loop.run_once(0)
        timer.cancel()
        assert beats == [clock()]
