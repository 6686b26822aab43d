"""Accepts connections: a bounded number for each wake, and with a pause when it can't.

A listening socket stays readable while a connection waits that can't be accepted, so an
error at the descriptor limit, answered by trying again at once, would burn the processor.
"""

import errno
import socket
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from .addresses import format_address, named, unmapped
from .loop import EventLoop
from .sockets import Use, bound_sockets
from .stream import Stream, StreamHandler
from .timers import Timer
from .watcher import EVENT_READ, Watcher

__all__ = ["Listener", "listen"]

_ACCEPTS_PER_WAKE: Final = 64
_RETRY_DELAY: Final = 0.1

# accept(2): the process or the system has run out of something; it may come back.
_EXHAUSTED: Final = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
# The listening socket itself is unusable; every other error is about one connection.
_FATAL: Final = {errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT}


def listen(
    loop: EventLoop,
    handler_factory: Callable[[], StreamHandler],
    host: str | None = None,
    port: int = 0,
    *,
    backlog: int = 1024,
    dual_stack: bool = True,
    sock: socket.socket | None = None,
) -> "Listener":
    """Listen at `host` and `port` and give each connection a new handler.

    Port 0 lets the system choose: see `Listener.sockname`. A name is listened at with all
    its addresses, on one port: "localhost" serves both families; addresses that this
    machine does not have are passed over as long as another is left. "::" takes IPv4 too,
    unless `dual_stack` is False. With `sock`, a bound stream socket, host and port are not
    used; it is the listener's from then on, and the caller's if the call raises.

    Raises OSError that names the addresses that failed; RuntimeError for a host name while
    the loop runs; ValueError for an unsuitable `sock`; TypeError for what makes no handlers.
    """
    if not callable(handler_factory):
        raise TypeError(f"expected a function that makes handlers, not {handler_factory!r}")
    with bound_sockets(loop, Use.LISTENER, host, port, sock=sock, dual_stack=dual_stack) as socks:
        return Listener(loop, socks, handler_factory, backlog)


class Listener:
    """What listens at the addresses of one host; made by `listen`, ended by `close`."""

    def __init__(
        self,
        loop: EventLoop,
        socks: list[socket.socket],
        handler_factory: Callable[[], StreamHandler],
        backlog: int,
    ) -> None:
        self._loop = loop
        self._socks = socks
        self._handler_factory = handler_factory
        self._watchers: list[Watcher] = []
        self._retry: Timer | None = None
        self.accepted = 0
        """Connections accepted so far."""
        self.failed = 0
        """Connections that were gone, or could not be set up, when their turn came."""
        self.on_exhausted: Callable[[], object] = _carry_on
        """Set it to be called when nothing is left to accept a connection with: close others.

        An Exception that leaves it is reported to the loop's exception handler.
        """
        self.pauses = 0
        """How often a limit of the system made the listener pause."""
        self.socknames: list[Any] = [sock.getsockname() for sock in socks]
        """All addresses listened at: one, unless `listen` was given a name that has more."""
        self.sockname: Any = self.socknames[0]
        """The first of them."""
        # First, since a loop that is closed, or another process's, must change no socket.
        loop.attach(self)
        try:
            for sock, sockname in zip(socks, self.socknames, strict=True):
                self._open(sock, sockname, backlog)
        except BaseException:
            self._let_go()
            raise

    def __repr__(self) -> str:
        return f"<Listener {' and '.join(map(format_address, self.socknames))}>"

    def fileno(self) -> int:
        """The number of the first socket's descriptor, -1 once it is closed."""
        return self._socks[0].fileno()

    def close(self) -> None:
        """Accept no more. Connections already made go on. Harmless if repeated."""
        self._let_go()
        for sock in self._socks:
            sock.close()

    def abort(self) -> None:
        """Called by the loop when it closes."""
        self.close()

    def disown(self) -> None:
        """Called by the loop in a forked child, where its watcher is deaf."""

    def finish(self) -> None:
        """Called by the loop when it closes; there is nobody to tell."""

    def _open(self, door: socket.socket, sockname: Any, backlog: int) -> None:
        try:
            # What has an owner already must not be changed.
            watcher = self._loop.register(door, 0, partial(self._on_ready, door))
            self._watchers.append(watcher)
            door.listen(backlog)
            door.setblocking(False)
            if door.family in (socket.AF_INET, socket.AF_INET6):
                # Accepted sockets inherit it; replies must not wait for an ACK of the last.
                door.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            watcher.modify(EVENT_READ)
        except OSError as exc:
            raise named(exc, sockname) from exc

    def _let_go(self) -> None:
        self._loop.detach(self)
        if self._retry is not None:
            self._retry.cancel()
        while self._watchers:
            self._watchers.pop().close()

    # -- accepting -------------------------------------------------------------------

    def _on_ready(self, door: socket.socket, events: int) -> None:
        failed = 0
        for _ in range(_ACCEPTS_PER_WAKE):
            if not self._watchers:  # closed by a handler factory
                return
            try:
                sock, peername = door.accept()
            except (BlockingIOError, InterruptedError):
                return
            except OSError as exc:
                if not self._survive(exc):
                    return
                failed += 1
            else:
                self._welcome(sock, peername)
        if failed == _ACCEPTS_PER_WAKE:
            # A connection that may not be accepted can stay where it is: as bad as a limit.
            self._pause()

    def _survive(self, exc: OSError) -> bool:
        """Whether to go on accepting in this wake."""
        if exc.errno in _EXHAUSTED:
            self._pause()
            self._tell_exhausted()
            return False
        if exc.errno in _FATAL:
            self.close()
            self._loop.call_exception_handler(f"{self!r} can't go on", exc)
            return False
        # The peer was gone before its turn (ECONNABORTED), or a firewall said no (EPERM).
        self.failed += 1
        return True

    def _tell_exhausted(self) -> None:
        try:
            self.on_exhausted()
        except Exception as exc:
            self._loop.call_exception_handler(f"{self!r} said that it can accept no more", exc)

    def _pause(self) -> None:
        self.pauses += 1
        for watcher in self._watchers:
            watcher.modify(0)
        self._retry = self._loop.call_later(_RETRY_DELAY, self._go_on)

    def _go_on(self) -> None:
        try:
            for watcher in self._watchers:
                watcher.modify(EVENT_READ)
        except OSError:  # epoll_ctl(2): ENOSPC, ENOMEM
            self._pause()

    def _welcome(self, sock: socket.socket, peername: Any) -> None:
        if isinstance(peername, tuple):
            peername = unmapped(peername)
        try:
            handler = self._handler_factory()
        except BaseException as exc:
            self._turn_away(sock, exc)
            return
        # What leaves a handler's connection_made finds the connection made.
        self.accepted += 1
        try:
            Stream(self._loop, sock, handler, peername=peername, immediately=True)
        except Exception as exc:
            self.accepted -= 1
            self._turn_away(sock, exc)

    def _turn_away(self, sock: socket.socket, exc: BaseException) -> None:
        sock.close()
        self.failed += 1
        if not isinstance(exc, Exception):
            raise exc
        self._loop.call_exception_handler(f"{self!r} could not set up a connection", exc)


def _carry_on() -> None:
    """What a program does about a limit unless it has set something better."""
