"""Bugs of `reactor/sockets.py`."""

import socket
from errno import EADDRINUSE
from importlib import import_module
from typing import Any

from reactor import Address
from tests.museum.bug import Function, Patch, bug
from tests.museum.edit import between
from tests.museum.substitute import everywhere, home, offered, substitute

ROOM = home("expect").__name__
ABSENT = offered("ABSENT")


def overlook(patch: Patch, fault: str) -> None:
    """Have nobody mind that a socket is that."""

    @everywhere(patch, offered("expect"))
    def _(expect: Function, sock: socket.socket, use: Any) -> None:
        try:
            expect(sock, use)
        except ValueError as exc:
            if f"not {fault}" not in str(exc):
                raise


@bug(19, "a UDP port may be taken over as if it were TCP")
def _(patch: Patch) -> None:
    @between(patch, ROOM, "bind")
    def _(bind: Function, address: Address) -> None:
        sock: socket.socket = bind.__self__  # type: ignore[attr-defined]
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bind(address)


@bug(19, "whether an IPv6 socket takes IPv4 peers is left to the system")
def _(patch: Patch) -> None:
    @between(patch, ROOM, "setsockopt")
    def _(setsockopt: Function, level: int, option: int, value: int) -> None:
        if (level, option, bool(value)) != (socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, True):
            setsockopt(level, option, value)


@bug(106, "a port is not free before the last old connection is forgotten")
def _(patch: Patch) -> None:
    @between(patch, ROOM, "setsockopt")
    def _(setsockopt: Function, level: int, option: int, value: int) -> None:
        if (level, option) != (socket.SOL_SOCKET, socket.SO_REUSEADDR):
            setsockopt(level, option, value)


@bug(210, "what speaks TLS is taken for a socket like any other")
def _(patch: Patch) -> None:
    overlook(patch, "one that speaks TLS")


@bug(210, "to know a socket that speaks TLS, everybody loads what speaks it")
def _(patch: Patch) -> None:
    import_module("ssl")


@bug(210, "nobody asks whether a socket is for streams or datagrams")
def _(patch: Patch) -> None:
    overlook(patch, "one of another type")


@bug(210, "a socket that listens is taken for a connection")
def _(patch: Patch) -> None:
    overlook(patch, "one that listens")


@bug(210, "datagrams are to be received where nobody can send them")
def _(patch: Patch) -> None:
    overlook(patch, "one without a port")


@bug(210, "a closed socket is found out by the system")
def _(patch: Patch) -> None:
    overlook(patch, "a closed one")


@bug(210, "an unbound socket listens at a port that nobody knows")
def _(patch: Patch) -> None:
    overlook(patch, "one without an address")


@bug(210, "a socket that is to listen is taken whatever it is")
def _(patch: Patch) -> None:
    @everywhere(patch, offered("expect"))
    def _(expect: Function, sock: socket.socket, use: Any) -> None:
        if use is not type(use).LISTENER:
            expect(sock, use)


@bug(217, "an address that this machine lacks makes the whole name useless")
def _(patch: Patch) -> None:
    substitute(patch, ABSENT, set())


@bug(217, "an address that is in use is left out in silence")
def _(patch: Patch) -> None:
    substitute(patch, ABSENT, {*ABSENT, EADDRINUSE})


@bug(217, "each address of a name gets a port of its own")
def _(patch: Patch) -> None:
    @between(patch, ROOM, "bind")
    def _(bind: Function, address: Address) -> None:
        bind((address[0], 0, *address[2:]))
