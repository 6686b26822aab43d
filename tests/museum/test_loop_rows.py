"""Rows about the loop itself: events that are out of date, calls from outside, long waits."""

import errno
import os
import random
import socket
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from reactor import EVENT_READ, EVENT_WRITE, EventLoop, ReceiveBuffer, Stream, Watcher, listen
from reactor.testing import ManualClock, RecordingHandler, stream_pair
from tests.conftest import MakePair, Pair, Reported
from tests.doubles.descriptors import open_descriptors
from tests.doubles.door import Door
from tests.doubles.peer import wait_for
from tests.doubles.spy_selector import Ready, SpySelector
from tests.museum.scenes import every_selector

pytestmark = every_selector

# -- row 4: events that are out of date ------------------------------------------------------


class Batch:
    """Readable sockets, the first of which closes the second and takes its number over."""

    def __init__(self, loop: EventLoop, make_pair: MakePair, count: int) -> None:
        self._loop = loop
        self._make_pair = make_pair
        self.called: list[int] = []
        self.newcomer_called = 0
        self.socks: list[socket.socket] = []
        self.watchers: list[Watcher] = []
        for place in range(count):
            near, far = make_pair()
            far.send(b"x")
            wait_for(near)
            self.socks.append(near)
            callback = self.replace if place == 0 else self.called.append
            self.watchers.append(loop.register(near, EVENT_READ, callback))

    def replace(self, events: int) -> None:
        """Close the second socket and watch a new one, quiet so far, that has its number."""
        self.watchers[0].close()
        near, self.far = self._make_pair()
        self.watchers[1].close()
        number = self.socks[1].detach()
        os.dup2(near.fileno(), number)
        self.socks[1] = socket.socket(fileno=number)
        self.watchers[1] = self._loop.register(self.socks[1], EVENT_READ, self._on_newcomer)

    def _on_newcomer(self, events: int) -> None:
        self.newcomer_called += 1
        self.socks[1].setblocking(False)
        self.socks[1].recv(100)

    def close(self) -> None:
        for watcher in self.watchers:
            watcher.close()
        self.socks[1].close()


@pytest.mark.parametrize("seed", range(10))
def test_row_04_who_inherits_a_number_is_not_called_for_its_predecessor(
    loop: EventLoop, selector: SpySelector, make_pair: MakePair, seed: int
) -> None:
    chance = random.Random(seed)

    def shuffle(ready: Ready) -> Ready:
        return chance.sample(ready, len(ready))

    selector.arrange = shuffle
    batch = Batch(loop, make_pair, 5)
    loop.run_once(0)
    assert batch.newcomer_called == 0
    batch.far.send(b"x")
    wait_for(batch.socks[1])
    loop.run_once(0)
    assert batch.newcomer_called == 1
    batch.close()


def test_row_04_who_was_closed_in_the_same_batch_is_not_called(
    loop: EventLoop, selector: SpySelector, make_pair: MakePair
) -> None:
    called = []
    watchers: list[Watcher] = []

    def close_all(events: int) -> None:
        called.append(events)
        for watcher in watchers:
            watcher.close()

    for _ in range(5):
        near, far = make_pair()
        far.send(b"x")
        wait_for(near)
        watchers.append(loop.register(near, EVENT_READ, close_all))
    loop.run_once(0)
    assert len(called) == 1


# -- row 102: a call from outside that comes just before the sleep ------------------------------


def test_row_102_a_loop_that_wakes_at_the_first_ring_finds_the_call(
    watchdog: None, network: Door, selector: SpySelector
) -> None:
    looked: list[list[str]] = []
    called: list[str] = []

    class Bell(socket.socket):
        def send(self, *args: Any) -> int:
            sent = super().send(*args)
            # The thread of the loop is quicker: it wakes, and looks, before we go on.
            loop.run_once(0)
            loop.run_once(0)
            looked.append(list(called))
            return sent

    def pair() -> Pair:
        reader, writer = socket.socketpair()
        return reader, Bell(fileno=writer.detach())

    network.socketpair = pair
    with EventLoop(selector=selector, network=network) as loop:
        loop.call_soon_threadsafe(called.append, "the call")
    assert looked == [["the call"]]


# -- row 103: a wait that no system call can take -----------------------------------------------


def test_row_103_a_timer_in_a_hundred_years_is_slept_for_in_pieces(
    loop: EventLoop, clock: ManualClock, selector: SpySelector
) -> None:
    century = 100 * 365.25 * 86_400
    called: list[float] = []
    selector.clock = clock
    loop.call_later(century, lambda: called.append(clock()))
    loop.run()
    assert called == [century]
    # epoll_wait(2) and poll(2) take milliseconds in 31 bits.
    assert max(wait for wait in selector.timeouts if wait is not None) <= (2**31 - 1) / 1000
    assert len(selector.timeouts) < 5_000


# -- row 109: what stood behind a callback that raised ------------------------------------------


def test_row_109_what_was_due_behind_a_call_that_raised_is_done_when_the_loop_runs_again(
    loop: EventLoop, clock: ManualClock, make_pair: MakePair
) -> None:
    done: list[object] = []

    def fail(*args: object) -> None:
        raise ZeroDivisionError

    def watch(callback: Callable[[str], object]) -> None:
        def once(events: int) -> None:
            watcher.close()
            callback("readable")

        near, far = make_pair()
        far.send(b"x")
        wait_for(near)
        watcher = loop.register(near, EVENT_READ, once)

    for callback in (fail, done.append):
        loop.call_later(0, callback, "timer")
        loop.call_soon(callback, "call")
        loop.call_before_select(partial(callback, "flush"))
        watch(callback)
    for _ in range(4):
        with pytest.raises(ZeroDivisionError):
            loop.run()
    loop.run()
    assert done == ["readable", "call", "timer", "flush"]


# -- row 110: the last reply of a loop that stops ------------------------------------------------


def test_row_110_what_was_written_in_the_breath_of_stopping_leaves(loop: EventLoop) -> None:
    class Farewell(RecordingHandler):
        def data_received(self, buffer: ReceiveBuffer) -> None:
            super().data_received(buffer)
            assert self.stream is not None
            self.stream.write(b"good bye")
            loop.stop()

    near, far = socket.socketpair()
    with far:
        Stream(loop, near, Farewell(), peername="near")
        far.send(b"stop")
        loop.run()
        far.setblocking(False)
        assert far.recv(100) == b"good bye"


def test_row_110_what_was_written_in_a_flush_that_stops_the_loop_leaves(loop: EventLoop) -> None:
    left: list[str] = []

    def write_again() -> None:
        loop.call_before_select(partial(left.append, "good bye"))
        loop.stop()

    loop.call_before_select(write_again)
    loop.run()
    assert left == ["good bye"]


# -- row 111: connections that are open when the loop is closed ---------------------------------


def test_row_111_every_connection_is_told_once_when_the_loop_is_closed(
    loop: EventLoop, reported: Reported
) -> None:
    told: list[int] = []

    class Selfish(RecordingHandler):
        """Hears of its end, ends whomever it can, and raises."""

        def connection_lost(self, exc: Exception | None) -> None:
            told.append(handlers.index(self))
            for other in handlers:
                assert other.stream is not None
                other.stream.abort()
            raise ZeroDivisionError

    handlers = [Selfish() for _ in range(6)]
    for left, right in zip(handlers[::2], handlers[1::2], strict=True):
        stream_pair(loop, left, right)
    loop.run_once(0)
    assert handlers[0].stream is not None
    handlers[0].stream.close()
    loop.close()
    assert sorted(told) == [0, 1, 2, 3, 4, 5]
    assert len(reported) == 6
    reported.clear()


def test_row_111_who_was_told_of_the_end_is_not_told_again_when_the_loop_is_closed(
    loop: EventLoop,
) -> None:
    left, right = RecordingHandler(), RecordingHandler()
    streams = stream_pair(loop, left, right)
    loop.run_once(0)
    for stream in streams:
        stream.abort()
    loop.run_once(0)
    loop.close()
    assert left.events == right.events == ["connection_made", "connection_lost"]


def test_row_111_a_loop_that_is_closed_leaves_no_socket_open(loop: EventLoop) -> None:
    before = open_descriptors()
    for _ in range(5):
        stream_pair(loop, RecordingHandler(), RecordingHandler())
    listen(loop, RecordingHandler, "127.0.0.1", 0)
    loop.run_once(0)
    loop.close()
    assert open_descriptors() < before


# -- row 165: a change that the selector refuses -------------------------------------------------


def test_row_165_a_watcher_whose_change_was_refused_can_be_closed_and_watched_again(
    loop: EventLoop,
    selector: SpySelector,
    make_pair: MakePair,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(fileobj: Any, *args: Any) -> None:
        # As the selectors of Python do: what could not be changed is not registered any more.
        selector.unregister(fileobj)
        raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))

    near, _ = make_pair()
    called: list[int] = []
    watcher = loop.register(near, EVENT_READ, called.append)
    with monkeypatch.context() as patch:
        patch.setattr(selector, "modify", refuse)
        with pytest.raises(OSError, match="memory"):
            watcher.modify(EVENT_READ | EVENT_WRITE)
    watcher.modify(EVENT_WRITE)
    loop.run_once(0)
    assert called == [EVENT_WRITE]
    watcher.close()
    assert selector.watched == 0
