"""EventLoop and Watcher: what runs when, what ends what, and that waiting is waiting."""

import errno
import logging
import os
import random
import selectors
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import pytest

from reactor import (
    EVENT_READ,
    EVENT_WRITE,
    EventLoop,
    Instrument,
    LoopClosed,
    ReceiveBuffer,
    Stream,
    StreamHandler,
    Watcher,
    bind_udp,
    connect,
    listen,
)
from reactor.testing import ManualClock, RecordingHandler, run_until, stream_pair
from reactor.wakeup import Wakeup
from tests.conftest import Connect, Reported
from tests.fakes import Door, Mailbox, Ready, SpySelector, open_descriptors, tcp_pair, wait_for

Pair = tuple[socket.socket, socket.socket]
MakePair = Callable[[], Pair]


@pytest.fixture
def make_pair() -> Iterator[MakePair]:
    """Makes connected socket pairs, and closes them in the end."""
    with ExitStack() as stack:

        def make() -> Pair:
            first, second = socket.socketpair()
            first.setblocking(False)
            return stack.enter_context(first), stack.enter_context(second)

        yield make


@pytest.fixture
def pair(make_pair: MakePair) -> Pair:
    """Two connected sockets; the first does not block."""
    return make_pair()


def fail(*args: object) -> None:
    raise ZeroDivisionError


def leave(kind: type[BaseException], *args: object) -> None:
    raise kind


ways_out = pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt, GeneratorExit])


# -- run, run_once, stop -----------------------------------------------------------------


def test_run_returns_when_there_is_nothing_to_wait_for(loop: EventLoop) -> None:
    loop.run()


def test_run_returns_after_the_last_call(loop: EventLoop) -> None:
    done: list[int] = []
    loop.call_soon(loop.call_soon, done.append, 1)
    loop.run()
    assert done == [1]


def test_run_returns_after_the_last_timer(loop: EventLoop) -> None:
    done: list[int] = []
    loop.call_later(0.001, done.append, 1)
    loop.run()
    assert done == [1]


def test_run_returns_when_the_last_watcher_closes(loop: EventLoop, pair: Pair) -> None:
    watcher = loop.register(pair[0], EVENT_WRITE, lambda events: watcher.close())
    loop.run()
    assert watcher.closed


def test_a_loop_with_only_a_watcher_waits_without_limit(
    loop: EventLoop, selector: SpySelector, pair: Pair
) -> None:
    near, far = pair

    def send_once_asleep() -> None:
        selector.asleep.wait()
        far.send(b"x")

    thread = threading.Thread(target=send_once_asleep)
    thread.start()
    loop.register(near, EVENT_READ, lambda events: loop.stop())
    loop.run()
    thread.join()
    assert selector.timeouts == [None]


def test_a_loop_with_a_timer_wakes_only_for_the_timer(
    loop: EventLoop, selector: SpySelector, clock: ManualClock, pair: Pair
) -> None:
    selector.clock = clock
    loop.register(pair[0], EVENT_READ, fail)
    loop.call_later(5.0, loop.stop)
    loop.run()
    assert selector.timeouts == [5.0]


def test_a_cancelled_timer_does_not_wake_the_loop(
    loop: EventLoop, selector: SpySelector, clock: ManualClock
) -> None:
    selector.clock = clock
    cancelled = loop.call_later(1.0, fail)
    loop.call_later(5.0, loop.stop)
    cancelled.cancel()
    loop.run()
    assert selector.timeouts == [5.0]


def test_waiting_calls_make_select_return_at_once(loop: EventLoop, selector: SpySelector) -> None:
    loop.call_soon(loop.call_soon, loop.stop)
    loop.run()
    assert selector.timeouts[0] == 0


def test_run_once_does_not_wait_when_there_is_nothing_to_wait_for(
    loop: EventLoop, selector: SpySelector
) -> None:
    loop.run_once()
    assert selector.timeouts == [0.0]


def test_run_once_waits_at_most_its_timeout(
    loop: EventLoop, selector: SpySelector, clock: ManualClock
) -> None:
    selector.clock = clock
    loop.call_later(10.0, fail)
    loop.run_once(0.25)
    assert selector.timeouts == [0.25]


def test_run_once_waits_no_longer_than_the_next_timer(
    loop: EventLoop, selector: SpySelector, clock: ManualClock
) -> None:
    selector.clock = clock
    loop.call_later(1.0, int)
    loop.run_once(60.0)
    assert selector.timeouts == [1.0]


@pytest.mark.parametrize("timeout", [3e6, 1e12, float("inf")])
def test_run_once_takes_a_timeout_longer_than_the_selector_can_wait(
    loop: EventLoop, pair: Pair, timeout: float
) -> None:
    seen: list[int] = []
    loop.register(pair[0], EVENT_WRITE, seen.append)
    loop.run_once(timeout)
    assert seen == [EVENT_WRITE]


def test_run_once_does_one_iteration(loop: EventLoop, selector: SpySelector) -> None:
    loop.call_soon(loop.call_soon, fail)
    loop.run_once()
    assert len(selector.timeouts) == 1


def test_stop_lets_the_iteration_finish(loop: EventLoop, selector: SpySelector) -> None:
    done: list[int] = []
    loop.call_soon(loop.stop)
    loop.call_soon(done.append, 1)
    loop.call_every(1.0, fail)
    loop.run()
    assert done == [1]
    assert len(selector.timeouts) == 1


def test_stop_before_run_allows_one_iteration(loop: EventLoop) -> None:
    done: list[int] = []
    loop.call_soon(done.append, 1)
    loop.call_soon(loop.call_soon, fail)
    loop.stop()
    loop.run()
    assert done == [1]


def test_a_stopped_loop_can_run_again(loop: EventLoop) -> None:
    done: list[int] = []
    loop.call_soon(loop.stop)
    loop.call_soon(loop.call_soon, done.append, 1)
    loop.run()
    loop.run()
    assert done == [1]


def test_what_was_written_before_stop_has_left_when_run_returns(
    loop: EventLoop, connected: Connect
) -> None:
    class LastWords(RecordingHandler):
        def eof_received(self) -> bool:
            assert self.stream is not None
            self.stream.write(b"last words")
            loop.stop()
            return True

    link = connected(LastWords())
    link.peer.end()
    loop.run()
    assert link.peer.wait().pull() == b"last words"


def test_a_thread_can_stop_a_sleeping_loop(
    loop: EventLoop, selector: SpySelector, pair: Pair
) -> None:
    def stop_once_asleep() -> None:
        selector.asleep.wait()
        loop.stop()

    loop.register(pair[0], EVENT_READ, fail)
    thread = threading.Thread(target=stop_once_asleep)
    thread.start()
    loop.run()
    thread.join()
    assert selector.timeouts == [None]


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="needs Unix signals")
def test_a_handler_of_the_signal_module_can_stop_a_sleeping_loop(
    loop: EventLoop, selector: SpySelector, pair: Pair
) -> None:
    main = threading.get_ident()

    def send_once_asleep() -> None:
        selector.asleep.wait()
        # A signal that comes on the brink of sleep interrupts no sleep: sent until it does.
        while not stopped.wait(0.01):
            signal.pthread_kill(main, signal.SIGUSR1)

    stopped = threading.Event()
    loop.register(pair[0], EVENT_READ, fail)
    before = signal.signal(signal.SIGUSR1, lambda signum, frame: loop.stop())
    thread = threading.Thread(target=send_once_asleep)
    thread.start()
    try:
        loop.run()
    finally:
        stopped.set()
        thread.join()
        signal.signal(signal.SIGUSR1, before)


def test_a_stop_between_the_look_at_the_queue_and_the_wait_is_not_missed(
    selector: SpySelector, pair: Pair
) -> None:
    class Stopper(Instrument):
        def select_started(self, timeout: float | None, timers: int, calls: int) -> None:
            assert timeout is None
            loop.stop()

    with EventLoop(selector=selector, instrument=Stopper()) as loop:
        loop.register(pair[0], EVENT_READ, fail)
        loop.run()


def test_stopping_a_loop_that_does_not_wait_wakes_nobody(
    loop: EventLoop, selector: SpySelector
) -> None:
    loop.stop()
    loop.call_soon(loop.stop)
    loop.run()
    loop.stop()
    assert selector.select(0) == []


def test_the_loop_runs_only_while_it_runs(loop: EventLoop) -> None:
    seen: list[bool] = []
    loop.call_soon(lambda: seen.append(loop.running))
    loop.run()
    assert [*seen, loop.running] == [True, False]


# -- a callback raises -------------------------------------------------------------------


def test_what_a_callback_raises_comes_out_of_run(loop: EventLoop) -> None:
    loop.call_soon(fail)
    with pytest.raises(ZeroDivisionError):
        loop.run()
    assert not loop.running


def test_the_other_calls_are_made_when_the_loop_runs_again(loop: EventLoop) -> None:
    done: list[int] = []
    loop.call_soon(fail)
    loop.call_soon(done.append, 1)
    with pytest.raises(ZeroDivisionError):
        loop.run()
    loop.run()
    assert done == [1]


def test_the_other_due_timers_run_when_the_loop_runs_again(
    loop: EventLoop, clock: ManualClock
) -> None:
    done: list[int] = []
    loop.call_later(1.0, fail)
    loop.call_later(1.0, done.append, 1)
    clock.advance(1.0)
    with pytest.raises(ZeroDivisionError):
        loop.run()
    loop.run()
    assert done == [1]


def test_a_repeating_timer_that_raised_goes_on(loop: EventLoop, clock: ManualClock) -> None:
    timer = loop.call_every(1.0, fail)
    clock.advance(1.0)
    with pytest.raises(ZeroDivisionError):
        loop.run()
    assert timer.active
    assert timer.when == 2.0


def test_the_other_events_are_met_when_the_loop_runs_again(
    loop: EventLoop, selector: SpySelector, make_pair: MakePair
) -> None:
    seen: list[Watcher] = []

    def meet(watcher: Watcher) -> None:
        seen.append(watcher)
        watcher.close()
        raise ZeroDivisionError

    def watch() -> Watcher:
        watcher = loop.register(make_pair()[0], EVENT_WRITE, lambda events: meet(watcher))
        return watcher

    watchers = {watch(), watch()}
    for _ in watchers:
        with pytest.raises(ZeroDivisionError):
            loop.run()
    assert set(seen) == watchers


class Fatal(Instrument):
    """Raises at one of all hooks, counted through."""

    def __init__(self, kind: type[BaseException], place: int) -> None:
        self._kind = kind
        self._left = place

    def _pass(self, *args: object) -> None:
        self._left -= 1
        if self._left == -1:
            raise self._kind

    select_started = select_ended = _pass  # type: ignore[assignment]
    callback_started = callback_ended = _pass  # type: ignore[assignment]

    @property
    def reached(self) -> bool:
        """Whether it has raised."""
        return self._left < 0


@pytest.mark.parametrize("kind", [ValueError, SystemExit, KeyboardInterrupt, GeneratorExit])
@pytest.mark.parametrize("place", range(24))
def test_whatever_a_hook_raises_and_where_all_that_was_due_is_done_once(
    selector: SpySelector, make_pair: MakePair, kind: type[BaseException], place: int
) -> None:
    instrument = Fatal(kind, place)
    done: list[str] = []
    with EventLoop(selector=selector, clock=ManualClock(), instrument=instrument) as loop:

        def watch(name: str) -> None:
            def note(events: int) -> None:
                watcher.close()
                done.append(name)

            watcher = loop.register(make_pair()[0], EVENT_WRITE, note)

        for number in "12":
            loop.call_soon(done.append, "call " + number)
            loop.call_later(0, done.append, "timer " + number)
            loop.call_before_select(partial(done.append, "flush " + number))
            watch("watcher " + number)
        try:
            loop.run()
        except kind:
            assert instrument.reached
            loop.run()
    kinds = ["call", "flush", "timer", "watcher"]
    assert sorted(done) == [f"{kind} {number}" for kind in kinds for number in "12"]


# -- who is looked at first --------------------------------------------------------------


class Queue:
    """A socket to which something came in time, and a deadline that has passed meanwhile."""

    def __init__(self, loop: EventLoop, clock: ManualClock, pair: Pair) -> None:
        self._clock = clock
        self._near, self._far = pair
        self.order: list[str] = []
        loop.register(self._near, EVENT_READ, self._hear)
        loop.call_at(60.0, self.order.append, "deadline")

    def stall(self, *args: object) -> None:
        """Something comes in time; then nothing runs for an hour."""
        self._far.send(b"x")
        wait_for(self._near)
        self._clock.advance(3600.0)

    def _hear(self, events: int) -> None:
        self._near.recv(1)
        self.order.append("heard")


@pytest.fixture
def queue(loop: EventLoop, clock: ManualClock, pair: Pair) -> Queue:
    return Queue(loop, clock, pair)


def test_what_came_before_the_loop_ran_is_heard_before_a_deadline_passes(
    loop: EventLoop, queue: Queue
) -> None:
    queue.stall()
    loop.run_once(0)
    assert queue.order == ["heard", "deadline"]


def test_what_came_while_the_loop_was_stopped_in_its_wait_is_heard_before_a_deadline_passes(
    loop: EventLoop, selector: SpySelector, queue: Queue
) -> None:
    def be_stopped(ready: Ready) -> Ready:
        selector.arrange = None
        queue.stall()
        return selector.select(0)

    selector.arrange = be_stopped
    loop.run_once(0)
    assert queue.order == ["heard", "deadline"]


@pytest.mark.parametrize("place", ["dispatch", "timer", "call", "flush"])
def test_what_came_while_a_callback_was_slow_is_heard_before_a_deadline_passes(
    loop: EventLoop, queue: Queue, make_pair: MakePair, place: str
) -> None:
    if place == "dispatch":
        sock, _ = make_pair()

        def stall(events: int) -> None:
            watcher.close()
            queue.stall()

        watcher = loop.register(sock, EVENT_WRITE, stall)
    elif place == "timer":
        loop.call_later(0, queue.stall)
    else:
        {"call": loop.call_soon, "flush": loop.call_before_select}[place](queue.stall)
    loop.run_once(0)
    loop.run_once(0)
    assert queue.order == ["heard", "deadline"]


def test_what_came_while_an_instrument_was_slow_is_heard_before_a_deadline_passes(
    selector: SpySelector, clock: ManualClock, pair: Pair
) -> None:
    class Slow(Instrument):
        def select_ended(self, ready: Sequence[tuple[int, int]]) -> None:
            if clock() == 0.0:
                late.stall()

    with EventLoop(selector=selector, clock=clock, instrument=Slow()) as loop:
        late = Queue(loop, clock, pair)
        loop.run_once(0)
        loop.run_once(0)
    assert late.order == ["heard", "deadline"]


def test_a_timer_armed_by_who_was_heard_waits_for_the_next_iteration(
    loop: EventLoop, clock: ManualClock, pair: Pair
) -> None:
    done: list[int] = []

    def arm(events: int) -> None:
        watcher.close()
        loop.call_later(0, done.append, 1)

    watcher = loop.register(pair[0], EVENT_WRITE, arm)
    loop.run_once(0)
    assert done == []
    loop.run_once(0)
    assert done == [1]


# -- calls -------------------------------------------------------------------------------


def test_calls_are_made_in_the_order_of_queueing(loop: EventLoop) -> None:
    done: list[int] = []
    for number in range(5):
        loop.call_soon(done.append, number)
    loop.run()
    assert done == [0, 1, 2, 3, 4]


def test_a_call_queued_by_a_call_waits_for_the_next_iteration(loop: EventLoop) -> None:
    done: list[int] = []
    loop.call_soon(loop.call_soon, done.append, 1)
    loop.run_once(0)
    assert done == []
    loop.run_once(0)
    assert done == [1]


def test_a_call_queued_by_a_timer_waits_for_the_next_iteration(
    loop: EventLoop, clock: ManualClock
) -> None:
    done: list[int] = []
    loop.call_later(0.0, loop.call_soon, done.append, 1)
    loop.run_once(0)
    assert done == []
    loop.run_once(0)
    assert done == [1]


def test_a_call_that_queues_itself_does_not_starve_sockets(loop: EventLoop, pair: Pair) -> None:
    def again() -> None:
        loop.call_soon(again)

    again()
    loop.register(pair[0], EVENT_WRITE, lambda events: loop.stop())
    loop.run()


def test_queued_calls_are_made_before_due_timers(loop: EventLoop, clock: ManualClock) -> None:
    done: list[str] = []
    loop.call_later(0, done.append, "timer")
    loop.call_soon(done.append, "call")
    loop.run_once(0)
    assert done == ["call", "timer"]


def test_a_queued_call_can_cancel_a_timer_that_is_overdue(
    loop: EventLoop, clock: ManualClock
) -> None:
    timer = loop.call_later(1.0, fail)
    loop.call_soon(timer.cancel)
    clock.advance(3600.0)
    loop.run_once(0)


def test_a_timer_armed_by_a_call_waits_for_the_next_iteration(
    loop: EventLoop, clock: ManualClock
) -> None:
    done: list[int] = []
    loop.call_soon(loop.call_later, 0, done.append, 1)
    loop.run_once(0)
    assert done == []
    loop.run_once(0)
    assert done == [1]


# -- calls from other threads ------------------------------------------------------------


def test_a_call_from_another_thread_wakes_a_sleeping_loop(
    loop: EventLoop, selector: SpySelector, pair: Pair
) -> None:
    def call_once_asleep() -> None:
        selector.asleep.wait()
        loop.call_soon_threadsafe(loop.stop)

    loop.register(pair[0], EVENT_READ, fail)
    thread = threading.Thread(target=call_once_asleep)
    thread.start()
    loop.run()
    thread.join()
    assert selector.timeouts[0] is None


def test_every_call_of_every_thread_is_made_in_the_order_of_its_thread(loop: EventLoop) -> None:
    made: dict[int, list[int]] = {name: [] for name in range(8)}

    def call(name: int) -> None:
        for number in range(500):
            loop.call_soon_threadsafe(made[name].append, number)

    threads = [threading.Thread(target=call, args=(name,)) for name in made]
    for thread in threads:
        thread.start()
    run_until(loop, lambda: all(len(numbers) == 500 for numbers in made.values()), 30)
    for thread in threads:
        thread.join()
    assert all(numbers == sorted(numbers) for numbers in made.values())


def test_the_bell_falls_silent_once_it_was_heard(loop: EventLoop, selector: SpySelector) -> None:
    loop.call_soon_threadsafe(int)
    loop.run_once(0)
    selector.clock = ManualClock()
    loop.run_once(1.0)
    assert selector.clock() == 1.0  # nothing ended the wait


# -- timers ------------------------------------------------------------------------------


def test_call_later_waits_its_delay(loop: EventLoop, clock: ManualClock) -> None:
    done: list[int] = []
    loop.call_later(2.0, done.append, 1)
    clock.advance(1.75)
    loop.run_once(0)
    assert done == []
    clock.advance(0.25)
    loop.run_once(0)
    assert done == [1]


def test_call_at_waits_for_its_time(loop: EventLoop, clock: ManualClock) -> None:
    done: list[int] = []
    clock.advance(100.0)
    loop.call_at(101.0, done.append, 1)
    loop.run_once(0)
    assert done == []
    clock.advance(1.0)
    loop.run_once(0)
    assert done == [1]


def test_call_every_keeps_its_rhythm(loop: EventLoop, clock: ManualClock) -> None:
    calls: list[float] = []
    loop.call_every(1.0, lambda: calls.append(loop.time()))
    for _ in range(8):
        clock.advance(0.5)
        loop.run_once(0)
    assert calls == [1.0, 2.0, 3.0, 4.0]


def test_call_every_skips_what_it_missed(loop: EventLoop, clock: ManualClock) -> None:
    done: list[int] = []
    loop.call_every(1.0, done.append, 1)
    clock.advance(10.5)
    loop.run_once(0)
    loop.run_once(0)
    assert done == [1]


def test_timers_run_in_the_order_of_their_times(loop: EventLoop, clock: ManualClock) -> None:
    done: list[int] = []
    for delay in (3, 1, 2):
        loop.call_later(delay, done.append, delay)
    clock.advance(3)
    loop.run_once(0)
    assert done == [1, 2, 3]


def test_a_cancelled_timer_does_not_run(loop: EventLoop, clock: ManualClock) -> None:
    timer = loop.call_later(1.0, fail)
    timer.cancel()
    clock.advance(1.0)
    loop.run_once(0)
    assert not timer.active


def test_a_timer_cancelled_by_another_in_the_same_pass_does_not_run(
    loop: EventLoop, clock: ManualClock
) -> None:
    loop.call_later(1.0, lambda: victim.cancel())
    victim = loop.call_later(1.0, fail)
    clock.advance(1.0)
    loop.run_once(0)
    assert not victim.active


def test_a_repeating_timer_can_cancel_itself(loop: EventLoop, clock: ManualClock) -> None:
    timer = loop.call_every(1.0, lambda: timer.cancel())
    clock.advance(1.0)
    loop.run()
    assert not timer.active


def test_a_timer_that_arms_itself_with_zero_does_not_starve_sockets(
    loop: EventLoop, pair: Pair
) -> None:
    def again() -> None:
        loop.call_later(0, again)

    again()
    loop.register(pair[0], EVENT_WRITE, lambda events: loop.stop())
    loop.run()


def test_a_timer_of_a_hundred_years_is_waited_for_in_pieces(
    loop: EventLoop, selector: SpySelector, clock: ManualClock
) -> None:
    selector.clock = clock
    century = 100 * 365.25 * 86400
    called: list[float] = []
    loop.call_later(century, lambda: called.append(loop.time()))
    loop.run()
    assert called == [century]
    assert max(timeout or 0 for timeout in selector.timeouts) < 2_147_483


def test_the_wall_clock_is_never_asked(loop: EventLoop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", fail)
    done: list[int] = []
    loop.call_later(0.001, done.append, 1)
    loop.run()
    assert done == [1]


@pytest.mark.parametrize("delay", [float("nan"), float("inf")])
def test_a_delay_that_is_no_time_is_refused(loop: EventLoop, delay: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        loop.call_later(delay, fail)


@pytest.mark.parametrize("interval", [0.0, -1.0, float("nan"), float("inf")])
def test_an_interval_that_never_passes_is_refused(loop: EventLoop, interval: float) -> None:
    with pytest.raises(ValueError, match=r"interval|finite"):
        loop.call_every(interval, fail)


# -- watchers ----------------------------------------------------------------------------


def test_a_watcher_is_told_what_it_waits_for_and_no_more(loop: EventLoop, pair: Pair) -> None:
    near, far = pair
    far.send(b"x")
    seen: list[int] = []
    watcher = loop.register(near, EVENT_READ, seen.append)
    loop.run_once(0)
    watcher.modify(EVENT_WRITE)
    loop.run_once(0)
    watcher.modify(EVENT_READ | EVENT_WRITE)
    loop.run_once(0)
    assert seen == [EVENT_READ, EVENT_WRITE, EVENT_READ | EVENT_WRITE]


def test_a_watcher_registered_with_0_waits_for_nothing(loop: EventLoop, pair: Pair) -> None:
    near, far = pair
    far.send(b"x")
    loop.register(near, 0, fail)
    loop.run()


def test_a_watcher_of_nothing_is_not_woken_by_a_hang_up(
    loop: EventLoop, selector: SpySelector, pair: Pair
) -> None:
    near, far = pair
    loop.register(near, EVENT_READ, fail).modify(0)
    far.close()
    loop.run()
    assert selector.timeouts == []


def test_a_watcher_of_nothing_can_wait_again(loop: EventLoop, pair: Pair) -> None:
    seen: list[int] = []
    watcher = loop.register(pair[0], 0, seen.append)
    watcher.modify(EVENT_WRITE)
    loop.run_once(0)
    assert seen == [EVENT_WRITE]


def test_readiness_that_is_not_used_up_comes_again(loop: EventLoop, pair: Pair) -> None:
    near, far = pair
    far.send(b"x")
    seen: list[int] = []
    loop.register(near, EVENT_READ, seen.append)
    loop.run_once(0)
    loop.run_once(0)
    assert seen == [EVENT_READ, EVENT_READ]


def test_closing_a_watcher_twice_is_harmless(loop: EventLoop, pair: Pair) -> None:
    watcher = loop.register(pair[0], EVENT_READ, fail)
    watcher.close()
    watcher.close()
    assert watcher.closed
    assert watcher.events == 0


def test_closing_a_watcher_leaves_its_socket_open(loop: EventLoop, pair: Pair) -> None:
    near, far = pair
    loop.register(near, EVENT_READ, fail).close()
    far.send(b"x")
    assert near.recv(1) == b"x"


def test_a_closed_watcher_can_not_be_modified(loop: EventLoop, pair: Pair) -> None:
    watcher = loop.register(pair[0], EVENT_READ, fail)
    watcher.close()
    with pytest.raises(ValueError, match="closed"):
        watcher.modify(EVENT_READ)


def test_a_closed_watcher_keeps_its_callback_no_longer(loop: EventLoop, pair: Pair) -> None:
    watcher = loop.register(pair[0], EVENT_READ, fail)
    watcher.close()
    with pytest.raises(AssertionError, match="closed watcher"):
        watcher.callback(EVENT_READ)


def test_a_watcher_whose_change_is_refused_waits_for_nothing_and_can_wait_again(
    loop: EventLoop, pair: Pair, selector: SpySelector, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(fileobj: object, events: int, data: object = None) -> object:
        selector.unregister(fileobj)  # as `selectors` does
        raise OSError(errno.ENOMEM, "Cannot allocate memory")

    seen: list[int] = []
    watcher = loop.register(pair[0], EVENT_READ, seen.append)
    with monkeypatch.context() as patch:
        patch.setattr(selector, "modify", refuse)
        with pytest.raises(OSError, match="Cannot allocate"):
            watcher.modify(EVENT_READ | EVENT_WRITE)
    assert (watcher.events, watcher.closed, selector.watched) == (0, False, 0)
    watcher.modify(EVENT_WRITE)
    loop.run_once(0)
    assert seen == [EVENT_WRITE]


@pytest.mark.parametrize("events", [4, 8, -1, None, "r", 1.0])
def test_unknown_events_are_refused(loop: EventLoop, pair: Pair, events: Any) -> None:
    with pytest.raises(ValueError, match=f"unknown events: {events!r}"):
        loop.register(pair[0], events, fail)


def test_a_descriptor_can_not_be_watched_twice(loop: EventLoop, pair: Pair) -> None:
    loop.register(pair[0], EVENT_READ, fail)
    with pytest.raises(ValueError, match="has an owner"):
        loop.register(pair[0], EVENT_WRITE, fail)


@pytest.mark.parametrize("events", [0, EVENT_READ])
def test_a_descriptor_whose_watcher_waits_for_nothing_has_an_owner_all_the_same(
    loop: EventLoop, pair: Pair, events: int
) -> None:
    loop.register(pair[0], 0, fail)
    with pytest.raises(ValueError, match="has an owner"):
        loop.register(pair[0].fileno(), events, fail)


def test_a_descriptor_whose_watcher_was_closed_can_be_watched_again(
    loop: EventLoop, pair: Pair
) -> None:
    seen: list[int] = []
    loop.register(pair[0], EVENT_READ, fail).close()
    loop.register(pair[0], EVENT_WRITE, seen.append)
    loop.run_once(0)
    assert seen == [EVENT_WRITE]


@pytest.mark.parametrize("events", [0, EVENT_READ])
def test_the_number_of_a_file_that_its_owner_has_closed_is_free(
    loop: EventLoop, make_pair: MakePair, events: int
) -> None:
    seen: list[int] = []
    gone, _ = make_pair()
    owner = loop.register(gone, events, fail)
    number = gone.fileno()
    gone.close()
    newcomer, _ = make_pair()
    if newcomer.fileno() != number:
        os.dup2(newcomer.fileno(), number)
        newcomer.close()
        newcomer = socket.socket(fileno=number)
    with newcomer:
        loop.register(newcomer, EVENT_WRITE, seen.append)
        assert owner.closed
        owner.close()
        loop.run_once(0)
        assert seen == [EVENT_WRITE]
        loop.close()


@pytest.mark.parametrize("bad", [-1, "a name", None, 1.5])
def test_what_is_no_descriptor_is_refused(loop: EventLoop, bad: Any) -> None:
    with pytest.raises(ValueError, match="expected a descriptor"):
        loop.register(bad, EVENT_READ, fail)


def test_a_closed_socket_is_refused(loop: EventLoop, pair: Pair) -> None:
    pair[0].close()
    with pytest.raises(ValueError, match="that is open"):
        loop.register(pair[0], EVENT_READ, fail)


def test_a_closed_file_is_refused(loop: EventLoop) -> None:
    with open(__file__) as file:
        pass
    with pytest.raises(ValueError, match="closed"):
        loop.register(file, EVENT_READ, fail)


@pytest.mark.parametrize("events", [0, EVENT_READ])
@pytest.mark.parametrize("mode", ["r", "rb", "r+b"])
def test_a_regular_file_is_refused(loop: EventLoop, tmp_path: Path, events: int, mode: str) -> None:
    path = tmp_path / "file"
    path.touch()
    with path.open(mode) as file, pytest.raises(ValueError, match="not a file"):
        loop.register(file, events, fail)


@pytest.mark.parametrize("events", [0, EVENT_READ])
def test_a_regular_file_in_a_wrapper_is_refused(loop: EventLoop, events: int) -> None:
    with NamedTemporaryFile() as file, pytest.raises(ValueError, match="not a file"):
        loop.register(file, events, fail)


def test_what_can_be_waited_for_may_be_wrapped_in_any_object(loop: EventLoop, pair: Pair) -> None:
    class Wrapper:
        def fileno(self) -> int:
            return pair[0].fileno()

    seen: list[int] = []
    loop.register(Wrapper(), EVENT_WRITE, seen.append)
    loop.run_once(0)
    assert seen == [EVENT_WRITE]


@pytest.mark.parametrize("events", [0, EVENT_READ])
def test_a_number_that_select_does_not_take_is_refused_in_the_call(
    pair: Pair, beyond_select: Callable[[int], int], events: int
) -> None:
    number = beyond_select(pair[0].fileno())
    with EventLoop(selector=selectors.SelectSelector()) as loop:
        with pytest.raises(ValueError, match=f"below 1024, not {number}"):
            loop.register(number, events, fail)
        loop.run_once(0)
    os.close(number)


@pytest.mark.skipif(not hasattr(selectors, "PollSelector"), reason="needs poll(2)")
def test_a_number_that_select_does_not_take_is_like_any_other_elsewhere(
    pair: Pair, beyond_select: Callable[[int], int]
) -> None:
    seen: list[int] = []
    number = beyond_select(pair[0].fileno())
    with EventLoop(selector=selectors.PollSelector()) as loop:
        loop.register(number, EVENT_WRITE, seen.append)
        loop.run_once(0)
    os.close(number)
    assert seen == [EVENT_WRITE]


@pytest.mark.parametrize("events", [0, EVENT_READ])
def test_the_number_of_a_regular_file_or_a_directory_is_refused(
    loop: EventLoop, tmp_path: Path, events: int
) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path):
        number = os.open(path, os.O_RDONLY)
        with pytest.raises(ValueError, match="not a file"):
            loop.register(number, events, fail)
        os.close(number)


@pytest.mark.parametrize("events", [0, EVENT_READ])
def test_a_number_that_is_not_open_is_refused(loop: EventLoop, events: int) -> None:
    number = os.dup(0)
    os.close(number)
    with pytest.raises(ValueError, match=f"that is open, not {number}"):
        loop.register(number, events, fail)


def test_a_number_that_was_watched_as_such_is_free_when_it_stands_for_another_file(
    loop: EventLoop, make_pair: MakePair
) -> None:
    seen: list[int] = []
    reader, writer = os.pipe()
    owner = loop.register(reader, EVENT_READ, fail)
    heir, _ = make_pair()
    os.dup2(heir.fileno(), reader)
    loop.register(reader, EVENT_WRITE, seen.append)
    assert owner.closed
    owner.close()
    loop.run_once(0)
    loop.close()
    os.close(reader)
    os.close(writer)
    assert seen == [EVENT_WRITE]


def test_a_pipe_can_be_watched_by_the_file_that_wraps_it(loop: EventLoop) -> None:
    seen: list[int] = []
    reader, writer = os.pipe()
    with open(reader, "rb") as file, open(writer, "wb"):
        loop.register(file, EVENT_READ, seen.append)
        os.write(writer, b"x")
        loop.run_once(0)
        loop.close()
    assert seen == [EVENT_READ]


def test_what_was_refused_is_not_owned(loop: EventLoop, pair: Pair, selector: SpySelector) -> None:
    selector.refusal = errno.ENOSPC
    with pytest.raises(OSError, match="No space"):
        loop.register(pair[0], EVENT_READ, fail)
    selector.refusal = None
    loop.register(pair[0], EVENT_READ, fail)


# -- events of one batch -----------------------------------------------------------------


def first_to_last(selector: SpySelector, *order: socket.socket) -> None:
    """Let the selector report descriptors in this order."""
    numbers = [sock.fileno() for sock in order]
    selector.arrange = lambda ready: sorted(ready, key=lambda entry: numbers.index(entry[0].fd))


def test_a_watcher_closed_earlier_in_the_batch_is_not_called(
    loop: EventLoop, selector: SpySelector, make_pair: MakePair
) -> None:
    first, second = make_pair()[0], make_pair()[0]
    loop.register(first, EVENT_WRITE, lambda events: victim.close())
    victim = loop.register(second, EVENT_WRITE, fail)
    first_to_last(selector, first, second)
    loop.run_once(0)
    assert victim.closed


def test_an_event_masked_earlier_in_the_batch_is_not_delivered(
    loop: EventLoop, selector: SpySelector, make_pair: MakePair
) -> None:
    first, second = make_pair()[0], make_pair()[0]
    loop.register(first, EVENT_WRITE, lambda events: masked.modify(EVENT_READ))
    masked = loop.register(second, EVENT_WRITE, fail)
    first_to_last(selector, first, second)
    loop.run_once(0)
    assert masked.events == EVENT_READ


def test_one_of_two_events_masked_earlier_in_the_batch_is_taken_out(
    loop: EventLoop, selector: SpySelector, make_pair: MakePair
) -> None:
    first, (second, far) = make_pair()[0], make_pair()
    far.send(b"x")
    seen: list[int] = []
    loop.register(first, EVENT_WRITE, lambda events: masked.modify(EVENT_READ))
    masked = loop.register(second, EVENT_READ | EVENT_WRITE, seen.append)
    first_to_last(selector, first, second)
    loop.run_once(0)
    assert seen == [EVENT_READ]


def test_a_stale_event_does_not_reach_the_new_owner_of_a_descriptor_number(
    loop: EventLoop, selector: SpySelector, make_pair: MakePair
) -> None:
    a, (b, b_far), (quiet, _) = make_pair()[0], make_pair(), make_pair()
    b_far.send(b"x")
    number = b.fileno()

    def take_over(events: int) -> None:
        watcher_a.close()
        watcher_b.close()
        os.dup2(quiet.fileno(), number)
        loop.register(b, EVENT_READ, fail)

    watcher_a = loop.register(a, EVENT_WRITE, take_over)
    watcher_b = loop.register(b, EVENT_READ, fail)
    first_to_last(selector, a, b)
    loop.run_once(0)
    assert watcher_b.closed


@pytest.mark.parametrize("seed", range(20))
def test_whoever_is_called_has_something_to_read_in_any_order_of_events(
    loop: EventLoop, selector: SpySelector, make_pair: MakePair, seed: int
) -> None:
    chance = random.Random(seed)
    selector.arrange = lambda ready: chance.sample(ready, len(ready))
    watchers: dict[socket.socket, Watcher] = {}

    def watch(sock: socket.socket) -> None:
        watchers[sock] = loop.register(sock, EVENT_READ, lambda events: read_and_replace(sock))

    def read_and_replace(sock: socket.socket) -> None:
        assert sock.recv(1) == b"x"  # BlockingIOError: called for nothing
        victim = chance.choice(list(watchers))
        watchers[victim].close()
        os.dup2(make_pair()[0].fileno(), victim.fileno())
        watch(victim)

    for _ in range(8):
        near, far = make_pair()
        far.send(b"x")
        watch(near)
    for _ in range(8):
        loop.run_once(0)


def test_everything_can_be_closed_from_inside_a_callback(
    loop: EventLoop, make_pair: MakePair
) -> None:
    calls: list[int] = []

    def close_all(events: int) -> None:
        calls.append(events)
        for watcher in watchers:
            watcher.close()

    watchers = [loop.register(make_pair()[0], EVENT_WRITE, close_all) for _ in range(10)]
    loop.run()
    assert calls == [EVENT_WRITE]


@pytest.mark.parametrize("seed", range(10))
def test_false_readiness_changes_nothing(loop: EventLoop, selector: SpySelector, seed: int) -> None:
    class Echo(RecordingHandler):
        def data_received(self, buffer: ReceiveBuffer) -> None:
            assert self.stream is not None
            self.stream.write(buffer.take_all())

    class Client(RecordingHandler):
        def connection_made(self, stream: Stream) -> None:
            super().connection_made(stream)
            stream.write(message)
            stream.write_eof()

    selector.lie(seed)
    message = bytes(range(256)) * 4096
    client, mailbox = Client(), Mailbox()
    listener = listen(loop, Echo, "127.0.0.1", 0)
    connect(loop, client, "127.0.0.1", listener.sockname[1])
    endpoint = bind_udp(loop, mailbox, "127.0.0.1")
    endpoint.send(b"to myself", endpoint.sockname)
    run_until(loop, lambda: client.events[-1:] == ["connection_lost"] and mailbox.batches)
    assert client.received == message
    assert client.error is None
    assert mailbox.datagrams == [b"to myself"]


# -- wrong use ---------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["run", "run_once", "close"])
def test_a_running_loop_can_not_be_run_or_closed(loop: EventLoop, method: str) -> None:
    loop.call_soon(getattr(loop, method))
    with pytest.raises(RuntimeError, match="run"):
        loop.run()


CLOSED_LOOP_USES: dict[str, Callable[[EventLoop], object]] = {
    "run": lambda loop: loop.run(),
    "run_once": lambda loop: loop.run_once(),
    "call_soon": lambda loop: loop.call_soon(fail),
    "call_soon_threadsafe": lambda loop: loop.call_soon_threadsafe(fail),
    "call_before_select": lambda loop: loop.call_before_select(fail),
    "call_later": lambda loop: loop.call_later(1, fail),
    "call_at": lambda loop: loop.call_at(1, fail),
    "call_every": lambda loop: loop.call_every(1, fail),
    "register": lambda loop: loop.register(0, EVENT_READ, fail),
    "add_signal_handler": lambda loop: loop.add_signal_handler(signal.SIGINT, fail),
    "listen": lambda loop: listen(loop, StreamHandler, "127.0.0.1", 0),
    "connect": lambda loop: connect(loop, StreamHandler(), "127.0.0.1", 1),
    "bind_udp": lambda loop: bind_udp(loop, Mailbox(), "127.0.0.1", 0),
}


@pytest.mark.parametrize("use", CLOSED_LOOP_USES)
def test_a_closed_loop_refuses_work_and_leaks_nothing(loop: EventLoop, use: str) -> None:
    loop.close()
    before = open_descriptors()
    with pytest.raises(LoopClosed, match="closed") as caught:
        CLOSED_LOOP_USES[use](loop)
    # The exception keeps alive what was made and not closed.
    assert caught.traceback
    assert open_descriptors() == before


@pytest.mark.parametrize(
    "use",
    [
        lambda loop: loop.call_soon(None),
        lambda loop: loop.call_soon_threadsafe(None),
        lambda loop: loop.call_later(1, None),
        lambda loop: loop.call_at(1, None),
        lambda loop: loop.call_every(1, None),
        lambda loop: loop.add_signal_handler(signal.SIGINT, None),
        lambda loop: loop.register(0, EVENT_READ, None),
    ],
)
def test_what_can_not_be_called_is_refused_at_once(
    loop: EventLoop, use: Callable[[EventLoop], object]
) -> None:
    with pytest.raises(TypeError, match="expected something to call, not None"):
        use(loop)
    loop.run()


def test_closing_a_loop_twice_is_harmless(loop: EventLoop) -> None:
    loop.close()
    loop.close()


# -- close -------------------------------------------------------------------------------


def test_close_tells_an_open_stream_once(loop: EventLoop, connected: Connect) -> None:
    handler = RecordingHandler()
    connected(handler)
    loop.close()
    assert handler.events == ["connection_made", "connection_lost"]


def test_close_tells_a_stream_that_had_just_ended_once(loop: EventLoop, connected: Connect) -> None:
    handler = RecordingHandler()
    connected(handler).stream.abort()
    loop.close()
    assert handler.events == ["connection_made", "connection_lost"]


def test_close_tells_an_open_endpoint_once(loop: EventLoop) -> None:
    mailbox = Mailbox()
    bind_udp(loop, mailbox, "127.0.0.1")
    loop.close()
    assert mailbox.losses == [None]


def test_close_tells_who_waits_for_a_connection_once(loop: EventLoop) -> None:
    handler = RecordingHandler()
    connect(loop, handler, "127.0.0.1", 1)
    loop.close()
    assert handler.events == ["connection_failed"]


def test_close_says_why_a_connection_came_to_nothing(loop: EventLoop) -> None:
    handler = RecordingHandler()
    connect(loop, handler, "127.0.0.1", 1)
    loop.close()
    assert isinstance(handler.error, OSError)
    assert handler.error.errno == errno.ECONNABORTED


def test_close_calls_nothing_that_was_queued(loop: EventLoop, clock: ManualClock) -> None:
    loop.call_soon(fail)
    loop.call_later(0, fail)
    loop.call_before_select(fail)
    loop.close()


def test_close_leaves_no_descriptor_behind() -> None:
    before = open_descriptors()
    near, far = tcp_pair()
    with EventLoop() as loop, far:
        listener = listen(loop, StreamHandler, "127.0.0.1", 0)
        connect(loop, StreamHandler(), "127.0.0.1", listener.sockname[1])
        bind_udp(loop, Mailbox(), "127.0.0.1", coalesce=0.001)
        stream_pair(loop, StreamHandler(), StreamHandler())
        Stream(loop, near, StreamHandler()).close()
        for _ in range(5):
            loop.run_once(0)
        connect(loop, StreamHandler(), "127.0.0.1", listener.sockname[1])
        loop.run_once(0)
    assert open_descriptors() == before


def test_handlers_told_by_close_may_use_everything(loop: EventLoop) -> None:
    class Clinging(RecordingHandler):
        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            assert self.stream is not None
            self.stream.pause_reading()
            self.stream.resume_reading()
            self.stream.write_eof()
            self.stream.close()
            self.stream.abort()
            listener.close()
            endpoint.close()
            connector.cancel()
            loop.stop()
            loop.close()

    left, right = Clinging(), Clinging()
    listener = listen(loop, StreamHandler, "127.0.0.1", 0)
    endpoint = bind_udp(loop, Mailbox(), "127.0.0.1")
    connector = connect(loop, RecordingHandler(), "127.0.0.1", listener.sockname[1])
    stream_pair(loop, left, right)
    loop.call_soon(loop.stop)
    loop.run()
    loop.close()
    assert left.events == right.events == ["connection_made", "connection_lost"]


def test_a_loop_says_whether_it_is_closed(loop: EventLoop) -> None:
    seen = [loop.closed]
    loop.close()
    assert [*seen, loop.closed] == [False, True]


@pytest.mark.parametrize("events", [0, EVENT_READ, EVENT_WRITE])
def test_a_watcher_of_a_closed_loop_is_closed_and_harmless(
    loop: EventLoop, pair: Pair, events: int
) -> None:
    watcher = loop.register(pair[0], events, fail)
    loop.close()
    assert watcher.closed
    assert watcher.events == 0
    watcher.close()
    with pytest.raises(ValueError, match="closed"):
        watcher.modify(EVENT_READ)


def test_a_timer_of_a_closed_loop_is_cancelled_and_keeps_nothing(
    loop: EventLoop, clock: ManualClock
) -> None:
    timers = [loop.call_later(1, fail, pytest), loop.call_every(1, fail, pytest)]
    loop.close()
    for timer in timers:
        assert not timer.active
        assert (timer.callback, timer.args) == (None, ())
        timer.cancel()


def test_stopping_a_closed_loop_is_harmless(loop: EventLoop) -> None:
    loop.close()
    loop.stop()
    assert not loop.remove_signal_handler(signal.SIGINT)


def test_every_object_of_a_closed_loop_can_be_ended_again(
    loop: EventLoop, connected: Connect
) -> None:
    link = connected(StreamHandler())
    listener = listen(loop, StreamHandler, "127.0.0.1", 0)
    connector = connect(loop, StreamHandler(), "127.0.0.1", listener.sockname[1])
    endpoint = bind_udp(loop, Mailbox(), "127.0.0.1")
    loop.close()
    for end in (link.stream.close, link.stream.abort, link.stream.write_eof, listener.close):
        end()
    for quiet in (link.stream.pause_reading, link.stream.resume_reading, endpoint.close):
        quiet()
    endpoint.pause_receiving()
    endpoint.resume_receiving()
    connector.cancel()


# -- close, whatever is raised in it -----------------------------------------------------


class Fragile:
    """A resource that raises in one of its two steps."""

    def __init__(self, breaks_in: str, kind: type[BaseException]) -> None:
        self._breaks_in = breaks_in
        self._kind = kind
        self.steps: list[str] = []

    def abort(self) -> None:
        self._step("abort")

    def finish(self) -> None:
        self._step("finish")

    def disown(self) -> None:
        """There is nothing to give up."""

    def _step(self, name: str) -> None:
        self.steps.append(name)
        if name == self._breaks_in:
            raise self._kind


@ways_out
@pytest.mark.parametrize("breaks_in", ["abort", "finish"])
def test_whatever_a_resource_raises_all_are_aborted_and_finished(
    loop: EventLoop, selector: SpySelector, breaks_in: str, kind: type[BaseException]
) -> None:
    before = open_descriptors()
    with EventLoop() as fragile:
        resources = [Fragile(breaks_in if n % 2 else "", kind) for n in range(5)]
        for resource in resources:
            fragile.attach(resource)
        with pytest.raises(kind):
            fragile.close()
    assert [resource.steps for resource in resources] == [["abort", "finish"]] * 5
    assert fragile.closed
    assert open_descriptors() == before


@ways_out
def test_whatever_a_handler_raises_all_are_told_and_closed(
    watchdog: None, kind: type[BaseException]
) -> None:
    class Leaving(RecordingHandler):
        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            raise kind

    before = open_descriptors()
    handlers = [Leaving(), RecordingHandler(), Leaving(), RecordingHandler()]
    loop = EventLoop()
    stream_pair(loop, handlers[0], handlers[1])
    stream_pair(loop, handlers[2], handlers[3])
    loop.run_once(0)
    with pytest.raises(kind):
        loop.close()
    loop.close()
    assert [handler.events[-1] for handler in handlers] == ["connection_lost"] * 4
    assert open_descriptors() == before


def test_what_was_raised_first_comes_out_of_close(loop: EventLoop) -> None:
    for kind in (KeyboardInterrupt, SystemExit, ValueError):
        loop.attach(Fragile("abort", kind))
    with pytest.raises(KeyboardInterrupt):
        loop.close()


# -- errors without a home ---------------------------------------------------------------


def test_an_error_is_given_to_the_exception_handler(loop: EventLoop, reported: Reported) -> None:
    error = ValueError("a value")
    loop.call_exception_handler("a message", error)
    assert reported == [("a message", error)]
    reported.clear()


def test_an_error_is_logged_if_there_is_no_exception_handler(
    loop: EventLoop, caplog: pytest.LogCaptureFixture
) -> None:
    loop.set_exception_handler(None)
    loop.call_exception_handler("a message", ValueError("a value"))
    (record,) = caplog.records
    assert (record.name, record.levelno, record.message) == ("reactor", logging.ERROR, "a message")
    assert "a value" in caplog.text


def test_an_exception_handler_that_raises_is_logged_along_with_the_error(
    loop: EventLoop, caplog: pytest.LogCaptureFixture
) -> None:
    loop.set_exception_handler(fail)
    loop.call_exception_handler("a message", ValueError("a value"))
    assert "ZeroDivisionError" in caplog.text
    assert "a value" in caplog.text


@ways_out
def test_an_exception_handler_may_leave_the_program(
    loop: EventLoop, kind: type[BaseException]
) -> None:
    loop.set_exception_handler(partial(leave, kind))
    with pytest.raises(kind):
        loop.call_exception_handler("a message", ValueError("a value"))


@ways_out
def test_a_broken_bell_is_replaced_though_the_exception_handler_leaves_the_program(
    loop: EventLoop, selector: SpySelector, network: Door, kind: type[BaseException]
) -> None:
    (key,) = selector.get_map().values()
    loop.set_exception_handler(partial(leave, kind))
    assert isinstance(key.fileobj, Wakeup)
    with socket.socket(fileno=os.dup(key.fileobj.writer_fileno())) as writer:
        writer.shutdown(socket.SHUT_RDWR)
    with pytest.raises(kind):
        loop.run_once(0)
    loop.call_soon_threadsafe(int)
    assert selector.select(0)


# -- a loop that can't be made -------------------------------------------------------------


def test_a_loop_that_can_not_watch_its_bell_leaves_nothing_open(selector: SpySelector) -> None:
    before = open_descriptors()
    selector.refusal = errno.ENOSPC
    with pytest.raises(OSError, match="No space"):
        EventLoop(selector=selector)
    # The selector was handed over, and is closed too.
    assert open_descriptors() <= before
