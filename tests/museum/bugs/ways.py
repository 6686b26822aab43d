"""Bugs of `reactor/ways.py`."""

import socket
from typing import Any

from reactor import Address
from tests.museum.bug import Function, Patch, bug, instead_of
from tests.museum.substitute import offered

Way = offered("Way")
Ways = offered("Ways")


def pass_on(patch: Patch, fault: str) -> None:
    """Have an address that is wrong in this way left to the system to find out."""

    @instead_of(patch, Ways, "destination")
    def _(destination: Function, ways: Any, address: Address) -> Any:
        try:
            return destination(ways, address)
        except ValueError as exc:
            if fault not in str(exc):
                raise
            return address


@bug(210, "what a socket of IPv4 can't send to is found out by the system")
def _(patch: Patch) -> None:
    pass_on(patch, "expected an IPv4 address")


@bug(212, "a name is passed on to the system, which asks the DNS")
def _(patch: Patch) -> None:
    pass_on(patch, "expected a numeric host")


@bug(212, "a port that is none is passed on to the system")
def _(patch: Patch) -> None:
    pass_on(patch, "a port is a number")


@bug(212, "beyond 4,096 addresses all are checked again for each batch")
def _(patch: Patch) -> None:
    def remember(ways: dict[Address, Any], address: Address, way: Any) -> None:
        if len(ways) >= 4096:
            ways.clear()
        dict.__setitem__(ways, address, way)

    patch.setattr(Ways, "__setitem__", remember, raising=False)


@bug(218, "the socket of a viewer is made, and not used")
def _(patch: Patch) -> None:
    unused = []

    @instead_of(patch, Ways, "open_lane")
    def _(open_lane: Function, ways: Any, address: Address, sock: socket.socket) -> None:
        unused.append(sock)


@bug(219, "a small size that was refused once is renewed by each larger one")
def _(patch: Patch) -> None:
    least: dict[Any, int] = {}

    @instead_of(patch, Way, "refuse")
    def _(refuse: Function, way: Any, size: int, now: float) -> Any:
        least[way] = min(size, least.get(way, size))
        return refuse(way, least[way], now)


@bug(219, "of a refusal that is over the size is left")
def _(patch: Patch) -> None:
    @instead_of(patch, Way, "refuses")
    def _(refuses: Function, way: Any, size: int, now: float) -> Any:
        return refuses(way, size, 0.0)
