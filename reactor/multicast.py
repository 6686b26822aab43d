"""Multicast groups: who binds a group's address has to join it, or hears nothing."""

import ipaddress
import socket
import struct
from typing import TypeAlias

from .addresses import named

__all__ = ["join_group"]

_Group: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address


def join_group(sock: socket.socket) -> None:
    """If `sock` is bound to a multicast group, join it; closing the socket leaves it.

    The interface is the one of the group's scope or route. Where there is neither, the
    group is joined on each interface that can be had. Raises OSError if none can.
    """
    host, _, *rest = sock.getsockname()
    group = ipaddress.ip_address(host.partition("%")[0])
    if not group.is_multicast:
        return
    scope = rest[1] if rest else 0
    try:
        _join(sock, group, scope)
    except OSError as exc:
        # ip(7): ENODEV, without a route to the group.
        indexes = [] if scope else [index for index, _ in socket.if_nameindex()]
        if not sum(_can_join(sock, group, index) for index in indexes):
            raise named(exc, sock.getsockname()) from exc


def _can_join(sock: socket.socket, group: _Group, interface: int) -> bool:
    try:
        _join(sock, group, interface)
    except OSError:
        return False
    return True


def _join(sock: socket.socket, group: _Group, interface: int) -> None:
    """`interface` is an index; 0 lets the system choose."""
    if group.version == 4:
        # ip(7): struct ip_mreq, or struct ip_mreqn, which has an index.
        index = struct.pack("@i", interface) if interface else b""
        sock.setsockopt(
            socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group.packed + bytes(4) + index
        )
    else:
        # RFC 3493, section 5.2: struct ipv6_mreq
        sock.setsockopt(
            socket.IPPROTO_IPV6,
            socket.IPV6_JOIN_GROUP,
            group.packed + struct.pack("@I", interface),
        )
