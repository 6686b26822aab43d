"""EventLoop: wrong use, and what close() does whatever is raised in it."""

import errno
import signal
from collections.abc import Callable

import pytest

from reactor import (
    EVENT_READ,
    EVENT_WRITE,
    EventLoop,
    LoopClosed,
    Stream,
    StreamHandler,
    bind_udp,
    connect,
    listen,
)
from reactor.testing import ManualClock, RecordingHandler, stream_pair
from tests.conftest import Connect, Pair
from tests.doubles.descriptors import open_descriptors
from tests.doubles.mailbox import Mailbox
from tests.doubles.peer import tcp_pair
from tests.doubles.spy_selector import SpySelector


def fail(*args: object) -> None:
    raise ZeroDivisionError


ways_out = pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt, GeneratorExit])


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
