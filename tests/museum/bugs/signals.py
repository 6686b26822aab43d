"""Bugs of `reactor/signals.py`: what it asks of the interpreter, and what that answers."""

import os
import signal
import threading
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

from reactor import EventLoop
from reactor.wakeup import Wakeup
from tests.museum.bug import Function, Patch, bug, instead_of
from tests.museum.witness import under_way

ROOM = "reactor.signals"
NOWHERE = -1


def rings(patch: Patch) -> Callable[[Function], Function]:
    """The function below is called instead of `signal.set_wakeup_fd`."""
    return instead_of(patch, signal, "set_wakeup_fd", by=ROOM)


def installs(patch: Patch) -> Callable[[Function], Function]:
    """The function below is called instead of `signal.signal` when a handler is added."""
    return choose(patch, True)


def puts_back(patch: Patch) -> Callable[[Function], Function]:
    """The function below is called instead of `signal.signal` when a handler is removed."""
    return choose(patch, False)


def choose(patch: Patch, adding: bool) -> Callable[[Function], Function]:
    def stand(function: Function) -> Function:
        is_adding = under_way(patch, EventLoop, "add_signal_handler")

        @instead_of(patch, signal, "signal", by=ROOM)
        def _(install: Function, signum: int, handler: Any) -> Any:
            is_meant = is_adding() is adding
            return function(install, signum, handler) if is_meant else install(signum, handler)

        return function

    return stand


def bells(patch: Patch) -> set[int]:
    """The numbers at which a signal can wake a loop."""
    numbers: set[int] = set()

    @instead_of(patch, Wakeup, "writer_fileno")
    def _(writer_fileno: Function, bell: Wakeup) -> Any:
        numbers.add(writer_fileno(bell))
        return writer_fileno(bell)

    return numbers


def is_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


# -- ringing -------------------------------------------------------------------------------


@bug(29, "a signal is queued, and nobody rings where another thread is the one interrupted")
def _(patch: Patch) -> None:
    @rings(patch)
    def _(ring_at: Function, number: int, **options: Any) -> int:
        return NOWHERE


@bug(29, "a full pipe is complained of for each signal")
def _(patch: Patch) -> None:
    @rings(patch)
    def _(ring_at: Function, number: int, **options: Any) -> Any:
        return ring_at(number)


@bug(29, "signals go on ringing at the pipe that was replaced")
def _(patch: Patch) -> None:
    ring_no_more_after(patch, Wakeup, "abandon")


@bug(29, "with one signal's handler the pipe of all is taken away")
def _(patch: Patch) -> None:
    ring_no_more_after(patch, EventLoop, "remove_signal_handler")


def ring_no_more_after(patch: Patch, owner: Any, name: str) -> None:
    called: list[object] = []

    @instead_of(patch, owner, name)
    def _(method: Function, *args: Any) -> Any:
        called.append(args)
        signal.set_wakeup_fd(NOWHERE)
        return method(*args)

    @rings(patch)
    def _(ring_at: Function, number: int, **options: Any) -> Any:
        return NOWHERE if called else ring_at(number, **options)


@bug(29, "a signal that comes again before its callback ran is taken for the same one")
def _(patch: Patch) -> None:
    waiting: list[Any] = []

    @instead_of(patch, EventLoop, "call_soon_threadsafe", by=ROOM)
    def _(call_soon_threadsafe: Function, loop: EventLoop, *call: Any) -> None:
        def make() -> None:
            waiting.remove(call)
            call[0](*call[1:])

        if call not in waiting:
            waiting.append(call)
            call_soon_threadsafe(loop, make)


@bug(128, "the descriptor that signals rang at before is forgotten")
def _(patch: Patch) -> None:
    numbers = bells(patch)

    @rings(patch)
    def _(ring_at: Function, number: int, **options: Any) -> Any:
        return ring_at(number if number in numbers else NOWHERE, **options)


@bug(128, "signals go on ringing at a descriptor that was closed")
def _(patch: Patch) -> None:
    numbers = bells(patch)

    @rings(patch)
    def _(ring_at: Function, number: int, **options: Any) -> Any:
        before = ring_at(number, **options)
        if number not in numbers:
            ring_at(before, **options)
        return before


@bug(206, "the wake-up descriptor is put back over one that was set since")
def _(patch: Patch) -> None:
    numbers, last = bells(patch), [NOWHERE]

    @rings(patch)
    def _(ring_at: Function, number: int, **options: Any) -> Any:
        before = ring_at(number, **options)
        if number in numbers:
            last[0] = number
        return last[0] if number == NOWHERE else before


@bug(206, "signals ring at a number, whosever it is by now")
def _(patch: Patch) -> None:
    @instead_of(patch, os, "fstat", by=ROOM)
    def _(fstat: Function, number: int) -> Any:
        return SimpleNamespace(st_dev=0, st_ino=0)


@bug(206, "signals go on ringing at the number of a bell that is gone")
def _(patch: Patch) -> None:
    numbers = bells(patch)
    gone: list[Wakeup] = []

    @instead_of(patch, Wakeup, "abandon")
    def _(abandon: Function, bell: Wakeup) -> None:
        gone.append(bell)
        abandon(bell)

    @rings(patch)
    def _(ring_at: Function, number: int, **options: Any) -> Any:
        before = ring_at(number, **options)
        if gone and number not in numbers:
            ring_at(before, **options)
        return before


# -- what is put back ------------------------------------------------------------------------


@bug(128, "whatever was there before, the default handler is put back")
def _(patch: Patch) -> None:
    @puts_back(patch)
    def _(install: Function, signum: int, handler: Any) -> Any:
        return install(signum, signal.SIG_DFL)


@bug(128, "an ignored signal is taken for one that had no handler")
def _(patch: Patch) -> None:
    @puts_back(patch)
    def _(install: Function, signum: int, handler: Any) -> Any:
        return install(signum, handler if callable(handler) else signal.SIG_DFL)


@bug(128, "a handler that replaces our own puts our own back")
def _(patch: Patch) -> None:
    own: dict[int, Any] = {}

    @instead_of(patch, EventLoop, "add_signal_handler")
    def _(add_signal_handler: Function, loop: EventLoop, signum: int, *call: Any) -> None:
        if signum in seen:
            own[signum] = signal.getsignal(signum)
        seen.add(signum)
        add_signal_handler(loop, signum, *call)

    seen: set[int] = set()

    @puts_back(patch)
    def _(install: Function, signum: int, handler: Any) -> Any:
        return install(signum, own.get(signum, handler))


@bug(128, "closing the loop removes the first handler only")
def _(patch: Patch) -> None:
    is_closing = under_way(patch, EventLoop, "close")
    removed: list[int] = []

    @puts_back(patch)
    def _(install: Function, signum: int, handler: Any) -> Any:
        if is_closing():
            removed.append(signum)
        return install(signum, handler) if len(removed) < 2 else None


@bug(203, "what another thread has left to the main thread is left for ever")
def _(patch: Patch) -> None:
    is_closing = under_way(patch, EventLoop, "close")

    @puts_back(patch)
    def _(install: Function, *args: Any) -> Any:
        return install(*args) if is_closing() else None


@bug(206, "a handler is put back over one that was installed since")
def _(patch: Patch) -> None:
    last: dict[int, Any] = {}

    @installs(patch)
    def _(install: Function, signum: int, handler: Any) -> Any:
        last[signum] = handler
        return install(signum, handler)

    @instead_of(patch, signal, "getsignal", by=ROOM)
    def _(getsignal: Function, signum: int) -> Any:
        return last.get(signum, getsignal(signum))


@bug(206, "the handler of a loop that has ended is put back")
def _(patch: Patch) -> None:
    before: dict[Any, Any] = {}

    @installs(patch)
    def _(install: Function, signum: int, handler: Any) -> Any:
        before[handler] = install(signum, handler)
        return before[handler]

    @puts_back(patch)
    def _(install: Function, signum: int, handler: Any) -> Any:
        return install(signum, before[signal.getsignal(signum)])


# -- handlers ------------------------------------------------------------------------------


def added(patch: Patch, note: Function) -> None:
    """`note` is told of each handler that was installed, with what was given to the loop."""

    @instead_of(patch, EventLoop, "add_signal_handler")
    def _(add_signal_handler: Function, loop: EventLoop, signum: int, *call: Any) -> None:
        add_signal_handler(loop, signum, *call)
        note(signal.getsignal(signum), loop, *call)


def around_handlers(patch: Patch) -> Callable[[Function], Function]:
    """The function below is called instead of an installed handler, which it gets."""

    def stand(function: Function) -> Function:
        kinds: set[type] = set()

        def cover(handler: Any, *args: Any) -> None:
            if type(handler) not in kinds:
                kinds.add(type(handler))
                instead_of(patch, type(handler), "__call__")(function)

        added(patch, cover)
        return function

    return stand


@bug(206, "the handler of a loop that has ended swallows what it is sent")
def _(patch: Patch) -> None:
    loops: dict[Any, EventLoop] = {}
    added(patch, lambda handler, loop, *call: loops.update({handler: loop}))

    @around_handlers(patch)
    def _(call: Function, handler: Any, *args: Any) -> None:
        if not loops[handler].closed:
            call(handler, *args)


@bug(206, "a handler whose place the loop's next one has taken goes on calling")
def _(patch: Patch) -> None:
    calls: dict[Any, Callable[[], object]] = {}

    def note(handler: Any, loop: EventLoop, callback: Function, *args: Any) -> None:
        calls[handler] = partial(callback, *args)

    added(patch, note)

    @around_handlers(patch)
    def _(call: Function, handler: Any, *args: Any) -> None:
        calls[handler]()


@bug(206, "handlers that have ended are kept by those that come after them")
def _(patch: Patch) -> None:
    kept: list[Any] = []
    added(patch, lambda handler, *args: kept.append(handler))


# -- other threads -------------------------------------------------------------------------


@bug(203, "a loop can be closed on the main thread only, once it has had a signal handler")
def _(patch: Patch) -> None:
    hearing: set[EventLoop] = set()
    added(patch, lambda handler, loop, *call: hearing.add(loop))

    @instead_of(patch, EventLoop, "close")
    def _(close: Function, loop: EventLoop) -> None:
        if loop in hearing and not is_main_thread():
            raise ValueError("signal only works in main thread of the main interpreter")
        close(loop)


@bug(203, "a handler is forgotten before it turns out that it can't be removed")
def _(patch: Patch) -> None:
    forgotten: set[int] = set()

    @instead_of(patch, EventLoop, "remove_signal_handler")
    def _(remove_signal_handler: Function, loop: EventLoop, signum: int) -> Any:
        forgotten.add(signum)
        return remove_signal_handler(loop, signum)

    @instead_of(patch, EventLoop, "add_signal_handler")
    def _(
        add_signal_handler: Function, loop: EventLoop, signum: int, callback: Any, *args: Any
    ) -> None:
        def call() -> None:
            if signum not in forgotten:
                callback(*args)

        add_signal_handler(loop, signum, call)


@bug(203, "another thread can replace a handler that is there")
def _(patch: Patch) -> None:
    @instead_of(patch, EventLoop, "add_signal_handler")
    def _(add_signal_handler: Function, *args: Any) -> None:
        if is_main_thread():
            add_signal_handler(*args)
