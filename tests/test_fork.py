"""fork(2): a child that inherits a loop can't use it, and the parent does not notice."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial

import pytest

from reactor import (
    EVENT_READ,
    EVENT_WRITE,
    DatagramBatch,
    DatagramEndpoint,
    EventLoop,
    Instrument,
    Stream,
    StreamHandler,
    bind_udp,
    connect,
    listen,
)
from reactor.loop import disown_all
from reactor.testing import ManualClock, RecordingHandler, run_until
from tests.doubles.children import end_of_child, needs_fork, said_by_child
from tests.doubles.descriptors import descriptors_of_this_process
from tests.doubles.mailbox import Mailbox
from tests.doubles.peer import Link, tcp_pair, wait_for
from tests.doubles.spy_selector import SpySelector

BATCH = DatagramBatch.of([b"x", b"y"])

pytestmark = [needs_fork, pytest.mark.usefixtures("watchdog")]


class AnyResource:
    """Something for a loop to own."""

    def abort(self) -> None:
        """Close nothing."""

    def finish(self) -> None:
        """Tell nobody."""

    def disown(self) -> None:
        """There is nothing to give up."""


def refusal(loop_of: int | None = None) -> str:
    """How whatever a child asks of its parent's loop is refused."""
    return f"RuntimeError: the loop belongs to process {loop_of or os.getpid()}"


def hears(loop: EventLoop, link: Link, handler: RecordingHandler) -> bool:
    """Whether a loop is woken by its connections."""
    before = len(handler.received)
    link.peer.send(b"hello")
    run_until(loop, lambda: handler.received[before:] == b"hello")
    return True


def is_woken_by_threads(loop: EventLoop, selector: SpySelector) -> bool:
    seen: list[int] = []
    selector.asleep.clear()

    def call_once_asleep() -> None:
        selector.asleep.wait()
        loop.call_soon_threadsafe(seen.append, 1)
        loop.call_soon_threadsafe(loop.stop)

    thread = threading.Thread(target=call_once_asleep)
    thread.start()
    loop.run()
    thread.join()
    return bool(seen)


# -- what a child is told ----------------------------------------------------------------


USES: dict[str, Callable[[EventLoop], object]] = {
    "run": lambda loop: loop.run(),
    "run_once": lambda loop: loop.run_once(0),
    "stop": lambda loop: loop.stop(),
    "close": lambda loop: loop.close(),
    "with": lambda loop: loop.__exit__(None),
    "call_soon": lambda loop: loop.call_soon(int),
    "call_soon_threadsafe": lambda loop: loop.call_soon_threadsafe(int),
    "call_before_select": lambda loop: loop.call_before_select(int),
    "call_later": lambda loop: loop.call_later(1, int),
    "call_at": lambda loop: loop.call_at(1, int),
    "call_every": lambda loop: loop.call_every(1, int),
    "register": lambda loop: loop.register(0, EVENT_READ, int),
    "attach": lambda loop: loop.attach(AnyResource()),
    "add_signal_handler": lambda loop: loop.add_signal_handler(signal.SIGUSR1, int),
    "remove_signal_handler": lambda loop: loop.remove_signal_handler(signal.SIGUSR1),
    "listen": lambda loop: listen(loop, StreamHandler, "127.0.0.1", 0),
    "connect": lambda loop: connect(loop, StreamHandler(), "127.0.0.1", 1),
    "bind_udp": lambda loop: bind_udp(loop, Mailbox(), "127.0.0.1", 0),
}


SENDS: dict[str, Callable[[DatagramEndpoint], object]] = {
    "send": lambda endpoint: endpoint.send(b"x", endpoint.sockname),
    "send_batch": lambda endpoint: endpoint.send_batch(BATCH, endpoint.sockname),
    "send_batch_to_all": lambda endpoint: endpoint.send_batch_to_all(BATCH, [endpoint.sockname]),
    "open_lane": lambda endpoint: endpoint.open_lane(endpoint.sockname),
    "close": lambda endpoint: endpoint.close(),
}


def test_a_child_can_not_write_to_a_stream_that_has_bytes_waiting(
    loop: EventLoop, link: Link
) -> None:
    link.stream.write(bytes(8_000_000))
    loop.run_once(0)
    waiting = link.stream.write_buffer_size
    assert waiting
    assert said_by_child(lambda: link.stream.write(b"x")).startswith(refusal())
    assert link.stream.write_buffer_size == waiting


@pytest.mark.parametrize("use", SENDS)
def test_a_child_can_not_send_in_the_name_of_its_parent(loop: EventLoop, use: str) -> None:
    mailbox = Mailbox()
    endpoint = bind_udp(loop, mailbox, "127.0.0.1")
    assert said_by_child(lambda: SENDS[use](endpoint)).startswith(refusal())
    endpoint.send(b"by the parent", endpoint.sockname)
    run_until(loop, lambda: mailbox.datagrams)
    assert mailbox.datagrams == [b"by the parent"]


def test_a_child_that_has_closed_the_loop_can_not_send_either(loop: EventLoop) -> None:
    endpoint = bind_udp(loop, Mailbox(), "127.0.0.1")

    def close_and_send() -> None:
        with suppress(RuntimeError):
            loop.close()
        endpoint.send(b"x", endpoint.sockname)

    assert said_by_child(close_and_send).startswith("LoopClosed")


@pytest.mark.parametrize("use", USES)
def test_every_call_of_a_child_is_refused_with_the_owner_named(
    loop: EventLoop, link: Link, use: str
) -> None:
    assert said_by_child(lambda: USES[use](loop)).startswith(refusal())


@pytest.mark.parametrize("use", USES)
def test_whatever_a_child_tries_its_parent_goes_on_hearing(
    loop: EventLoop, selector: SpySelector, link: Link, handler: RecordingHandler, use: str
) -> None:
    said_by_child(lambda: USES[use](loop))
    assert hears(loop, link, handler)
    assert is_woken_by_threads(loop, selector)


@pytest.mark.parametrize("events", [EVENT_READ, EVENT_WRITE])
def test_a_watcher_of_the_parent_can_not_be_modified(loop: EventLoop, events: int) -> None:
    near, far = tcp_pair()
    with near, far:
        watcher = loop.register(near, 0, int)
        assert said_by_child(lambda: watcher.modify(events)).startswith(refusal())


def test_a_watcher_that_a_child_closes_goes_on_watching_for_the_parent(loop: EventLoop) -> None:
    near, far = tcp_pair()
    with near, far:
        seen: list[int] = []
        watcher = loop.register(near, EVENT_READ, seen.append)
        assert said_by_child(watcher.close) == "None"
        far.send(b"x")
        run_until(loop, lambda: seen)


def test_the_owner_is_named_to_the_child_of_a_child(loop: EventLoop) -> None:
    grandchild = partial(said_by_child, lambda: loop.call_soon(int))
    assert refusal() in said_by_child(grandchild)


def test_a_child_may_have_a_loop_of_its_own(loop: EventLoop) -> None:
    def use_another() -> list[int]:
        called: list[int] = []
        with EventLoop() as another:
            another.call_soon_threadsafe(called.append, 1)
            another.add_signal_handler(signal.SIGUSR1, called.append, 2)
            signal.raise_signal(signal.SIGUSR1)
            another.run()
        return called

    assert said_by_child(use_another) == "[1, 2]"


def test_the_loop_of_a_child_is_not_that_of_its_own_child(loop: EventLoop) -> None:
    def use_another() -> bool:
        with EventLoop() as another:
            said = said_by_child(lambda: another.call_soon(int))
            return said.startswith(refusal(os.getpid()))

    assert said_by_child(use_another) == "True"


def test_a_child_that_a_thread_has_forked_is_refused(loop: EventLoop) -> None:
    said: list[str] = []
    thread = threading.Thread(target=lambda: said.append(said_by_child(loop.run)))
    thread.start()
    thread.join()
    assert said[0].startswith(refusal())


def test_a_closed_loop_is_closed_in_a_child(loop: EventLoop) -> None:
    loop.close()
    assert said_by_child(loop.run) == "LoopClosed: the loop is closed"


# -- a child that a callback forks -------------------------------------------------------


def end_of_the_child_that_is_left(loop: EventLoop, children: list[int]) -> str:
    """Run the loop, in which a callback forks; how `run()` ends for the child."""
    parent = os.getpid()
    try:
        loop.run()
    except RuntimeError as exc:
        os._exit(7 if "belongs to" in str(exc) or loop.closed else 8)
    finally:
        if os.getpid() != parent:
            os._exit(9)
    (child,) = children
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return {7: "refused", 8: "another error", 9: "no error"}[status]


@pytest.mark.parametrize("place", ["call_soon", "call_before_select"])
@pytest.mark.parametrize("closes", [False, True])
@pytest.mark.parametrize("others", [0, 1])
def test_a_child_that_returns_into_the_loop_gets_no_further(
    loop: EventLoop, place: str, closes: bool, others: int
) -> None:
    parent, children = os.getpid(), []

    def fork() -> None:
        children.append(os.fork())
        if children == [0] and closes:
            close_as_a_child_does(loop)

    def be_the_parent() -> None:
        assert os.getpid() == parent

    getattr(loop, place)(fork)
    for _ in range(others):
        loop.call_soon(be_the_parent)
        loop.call_before_select(be_the_parent)
    assert end_of_the_child_that_is_left(loop, children) == "refused"


def test_a_child_of_a_timer_runs_no_other(loop: EventLoop, clock: ManualClock) -> None:
    children: list[int] = []
    loop.call_later(0, lambda: children.append(os.fork()))
    loop.call_later(0, lambda: children[0] or os._exit(6))
    assert end_of_the_child_that_is_left(loop, children) == "refused"


def test_a_child_of_a_watcher_takes_nothing_from_its_parents_other_connections(
    loop: EventLoop, selector: SpySelector
) -> None:
    children: list[int] = []
    near, far = tcp_pair()
    other_near, other_far = tcp_pair()
    with near, far, other_near, other_far:

        def fork(events: int) -> None:
            watcher.close()
            children.append(os.fork())

        def read(events: int) -> None:
            assert other_near.recv(100) == b"for the parent"
            other.close()

        watcher = loop.register(near, EVENT_WRITE, fork)
        other = loop.register(other_near, EVENT_READ, read)
        other_far.send(b"for the parent")
        wait_for(other_near)
        selector.arrange = lambda ready: sorted(ready, key=lambda entry: entry[0].fd)
        assert near.fileno() < other_near.fileno()
        assert end_of_the_child_that_is_left(loop, children) == "refused"


@pytest.mark.parametrize("hook", ["select_started", "select_ended"])
def test_a_child_that_an_instrument_forks_gets_no_further(selector: SpySelector, hook: str) -> None:
    children: list[int] = []

    def fork(*args: object) -> None:
        if not children:
            children.append(os.fork())

    instrument = Instrument()
    setattr(instrument, hook, fork)
    parent = os.getpid()
    with EventLoop(selector=selector, instrument=instrument) as loop:
        loop.call_soon(lambda: os.getpid() == parent or os._exit(6))
        assert end_of_the_child_that_is_left(loop, children) == "refused"


# -- close() in a child ------------------------------------------------------------------


def close_as_a_child_does(loop: EventLoop) -> None:
    with pytest.raises(RuntimeError, match="belongs to process"):
        loop.close()


@pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="needs /proc")
def test_a_child_that_closes_the_loop_has_none_of_its_descriptors() -> None:
    before = descriptors_of_this_process()
    near, far = tcp_pair()
    with EventLoop() as loop, far:
        far_number = str(far.fileno())
        handlers = RecordingHandler(), RecordingHandler()
        listener = listen(loop, lambda: handlers[0], "127.0.0.1", 0)
        connect(loop, handlers[1], "127.0.0.1", listener.sockname[1])
        bind_udp(loop, Mailbox(), "127.0.0.1", coalesce=0.001)
        Stream(loop, near, RecordingHandler())
        run_until(loop, lambda: "connection_made" in handlers[0].events)
        connect(loop, StreamHandler(), "127.0.0.1", listener.sockname[1])

        def what_is_left() -> list[str]:
            close_as_a_child_does(loop)
            return sorted(descriptors_of_this_process() - before - {far_number})

        # The pipe through which it is said is the child's own.
        assert len(eval(said_by_child(what_is_left))) <= 2


def test_a_child_tells_no_handler_for_the_connection_goes_on(
    loop: EventLoop, link: Link, handler: RecordingHandler
) -> None:
    def close() -> list[str]:
        close_as_a_child_does(loop)
        return handler.events

    assert said_by_child(close) == "['connection_made']"
    assert hears(loop, link, handler)


def test_a_child_that_leaves_by_an_exception_leaves_by_that_one(
    loop: EventLoop, link: Link
) -> None:
    def leave() -> None:
        try:
            with loop:
                raise SystemExit(7)
        finally:
            assert link.sock.fileno() == -1

    assert said_by_child(leave) == "SystemExit: 7"


def test_a_child_may_close_twice(loop: EventLoop) -> None:
    def close_twice() -> bool:
        close_as_a_child_does(loop)
        loop.close()
        return loop.closed

    assert said_by_child(close_twice) == "True"


def test_a_child_that_was_refused_can_still_close(loop: EventLoop, link: Link) -> None:
    def close() -> bool:
        with pytest.raises(RuntimeError):
            loop.run()
        close_as_a_child_does(loop)
        return link.sock.fileno() == -1

    assert said_by_child(close) == "True"


# -- signals -----------------------------------------------------------------------------


def die() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def test_a_child_dies_of_a_signal_that_the_parent_handles(loop: EventLoop) -> None:
    loop.add_signal_handler(signal.SIGTERM, int)
    assert end_of_child(die) == -signal.SIGTERM


def test_a_child_that_a_thread_has_forked_dies_of_it_too(loop: EventLoop) -> None:
    ends: list[int] = []
    loop.add_signal_handler(signal.SIGTERM, int)
    thread = threading.Thread(target=lambda: ends.append(end_of_child(die)))
    thread.start()
    thread.join()
    assert ends == [-signal.SIGTERM]


def test_a_child_of_several_loops_dies_of_it_too(loop: EventLoop) -> None:
    with EventLoop() as second, EventLoop() as third:
        for each in (second, loop, third):
            each.add_signal_handler(signal.SIGTERM, int)
        assert end_of_child(die) == -signal.SIGTERM


def test_what_a_child_is_sent_does_not_ring_at_the_parent(
    loop: EventLoop, selector: SpySelector
) -> None:
    loop.add_signal_handler(signal.SIGTERM, int)
    loop.add_signal_handler(signal.SIGUSR1, int)

    def be_sent() -> None:
        signal.signal(signal.SIGUSR1, signal.default_int_handler)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGUSR1)

    end_of_child(be_sent)
    assert selector.select(0) == []


def test_the_parent_goes_on_hearing_its_signals(loop: EventLoop) -> None:
    seen: list[int] = []
    loop.add_signal_handler(signal.SIGUSR1, seen.append, 1)
    end_of_child(lambda: close_as_a_child_does(loop))
    signal.raise_signal(signal.SIGUSR1)
    run_until(loop, lambda: seen)


def test_a_worker_of_multiprocessing_is_a_child_like_any_other(
    loop: EventLoop, link: Link, handler: RecordingHandler
) -> None:
    loop.add_signal_handler(signal.SIGTERM, int)
    worker = multiprocessing.get_context("fork").Process(target=die)
    worker.start()
    worker.join()
    assert worker.exitcode == -signal.SIGTERM
    assert hears(loop, link, handler)


# -- what the child's part of the system tells a loop, seen from this process --------------


def test_a_loop_that_is_disowned_asks_nothing_of_its_selector(
    loop: EventLoop, selector: SpySelector, link: Link
) -> None:
    watched = [(key.fd, key.events) for key in selector.get_map().values()]
    loop.disown()
    loop.disown()
    link.stream.pause_reading()
    for use in (name for name in USES if name not in ("close", "with")):
        with pytest.raises(RuntimeError, match="belongs to process"):
            USES[use](loop)
    assert [(key.fd, key.events) for key in selector.get_map().values()] == watched
    close_as_a_child_does(loop)
    loop.disown()
    assert link.sock.fileno() == -1


def test_every_loop_that_is_open_is_told(loop: EventLoop) -> None:
    with EventLoop() as ended:
        pass
    disown_all()
    assert not loop.closed
    assert ended.closed
    close_as_a_child_does(loop)


@pytest.mark.parametrize(
    "hook", ["select_started", "select_ended", "callback_started", "flushes_started"]
)
def test_a_loop_that_is_disowned_while_it_runs_calls_nobody_after_that(
    selector: SpySelector, hook: str
) -> None:
    called: list[int] = []
    instrument = Instrument()
    setattr(instrument, hook, lambda *args: loop.disown())
    loop: EventLoop = EventLoop(selector=selector, instrument=instrument)
    for number in range(2):
        loop.call_soon(called.append, number)
        loop.call_before_select(partial(called.append, number))
    with pytest.raises(RuntimeError, match="belongs to process"):
        loop.run()
    close_as_a_child_does(loop)
    assert called == {"callback_started": [0], "flushes_started": [0, 1]}.get(hook, [])


def test_the_watcher_of_a_disowned_loop_refuses_every_change(
    loop: EventLoop, selector: SpySelector
) -> None:
    near, far = tcp_pair()
    with near, far:
        watcher = loop.register(near, EVENT_READ, int)
        watched = [(key.fd, key.events) for key in selector.get_map().values()]
        loop.disown()
        with pytest.raises(RuntimeError, match="belongs to process"):
            watcher.modify(EVENT_WRITE)
        watcher.close()
        assert [(key.fd, key.events) for key in selector.get_map().values()] == watched
        close_as_a_child_does(loop)


def test_what_a_disowned_loop_owns_sends_nothing_and_is_closed_with_it(
    loop: EventLoop, link: Link
) -> None:
    endpoint = bind_udp(loop, Mailbox(), "127.0.0.1", 0)
    link.stream.write(bytes(8_000_000))
    loop.run_once(0)
    loop.disown()
    with pytest.raises(RuntimeError, match="belongs to process"):
        link.stream.write(b"x")
    with pytest.raises(RuntimeError, match="belongs to process"):
        endpoint.send(b"x", endpoint.sockname)
    with pytest.raises(SystemExit):
        leave_by_an_exit(loop)
    assert link.sock.fileno() == -1


def leave_by_an_exit(loop: EventLoop) -> None:
    with loop:
        raise SystemExit
