"""Bugs of `reactor/listener.py`."""

import errno
import sys
from collections.abc import Callable
from typing import Any

from reactor import EventLoop, Listener, listen
from tests.museum.bug import Escaped, Function, Patch, bug, forget, instead_of
from tests.museum.edit import between
from tests.museum.punctuality import wait_otherwise
from tests.museum.substitute import (
    as_if_not_running,
    error_unknown,
    everywhere,
    leak,
    mistake,
    nothing,
    number,
    turning,
)
from tests.museum.witness import made

ROOM = Listener.__module__


def listen_otherwise(patch: Patch, change: Callable[[dict[str, Any]], object]) -> None:
    """Have listeners made with other options."""

    @everywhere(patch, listen)
    def _(listen: Function, *args: Any, **options: Any) -> Listener:
        change(options)
        return listen(*args, **options)  # type: ignore[no-any-return]


@bug(1, "the listener is watched on while it waits to try again")
def _(patch: Patch) -> None:
    @between(patch, ROOM, "modify")
    def _(modify: Function, events: int) -> None:
        if events:
            modify(events)


@bug(1, "after a limit the next connection of the same wake is tried at once")
def _(patch: Patch) -> None:
    error_unknown(patch, ROOM, "EMFILE", "ENFILE")


@bug(1, "a lack of memory is taken for the fault of one connection")
def _(patch: Patch) -> None:
    error_unknown(patch, ROOM, "ENOBUFS", "ENOMEM")


@bug(1, "the timer of the pause outlives the listener")
def _(patch: Patch) -> None:
    between(patch, ROOM, "cancel")(nothing)


@bug(1, "a listener that is closed while it pauses looks again before it goes")
def _(patch: Patch) -> None:
    loops = made(patch, EventLoop)

    @instead_of(patch, Listener, "close", by="tests")
    def _(close: Function, listener: Listener) -> None:
        if listener.pauses:
            loops[-1].call_later(0.5, close, listener)
        else:
            close(listener)


@bug(1, "the pause is so long that a release helps nobody")
def _(patch: Patch) -> None:
    wait_otherwise(patch, ROOM, lambda delay, _: 50 * delay)


@bug(1, "a connection that may not be accepted, and stays, is asked for in every turn")
def _(patch: Patch) -> None:
    between(patch, ROOM, "accept")(turning(PermissionError, into=BlockingIOError))


@bug(2, "only the errors that Python calls ConnectionError are expected of accept")
def _(patch: Patch) -> None:
    mistake(patch, sys.modules[ROOM], "OSError", ConnectionError)


@bug(2, "an aborted connection is taken for an unusable listening socket")
def _(patch: Patch) -> None:
    @between(patch, ROOM, "accept")
    def _(accept: Function) -> Any:
        try:
            return accept()
        except OSError as exc:
            if exc.errno in (errno.EPROTO, errno.ECONNABORTED):
                exc.errno = errno.EBADF
            raise


@bug(2, "an interrupted accept is counted as a connection that failed")
def _(patch: Patch) -> None:
    forget(patch, sys.modules[ROOM], "InterruptedError")


@bug(2, "the peer's address is asked for again, after the peer may have gone")
def _(patch: Patch) -> None:
    @between(patch, ROOM, "Stream")
    def _(stream: Function, *args: Any, peername: Any, **options: Any) -> Any:
        return stream(*args, **options)


@bug(3, "the socket is left open when no handler could be made")
def _(patch: Patch) -> None:
    leak(patch, ROOM)


@bug(3, "only what the system refuses is expected after accept, not what a program raises")
def _(patch: Patch) -> None:
    mistake(patch, sys.modules[ROOM], "BaseException", OSError)


@bug(3, "one connection that could not be set up is taken for the end of all")
def _(patch: Patch) -> None:
    listeners = made(patch, Listener)

    @instead_of(patch, EventLoop, "call_exception_handler")
    def _(call_exception_handler: Function, *args: Any) -> None:
        call_exception_handler(*args)
        listeners[-1].close()


@bug(7, "a wake without a connection is counted as a connection that failed")
def _(patch: Patch) -> None:
    forget(patch, sys.modules[ROOM], "BlockingIOError")


@bug(7, "a listening socket that was handed in is left as it came, blocking")
def _(patch: Patch) -> None:
    between(patch, ROOM, "setblocking")(nothing)


@bug(25, "accepts as long as anybody waits")
def _(patch: Patch) -> None:
    number(patch, ROOM, 64, 10**9)


@bug(26, "a handler factory that raises ends the loop")
def _(patch: Patch) -> None:
    @between(patch, ROOM, "call_exception_handler")
    def _(call_exception_handler: Function, message: str, exc: Exception) -> None:
        raise exc


@bug(26, "who raises when told of a limit ends the loop")
def _(patch: Patch) -> None:
    between(patch, ROOM, "on_exhausted")(turning(Exception, into=Escaped))


@bug(39, "a host may be listened at by name while the loop runs")
def _(patch: Patch) -> None:
    as_if_not_running(patch, listen)


@bug(161, "a selector that has no room when a listener's pause ends is the end of the loop")
def _(patch: Patch) -> None:
    between(patch, ROOM, "modify")(turning(OSError, into=Escaped))


@bug(161, "a listener for which the selector had no room once is deaf from then on")
def _(patch: Patch) -> None:
    between(patch, ROOM, "modify")(turning(OSError, into=None))


@bug(203, "a factory that ends the program leaves its connection open")
def _(patch: Patch) -> None:
    mistake(patch, sys.modules[ROOM], "BaseException", Exception)


@bug(203, "a connection whose handler ends the program is turned away after it was made")
def _(patch: Patch) -> None:
    mistake(patch, sys.modules[ROOM], "Exception", BaseException)


@bug(210, "a socket that belongs to somebody else listens before anybody is asked")
def _(patch: Patch) -> None:
    listen_otherwise(patch, lambda options: "sock" in options and options["sock"].listen())


@bug(215, "where no limit is set, silence may have every descriptor")
def _(patch: Patch) -> None:
    nobody = property(lambda listener: lambda: None, lambda listener, value: None)
    patch.setattr(Listener, "on_exhausted", nobody, raising=False)


@bug(217, "a listener that is closed lets go of none of its addresses")
def _(patch: Patch) -> None:
    leak(patch, ROOM)


@bug(217, "the IPv6 wildcard takes IPv4 only if asked to")
def _(patch: Patch) -> None:
    listen_otherwise(patch, lambda options: options.setdefault("dual_stack", False))
