"""EventLoop: what runs when, what ends what, and that waiting is waiting."""

import errno
import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Sequence
from functools import partial

import pytest

from reactor import (
    EVENT_READ,
    EVENT_WRITE,
    EventLoop,
    Instrument,
    Watcher,
    bind_udp,
)
from reactor.testing import ManualClock, RecordingHandler, run_until
from reactor.wakeup import Wakeup
from tests.conftest import Connect, MakePair, Pair, Reported
from tests.doubles.descriptors import open_descriptors
from tests.doubles.door import Door
from tests.doubles.fatal_instrument import FatalInstrument
from tests.doubles.mailbox import Mailbox
from tests.doubles.queue import Queue
from tests.doubles.spy_selector import Ready, SpySelector


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


def test_run_once_waits_for_readiness_as_long_as_it_takes(
    loop: EventLoop, selector: SpySelector, pair: Pair
) -> None:
    loop.register(pair[0], EVENT_READ, lambda events: None)
    pair[1].send(b"x")
    loop.run_once()
    assert selector.timeouts == [None]


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


@pytest.mark.parametrize("kind", [ValueError, SystemExit, KeyboardInterrupt, GeneratorExit])
@pytest.mark.parametrize("place", range(27))
def test_whatever_a_hook_raises_and_where_all_that_was_due_is_done_once(
    selector: SpySelector, make_pair: MakePair, kind: type[BaseException], place: int
) -> None:
    instrument = FatalInstrument(kind, place)
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


# -- what the loop says of itself ----------------------------------------------------------


def test_the_state_of_a_loop_is_what_it_has_to_do(
    loop: EventLoop, clock: ManualClock, pair: Pair
) -> None:
    watcher = loop.register(pair[0], 0, fail)
    endpoint = bind_udp(loop, Mailbox(), "127.0.0.1", 0)
    for _ in range(2):
        loop.call_soon(fail, 1)
    loop.call_before_select(fail)
    loop.call_later(2.0, fail).cancel()
    loop.call_later(3.0, fail)
    loop.call_later(5.0, fail)
    state = loop.state
    assert (state.calls, state.flushes) == ((fail, fail), (fail,))
    assert (state.timers, state.next_timer) == (2, 3.0)
    assert watcher in state.watchers
    assert state.resources == (endpoint,)


def test_a_loop_shows_what_it_does_and_has(loop: EventLoop) -> None:
    seen: list[str] = []
    loop.call_soon(lambda: seen.append(repr(loop)))
    seen.append(repr(loop))
    loop.run()
    loop.close()
    seen.append(repr(loop))
    assert [text.split()[1] for text in seen] == ["idle:", "running:", "closed:"]
    assert seen[0].endswith("1 calls, 0 timers, 0 resources>")


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


def test_a_broken_bell_is_replaced_once(loop: EventLoop, network: Door, reported: Reported) -> None:
    pairs: list[Pair] = []

    def make() -> Pair:
        pairs.append(socket.socketpair())
        return pairs[-1]

    network.socketpair = make
    broken = next(watcher.fd for watcher in loop.state.watchers)
    with socket.socket(fileno=os.dup(broken)) as bell:
        bell.shutdown(socket.SHUT_RDWR)
    loop.run_once(0)
    assert [message for message, _ in reported] == ["the wake-up sockets have to be replaced"]
    reported.clear()
    assert (len(pairs), loop.state.timers) == (1, 0)


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
