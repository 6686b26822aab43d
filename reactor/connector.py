"""Opens connections: to the first address of a host that answers, within one time-out for all.

RFC 8305, "Happy Eyeballs": an address that leads nowhere costs a moment, not the time-out.
"""

import errno
import os
import socket
from functools import partial
from math import isfinite
from typing import Any, Final

from .addresses import Address, AddressInfo, interlaced, named, resolve, summary
from .loop import EventLoop
from .stream import Stream, StreamHandler
from .timers import Timer
from .watcher import EVENT_WRITE, Watcher

__all__ = ["Connector", "connect"]

_CONNECT_TIMEOUT: Final = 10.0
# RFC 8305, section 5: "Connection Attempt Delay".
_ATTEMPT_DELAY: Final = 0.25
_IN_PROGRESS: Final = {0, errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EALREADY}
_NO_ANSWER: Final = {errno.EAGAIN, errno.EWOULDBLOCK, errno.EINTR, errno.ENOTCONN}


def connect(
    loop: EventLoop,
    handler: StreamHandler,
    host: str,
    port: int,
    *,
    timeout: float = _CONNECT_TIMEOUT,
) -> "Connector":
    """Open a connection; the handler is told of `connection_made` or `connection_failed`.

    The addresses of `host` are tried one after the other, IPv6 and IPv4 by turns: the next
    when one has failed, or has not answered within 250 ms, or sooner where `timeout` leaves
    less for each. The first that answers is taken. `timeout`, in seconds, is for all of
    them together and counts from the first attempt, which is made once the loop runs.

    `connection_failed` gets a TimeoutError if the time was over; else the error of the first
    address that failed, though not a lack of a way there if another was refused. Either
    names what came of each address that failed. A server that answers and then resets has
    been connected to, however late the loop looks; one that resets without a word has not.

    Raises OSError for a name or scope that is unknown, RuntimeError for any name while the
    loop runs, ValueError for a port or a time-out that is none, TypeError for a handler or
    host that is none.
    """
    if not isinstance(handler, StreamHandler):
        raise TypeError(f"expected a StreamHandler, not {handler!r}")
    if not isfinite(timeout):
        raise ValueError(f"expected a finite number of seconds as time-out, not {timeout}")
    found = resolve(loop.network, host, port, socket.SOCK_STREAM, numeric_only=loop.running)
    return Connector(loop, handler, interlaced(found), timeout)


class Connector:
    """An attempt to connect; made by `connect`, called off by `cancel`."""

    def __init__(
        self, loop: EventLoop, handler: StreamHandler, addresses: list[AddressInfo], timeout: float
    ) -> None:
        self._loop = loop
        self._handler: StreamHandler | None = handler
        self._untried = addresses[::-1]
        self._delay = min(_ATTEMPT_DELAY, timeout / len(addresses))
        self._timeout = timeout
        self._attempts: dict[socket.socket, Watcher] = {}
        self._errors: list[OSError] = []
        self._deadline: Timer | None = None
        self._next_try: Timer | None = None
        loop.attach(self)
        loop.call_soon(self._start)

    @property
    def handler(self) -> StreamHandler | None:
        """Who is to be told what becomes of the attempt; None once that is settled."""
        return self._handler

    def cancel(self) -> None:
        """Give up; the handler is not called. Harmless when the attempt is over."""
        self._end()

    def abort(self) -> None:
        """Called by the loop when it closes."""
        reason = "the loop was closed before the connection was made"
        self._errors.insert(0, OSError(errno.ECONNABORTED, reason))
        self._let_go()

    def disown(self) -> None:
        """Called by the loop in a forked child, where watchers and timers are deaf."""

    def finish(self) -> None:
        """Tell the handler that nothing came of it."""
        handler = self._end()
        assert handler is not None
        self._loop.tell_end(self, handler.connection_failed, summary(self._errors))

    def _end(self) -> StreamHandler | None:
        """Be done, before anybody is told; who is to be told, unless it was over already."""
        self._let_go()
        self._loop.detach(self)
        handler, self._handler = self._handler, None
        return handler

    def _let_go(self) -> None:
        for timer in (self._deadline, self._next_try):
            if timer is not None:
                timer.cancel()
        while self._attempts:
            sock, watcher = self._attempts.popitem()
            watcher.close()
            sock.close()

    # -- attempts --------------------------------------------------------------------

    def _start(self) -> None:
        if self._handler is not None:
            # Not before: what a program does between connect() and run() is none of the peer's.
            self._deadline = self._loop.call_later(self._timeout, self._on_deadline)
            self._try_next()

    def _try_next(self) -> None:
        """Go on to the next address that can be tried at all."""
        if self._next_try is not None:
            self._next_try.cancel()
        while self._untried:
            family, address = self._untried.pop()
            try:
                self._try(family, address)
            except OSError as exc:
                self._errors.append(named(exc, address))
                continue
            if self._untried:
                self._next_try = self._loop.call_later(self._delay, self._try_next)
            return
        if not self._attempts:
            self.finish()

    def _try(self, family: socket.AddressFamily, address: Address) -> None:
        """Raises OSError if it has failed already."""
        sock = self._loop.network.socket(family, socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            _raise_unless(_IN_PROGRESS, sock.connect_ex(address))
            look = partial(self._look_at, sock, address)
            self._attempts[sock] = self._loop.register(sock, EVENT_WRITE, look)
        except BaseException:
            sock.close()
            raise

    def _look_at(self, sock: socket.socket, address: Address, events: int) -> None:
        try:
            peername = _peername_of(sock, address)
        except OSError as exc:
            self._attempts.pop(sock).close()
            sock.close()
            self._errors.append(named(exc, address))
            self._try_next()
            return
        if peername is not None:
            self._attempts.pop(sock).close()
            handler = self._end()
            assert handler is not None
            Stream(self._loop, sock, handler, peername=peername, immediately=True)

    def _on_deadline(self) -> None:
        # Look before condemning: what was answered in time counts, however late the loop is.
        self._untried.clear()
        for watcher in list(self._attempts.values()):
            if not watcher.closed:
                watcher.callback(0)
        if self._handler is not None:
            late = f"no answer within {self._timeout:g} s"
            self._errors.insert(0, OSError(errno.ETIMEDOUT, late))
            self.finish()


def _peername_of(sock: socket.socket, address: Address) -> Any:
    """Who is at the other end; None if that will only be known later. Raises OSError."""
    try:
        peername = sock.getpeername()
    except OSError as exc:
        if _was_answered(sock):
            # And reset since: whoever reads the answer will find the error behind it.
            return address
        _raise_unless({0}, sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
        if exc.errno != errno.ENOTCONN:
            raise
        # Readiness is a hint. connect(2): EALREADY says that there is something to wait
        # for. Or the connection was made, or refused, between two questions.
        code = sock.connect_ex(address)
        if code in _IN_PROGRESS - {0}:
            return None
        _raise_unless({0, errno.EISCONN}, code)
        peername = sock.getpeername()
    # TCP lets a socket meet itself (RFC 9293, 3.5): loopback, a port in the ephemeral
    # range and nobody listening. That is no server.
    if peername == sock.getsockname():
        _raise_unless({0}, errno.ECONNREFUSED)
    return peername


def _was_answered(sock: socket.socket) -> bool:
    """Whether the other end has said something. Raises OSError if it has refused."""
    try:
        return bool(sock.recv(1, socket.MSG_PEEK))
    except OSError as exc:
        if exc.errno not in _NO_ANSWER:
            raise
        return False


def _raise_unless(accepted: set[int], code: int) -> None:
    if code not in accepted:
        raise OSError(code, os.strerror(code))
