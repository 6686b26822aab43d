"""Opens connections: each address of a host in turn, within one time-out for all."""

import errno
import os
import socket
from functools import partial
from typing import Any, Final

from .addresses import Address, format_address, resolve
from .loop import EventLoop
from .stream import Stream, StreamHandler
from .watcher import EVENT_WRITE, Watcher

__all__ = ["Connector", "connect"]

_CONNECT_TIMEOUT: Final = 10.0
_IN_PROGRESS: Final = {0, errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EALREADY}


def connect(
    loop: EventLoop,
    handler: StreamHandler,
    host: str,
    port: int,
    *,
    timeout: float = _CONNECT_TIMEOUT,
) -> "Connector":
    """Open a connection; the handler is told of `connection_made` or `connection_failed`.

    The addresses of `host` are tried one after the other, all within `timeout` seconds;
    `connection_failed` gets the error of the last. Raises OSError for a name that is
    unknown, RuntimeError for any name while the loop runs.
    """
    addresses = resolve(loop.network, host, port, socket.SOCK_STREAM, numeric_only=loop.running)
    return Connector(loop, handler, addresses, timeout)


class Connector:
    """An attempt to connect; made by `connect`, called off by `cancel`."""

    def __init__(
        self,
        loop: EventLoop,
        handler: StreamHandler,
        addresses: list[tuple[socket.AddressFamily, Address]],
        timeout: float,
    ) -> None:
        self._loop = loop
        self._handler: StreamHandler | None = handler
        self._addresses = addresses[::-1]
        self._error: OSError = ConnectionAbortedError(
            errno.ECONNABORTED, "the loop was closed before the connection was made"
        )
        self._sock: socket.socket | None = None
        self._watcher: Watcher | None = None
        self._timeout = timeout
        self._deadline = loop.call_later(timeout, self._on_deadline)
        loop.attach(self)
        loop.call_soon(self._try_next)

    def cancel(self) -> None:
        """Give up; the handler is not called. Harmless when the attempt is over."""
        self._handler = None
        self.abort()
        self._loop.detach(self)

    def abort(self) -> None:
        """Let go of the socket. Called by the loop when it closes."""
        self._deadline.cancel()
        self._addresses.clear()
        if self._watcher is not None:
            self._watcher.close()
        if self._sock is not None:
            self._sock.close()
            self._sock = None

    def finish(self) -> None:
        """Tell the handler that nothing came of it, unless it was told or called off."""
        handler, self._handler = self._handler, None
        self._loop.detach(self)
        if handler is not None:
            try:
                handler.connection_failed(self._error)
            except Exception as exc:
                message = f"the handler {type(handler).__qualname__} raised"
                self._loop.call_exception_handler(message, exc)

    def _try_next(self) -> None:
        while self._addresses:
            family, address = self._addresses.pop()
            try:
                self._start(family, address)
                return
            except OSError as exc:
                self._note(exc, address)
        self._give_up()

    def _start(self, family: socket.AddressFamily, address: Address) -> None:
        sock = self._loop.network.socket(family, socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            _raise_unless(_IN_PROGRESS, sock.connect_ex(address))
            self._watcher = self._loop.register(
                sock, EVENT_WRITE, partial(self._on_ready, sock, address)
            )
        except BaseException:
            sock.close()
            raise
        self._sock = sock

    def _on_ready(self, sock: socket.socket, address: Address, events: int) -> None:
        try:
            peername = _peer_of(sock, address)
        except OSError as exc:
            self._let_go()
            sock.close()
            self._note(exc, address)
            self._try_next()
            return
        if peername is None:
            return
        self._let_go()
        handler, self._handler = self._handler, None
        self._deadline.cancel()
        self._loop.detach(self)
        assert handler is not None
        Stream(self._loop, sock, handler, peername=peername, immediately=True)

    def _let_go(self) -> None:
        assert self._watcher is not None
        self._watcher.close()
        self._sock = None

    def _on_deadline(self) -> None:
        self._error = TimeoutError(errno.ETIMEDOUT, f"no answer within {self._timeout:g} s")
        self._give_up()

    def _give_up(self) -> None:
        self.abort()
        self.finish()

    def _note(self, exc: OSError, address: Address) -> None:
        self._error = type(exc)(exc.errno, f"{format_address(address)}: {exc.strerror}")


def _peer_of(sock: socket.socket, address: Address) -> Any:
    """Who is at the other end; None if that will only be known later. Raises OSError."""
    _raise_unless({0}, sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
    try:
        peername = sock.getpeername()
    except OSError as exc:
        if exc.errno != errno.ENOTCONN:
            raise
        # Readiness is a hint. connect(2): EALREADY says that there is something to wait
        # for. Or the connection was made, or refused, between the two questions.
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


def _raise_unless(accepted: set[int], code: int) -> None:
    if code not in accepted:
        raise OSError(code, os.strerror(code))
