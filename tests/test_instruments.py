"""Instruments: they see every wait, every callback, every queue and every drop."""

import errno
import logging
import os
import socket
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import pytest

from reactor import (
    EVENT_READ,
    EVENT_WRITE,
    EventLoop,
    Instrument,
    InstrumentGroup,
    SlowCallback,
    SlowCallbackMonitor,
    Stream,
    StreamHandler,
    bind_udp,
    listen,
)
from reactor.testing import ManualClock
from tests.doubles.faulty_socket import FaultySocket
from tests.doubles.mailbox import Mailbox
from tests.doubles.peer import tcp_pair
from tests.doubles.spy_selector import SpySelector

pytestmark = pytest.mark.usefixtures("watchdog")


class Diary(Instrument):
    """Writes down every hook."""

    def __init__(self) -> None:
        self.entries: list[tuple[Any, ...]] = []

    def select_started(self, timeout: float | None, timers: int, calls: int) -> None:
        self.entries.append(("select", timeout, timers, calls))

    def select_ended(self, ready: Sequence[tuple[int, int]]) -> None:
        self.entries.append(("ready", list(ready)))

    def timer_due(self, late: float) -> None:
        self.entries.append(("timer", late))

    def flushes_started(self, count: int) -> None:
        self.entries.append(("flushes", count))

    def callback_started(self, callback: Callable[..., object], fd: int | None) -> None:
        self.entries.append(("start", callback, fd))

    def callback_ended(self, callback: Callable[..., object], fd: int | None) -> None:
        self.entries.append(("end", callback, fd))

    def bytes_queued(self, fd: int, size: int) -> None:
        self.entries.append(("queue", fd, size))

    def datagrams_dropped(self, fd: int, count: int, reason: str) -> None:
        self.entries.append(("drop", fd, count, reason))

    def exception_reported(self, exception: Exception) -> None:
        self.entries.append(("exception", exception))

    def labelled(self, fd: int, name: str) -> None:
        self.entries.append(("label", fd, name))


def fail(*args: object) -> None:
    raise ZeroDivisionError


@pytest.fixture
def diary() -> Diary:
    return Diary()


@pytest.fixture
def watched_loop(selector: SpySelector, clock: ManualClock, diary: Diary) -> Iterator[EventLoop]:
    """A loop with a diary."""
    with EventLoop(selector=selector, clock=clock, instrument=diary) as loop:
        yield loop


# -- what a loop shows -------------------------------------------------------------------


def test_a_loop_tells_which_instrument_it_has(watched_loop: EventLoop, diary: Diary) -> None:
    assert watched_loop.instrument is diary


def test_a_wait_is_seen_with_its_timeout_timers_and_calls(
    watched_loop: EventLoop, diary: Diary, selector: SpySelector, clock: ManualClock
) -> None:
    selector.clock = clock
    watched_loop.call_later(2.0, int)
    watched_loop.call_later(3.0, int)
    watched_loop.run_once(1.0)
    assert diary.entries == [("select", 1.0, 2, 0), ("ready", [])]


def test_calls_that_wait_during_a_select_are_seen(watched_loop: EventLoop, diary: Diary) -> None:
    watched_loop.call_soon(int)
    watched_loop.run_once()
    assert ("select", 0.0, 0, 1) in diary.entries


def test_a_call_is_seen_from_start_to_end(watched_loop: EventLoop, diary: Diary) -> None:
    watched_loop.call_soon(int)
    watched_loop.run_once(0)
    assert diary.entries[2:] == [("start", int, None), ("end", int, None)]


def test_flushes_are_seen_after_all_else_and_how_many_there_are(
    watched_loop: EventLoop, diary: Diary
) -> None:
    watched_loop.call_before_select(int)
    watched_loop.call_before_select(int)
    watched_loop.call_soon(str)
    watched_loop.run_once(0)
    ends = [("start", int, None), ("end", int, None)]
    assert diary.entries[4:] == [("flushes", 2), *ends, *ends]


def test_an_iteration_without_flushes_tells_of_none(watched_loop: EventLoop, diary: Diary) -> None:
    watched_loop.call_soon(int)
    watched_loop.run_once(0)
    assert "flushes" not in {entry[0] for entry in diary.entries}


def test_a_timer_is_seen_from_start_to_end_with_how_late_it_is(
    watched_loop: EventLoop, diary: Diary, clock: ManualClock
) -> None:
    watched_loop.call_later(2.0, int)
    clock.advance(2.5)
    watched_loop.run_once(0)
    assert diary.entries[2:] == [("timer", 0.5), ("start", int, None), ("end", int, None)]


def test_what_came_before_a_timer_in_its_iteration_makes_it_late(
    watched_loop: EventLoop, diary: Diary, clock: ManualClock
) -> None:
    watched_loop.call_later(2.0, int)
    watched_loop.call_soon(clock.advance, 0.25)
    clock.advance(2.0)
    watched_loop.run_once(0)
    assert ("timer", 0.25) in diary.entries


def test_a_repeating_timer_is_late_by_the_time_that_it_was_due(
    watched_loop: EventLoop, diary: Diary, clock: ManualClock
) -> None:
    watched_loop.call_every(1.0, int)
    clock.advance(1.5)
    watched_loop.run_once(0)
    assert ("timer", 0.5) in diary.entries


def test_a_ready_descriptor_is_seen_with_the_callback_that_ran(
    watched_loop: EventLoop, diary: Diary
) -> None:
    near, far = socket.socketpair()
    with near, far:
        far.send(b"x")
        fd = near.fileno()
        watched_loop.register(near, EVENT_READ | EVENT_WRITE, int)
        watched_loop.run_once()
    assert diary.entries[1:] == [("ready", [(fd, 3)]), ("start", int, fd), ("end", int, fd)]


@pytest.mark.parametrize("schedule", ["call_soon", "call_before_select"])
def test_a_callback_that_raises_is_seen_to_end(
    watched_loop: EventLoop, diary: Diary, schedule: str
) -> None:
    getattr(watched_loop, schedule)(fail)
    with pytest.raises(ZeroDivisionError):
        watched_loop.run_once()
    assert diary.entries[-1] == ("end", fail, None)


def test_bytes_that_could_not_be_sent_are_seen(watched_loop: EventLoop, diary: Diary) -> None:
    near, far = tcp_pair()
    with far:
        sock = FaultySocket.adopt(near)
        sock.script("send", [errno.EAGAIN])
        fd = sock.fileno()
        Stream(watched_loop, sock, StreamHandler()).write(b"12345")
        watched_loop.run_once(0)
        assert ("queue", fd, 5) in diary.entries
        watched_loop.close()


def test_a_queue_that_is_empty_again_is_seen(watched_loop: EventLoop, diary: Diary) -> None:
    near, far = tcp_pair()
    with far:
        sock = FaultySocket.adopt(near)
        sock.script("send", [errno.EAGAIN])
        fd = sock.fileno()
        stream = Stream(watched_loop, sock, StreamHandler())
        watched_loop.run_once(0)
        stream.write(b"12345")
        watched_loop.run_once(0)
        watched_loop.run_once()
        assert [entry for entry in diary.entries if entry[0] == "queue"] == [
            ("queue", fd, 5),
            ("queue", fd, 0),
        ]
        watched_loop.close()


def test_who_waits_for_room_is_told_of_it_whatever_an_instrument_raises(
    selector: SpySelector,
) -> None:
    class Leaving(Instrument):
        def bytes_queued(self, fd: int, size: int) -> None:
            if not size:
                raise SystemExit

    class Writer(StreamHandler):
        resumed = False

        def resume_writing(self) -> None:
            self.resumed = True

    near, far = tcp_pair()
    with far, EventLoop(selector=selector, instrument=Leaving()) as loop:
        sock, writer = FaultySocket.adopt(near), Writer()
        sock.script("send", [errno.EAGAIN])
        stream = Stream(loop, sock, writer)
        stream.set_write_buffer_limits(high=0)
        loop.run_once(0)
        stream.write(b"12345")
        loop.run_once(0)
        with pytest.raises(SystemExit):
            loop.run_once()
        assert writer.resumed


def test_bytes_that_could_be_sent_are_no_queue(watched_loop: EventLoop, diary: Diary) -> None:
    near, far = tcp_pair()
    with far:
        Stream(watched_loop, near, StreamHandler()).write(b"12345")
        watched_loop.run_once(0)
        assert "queue" not in {entry[0] for entry in diary.entries}
        watched_loop.close()


def test_the_writes_of_one_iteration_are_one_callback(
    watched_loop: EventLoop, diary: Diary
) -> None:
    near, far = tcp_pair()
    with far:
        stream = Stream(watched_loop, near, StreamHandler())
        watched_loop.run_once(0)
        diary.entries.clear()
        for _ in range(10):
            stream.write(b"x")
        watched_loop.run_once(0)
        assert [entry[0] for entry in diary.entries] == [
            "select",
            "ready",
            "flushes",
            "start",
            "end",
        ]
        watched_loop.close()


def test_datagrams_that_could_not_be_sent_are_seen(
    watched_loop: EventLoop, diary: Diary, udp: Callable[[], FaultySocket]
) -> None:
    sock = udp()
    fd = sock.fileno()
    sock.script("sendto", [errno.ENOBUFS])
    bind_udp(watched_loop, Mailbox(), sock=sock).send(b"x", sock.getsockname())
    watched_loop.run_once(0)
    assert ("drop", fd, 1, "ENOBUFS") in diary.entries


def test_what_goes_to_the_exception_handler_is_seen_before(
    watched_loop: EventLoop, diary: Diary
) -> None:
    reported: list[Exception] = []
    watched_loop.set_exception_handler(lambda message, exc: reported.append(exc))
    watched_loop.call_exception_handler("a handler raised", ERROR)
    assert diary.entries == [("exception", ERROR)]
    assert reported == [ERROR]


def test_a_label_is_seen_with_the_descriptor_of_what_it_is_given_to(
    watched_loop: EventLoop, diary: Diary
) -> None:
    near, far = socket.socketpair()
    with near, far:
        watched_loop.label(near, "by its socket")
        watched_loop.label(far.fileno(), "by its number")
        assert diary.entries == [
            ("label", near.fileno(), "by its socket"),
            ("label", far.fileno(), "by its number"),
        ]


def test_streams_listeners_and_endpoints_can_be_given_a_label(
    watched_loop: EventLoop, diary: Diary
) -> None:
    near, far = tcp_pair()
    with far:
        fd = near.fileno()
        stream = Stream(watched_loop, near, StreamHandler())
        listener = listen(watched_loop, StreamHandler, "127.0.0.1", 0)
        endpoint = bind_udp(watched_loop, Mailbox(), "127.0.0.1")
        for each in (stream, listener, endpoint):
            watched_loop.label(each, "a name")
        fds = [entry[1] for entry in diary.entries if entry[0] == "label"]
        assert fds == [fd, listener.fileno(), endpoint.fileno()]
        assert len(set(fds)) == 3
        watched_loop.close()


def test_a_lane_can_be_given_a_label_of_its_own(
    watched_loop: EventLoop, udp: Callable[[], FaultySocket]
) -> None:
    endpoint = bind_udp(watched_loop, Mailbox(), "127.0.0.1")
    address = udp().getsockname()
    assert endpoint.fileno_to(address) == endpoint.fileno()
    source = endpoint.open_lane(address)
    with socket.socket(fileno=os.dup(endpoint.fileno_to(address))) as lane:
        assert lane.getsockname() == source


def test_what_is_closed_is_given_no_label(watched_loop: EventLoop, diary: Diary) -> None:
    endpoint = bind_udp(watched_loop, Mailbox(), "127.0.0.1")
    endpoint.close()
    watched_loop.label(endpoint, "too late")
    assert diary.entries == []


def test_a_loop_that_nobody_watches_takes_labels(loop: EventLoop) -> None:
    loop.label(-1, "whatever it may be")


def test_an_instrument_that_raises_stops_the_loop(selector: SpySelector) -> None:
    class Broken(Instrument):
        def select_started(self, timeout: float | None, timers: int, calls: int) -> None:
            raise ZeroDivisionError

    with EventLoop(selector=selector, instrument=Broken()) as loop:
        with pytest.raises(ZeroDivisionError):
            loop.run_once()
        assert not loop.running


ERROR = ValueError("a fault")
HOOKS: list[Callable[[Instrument], None]] = [
    lambda instrument: instrument.select_started(None, 1, 2),
    lambda instrument: instrument.select_ended([(3, EVENT_READ)]),
    lambda instrument: instrument.timer_due(0.5),
    lambda instrument: instrument.flushes_started(2),
    lambda instrument: instrument.callback_started(int, 3),
    lambda instrument: instrument.callback_ended(int, 3),
    lambda instrument: instrument.bytes_queued(3, 100),
    lambda instrument: instrument.datagrams_dropped(3, 4, "ENOBUFS"),
    lambda instrument: instrument.exception_reported(ERROR),
    lambda instrument: instrument.labelled(3, "a name"),
]


@pytest.mark.parametrize("hook", HOOKS)
def test_the_base_class_does_nothing(hook: Callable[[Instrument], None]) -> None:
    hook(Instrument())


@pytest.mark.parametrize("hook", HOOKS)
def test_a_group_tells_each_of_its_instruments(hook: Callable[[Instrument], None]) -> None:
    alone, first, second = Diary(), Diary(), Diary()
    hook(alone)
    hook(InstrumentGroup(first, second))
    assert first.entries == second.entries == alone.entries
    assert len(alone.entries) == 1


@pytest.mark.parametrize("hook", HOOKS)
def test_each_instrument_of_a_group_is_told_whatever_another_raises(
    hook: Callable[[Instrument], None],
) -> None:
    class Broken(Instrument):
        select_started = select_ended = fail  # type: ignore[assignment]
        callback_started = callback_ended = fail  # type: ignore[assignment]
        timer_due = flushes_started = fail  # type: ignore[assignment]
        bytes_queued = datagrams_dropped = fail  # type: ignore[assignment]
        exception_reported = labelled = fail  # type: ignore[assignment]

    alone, second = Diary(), Diary()
    hook(alone)
    with pytest.raises(ZeroDivisionError):
        hook(InstrumentGroup(Broken(), second))
    assert second.entries == alone.entries


def test_a_group_that_is_queued_is_known_by_the_name_of_its_hook() -> None:
    assert InstrumentGroup().datagrams_dropped.__qualname__ == "Instrument.datagrams_dropped"


# -- slow callbacks ----------------------------------------------------------------------


class Blocking:
    """Something with a method that takes its time."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock

    def __repr__(self) -> str:
        return "<Blocking>"

    def block(self, seconds: float) -> None:
        self._clock.advance(seconds)


def test_a_slow_callback_is_reported_by_name_with_its_time(selector: SpySelector) -> None:
    seen: list[SlowCallback] = []
    clock = ManualClock()
    monitor = SlowCallbackMonitor(0.5, seen.append, clock=clock)
    with EventLoop(selector=selector, instrument=monitor) as loop:
        loop.call_soon(Blocking(clock).block, 0.5)
        loop.run()
    assert seen == [SlowCallback("Blocking.block of <Blocking>", 0.5, None)]


def test_a_slow_callback_of_a_watcher_is_reported_with_its_descriptor(
    selector: SpySelector,
) -> None:
    seen: list[SlowCallback] = []
    clock = ManualClock()
    monitor = SlowCallbackMonitor(0.5, seen.append, clock=clock)
    near, far = socket.socketpair()
    with near, far, EventLoop(selector=selector, instrument=monitor) as loop:
        fd = near.fileno()
        loop.register(near, EVENT_WRITE, lambda events: clock.advance(1.0))
        loop.run_once()
    assert [slow.fd for slow in seen] == [fd]


def test_a_slow_callback_that_raises_is_reported(selector: SpySelector) -> None:
    seen: list[SlowCallback] = []
    clock = ManualClock()

    def block_and_fail() -> None:
        clock.advance(1.0)
        raise ZeroDivisionError

    monitor = SlowCallbackMonitor(0.5, seen.append, clock=clock)
    with EventLoop(selector=selector, instrument=monitor) as loop:
        loop.call_soon(block_and_fail)
        with pytest.raises(ZeroDivisionError):
            loop.run()
    assert [slow.seconds for slow in seen] == [1.0]


def test_a_callback_below_the_threshold_is_not_reported(selector: SpySelector) -> None:
    seen: list[SlowCallback] = []
    clock = ManualClock()
    monitor = SlowCallbackMonitor(0.5, seen.append, clock=clock)
    with EventLoop(selector=selector, instrument=monitor) as loop:
        loop.call_soon(clock.advance, 0.25)
        loop.call_soon(clock.advance, 0.25)
        loop.run()
    assert seen == []


def test_slow_callbacks_are_logged_unless_told_otherwise(caplog: pytest.LogCaptureFixture) -> None:
    clock = ManualClock()
    monitor = SlowCallbackMonitor(clock=clock)
    monitor.callback_started(int, None)
    clock.advance(0.25)
    monitor.callback_ended(int, None)
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("reactor", logging.WARNING)
    assert record.message == "int blocked the loop for 250 ms"


def test_a_callback_without_a_name_is_described_by_its_repr() -> None:
    seen: list[SlowCallback] = []
    callback = partial(int, "1")
    monitor = SlowCallbackMonitor(0.0, seen.append, clock=ManualClock())
    monitor.callback_started(callback, None)
    monitor.callback_ended(callback, None)
    assert [slow.callback for slow in seen] == [repr(callback)]
