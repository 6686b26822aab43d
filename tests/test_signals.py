"""Signals as calls of the loop: none lost, and everything put back afterwards."""

import errno
import gc
import os
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import permutations
from typing import Any

import pytest

from reactor import EVENT_READ, EventLoop, Stream
from reactor.signals import _Handler
from reactor.testing import RecordingHandler, run_until
from reactor.wakeup import Wakeup
from tests.conftest import Pair, Reported
from tests.doubles.children import end_of_child, needs_fork
from tests.doubles.descriptors import open_descriptors
from tests.doubles.door import Door
from tests.doubles.spy_selector import SpySelector
from tests.doubles.threads import in_a_thread

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs os.kill and Unix signals")


@pytest.fixture(autouse=True)
def bystander() -> Iterator[Callable[..., Any]]:
    """The handler that was there before, and has to be there afterwards."""

    def stand_by(signum: int, frame: object) -> None:
        raise AssertionError("the handler of before was called")

    signals = [signal.SIGUSR1, signal.SIGUSR2, signal.SIGTERM]
    before = [signal.signal(signum, stand_by) for signum in signals]
    yield stand_by
    for signum, handler in zip(signals, before, strict=True):
        signal.signal(signum, handler)


def wakeup_fd() -> int:
    """Where the interpreter rings when a signal comes."""
    number = signal.set_wakeup_fd(-1)
    signal.set_wakeup_fd(number, warn_on_full_buffer=False)
    return number


def bell_of(loop: EventLoop) -> Wakeup:
    """Where the loop is rung awake."""
    (bell,) = [each.fileobj for each in loop.state.watchers if isinstance(each.fileobj, Wakeup)]
    return bell


def rings_at(loop: EventLoop) -> int:
    """Where the interpreter rings while the loop runs."""
    seen: list[int] = []
    loop.call_soon(lambda: seen.append(wakeup_fd()))
    loop.run_once(0)
    return seen[0]


def send(signum: int) -> None:
    os.kill(os.getpid(), signum)


@pytest.mark.parametrize("signum", [signal.SIGUSR1, signal.SIGTERM])
def test_a_signal_calls_its_callback(loop: EventLoop, signum: int) -> None:
    seen: list[str] = []
    loop.add_signal_handler(signum, seen.append, "seen")
    send(signum)
    run_until(loop, lambda: seen)
    assert seen == ["seen"]


def test_a_signal_wakes_a_sleeping_loop(loop: EventLoop, selector: SpySelector) -> None:
    def send_once_asleep() -> None:
        selector.asleep.wait()
        send(signal.SIGUSR1)

    near, far = socket.socketpair()
    with near, far:
        loop.register(near, EVENT_READ, int)
        loop.add_signal_handler(signal.SIGUSR1, loop.stop)
        thread = threading.Thread(target=send_once_asleep)
        thread.start()
        loop.run()
        thread.join()
    assert selector.timeouts[0] is None


def test_a_signal_handler_does_not_keep_the_loop_running(loop: EventLoop) -> None:
    loop.add_signal_handler(signal.SIGUSR1, int)
    loop.run()


def test_a_new_callback_takes_the_place_of_the_old(loop: EventLoop) -> None:
    seen: list[str] = []
    loop.add_signal_handler(signal.SIGUSR1, seen.append, "old")
    loop.add_signal_handler(signal.SIGUSR1, seen.append, "new")
    send(signal.SIGUSR1)
    run_until(loop, lambda: seen)
    assert seen == ["new"]


def test_removing_puts_the_previous_handler_back(
    loop: EventLoop, bystander: Callable[..., Any]
) -> None:
    loop.add_signal_handler(signal.SIGUSR1, int)
    loop.add_signal_handler(signal.SIGUSR1, int)
    assert loop.remove_signal_handler(signal.SIGUSR1)
    assert signal.getsignal(signal.SIGUSR1) is bystander


def test_removing_what_is_not_there_says_so(loop: EventLoop) -> None:
    assert not loop.remove_signal_handler(signal.SIGUSR1)


def test_removing_twice_says_so(loop: EventLoop) -> None:
    loop.add_signal_handler(signal.SIGUSR1, int)
    loop.remove_signal_handler(signal.SIGUSR1)
    assert not loop.remove_signal_handler(signal.SIGUSR1)


def test_signals_ring_at_the_bell_as_long_as_the_loop_runs(loop: EventLoop) -> None:
    near, far = socket.socketpair()
    with near, far:
        near.setblocking(False)
        before = signal.set_wakeup_fd(near.fileno())
        try:
            loop.add_signal_handler(signal.SIGUSR1, int)
            loop.add_signal_handler(signal.SIGUSR2, int)
            loop.remove_signal_handler(signal.SIGUSR1)
            assert wakeup_fd() == near.fileno()
            assert rings_at(loop) == bell_of(loop).writer_fileno()
            assert wakeup_fd() == near.fileno()
        finally:
            signal.set_wakeup_fd(before)


def test_a_loop_without_handlers_has_no_signal_ring(loop: EventLoop) -> None:
    before = wakeup_fd()
    loop.add_signal_handler(signal.SIGUSR1, int)
    loop.remove_signal_handler(signal.SIGUSR1)
    assert rings_at(loop) == before


def test_signals_ring_as_soon_as_a_running_loop_has_a_handler(loop: EventLoop) -> None:
    loop.call_soon(loop.add_signal_handler, signal.SIGUSR1, int)
    assert rings_at(loop) == bell_of(loop).writer_fileno()


def test_signals_ring_where_they_rang_before_whatever_ends_the_run(loop: EventLoop) -> None:
    before = wakeup_fd()
    loop.add_signal_handler(signal.SIGUSR1, int)
    loop.call_soon(sys.exit)
    with pytest.raises(SystemExit):
        loop.run()
    assert wakeup_fd() == before


def test_a_signal_still_arrives_after_another_was_removed(loop: EventLoop) -> None:
    seen: list[str] = []
    loop.add_signal_handler(signal.SIGUSR1, seen.append, "1")
    loop.add_signal_handler(signal.SIGUSR2, seen.append, "2")
    loop.remove_signal_handler(signal.SIGUSR1)
    send(signal.SIGUSR2)
    run_until(loop, lambda: seen)
    assert seen == ["2"]


def test_closing_the_loop_puts_everything_back(
    loop: EventLoop, bystander: Callable[..., Any]
) -> None:
    before = wakeup_fd()
    loop.add_signal_handler(signal.SIGUSR1, int)
    loop.add_signal_handler(signal.SIGTERM, int)
    loop.close()
    assert signal.getsignal(signal.SIGUSR1) is bystander
    assert signal.getsignal(signal.SIGTERM) is bystander
    assert wakeup_fd() == before


def test_a_previous_wakeup_descriptor_that_is_gone_is_not_put_back(loop: EventLoop) -> None:
    before = wakeup_fd()
    near, far = socket.socketpair()
    try:
        with far:
            near.setblocking(False)
            signal.set_wakeup_fd(near.fileno())
            loop.add_signal_handler(signal.SIGUSR1, int)
            loop.call_soon(near.close)
            loop.run_once(0)
        assert wakeup_fd() == -1
    finally:
        signal.set_wakeup_fd(before)


def test_a_handler_that_python_did_not_install_is_replaced_by_the_default(
    loop: EventLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    install = signal.signal
    with monkeypatch.context() as patch:
        patch.setattr(
            signal, "signal", lambda signum, handler: bool(install(signum, handler)) and None
        )
        loop.add_signal_handler(signal.SIGUSR1, int)
    loop.remove_signal_handler(signal.SIGUSR1)
    assert signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL


def test_a_signal_that_can_not_be_caught_is_refused(loop: EventLoop) -> None:
    before = wakeup_fd()
    with pytest.raises((OSError, ValueError)):
        loop.add_signal_handler(signal.SIGKILL, int)
    assert wakeup_fd() == before
    assert not loop.remove_signal_handler(signal.SIGKILL)


def test_a_number_that_is_no_signal_is_refused(loop: EventLoop) -> None:
    with pytest.raises(ValueError, match="signal number"):
        loop.add_signal_handler(0, int)


def test_handlers_can_be_added_on_the_main_thread_only(loop: EventLoop) -> None:
    errors: list[Exception] = []

    def add() -> None:
        try:
            loop.add_signal_handler(signal.SIGUSR1, int)
        except ValueError as exc:
            errors.append(exc)

    thread = threading.Thread(target=add)
    thread.start()
    thread.join()
    assert len(errors) == 1


def test_a_handler_can_be_replaced_on_the_main_thread_only(loop: EventLoop) -> None:
    seen: list[str] = []
    loop.add_signal_handler(signal.SIGUSR1, seen.append, "first")
    (error,) = in_a_thread(lambda: loop.add_signal_handler(signal.SIGUSR1, seen.append, "second"))
    assert isinstance(error, ValueError)
    send(signal.SIGUSR1)
    run_until(loop, lambda: seen)
    assert seen == ["first"]


def test_ten_thousand_signals_do_not_hide_another(loop: EventLoop) -> None:
    seen: list[str] = []
    loop.add_signal_handler(signal.SIGUSR1, int)
    loop.add_signal_handler(signal.SIGTERM, seen.append, "SIGTERM")
    for _ in range(10_000):
        send(signal.SIGUSR1)
    send(signal.SIGTERM)
    run_until(loop, lambda: seen)
    assert seen == ["SIGTERM"]


def test_a_signal_that_comes_while_its_handler_is_removed_goes_to_the_one_before(
    loop: EventLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    install = signal.signal

    def install_late(signum: int, handler: Any) -> Any:
        send(signum)
        return install(signum, handler)

    seen: list[int] = []
    signal.signal(signal.SIGUSR1, lambda signum, frame: seen.append(signum))
    loop.add_signal_handler(signal.SIGUSR1, seen.append, 1)
    with monkeypatch.context() as patch:
        patch.setattr(signal, "signal", install_late)
        loop.remove_signal_handler(signal.SIGUSR1)
    loop.run_once(0)
    assert seen == [signal.SIGUSR1]


def close_writer(number: int) -> None:
    os.close(number)


def replace_writer(number: int) -> None:
    with open(os.devnull, "wb") as nothing:
        os.dup2(nothing.fileno(), number)


def shut_writer(number: int) -> None:
    with socket.socket(fileno=os.dup(number)) as writer:
        writer.shutdown(socket.SHUT_WR)


@pytest.mark.parametrize("breakage", [close_writer, replace_writer, shut_writer])
def test_a_broken_bell_is_reported_once_and_replaced(
    loop: EventLoop, reported: Reported, breakage: Callable[[int], None]
) -> None:
    seen: list[str] = []
    loop.add_signal_handler(signal.SIGUSR1, seen.append, "seen")
    breakage(bell_of(loop).writer_fileno())
    for _ in range(5):
        loop.run_once(0)
    assert ["wake-up" in message for message, _ in reported] == [True]
    reported.clear()


def test_a_bell_that_was_replaced_hears_signals(
    loop: EventLoop, selector: SpySelector, reported: Reported
) -> None:
    loop.add_signal_handler(signal.SIGUSR1, loop.stop)
    shut_writer(bell_of(loop).writer_fileno())
    loop.run_once(0)
    reported.clear()

    def send_once_asleep() -> None:
        selector.asleep.wait()
        send(signal.SIGUSR1)

    near, far = socket.socketpair()
    with near, far:
        loop.register(near, EVENT_READ, int)
        thread = threading.Thread(target=send_once_asleep)
        thread.start()
        loop.run()
        thread.join()


def test_a_bell_that_was_replaced_hears_threads(
    loop: EventLoop, selector: SpySelector, reported: Reported
) -> None:
    shut_writer(bell_of(loop).writer_fileno())
    loop.run_once(0)
    assert len(reported) == 1
    reported.clear()
    seen: list[int] = []
    thread = threading.Thread(target=loop.call_soon_threadsafe, args=(seen.append, 1))
    thread.start()
    run_until(loop, lambda: seen)
    thread.join()


def test_a_bell_that_can_not_be_replaced_at_once_is_replaced_later(
    loop: EventLoop, network: Door, reported: Reported
) -> None:
    def refuse() -> tuple[socket.socket, socket.socket]:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    loop.add_signal_handler(signal.SIGUSR1, loop.stop)
    network.socketpair = refuse
    shut_writer(bell_of(loop).writer_fileno())
    loop.run_once(0)
    reported.clear()
    near, far = socket.socketpair()
    with near, far:
        loop.register(near, EVENT_READ, int)
        # A watcher keeps the loop running, though there is no bell beside it.
        loop.call_later(0.001, loop.call_soon, setattr, network, "socketpair", socket.socketpair)
        loop.call_later(0.3, signal.raise_signal, signal.SIGUSR1)
        loop.run()
        assert rings_at(loop) == bell_of(loop).writer_fileno()


def test_a_handler_can_be_added_though_the_bell_is_broken(
    loop: EventLoop, reported: Reported
) -> None:
    os.close(bell_of(loop).writer_fileno())
    loop.add_signal_handler(signal.SIGUSR1, loop.stop)
    loop.call_every(10.0, int)
    send(signal.SIGUSR1)
    loop.run()
    assert len(reported) == 1
    reported.clear()


def test_a_signal_that_can_not_be_caught_leaves_no_wakeup_descriptor(loop: EventLoop) -> None:
    with pytest.raises((OSError, ValueError)):
        loop.add_signal_handler(signal.SIGKILL, int)
    assert wakeup_fd() == -1


def test_a_signal_that_can_not_be_caught_costs_no_other_its_wakeup_descriptor(
    loop: EventLoop,
) -> None:
    calls: list[str] = []
    loop.add_signal_handler(signal.SIGUSR1, calls.append, "caught")
    with pytest.raises((OSError, ValueError)):
        loop.add_signal_handler(signal.SIGKILL, int)
    assert rings_at(loop) == bell_of(loop).writer_fileno()
    send(signal.SIGUSR1)
    run_until(loop, lambda: calls)
    assert calls == ["caught"]


# -- others have them too ----------------------------------------------------------------


@pytest.fixture
def another() -> Iterator[EventLoop]:
    """A younger loop."""
    with EventLoop() as loop:
        yield loop


@pytest.mark.parametrize("first", ["the older", "the younger"])
def test_of_two_loops_the_one_that_is_left_hears_on(
    loop: EventLoop, another: EventLoop, first: str
) -> None:
    seen: list[str] = []
    closed, left = (loop, another) if first == "the older" else (another, loop)
    for each in (loop, another):
        each.add_signal_handler(signal.SIGUSR1, seen.append, "left" if each is left else "closed")
    closed.close()
    assert rings_at(left) == bell_of(left).writer_fileno()
    send(signal.SIGUSR1)
    run_until(left, lambda: seen)
    assert seen == ["left"]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_after_the_last_of_several_loops_all_is_as_it_was(
    loop: EventLoop, another: EventLoop, bystander: Callable[..., Any], order: tuple[int, ...]
) -> None:
    before = wakeup_fd()
    with EventLoop() as third:
        loops = [loop, another, third]
        for each in loops:
            each.add_signal_handler(signal.SIGTERM, int)
            each.add_signal_handler(signal.SIGUSR1, int)
        for place in order:
            loops[place].close()
        assert signal.getsignal(signal.SIGTERM) is bystander
        assert signal.getsignal(signal.SIGUSR1) is bystander
        assert wakeup_fd() == before


@needs_fork
@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_process_that_has_closed_its_loops_dies_of_a_signal(order: tuple[int, int]) -> None:
    def live_and_die() -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        loops = EventLoop(), EventLoop()
        for loop in loops:
            loop.add_signal_handler(signal.SIGTERM, int)
        for place in order:
            loops[place].close()
        send(signal.SIGTERM)

    assert end_of_child(live_and_die) == -signal.SIGTERM


@pytest.mark.parametrize("way", ["close", "remove"])
def test_a_handler_that_the_program_has_installed_since_is_left_alone(
    loop: EventLoop, way: str
) -> None:
    def own(signum: int, frame: object) -> None:
        """The program's."""

    loop.add_signal_handler(signal.SIGUSR1, int)
    signal.signal(signal.SIGUSR1, own)
    if way == "close":
        loop.close()
    else:
        assert loop.remove_signal_handler(signal.SIGUSR1)
    assert signal.getsignal(signal.SIGUSR1) is own


def test_a_handler_can_be_added_again_where_the_program_has_replaced_it(loop: EventLoop) -> None:
    seen: list[str] = []
    loop.add_signal_handler(signal.SIGUSR1, seen.append, "old")
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    loop.add_signal_handler(signal.SIGUSR1, seen.append, "new")
    send(signal.SIGUSR1)
    run_until(loop, lambda: seen)
    assert seen == ["new"]


def test_a_handler_that_the_program_calls_from_its_own_ends_with_the_next_one(
    loop: EventLoop,
) -> None:
    seen: list[str] = []
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    loop.add_signal_handler(signal.SIGUSR1, seen.append, "old")
    found: Any = signal.getsignal(signal.SIGUSR1)
    signal.signal(signal.SIGUSR1, lambda signum, frame: found(signum, frame))
    loop.add_signal_handler(signal.SIGUSR1, seen.append, "new")
    loop.remove_signal_handler(signal.SIGUSR1)
    send(signal.SIGUSR1)
    loop.run_once(0)
    loop.close()
    send(signal.SIGUSR1)
    assert seen == []


def test_two_loops_may_come_and_go_by_turns(loop: EventLoop, another: EventLoop) -> None:
    another.add_signal_handler(signal.SIGUSR1, int)
    loop.add_signal_handler(signal.SIGUSR2, int)
    another.remove_signal_handler(signal.SIGUSR1)
    another.add_signal_handler(signal.SIGUSR1, int)
    loop.remove_signal_handler(signal.SIGUSR2)
    another.remove_signal_handler(signal.SIGUSR1)
    assert wakeup_fd() == -1


def kept() -> int:
    """How many handlers there are."""
    gc.collect()
    return sum(type(each) is _Handler for each in gc.get_objects())


def test_handlers_of_loops_that_come_and_go_by_turns_do_not_pile_up(
    loop: EventLoop, another: EventLoop
) -> None:
    another.add_signal_handler(signal.SIGUSR1, int)
    before = kept()
    for _ in range(100):
        loop.add_signal_handler(signal.SIGUSR1, int)
        another.remove_signal_handler(signal.SIGUSR1)
        another.add_signal_handler(signal.SIGUSR1, int)
        loop.remove_signal_handler(signal.SIGUSR1)
    assert kept() < before + 10


def test_a_handler_that_is_put_back_when_its_loop_has_ended_hands_on(loop: EventLoop) -> None:
    seen: list[int] = []
    signal.signal(signal.SIGUSR1, lambda signum, frame: seen.append(signum))
    loop.add_signal_handler(signal.SIGUSR1, int)
    ours = signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    loop.close()
    signal.signal(signal.SIGUSR1, ours)
    send(signal.SIGUSR1)
    assert seen == [signal.SIGUSR1]


def test_a_handler_that_is_put_back_over_an_ignored_signal_ignores_it(loop: EventLoop) -> None:
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    loop.add_signal_handler(signal.SIGUSR1, int)
    ours = signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    loop.close()
    signal.signal(signal.SIGUSR1, ours)
    send(signal.SIGUSR1)


def test_a_handler_that_is_put_back_over_the_default_gives_way_to_it(loop: EventLoop) -> None:
    before = signal.signal(signal.SIGURG, signal.SIG_DFL)  # signal(7): by default it is ignored
    loop.add_signal_handler(signal.SIGURG, int)
    ours = signal.signal(signal.SIGURG, signal.SIG_IGN)
    loop.close()
    signal.signal(signal.SIGURG, ours)
    send(signal.SIGURG)
    assert signal.getsignal(signal.SIGURG) is signal.SIG_DFL
    signal.signal(signal.SIGURG, before)


@needs_fork
def test_a_handler_that_is_put_back_over_the_default_ends_the_process() -> None:
    def live_and_die() -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        with EventLoop() as loop:
            loop.add_signal_handler(signal.SIGTERM, int)
            ours = signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, ours)
        send(signal.SIGTERM)

    assert end_of_child(live_and_die) == -signal.SIGTERM


@pytest.fixture
def own() -> Iterator[socket.socket]:
    """A place of the program's, where it may have signals ring."""
    before = wakeup_fd()
    near, far = socket.socketpair()
    near.setblocking(False)
    with near, far:
        yield near
    signal.set_wakeup_fd(before)


def test_a_wakeup_descriptor_that_the_program_has_set_since_is_left_alone(
    loop: EventLoop, own: socket.socket
) -> None:
    loop.add_signal_handler(signal.SIGUSR1, int)
    loop.call_soon(signal.set_wakeup_fd, own.fileno())
    loop.run_once(0)
    assert wakeup_fd() == own.fileno()


def test_a_wakeup_descriptor_that_the_program_has_set_and_closed_is_not_put_back(
    loop: EventLoop, own: socket.socket
) -> None:
    loop.add_signal_handler(signal.SIGUSR1, int)
    loop.call_soon(signal.set_wakeup_fd, own.fileno())
    loop.call_soon(own.close)
    loop.run_once(0)
    assert wakeup_fd() == -1


def test_signals_do_not_ring_at_a_number_that_is_somebody_elses_by_now(
    loop: EventLoop, own: socket.socket, pair: Pair
) -> None:
    signal.set_wakeup_fd(own.fileno())
    loop.add_signal_handler(signal.SIGUSR1, int)
    loop.call_soon(os.dup2, pair[0].fileno(), own.fileno())
    loop.run_once(0)
    assert wakeup_fd() == -1


def test_of_two_loops_in_each_other_the_one_that_runs_is_rung(
    loop: EventLoop, another: EventLoop
) -> None:
    rings: list[int] = []
    for each in (loop, another):
        each.add_signal_handler(signal.SIGUSR1, int)
    loop.call_soon(lambda: rings.append(rings_at(another)))
    rings.append(rings_at(loop))
    assert rings == [bell_of(each).writer_fileno() for each in (another, loop)]


def test_signals_ring_nowhere_while_there_is_no_bell(
    loop: EventLoop, network: Door, reported: Reported
) -> None:
    def refuse() -> tuple[socket.socket, socket.socket]:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    def look() -> None:
        rings.append(wakeup_fd())
        network.socketpair = socket.socketpair
        if rings[-1] != -1:
            loop.stop()

    rings: list[int] = []
    loop.add_signal_handler(signal.SIGUSR1, int)
    network.socketpair = refuse
    shut_writer(bell_of(loop).writer_fileno())
    loop.call_every(0.02, look)
    loop.run()
    reported.clear()
    assert (rings[0], rings[-1]) == (-1, bell_of(loop).writer_fileno())


# -- another thread than the main one ----------------------------------------------------


def test_removing_in_another_thread_is_refused_and_forgets_nothing(loop: EventLoop) -> None:
    seen: list[int] = []
    loop.add_signal_handler(signal.SIGUSR1, seen.append, 1)
    (error,) = in_a_thread(lambda: loop.remove_signal_handler(signal.SIGUSR1))
    assert isinstance(error, ValueError)
    send(signal.SIGUSR1)
    run_until(loop, lambda: seen)
    assert loop.remove_signal_handler(signal.SIGUSR1)


def test_closing_in_another_thread_closes_all_and_puts_everything_back(
    watchdog: None, bystander: Callable[..., Any]
) -> None:
    before, rang = open_descriptors(), wakeup_fd()
    handler = RecordingHandler()
    loop = EventLoop()
    near, far = socket.socketpair()
    with far:
        Stream(loop, near, handler, peername="near")
        loop.run_once(0)
        loop.add_signal_handler(signal.SIGUSR1, int)
        loop.add_signal_handler(signal.SIGTERM, int)
        assert in_a_thread(loop.close) == []
    assert handler.events == ["connection_made", "connection_lost"]
    assert signal.getsignal(signal.SIGUSR1) is signal.getsignal(signal.SIGTERM) is bystander
    assert wakeup_fd() == rang
    assert open_descriptors() == before


def test_what_another_thread_has_closed_is_put_back_while_the_main_thread_waits(
    loop: EventLoop, bystander: Callable[..., Any]
) -> None:
    is_put_back, enough = threading.Event(), threading.Event()

    def close_and_look() -> None:
        loop.close()
        for _ in range(500):
            if signal.getsignal(signal.SIGTERM) is bystander:
                is_put_back.set()
                break
            time.sleep(0.01)
        enough.set()

    loop.add_signal_handler(signal.SIGTERM, int)
    thread = threading.Thread(target=close_and_look)
    thread.start()
    enough.wait()
    thread.join()
    assert is_put_back.is_set()


def test_closing_in_another_thread_leaves_a_handler_of_the_program_alone(loop: EventLoop) -> None:
    loop.add_signal_handler(signal.SIGUSR1, int)
    loop.add_signal_handler(signal.SIGUSR2, int)
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    assert in_a_thread(loop.close) == []
    assert signal.getsignal(signal.SIGUSR1) is signal.SIG_IGN


def test_closing_in_another_thread_leaves_nothing_to_do_where_the_program_has_taken_over(
    watchdog: None,
) -> None:
    before = open_descriptors()
    loop = EventLoop()
    loop.add_signal_handler(signal.SIGUSR1, int)
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    assert in_a_thread(loop.close) == []
    assert (wakeup_fd(), open_descriptors()) == (-1, before)


def test_no_signal_rings_at_a_connection_after_a_loop_that_nobody_keeps(watchdog: None) -> None:
    loop = EventLoop()
    loop.add_signal_handler(signal.SIGUSR1, int)
    signal.signal(signal.SIGUSR1, lambda signum, frame: None)
    assert in_a_thread(loop.close) == []
    del loop
    gc.collect()
    with ExitStack() as stack:
        socks = [stack.enter_context(sock) for _ in range(3) for sock in socket.socketpair()]
        send(signal.SIGUSR1)
        assert select.select(socks, [], [], 0)[0] == []


def test_a_broken_bell_is_replaced_in_a_loop_that_another_thread_runs(
    loop: EventLoop, selector: SpySelector, reported: Reported
) -> None:
    loop.add_signal_handler(signal.SIGUSR1, int)
    shut_writer(bell_of(loop).writer_fileno())
    assert in_a_thread(lambda: loop.run_once(0)) == []
    assert len(reported) == 1
    reported.clear()
    loop.call_soon_threadsafe(int)
    assert selector.select(0)


def test_a_handler_can_be_added_while_another_thread_runs_the_loop(
    loop: EventLoop, watchdog: None
) -> None:
    begun = threading.Event()
    raised: list[BaseException] = []
    loop.call_soon(begun.set)
    loop.call_later(3600.0, int)
    thread = threading.Thread(target=lambda: raised.extend(in_a_thread(loop.run)))
    thread.start()
    begun.wait()
    loop.add_signal_handler(signal.SIGUSR1, loop.stop)
    send(signal.SIGUSR1)
    thread.join()
    assert raised == []
    assert wakeup_fd() == -1
