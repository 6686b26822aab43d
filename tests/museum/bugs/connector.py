"""Bugs of `reactor/connector.py`."""

import ast
import errno
import socket
from collections.abc import Callable
from functools import partial
from math import nextafter
from typing import Any

from reactor import Connector, EventLoop, StreamHandler, connect
from tests.museum.bug import Escaped, Function, Patch, bug, instead_of
from tests.museum.edit import between, edit
from tests.museum.punctuality import wait_otherwise
from tests.museum.substitute import (
    as_if_not_running,
    everywhere,
    leak,
    nothing,
    turning,
)
from tests.museum.witness import made

ROOM = Connector.__module__

Give = Callable[[], None]


def give_up_by(patch: Patch, arrange: Callable[[EventLoop, float, Give], object]) -> None:
    """Have attempts end in a way of their own, which `arrange` gets with loop and time-out."""

    @everywhere(patch, connect)
    def _(
        connect: Function, loop: EventLoop, handler: StreamHandler, *args: Any, timeout: float = 10
    ) -> Connector:
        def give_up() -> None:
            connector.cancel()
            handler.connection_failed(TimeoutError(errno.ETIMEDOUT, "no answer"))

        connector: Connector = connect(loop, handler, *args, timeout=timeout)
        arrange(loop, timeout, give_up)
        return connector


@bug(7, "a hint that came too early is taken for a failed attempt")
def _(patch: Patch) -> None:
    gone = ConnectionAbortedError(errno.ECONNABORTED, "no peer")
    between(patch, ROOM, "getpeername")(turning(OSError, into=gone))


@bug(7, "a connection that is made between two questions is taken for one that broke")
def _(patch: Patch) -> None:
    @between(patch, ROOM, "connect_ex")
    def _(connect_ex: Function, address: Any) -> int:
        code: int = connect_ex(address)
        return errno.ECONNABORTED if code in (0, errno.EISCONN) else code


@bug(26, "connection_failed may raise into the loop")
def _(patch: Patch) -> None:
    @everywhere(patch, connect)
    def _(connect: Function, loop: EventLoop, handler: Any, *args: Any, **options: Any) -> Any:
        fail = partial(turning(Exception, into=Escaped), handler.connection_failed)
        handler.connection_failed = fail
        return connect(loop, handler, *args, **options)


@bug(27, "whoever calls an attempt off is told that it failed")
def _(patch: Patch) -> None:
    handlers: dict[Connector, StreamHandler] = {}

    @everywhere(patch, connect)
    def _(connect: Function, loop: EventLoop, handler: StreamHandler, *args: Any) -> Connector:
        connector: Connector = connect(loop, handler, *args)
        handlers[connector] = handler
        return connector

    @instead_of(patch, Connector, "cancel")
    def _(cancel: Function, connector: Connector) -> None:
        cancel(connector)
        handlers[connector].connection_failed(ConnectionAbortedError())


@bug(39, "a host may be called by name while the loop runs")
def _(patch: Patch) -> None:
    as_if_not_running(patch, connect)


@bug(40, "an attempt that is over is in a list of all attempts")
def _(patch: Patch) -> None:
    made(patch, Connector)


@bug(101, "a socket that has met itself counts as connected")
def _(patch: Patch) -> None:
    @between(patch, ROOM, "getsockname")
    def _(getsockname: Function) -> Any:
        return ("0.0.0.0", 0)  # as it was before there was a connection


@bug(107, "the socket of an attempt that was refused stays open")
def _(patch: Patch) -> None:
    leak(patch, ROOM)


@bug(107, "the time-out goes on after the connection was made")
def _(patch: Patch) -> None:
    between(patch, ROOM, "cancel")(nothing)


@bug(107, "who has waited in vain is told so twice")
def _(patch: Patch) -> None:
    @everywhere(patch, connect)
    def _(
        connect: Function, loop: EventLoop, handler: StreamHandler, *args: Any, **options: Any
    ) -> Any:
        late = TimeoutError(errno.ETIMEDOUT, "no answer")
        loop.call_soon(loop.call_later, options.get("timeout", 10), handler.connection_failed, late)
        return connect(loop, handler, *args, **options)


@bug(112, "the sockets of the addresses that refused are forgotten")
def _(patch: Patch) -> None:
    leak(patch, ROOM)


@bug(202, "of a connection that was reset meanwhile nobody hears what it had brought")
def _(patch: Patch) -> None:
    @between(patch, ROOM, "recv")
    def _(recv: Function, *args: Any) -> bytes:
        recv(*args)
        return b""


@bug(202, "the look whether there is an answer takes the first byte of it")
def _(patch: Patch) -> None:
    @between(patch, ROOM, "recv")
    def _(recv: Function, size: int, flags: int) -> Any:
        return recv(size, flags & ~socket.MSG_PEEK)


@bug(202, "the error is taken from the socket before the answer is")
def _(patch: Patch) -> None:
    @between(patch, ROOM, "recv")
    def _(recv: Function, *args: Any) -> Any:
        sock: socket.socket = recv.__self__  # type: ignore[attr-defined]
        if sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise ConnectionResetError(errno.ECONNRESET, "reset")
        return recv(*args)


@bug(203, "an attempt tells of its failure before it has let go of its timers")
def _(patch: Patch) -> None:
    def change(node: ast.AST) -> ast.AST:
        match node:
            case ast.Attribute(attr="abort", ctx=ast.Load()):
                return ast.Attribute(node.value, "finish", node.ctx)
            case ast.Attribute(attr="finish", ctx=ast.Load()):
                return ast.Attribute(node.value, "abort", node.ctx)
        return node

    edit(patch, ROOM, change)


@bug(204, "the time of an attempt to connect runs before the attempt is made")
def _(patch: Patch) -> None:
    give_up_by(patch, lambda loop, timeout, give_up: loop.call_later(timeout, give_up))


@bug(204, "an attempt is given up at its deadline without a look at its socket")
def _(patch: Patch) -> None:
    give_up_by(
        patch,
        lambda loop, timeout, give_up: loop.call_soon(
            loop.call_later, nextafter(timeout, 0), give_up
        ),
    )


@bug(204, "the next address has to wait until the one before it has failed")
def _(patch: Patch) -> None:
    wait_otherwise(patch, ROOM, lambda delay, _: 1e6 if delay < 1 else delay)


@bug(204, "a short time-out is over before the second address is tried")
def _(patch: Patch) -> None:
    wait_otherwise(patch, ROOM, lambda delay, _: max(delay, 0.25))


@bug(204, "the attempts that come second are left open")
def _(patch: Patch) -> None:
    leak(patch, ROOM)
