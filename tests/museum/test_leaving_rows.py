"""Rows about what is raised where nobody expects it, about the end, and about being late."""

import errno
import os
import selectors
import signal
import socket
import sys
import threading
from collections.abc import Callable, Sequence
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
    connect,
    listen,
)
from reactor.testing import ManualClock, RecordingHandler
from tests.conftest import MakePair
from tests.doubles.door import Door
from tests.doubles.fatal_instrument import FatalInstrument
from tests.doubles.queue import Queue
from tests.doubles.spy_selector import Ready, SpySelector
from tests.doubles.threads import in_a_thread
from tests.museum.scenes import every_selector, iterate_until

needs_signals = pytest.mark.skipif(sys.platform == "win32", reason="needs Unix signals")
ways_out = pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt, GeneratorExit])


def leave(kind: type[BaseException], *args: object) -> None:
    raise kind


# -- row 203: somebody leaves the program ----------------------------------------------------


def queue_everything(loop: EventLoop, make_pair: MakePair, does: Callable[[str], object]) -> None:
    """Have one of each kind of callback due."""

    def watched(events: int) -> None:
        watcher.close()
        does("watcher")

    watcher = loop.register(make_pair()[0], EVENT_WRITE, watched)
    loop.call_later(0, does, "timer")
    loop.call_soon(does, "call")
    loop.call_before_select(partial(does, "flush"))


@ways_out
def test_row_203_what_was_due_behind_who_leaves_is_done_when_the_loop_runs_again(
    loop: EventLoop, clock: ManualClock, make_pair: MakePair, kind: type[BaseException]
) -> None:
    done: list[str] = []
    queue_everything(loop, make_pair, partial(leave, kind))
    queue_everything(loop, make_pair, done.append)
    for _ in range(4):
        with pytest.raises(kind):
            loop.run()
    loop.run()
    assert sorted(done) == ["call", "flush", "timer", "watcher"]


@pytest.mark.parametrize("kind", [ValueError, SystemExit])
def test_row_203_no_hook_that_raises_loses_what_was_due(
    watchdog: None, make_pair: MakePair, kind: type[BaseException]
) -> None:
    for place in range(14):
        done: list[str] = []
        with EventLoop(clock=ManualClock(), instrument=FatalInstrument(kind, place)) as loop:
            queue_everything(loop, make_pair, done.append)
            try:
                loop.run()
            except kind:
                loop.run()
        assert sorted(done) == ["call", "flush", "timer", "watcher"]


class Fragile:
    """A resource that can't even be aborted."""

    def __init__(self, kind: type[BaseException]) -> None:
        self._kind = kind

    def abort(self) -> None:
        raise self._kind

    def finish(self) -> None:
        """There is nobody to tell."""

    def disown(self) -> None:
        """There is nothing to give up."""


@needs_signals
def test_row_203_another_thread_can_not_replace_a_handler(loop: EventLoop) -> None:
    loop.add_signal_handler(signal.SIGUSR1, int)
    (error,) = in_a_thread(lambda: loop.add_signal_handler(signal.SIGUSR1, int))
    assert isinstance(error, ValueError)


@needs_signals
def test_row_203_a_removal_that_is_refused_forgets_nothing(loop: EventLoop) -> None:
    seen: list[int] = []
    before = signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    loop.add_signal_handler(signal.SIGUSR1, seen.append, 1)
    (error,) = in_a_thread(lambda: loop.remove_signal_handler(signal.SIGUSR1))
    assert isinstance(error, ValueError)
    signal.raise_signal(signal.SIGUSR1)
    loop.run_once(0)
    assert seen == [1]
    loop.remove_signal_handler(signal.SIGUSR1)
    signal.signal(signal.SIGUSR1, before)


# -- row 204: a loop that is late ------------------------------------------------------------


@every_selector
@pytest.mark.parametrize("place", ["before", "wait", "hook", "dispatch", "timer", "call", "flush"])
def test_row_204_who_was_in_time_is_heard_wherever_the_time_was_lost(
    watchdog: None, selector: SpySelector, make_pair: MakePair, place: str
) -> None:
    class Slow(Instrument):
        def select_ended(self, ready: Sequence[tuple[int, int]]) -> None:
            if place == "hook" and clock() == 0.0:
                queue.stall()

    def be_stopped(ready: Ready) -> Ready:
        selector.arrange = None
        queue.stall()
        return selector.select(0)

    def dispatched(events: int) -> None:
        watcher.close()
        queue.stall()

    clock = ManualClock()
    with EventLoop(selector=selector, clock=clock, instrument=Slow()) as loop:
        queue = Queue(loop, clock, make_pair())
        match place:
            case "before":
                queue.stall()
            case "wait":
                selector.arrange = be_stopped
            case "dispatch":
                watcher = loop.register(make_pair()[0], EVENT_WRITE, dispatched)
            case "timer":
                loop.call_later(0, queue.stall)
            case "call":
                loop.call_soon(queue.stall)
            case "flush":
                loop.call_before_select(queue.stall)
        loop.run_once(0)
        loop.run_once(0)
    assert queue.order == ["heard", "deadline"]


def test_row_204_an_answer_that_was_queued_in_time_is_older_than_its_deadline(
    loop: EventLoop, clock: ManualClock
) -> None:
    order: list[str] = []

    def be_answered_and_stall() -> None:
        thread = threading.Thread(target=loop.call_soon_threadsafe, args=(order.append, "answer"))
        thread.start()
        thread.join()
        clock.advance(3600.0)

    loop.call_later(60.0, order.append, "deadline")
    loop.call_soon(be_answered_and_stall)
    loop.run_once(0)
    loop.run_once(0)
    assert order == ["answer", "deadline"]


def test_row_204_what_was_resumed_in_time_is_delivered_before_a_deadline_passes(
    loop: EventLoop, clock: ManualClock, make_pair: MakePair
) -> None:
    order: list[str] = []
    near, far = make_pair()

    class LineByLine(StreamHandler):
        def data_received(self, buffer: ReceiveBuffer) -> None:
            order.append(repr(buffer.take_line(99)))
            stream.pause_reading()

    def resume_and_stall() -> None:
        stream.resume_reading()
        clock.advance(3600.0)

    stream = Stream(loop, near, LineByLine(), peername="near")
    far.send(b"one\ntwo\n")
    iterate_until(loop, lambda: order)
    loop.call_later(60.0, order.append, "deadline")
    loop.call_soon(resume_and_stall)
    loop.run_once(0)
    loop.run_once(0)
    assert order == ["b'one'", "b'two'", "deadline"]


# -- row 207: after the end ------------------------------------------------------------------


def test_row_207_a_timer_of_a_closed_loop_will_not_be_called(loop: EventLoop) -> None:
    timers = [loop.call_later(1, int), loop.call_every(1, int)]
    loop.close()
    assert [timer.active for timer in timers] == [False, False]
    for timer in timers:
        timer.cancel()


def test_row_207_a_closed_loop_says_so_and_refuses_work_in_its_own_words(loop: EventLoop) -> None:
    assert not loop.closed
    loop.close()
    assert loop.closed
    uses: list[Callable[[], object]] = [
        loop.run,
        partial(loop.call_soon, int),
        partial(loop.call_later, 1, int),
        partial(listen, loop, StreamHandler, "127.0.0.1", 0),
    ]
    for use in uses:
        with pytest.raises(LoopClosed):
            use()


# -- row 210: who has a descriptor -----------------------------------------------------------


@every_selector
@pytest.mark.parametrize("events", [0, EVENT_READ])
def test_row_210_a_descriptor_that_has_an_owner_is_refused(
    loop: EventLoop, make_pair: MakePair, events: int
) -> None:
    near, _ = make_pair()
    loop.register(near, events, int)
    for fileobj in (near, near.fileno()):
        with pytest.raises(ValueError, match="owner"):
            loop.register(fileobj, EVENT_READ, int)


@every_selector
@pytest.mark.parametrize("way", ["the watcher", "the file"])
def test_row_210_a_number_is_free_once_its_owner_has_closed(
    loop: EventLoop, make_pair: MakePair, way: str
) -> None:
    seen: list[int] = []
    near, _ = make_pair()
    heir, _ = make_pair()
    owner = loop.register(near, EVENT_READ, int)
    if way == "the file":
        number = near.detach()
        os.dup2(heir.fileno(), number)
        os.close(heir.detach())
        heir = socket.socket(fileno=number)
    else:
        owner.close()
        heir = near
    with heir:
        loop.register(heir, EVENT_WRITE, seen.append)
        owner.close()
        loop.run_once(0)
        loop.close()
    assert seen == [EVENT_WRITE]


@every_selector
@pytest.mark.parametrize("events", [0, EVENT_READ])
def test_row_210_a_regular_file_is_refused(loop: EventLoop, tmp_path: Path, events: int) -> None:
    with (tmp_path / "file").open("w") as file, pytest.raises(ValueError, match="not a file"):
        loop.register(file, events, int)


@every_selector
@pytest.mark.parametrize("events", [0, EVENT_READ])
def test_row_210_a_regular_file_in_a_wrapper_is_refused(loop: EventLoop, events: int) -> None:
    with NamedTemporaryFile() as file, pytest.raises(ValueError, match="not a file"):
        loop.register(file, events, int)


@pytest.mark.parametrize("events", [0, EVENT_READ])
def test_row_210_a_number_that_select_does_not_take_is_refused_in_the_call(
    make_pair: MakePair, beyond_select: Callable[[int], int], events: int
) -> None:
    number = beyond_select(make_pair()[0].fileno())
    with EventLoop(selector=selectors.SelectSelector()) as loop:
        with pytest.raises(ValueError, match="below 1024"):
            loop.register(number, events, int)
    os.close(number)


def test_row_210_an_attempt_whose_number_select_does_not_take_has_failed(
    network: Door, beyond_select: Callable[[int], int]
) -> None:
    def make(family: socket.AddressFamily, kind: socket.SocketKind) -> socket.socket:
        with socket.socket(family, kind) as sock:
            return socket.socket(fileno=beyond_select(sock.fileno()))

    network.socket = make
    handler = RecordingHandler()
    with socket.create_server(("127.0.0.1", 0)) as server:
        with EventLoop(selector=selectors.SelectSelector(), network=network) as loop:
            connect(loop, handler, *server.getsockname())
            loop.run()
    assert handler.events == ["connection_failed"]
    assert "below 1024" in str(handler.error)


@pytest.mark.parametrize("events", [None, "r", 4])
def test_row_210_events_that_are_none_are_refused(
    loop: EventLoop, make_pair: MakePair, events: Any
) -> None:
    with pytest.raises(ValueError, match="events"):
        loop.register(make_pair()[0], events, int)


def test_row_210_what_could_not_be_watched_is_not_owned(
    loop: EventLoop, selector: SpySelector, make_pair: MakePair
) -> None:
    near, _ = make_pair()
    selector.refusal = errno.ENOSPC
    with pytest.raises(OSError, match="No space"):
        loop.register(near, EVENT_READ, int)
    selector.refusal = None
    loop.register(near, EVENT_READ, int)


# -- row 213: stop() from elsewhere ----------------------------------------------------------


def stops_at_once(loop: EventLoop, selector: SpySelector, stop: Callable[[], object]) -> bool:
    """Whether `stop`, called in a thread when the loop sleeps, ends its run.

    If not, a call from the thread ends it later.
    """
    stopped, heard = threading.Event(), []

    def stop_once_asleep() -> None:
        selector.asleep.wait()
        for _ in range(20):  # a signal on the brink of sleep interrupts no sleep
            stop()
            if stopped.wait(0.05):
                heard.append(True)
                return
        loop.call_soon_threadsafe(loop.stop)

    near, far = socket.socketpair()
    with near, far:
        watcher = loop.register(near, EVENT_READ, int)
        thread = threading.Thread(target=stop_once_asleep)
        thread.start()
        loop.run()
        stopped.set()
        thread.join()
        watcher.close()
    return heard == [True]


@every_selector
def test_row_213_a_thread_stops_a_loop_that_sleeps(loop: EventLoop, selector: SpySelector) -> None:
    assert stops_at_once(loop, selector, loop.stop)


@needs_signals
@every_selector
def test_row_213_a_plain_signal_handler_stops_a_loop_that_sleeps(
    loop: EventLoop, selector: SpySelector
) -> None:
    before = signal.signal(signal.SIGUSR1, lambda signum, frame: loop.stop())
    send = partial(signal.pthread_kill, threading.get_ident(), signal.SIGUSR1)
    try:
        assert stops_at_once(loop, selector, send)
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_row_213_a_stop_on_the_brink_of_sleep_is_not_missed(
    watchdog: None, selector: SpySelector, network: Door
) -> None:
    class Stopper(Instrument):
        def select_started(self, timeout: float | None, timers: int, calls: int) -> None:
            loop.stop()

    clock = selector.clock = ManualClock()
    with EventLoop(selector=selector, clock=clock, network=network, instrument=Stopper()) as loop:
        loop.call_later(5.0, int)
        loop.run()
    assert clock() == 0.0
