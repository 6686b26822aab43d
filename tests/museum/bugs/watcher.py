"""Bugs of `reactor/watcher.py`."""

import io
import os
import selectors
import stat
from types import SimpleNamespace
from typing import Any

import reactor.watcher
from reactor import EVENT_READ, EVENT_WRITE, EventLoop, Watcher
from tests.museum.bug import Function, Patch, bug, instead_of
from tests.museum.substitute import turning


def number_of(fileobj: Any) -> int:
    return fileobj if isinstance(fileobj, int) else int(fileobj.fileno())


@bug(6, "a watcher that waits for nothing stays registered")
def _(patch: Patch) -> None:
    @instead_of(patch, Watcher, "modify")
    def _(modify: Function, watcher: Watcher, events: int) -> None:
        if events or watcher.closed:
            modify(watcher, events)
        else:
            watcher.events = 0


@bug(40, "a closed watcher keeps its callback, and so its owner")
def _(patch: Patch) -> None:
    @instead_of(patch, Watcher, "close")
    def _(close: Function, watcher: Watcher) -> None:
        callback = watcher.callback
        close(watcher)
        watcher.callback = callback


@bug(165, "a watcher whose change was refused believes that it is still registered")
def _(patch: Patch) -> None:
    @instead_of(patch, Watcher, "modify")
    def _(modify: Function, watcher: Watcher, events: int) -> None:
        before = watcher.events
        try:
            modify(watcher, events)
        except OSError:
            watcher.events = before
            raise


@bug(205, "a child's watchers are those of its parent")
def _(patch: Patch) -> None:
    given: list[selectors.BaseSelector] = []
    is_child: list[bool] = []
    waits: dict[Watcher, int] = {}

    @instead_of(patch, EventLoop, "__init__")
    def _(make: Function, loop: EventLoop, *, selector: Any = None, **options: Any) -> None:
        given.append(selector)
        make(loop, selector=selector, **options)

    @instead_of(patch, EventLoop, "disown")
    def _(disown: Function, loop: EventLoop) -> None:
        is_child.append(True)
        disown(loop)

    @instead_of(patch, Watcher, "modify")
    def _(modify: Function, watcher: Watcher, events: int) -> None:
        if not is_child:
            waits[watcher] = events
            modify(watcher, events)
        elif waits[watcher] and events:
            given[-1].modify(watcher.fd, events, watcher)
        elif waits[watcher]:
            given[-1].unregister(watcher.fd)


# -- what can be watched -------------------------------------------------------------------


@bug(210, "a watcher of nothing owns nothing")
def _(patch: Patch) -> None:
    @instead_of(patch, EventLoop, "register")
    def _(register: Function, loop: EventLoop, fileobj: Any, *args: Any) -> Any:
        for watcher in loop.state.watchers:
            if watcher.fd == number_of(fileobj) and not watcher.events:
                watcher.close()
        return register(loop, fileobj, *args)


@bug(210, "a number belongs for ever to who had it first")
def _(patch: Patch) -> None:
    @instead_of(patch, EventLoop, "register")
    def _(register: Function, loop: EventLoop, fileobj: Any, *args: Any) -> Any:
        if number_of(fileobj) in [watcher.fd for watcher in loop.state.watchers]:
            raise ValueError("the descriptor has an owner")
        return register(loop, fileobj, *args)


@bug(210, "a watcher that could not be made has its number all the same")
def _(patch: Patch) -> None:
    taken: set[int] = set()

    @instead_of(patch, EventLoop, "register")
    def _(register: Function, loop: EventLoop, fileobj: Any, *args: Any) -> Any:
        if number_of(fileobj) in taken:
            raise ValueError("the descriptor has an owner")
        try:
            return register(loop, fileobj, *args)
        except OSError:
            taken.add(number_of(fileobj))
            raise


def take_for_a_pipe(patch: Patch, is_taken: Function) -> None:
    """Regular files, if that function says so of what was given to `register`."""
    given: list[Any] = []

    @instead_of(patch, EventLoop, "register")
    def _(register: Function, loop: EventLoop, fileobj: Any, *args: Any) -> Any:
        given.append(fileobj)
        return register(loop, fileobj, *args)

    @instead_of(patch, os, "fstat", by="reactor.watcher")
    def _(fstat: Function, fd: int) -> Any:
        status = fstat(fd)
        if not stat.S_ISREG(status.st_mode) or not is_taken(given[-1]):
            return status
        return SimpleNamespace(st_mode=stat.S_IFIFO, st_dev=status.st_dev, st_ino=status.st_ino)


@bug(210, "a regular file is found out when it is watched, or never")
def _(patch: Patch) -> None:
    take_for_a_pipe(patch, lambda fileobj: True)


@bug(
    210,
    "a regular file in a wrapper is watched: over epoll an error of the system's, over poll a spin",
)
def _(patch: Patch) -> None:
    take_for_a_pipe(patch, lambda fileobj: not isinstance(fileobj, int | io.IOBase))


@bug(210, "a mask that is none is taken for one that waits for nothing")
def _(patch: Patch) -> None:
    @instead_of(patch, EventLoop, "register")
    def _(register: Function, loop: EventLoop, fileobj: Any, events: Any, *args: Any) -> Any:
        is_mask = events in range((EVENT_READ | EVENT_WRITE) + 1)
        return register(loop, fileobj, events if is_mask else 0, *args)


@bug(210, "a number that select(2) does not take comes out of run()")
def _(patch: Patch) -> None:
    patch.setattr(reactor.watcher, "selectors", SimpleNamespace(SelectSelector=NoSelector))


class NoSelector:
    """No selector is one of these."""


@bug(210, "a number that select(2) does not take is an error that no attempt to connect survives")
def _(patch: Patch) -> None:
    instead_of(patch, EventLoop, "register")(turning(io.UnsupportedOperation, into=ValueError))
