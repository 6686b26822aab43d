"""Other people's bugs with wake-ups: what a full or broken pipe loses, and what stays behind.

The pipe is a doorbell; a test here is about what must not depend on how often it rang.
"""

import errno
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import pytest

from reactor import EVENT_READ, EventLoop
from reactor.testing import ManualClock
from reactor.wakeup import Wakeup
from tests.conftest import Reported
from tests.doubles.door import Door
from tests.doubles.spy_selector import SpySelector
from tests.museum.scenes import pass_time

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs Unix signals")

SIGNALS = [signal.SIGUSR1, signal.SIGUSR2, signal.SIGTERM]


@pytest.fixture(autouse=True)
def bystander() -> Iterator[Callable[..., Any]]:
    """The handler that was there before, and has to be there afterwards."""

    def stand_by(signum: int, frame: FrameType | None) -> None:
        pytest.fail(f"the handler of before got signal {signum}")

    before = [signal.signal(signum, stand_by) for signum in SIGNALS]
    yield stand_by
    for signum, handler in zip(SIGNALS, before, strict=True):
        signal.signal(signum, handler)


@pytest.fixture
def bell(selector: SpySelector, loop: EventLoop) -> Wakeup:
    """The loop's own."""
    (key,) = selector.get_map().values()
    assert isinstance(key.fileobj, Wakeup)
    return key.fileobj


def wakeup_fd() -> int:
    """Where the interpreter rings when a signal comes."""
    number = signal.set_wakeup_fd(-1)
    signal.set_wakeup_fd(number, warn_on_full_buffer=False)
    return number


def fill(bell: Wakeup) -> None:
    try:
        while True:
            os.write(bell.writer_fileno(), bytes(4096))
    except BlockingIOError:
        pass


def wakes(loop: EventLoop, selector: SpySelector) -> int:
    """How many iterations it takes until nothing wakes the loop any more; 20 is for ever."""
    selector.clock = ManualClock()
    for count in range(20):
        before = selector.clock()
        loop.run_once(1.0)
        if selector.clock() > before:
            selector.clock = None
            return count
    return 20


def stops_when_sent_to_another_thread(loop: EventLoop, selector: SpySelector, signum: int) -> bool:
    """Whether a signal that the system gives to another thread still wakes a sleeping loop.

    If not, a call from a thread wakes it in the end.
    """
    stopped = threading.Event()
    heard: list[bool] = []

    def send_once_asleep() -> None:
        selector.asleep.wait()
        signal.pthread_kill(threading.get_ident(), signum)
        heard.append(stopped.wait(3.0))
        loop.call_soon_threadsafe(loop.stop)

    selector.asleep.clear()
    loop.add_signal_handler(signum, stopped.set)
    near, far = socket.socketpair()
    with near, far:
        watcher = loop.register(near, EVENT_READ, int)
        thread = threading.Thread(target=send_once_asleep)
        thread.start()
        loop.run()
        thread.join()
        watcher.close()
    return heard == [True]


# -- 29: the pipe that wakes the loop is full, or gone -----------------------------------


def test_row_29_nobody_who_rings_waits_for_room(
    watchdog: None, network: Door, selector: SpySelector
) -> None:
    waits: list[float | None] = []

    class Bell(socket.socket):
        def send(self, *args: Any) -> int:
            waits.append(self.gettimeout())
            return super().send(*args)

    def pair() -> tuple[socket.socket, socket.socket]:
        reader, writer = socket.socketpair()
        return reader, Bell(fileno=writer.detach())

    network.socketpair = pair
    with EventLoop(selector=selector, network=network) as loop:
        loop.call_soon_threadsafe(int)
    assert waits == [0.0]


def test_row_29_ten_thousand_signals_and_one_are_all_seen(
    loop: EventLoop, selector: SpySelector, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda complaint: seen.append("complaint"))
    loop.add_signal_handler(signal.SIGUSR1, seen.append, "SIGUSR1")
    loop.add_signal_handler(signal.SIGTERM, seen.append, "SIGTERM")

    def be_sent() -> None:
        for signum in [signal.SIGUSR1] * 10_000 + [signal.SIGTERM]:
            signal.raise_signal(signum)

    loop.call_soon(be_sent)
    loop.run_once(0)
    assert wakes(loop, selector) <= 3
    assert seen == ["SIGUSR1"] * 10_000 + ["SIGTERM"]


def test_row_29_calls_from_threads_and_signals_get_through_a_full_pipe(
    loop: EventLoop, selector: SpySelector, bell: Wakeup
) -> None:
    made: list[str] = []
    loop.add_signal_handler(signal.SIGUSR1, made.append, "signal")
    fill(bell)
    signal.raise_signal(signal.SIGUSR1)
    thread = threading.Thread(target=loop.call_soon_threadsafe, args=(made.append, "thread"))
    thread.start()
    thread.join()
    assert wakes(loop, selector) <= 3
    assert made == ["signal", "thread"]


def test_row_29_a_signal_wakes_the_loop_from_whichever_thread_it_hits(
    loop: EventLoop, selector: SpySelector
) -> None:
    loop.add_signal_handler(signal.SIGUSR2, int)
    assert stops_when_sent_to_another_thread(loop, selector, signal.SIGUSR1)
    loop.remove_signal_handler(signal.SIGUSR2)
    assert stops_when_sent_to_another_thread(loop, selector, signal.SIGUSR1)


def close_writer(bell: Wakeup) -> None:
    os.close(bell.writer_fileno())


def shut_writer(bell: Wakeup) -> None:
    with socket.socket(fileno=os.dup(bell.writer_fileno())) as writer:
        writer.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("kill", [close_writer, shut_writer])
def test_row_29_a_dead_pipe_is_reported_once_and_replaced_without_spinning(
    loop: EventLoop,
    selector: SpySelector,
    reported: Reported,
    bell: Wakeup,
    kill: Callable[[Wakeup], None],
) -> None:
    loop.add_signal_handler(signal.SIGTERM, int)
    kill(bell)
    loop.call_soon_threadsafe(int)
    assert wakes(loop, selector) <= 3
    assert [type(error) for _, error in reported] == [ConnectionError]
    reported.clear()
    assert stops_when_sent_to_another_thread(loop, selector, signal.SIGUSR1)
    assert stops_when_sent_to_another_thread(loop, selector, signal.SIGTERM)


def test_row_29_a_thread_may_call_while_the_pipe_is_dead(
    loop: EventLoop, reported: Reported, bell: Wakeup
) -> None:
    seen: list[str] = []
    shut_writer(bell)
    loop.call_soon_threadsafe(seen.append, "call")
    loop.run_once(0)
    assert seen == ["call"]
    reported.clear()


def test_row_29_the_number_of_a_pipe_that_somebody_closed_is_left_to_its_new_owner(
    loop: EventLoop, reported: Reported, bell: Wakeup
) -> None:
    number = bell.writer_fileno()
    os.close(number)
    with open(os.devnull, "wb") as owner:
        if owner.fileno() != number:
            pytest.skip("the number was given to somebody else")
        loop.run_once(0)
        assert len(reported) == 1
        assert owner.write(b"still mine") == 10
        owner.flush()
    reported.clear()


# -- 164: no descriptor for another pipe -------------------------------------------------


def test_row_164_a_pipe_that_can_not_be_replaced_at_once_is_replaced_when_it_can(
    loop: EventLoop,
    clock: ManualClock,
    selector: SpySelector,
    network: Door,
    reported: Reported,
    bell: Wakeup,
) -> None:
    def refuse() -> tuple[socket.socket, socket.socket]:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    network.socketpair = refuse
    shut_writer(bell)
    loop.run_once(0)
    reported.clear()
    assert selector.watched == -1
    selector.clock = clock
    loop.call_later(0.45, setattr, network, "socketpair", socket.socketpair)
    pass_time(loop, clock, 1.0, iterations=50)
    assert selector.watched == 0
    selector.clock = None
    assert stops_when_sent_to_another_thread(loop, selector, signal.SIGUSR1)


# -- 128: what a loop leaves behind in the interpreter -----------------------------------


def test_row_128_closing_the_loop_puts_every_handler_back(
    loop: EventLoop, bystander: Callable[..., Any]
) -> None:
    for signum in SIGNALS:
        loop.add_signal_handler(signum, int)
        loop.add_signal_handler(signum, int)  # in place of the one just before
    loop.close()
    assert [signal.getsignal(signum) for signum in SIGNALS] == [bystander] * 3


def test_row_128_an_ignored_signal_is_ignored_again(loop: EventLoop) -> None:
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    loop.add_signal_handler(signal.SIGUSR1, int)
    loop.close()
    assert signal.getsignal(signal.SIGUSR1) is signal.SIG_IGN


@pytest.mark.parametrize("way", ["close", "remove"])
def test_row_128_signals_ring_at_whoever_they_rang_at_before(loop: EventLoop, way: str) -> None:
    near, far = socket.socketpair()
    with near, far:
        near.setblocking(False)
        before = signal.set_wakeup_fd(near.fileno())
        try:
            for signum in SIGNALS:
                loop.add_signal_handler(signum, int)
            loop.run_once(0)
            for signum in SIGNALS if way == "remove" else []:
                loop.remove_signal_handler(signum)
            if way == "close":
                loop.close()
            assert wakeup_fd() == near.fileno()
        finally:
            signal.set_wakeup_fd(before)


def test_row_128_no_signal_rings_at_a_number_that_belongs_to_somebody_else_by_now(
    loop: EventLoop, bell: Wakeup
) -> None:
    before = wakeup_fd()
    loop.add_signal_handler(signal.SIGUSR1, int)
    loop.run_once(0)
    writer = bell.writer_fileno()
    loop.close()
    assert wakeup_fd() == before != writer


def test_row_128_a_signal_after_the_end_is_not_the_loops(loop: EventLoop) -> None:
    heard: list[int] = []
    signal.signal(signal.SIGUSR1, lambda signum, frame: heard.append(signum))
    loop.add_signal_handler(signal.SIGUSR1, pytest.fail, "called after the end")
    loop.close()
    signal.raise_signal(signal.SIGUSR1)
    assert heard == [signal.SIGUSR1]
