"""Rows about what belongs to the whole process, or to two: signals, and what a fork inherits."""

import gc
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from itertools import permutations

import pytest

from reactor import EVENT_READ, EVENT_WRITE, EventLoop, connect, listen
from reactor.testing import RecordingHandler
from tests.doubles.children import end_of_child, needs_fork, said_by_child
from tests.doubles.descriptors import descriptors_of_this_process, open_descriptors
from tests.doubles.peer import Link, tcp_pair
from tests.doubles.spy_selector import SpySelector
from tests.museum.scenes import every_selector, iterate_until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs Unix signals")

SIGNALS = [signal.SIGUSR1, signal.SIGTERM]


@pytest.fixture(autouse=True)
def process() -> Iterator[None]:
    """As it was before, and as it has to be afterwards."""
    before = [signal.getsignal(signum) for signum in SIGNALS]
    ringing = signal.set_wakeup_fd(-1)
    yield
    for signum, handler in zip(SIGNALS, before, strict=True):
        signal.signal(signum, handler)
    signal.set_wakeup_fd(ringing)


def wakeup_fd() -> int:
    """Where the interpreter rings when a signal comes."""
    number = signal.set_wakeup_fd(-1)
    signal.set_wakeup_fd(number, warn_on_full_buffer=False)
    return number


# -- row 205: a forked child -----------------------------------------------------------------


ACTS: dict[str, Callable[[EventLoop, Link], object]] = {
    "close": lambda loop, link: loop.close(),
    "run": lambda loop, link: loop.run(),
    "stop": lambda loop, link: loop.stop(),
    "call": lambda loop, link: loop.call_soon_threadsafe(int),
    "register": lambda loop, link: loop.register(0, EVENT_READ, int),
}


@needs_fork
@every_selector
@pytest.mark.parametrize("act", ACTS)
def test_row_205_a_child_is_refused_and_its_parent_goes_on_hearing(
    loop: EventLoop, link: Link, handler: RecordingHandler, act: str
) -> None:
    owner = f"RuntimeError: the loop belongs to process {os.getpid()}"
    assert said_by_child(lambda: ACTS[act](loop, link)).startswith(owner)
    link.peer.send(b"hello")
    iterate_until(loop, lambda: handler.received == b"hello")
    called: list[int] = []
    loop.call_soon_threadsafe(called.append, 1)
    loop.run_once(0)
    assert called == [1]


@needs_fork
def test_row_205_a_child_is_refused_also_where_its_parent_has_still_to_send(
    loop: EventLoop, link: Link
) -> None:
    link.stream.write(bytes(8_000_000))
    loop.run_once(0)
    assert link.stream.write_buffer_size
    assert "belongs to" in said_by_child(lambda: link.stream.write(b"x"))


@needs_fork
@every_selector
@pytest.mark.parametrize("events", [0, EVENT_WRITE])
def test_row_205_a_watcher_is_the_parents(loop: EventLoop, events: int) -> None:
    near, far = tcp_pair()
    with near, far:
        seen: list[int] = []
        watcher = loop.register(near, EVENT_READ, seen.append)
        said_by_child(lambda: watcher.modify(events))
        said_by_child(watcher.close)
        far.send(b"x")
        iterate_until(loop, lambda: seen)
        assert seen == [EVENT_READ]


def close_as_a_child_does(loop: EventLoop) -> None:
    with pytest.raises(RuntimeError, match="belongs to"):
        loop.close()


@needs_fork
@pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="needs /proc")
def test_row_205_a_child_that_closes_frees_its_copies_and_tells_nobody() -> None:
    before = descriptors_of_this_process()
    handlers = RecordingHandler(), RecordingHandler()
    with EventLoop() as loop:
        listener = listen(loop, lambda: handlers[0], "127.0.0.1", 0)
        connect(loop, handlers[1], "127.0.0.1", listener.sockname[1])
        iterate_until(loop, lambda: handlers[0].events and handlers[1].events)

        def close() -> tuple[int, list[str]]:
            close_as_a_child_does(loop)
            left = descriptors_of_this_process() - before
            return len(left), handlers[0].events + handlers[1].events

        left, told = eval(said_by_child(close))
        assert left <= 2  # the pipe by which it is said, and the look itself
        assert told == ["connection_made"] * 2


def die() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


@needs_fork
@pytest.mark.parametrize("by", ["main", "thread"])
def test_row_205_a_child_dies_as_if_there_were_no_loop(loop: EventLoop, by: str) -> None:
    ends: list[int] = []
    with EventLoop() as another:
        for each in (another, loop):
            each.add_signal_handler(signal.SIGTERM, int)
        if by == "main":
            ends.append(end_of_child(die))
        else:
            thread = threading.Thread(target=lambda: ends.append(end_of_child(die)))
            thread.start()
            thread.join()
    assert ends == [-signal.SIGTERM]


@needs_fork
def test_row_205_what_a_child_is_sent_does_not_ring_at_its_parent(
    loop: EventLoop, selector: SpySelector
) -> None:
    def be_sent() -> None:
        signal.signal(signal.SIGUSR1, lambda signum, frame: None)
        signal.raise_signal(signal.SIGUSR1)

    loop.add_signal_handler(signal.SIGUSR1, int)
    end_of_child(be_sent)
    assert selector.select(0) == []


# -- row 206: what is the whole process's ----------------------------------------------------


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_row_206_loops_may_be_closed_in_any_order(loop: EventLoop, order: tuple[int, ...]) -> None:
    seen: list[int] = []
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    with EventLoop() as second, EventLoop() as third:
        loops = [loop, second, third]
        numbers = []
        for place, each in enumerate(loops):
            each.add_signal_handler(signal.SIGUSR1, seen.append, place)
            numbers.append(wakeup_fd())
        alive = {0, 1, 2}
        for place in order:
            loops[place].close()
            alive.remove(place)
            if alive:
                assert wakeup_fd() == numbers[max(alive)]
                signal.raise_signal(signal.SIGUSR1)
                loops[max(alive)].run_once(0)
                assert seen.pop() == max(alive)
        assert signal.getsignal(signal.SIGUSR1) is signal.SIG_IGN
        assert wakeup_fd() == -1


def quiet_pair() -> tuple[socket.socket, socket.socket]:
    pair = socket.socketpair()
    for sock in pair:
        sock.setblocking(False)
    return pair


def test_row_206_a_wakeup_descriptor_that_the_program_has_set_since_stays(loop: EventLoop) -> None:
    near, far = quiet_pair()
    with near, far:
        loop.add_signal_handler(signal.SIGUSR1, int)
        loop.call_soon(signal.set_wakeup_fd, near.fileno())
        loop.run_once(0)
        loop.close()
        assert wakeup_fd() == near.fileno()


def test_row_206_no_signal_rings_at_a_number_that_is_a_connections_by_now(loop: EventLoop) -> None:
    near, far = quiet_pair()
    connection, peer = quiet_pair()
    number = near.fileno()
    signal.set_wakeup_fd(number)
    with far, connection, peer:
        loop.add_signal_handler(signal.SIGUSR1, int)
        loop.call_soon(lambda: os.dup2(connection.fileno(), near.detach()))
        loop.run_once(0)
        loop.close()
        assert wakeup_fd() == -1
        os.close(number)


def closed_in_another_thread(loop: EventLoop) -> None:
    thread = threading.Thread(target=loop.close)
    thread.start()
    thread.join()


def test_row_206_what_was_left_to_the_main_thread_is_done_when_it_makes_a_loop() -> None:
    before = open_descriptors()
    loop = EventLoop()
    loop.add_signal_handler(signal.SIGUSR1, int)
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    closed_in_another_thread(loop)
    EventLoop().close()
    assert (wakeup_fd(), open_descriptors()) == (-1, before)


def test_row_206_a_handler_that_was_replaced_and_is_called_still_calls_nobody(
    loop: EventLoop,
) -> None:
    seen: list[str] = []
    loop.add_signal_handler(signal.SIGUSR1, seen.append, "old")
    found = signal.getsignal(signal.SIGUSR1)
    assert callable(found)
    signal.signal(signal.SIGUSR1, lambda signum, frame: found(signum, frame))
    loop.add_signal_handler(signal.SIGUSR1, seen.append, "new")
    loop.close()
    signal.raise_signal(signal.SIGUSR1)
    assert seen == []


def kept() -> int:
    """How many objects of signals there are."""
    gc.collect()
    return sum(type(each).__module__ == "reactor.signals" for each in gc.get_objects())
