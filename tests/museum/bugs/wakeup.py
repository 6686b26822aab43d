"""Bugs of `reactor/wakeup.py`."""

import socket
from typing import Any

from reactor.wakeup import Wakeup
from tests.museum.bug import Escaped, Function, Patch, at_sockets, bug, instead_of
from tests.museum.substitute import turning

ROOM = "reactor.wakeup"


@bug(29, "a full pipe is an error of whoever rings")
def _(patch: Patch) -> None:
    at_sockets(patch, "send", by=ROOM)(turning(BlockingIOError, into=Escaped))


@bug(29, "a broken pipe is an error of whoever rings")
def _(patch: Patch) -> None:
    at_sockets(patch, "send", by=ROOM)(turning(ConnectionError, into=Escaped))


@bug(29, "a pipe that was closed at the other end is taken for a silent one")
def _(patch: Patch) -> None:
    @instead_of(patch, Wakeup, "silence")
    def _(silence: Function, bell: Wakeup) -> bool:
        silence(bell)
        return True


@bug(29, "one ring is read away for each wake-up")
def _(patch: Patch) -> None:
    @at_sockets(patch, "recv", by=ROOM)
    def _(recv: Function, sock: socket.socket, size: int) -> Any:
        return recv(sock, 1)


@bug(29, "whoever rings waits for room in the pipe")
def _(patch: Patch) -> None:
    @at_sockets(patch, "send", by=ROOM)
    def _(send: Function, sock: socket.socket, *args: Any) -> Any:
        sock.settimeout(1.0)
        return send(sock, *args)


@bug(29, "letting go of a broken pair closes a number that belongs to somebody else by now")
def _(patch: Patch) -> None:
    @instead_of(patch, socket.socket, "detach", by=ROOM)
    def _(detach: Function, sock: socket.socket) -> None:
        sock.close()
