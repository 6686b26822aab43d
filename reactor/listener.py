"""Accepts connections: a bounded number for each wake, and with a pause when it can't.

A listening socket stays readable while a connection waits that can't be accepted, so an
error at the descriptor limit, answered by trying again at once, would burn the processor.
"""

import errno
import socket
from collections.abc import Callable
from typing import Any, Final

from .addresses import bound_socket, format_address
from .loop import EventLoop
from .stream import Stream, StreamHandler
from .timers import Timer
from .watcher import EVENT_READ

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
    dual_stack: bool = False,
    sock: socket.socket | None = None,
) -> "Listener":
    """Listen at `host` and `port` and give each connection a new handler.

    Port 0 lets the system choose: see `Listener.sockname`. `dual_stack` with host "::"
    takes IPv4 connections too. With `sock`, a bound stream socket, host and port are not
    used. Raises OSError that names the address; RuntimeError for a host name while the
    loop runs.
    """
    if sock is None:
        if host is None:
            raise ValueError("listen() needs a host or a socket")
        sock = bound_socket(
            loop.network,
            host,
            port,
            socket.SOCK_STREAM,
            numeric_only=loop.running,
            dual_stack=dual_stack,
        )
    try:
        sock.setblocking(False)
        sock.listen(backlog)
        return Listener(loop, sock, handler_factory)
    except OSError as exc:
        name = _name_of(sock)
        sock.close()
        raise type(exc)(exc.errno, f"{name}: {exc.strerror}") from exc
    except BaseException:
        sock.close()
        raise


class Listener:
    """A listening socket; made by `listen`, ended by `close`."""

    def __init__(
        self, loop: EventLoop, sock: socket.socket, handler_factory: Callable[[], StreamHandler]
    ) -> None:
        self._loop = loop
        self._sock = sock
        self._handler_factory = handler_factory
        self._retry: Timer | None = None
        self.sockname: Any = sock.getsockname()
        """The address listened at."""
        self.accepted = 0
        """Connections accepted so far."""
        self.failed = 0
        """Connections that were gone, or could not be set up, when their turn came."""
        self.pauses = 0
        """How often a limit of the system made the listener pause."""
        # Accepted sockets inherit the option; replies must not wait for an ACK of the last.
        _set_nodelay(sock)
        self._watcher = loop.register(sock, EVENT_READ, self._on_ready)
        loop.attach(self)

    def __repr__(self) -> str:
        return f"<Listener {format_address(self.sockname)}>"

    def close(self) -> None:
        """Accept no more. Connections already made go on. Harmless if repeated."""
        self._watcher.close()
        self._sock.close()
        if self._retry is not None:
            self._retry.cancel()
        self._loop.detach(self)

    def abort(self) -> None:
        """Called by the loop when it closes."""
        self._watcher.close()
        self._sock.close()

    def finish(self) -> None:
        """Called by the loop when it closes; there is nobody to tell."""

    def _on_ready(self, events: int) -> None:
        for _ in range(_ACCEPTS_PER_WAKE):
            if self._watcher.closed:  # by a handler factory
                return
            try:
                sock, peername = self._sock.accept()
            except (BlockingIOError, InterruptedError):
                return
            except OSError as exc:
                if not self._survive(exc):
                    return
                continue
            self._welcome(sock, peername)

    def _survive(self, exc: OSError) -> bool:
        """Whether to go on accepting in this wake."""
        if exc.errno in _EXHAUSTED:
            self._pause()
            return False
        if exc.errno in _FATAL:
            self._loop.call_exception_handler(f"{self!r} can't go on", exc)
            self.close()
            return False
        # The peer was gone before its turn (ECONNABORTED), or a firewall said no (EPERM).
        self.failed += 1
        return True

    def _pause(self) -> None:
        self.pauses += 1
        self._watcher.modify(0)
        self._retry = self._loop.call_later(_RETRY_DELAY, self._go_on)

    def _go_on(self) -> None:
        try:
            self._watcher.modify(EVENT_READ)
        except OSError:  # epoll_ctl(2): ENOSPC, ENOMEM
            self._pause()

    def _welcome(self, sock: socket.socket, peername: Any) -> None:
        try:
            handler = self._handler_factory()
            Stream(self._loop, sock, handler, peername=peername, immediately=True)
        except Exception as exc:
            sock.close()
            self.failed += 1
            self._loop.call_exception_handler(f"{self!r} could not set up a connection", exc)
        else:
            self.accepted += 1


def _name_of(sock: socket.socket) -> str:
    """Where a socket that may be broken is bound."""
    try:
        return format_address(sock.getsockname())
    except OSError:
        return "a socket that has no address"


def _set_nodelay(sock: socket.socket) -> None:
    if sock.family in (socket.AF_INET, socket.AF_INET6):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
