"""Bugs of `reactor/socket_options.py`."""

import socket
from collections.abc import Callable
from typing import Any

from tests.museum.bug import Function, Patch, bug
from tests.museum.edit import between
from tests.museum.substitute import everywhere, home, nothing, offered

ROOM = home("ask_for_buffers").__name__

# ip(7), udp(7); linux/in.h, linux/in6.h, linux/udp.h
IP_MTU_DISCOVER = (socket.IPPROTO_IP, 10)
IP_RECVERR = (socket.IPPROTO_IP, 11)
IPV6_RECVERR = (socket.IPPROTO_IPV6, 25)
UDP_GRO = (socket.IPPROTO_UDP, 104)
# socket(7): SO_RCVBUF and SO_RCVBUFFORCE
RECEIVE_BUFFERS = [(socket.SOL_SOCKET, socket.SO_RCVBUF), (socket.SOL_SOCKET, 33)]

Option = tuple[int, int]


def set_otherwise(patch: Patch, change: Callable[[Option, int], int | None]) -> None:
    """Have options set to what `change` makes of their values; None sets nothing."""

    @between(patch, ROOM, "setsockopt")
    def _(setsockopt: Function, level: int, option: int, value: int) -> None:
        changed = change((level, option), value)
        if changed is not None:
            setsockopt(level, option, changed)


@bug(14, "the system is not asked to keep the errors of others to itself")
def _(patch: Patch) -> None:
    set_otherwise(
        patch, lambda option, value: None if option in (IP_RECVERR, IPV6_RECVERR) else value
    )


@bug(14, "the queue of errors is switched on instead of off")
def _(patch: Patch) -> None:
    set_otherwise(patch, lambda option, value: 1 if option in (IP_RECVERR, IPV6_RECVERR) else value)


@bug(14, "the errors of others are kept away from IPv4 alone")
def _(patch: Patch) -> None:
    set_otherwise(patch, lambda option, value: None if option == IPV6_RECVERR else value)


@bug(17, "the system hands over whole trains, of which nobody reads the segment size")
def _(patch: Patch) -> None:
    @between(patch, ROOM, "setsockopt")
    def _(setsockopt: Function, level: int, option: int, value: int) -> None:
        setsockopt(*UDP_GRO, 1)
        setsockopt(level, option, value)


@bug(218, "strangers may fill megabytes of each viewer's socket")
def _(patch: Patch) -> None:
    set_otherwise(
        patch,
        lambda option, value: None if option in RECEIVE_BUFFERS and value < 4096 else value,
    )


@bug(220, "routers are to tell, not to cut")
def _(patch: Patch) -> None:
    set_otherwise(patch, lambda option, value: 1 if option == IP_MTU_DISCOVER else value)


@bug(220, "nothing may be cut, not even here")
def _(patch: Patch) -> None:
    set_otherwise(patch, lambda option, value: 2 if option == IP_MTU_DISCOVER else value)


# -- groups ------------------------------------------------------------------------------


@bug(217, "a group is bound, and not joined")
def _(patch: Patch) -> None:
    everywhere(patch, offered("join_group"))(nothing)


@bug(217, "only groups of IPv4 are joined")
def _(patch: Patch) -> None:
    @between(patch, ROOM, "setsockopt")
    def _(setsockopt: Function, level: int, *args: Any) -> None:
        if level == socket.IPPROTO_IP:
            setsockopt(level, *args)


@bug(217, "without a route to it a group is joined nowhere")
def _(patch: Patch) -> None:
    @between(patch, ROOM, "if_nameindex")
    def _(if_nameindex: Function) -> list[Any]:
        return []
