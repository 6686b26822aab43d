"""What is asked of the system for a UDP socket: memory, groups, silence about others, the truth.

What it drops for want of room it drops without a word; here is where to hear of it.
"""

import ipaddress
import socket
import struct
import sys
from typing import Final, TypeAlias

from .addresses import named

__all__ = [
    "allow_fragments",
    "ask_for_buffers",
    "dropped_by_system",
    "granted_receive_buffer",
    "join_group",
    "silence_error_queue",
    "takes_ipv4",
]

_Group: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

# Linux, asm-generic/socket.h; the socket module has no names for them.
_FORCED: Final = {socket.SO_SNDBUF: 32, socket.SO_RCVBUF: 33}  # SO_SNDBUFFORCE, SO_RCVBUFFORCE
_SO_MEMINFO: Final = 55
_IP_RECVERR: Final = 11  # linux/in.h
_IPV6_RECVERR: Final = 25  # linux/in6.h
_IP_MTU_DISCOVER: Final = 10  # linux/in.h
_IP_PMTUDISC_OMIT: Final = 5
# linux/sock_diag.h: nine numbers, the last of which counts drops.
_MEMINFO: Final = struct.Struct("9I")


def ask_for_buffers(sock: socket.socket, *, receive: int, send: int) -> None:
    """Ask for so many bytes in each direction, or as much of it as can be had."""
    for option, size in ((socket.SO_RCVBUF, receive), (socket.SO_SNDBUF, send)):
        # Linux cuts what is too much down to its limit, BSD refuses it.
        less = size
        while less and not _is_granted(sock, socket.SOL_SOCKET, option, less):
            less //= 2
        if sys.platform == "linux":
            # With the right to (CAP_NET_ADMIN), net.core.[rw]mem_max is no limit.
            _is_granted(sock, socket.SOL_SOCKET, _FORCED[option], size)


def granted_receive_buffer(sock: socket.socket) -> int:
    """Bytes of the receive buffer, counted as `ask_for_buffers` counts them."""
    granted = sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
    # socket(7): Linux doubles what is asked, for its own bookkeeping, and reports that.
    return granted // 2 if sys.platform == "linux" else granted


def dropped_by_system(sock: socket.socket) -> int | None:
    """Datagrams dropped since the socket was made, for it was full; None if not told."""
    try:
        info = sock.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMINFO.size)
        return int(_MEMINFO.unpack(info)[-1])
    except (OSError, struct.error):
        return None


def silence_error_queue(sock: socket.socket) -> None:
    """Have no errors queued: they would be raised on sends to others, and wake us for ever.

    ip(7), IP_RECVERR. It is off in a new socket, but this one may be the user's.
    """
    if sys.platform == "linux":
        # One of them is an option of the other family.
        _is_granted(sock, socket.IPPROTO_IP, _IP_RECVERR, 0)
        _is_granted(sock, socket.IPPROTO_IPV6, _IPV6_RECVERR, 0)


def allow_fragments(sock: socket.socket) -> None:
    """Let routers cut what is too large for the next link, instead of dropping it.

    ip(7), IP_MTU_DISCOVER: Linux forbids it, and then needs the routers' ICMP to learn of
    a smaller link, which many firewalls keep back. With OMIT (linux/in.h) forged ICMP can't
    have runs refused either. Routers of IPv6 never cut anything.
    """
    if sys.platform == "linux":
        _is_granted(sock, socket.IPPROTO_IP, _IP_MTU_DISCOVER, _IP_PMTUDISC_OMIT)


def takes_ipv4(sock: socket.socket) -> bool:
    """Whether an IPv6 socket is one of IPv4 as well. ipv6(7), IPV6_V6ONLY."""
    try:
        v6_only = sock.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)
        return sock.family == socket.AF_INET6 and not v6_only
    except OSError:
        return False


def join_group(sock: socket.socket) -> None:
    """If `sock` is bound to a multicast group, join it; closing the socket leaves it.

    Who binds a group's address and does not join it hears nothing. The interface is the one
    of the group's scope or route. Where there is neither, the group is joined on each
    interface that can be had. Raises OSError if none can.
    """
    host, _, *rest = sock.getsockname()
    group = ipaddress.ip_address(host.partition("%")[0])
    if not group.is_multicast:
        return
    scope = rest[1] if rest else 0
    try:
        sock.setsockopt(*_membership(group, scope))
    except OSError as exc:
        # ip(7): ENODEV, without a route to the group.
        indexes = [] if scope else [index for index, _ in socket.if_nameindex()]
        if not sum(_is_granted(sock, *_membership(group, index)) for index in indexes):
            raise named(exc, sock.getsockname()) from exc


def _membership(group: _Group, interface: int) -> tuple[int, int, bytes]:
    """The option that joins `group`. `interface` is an index; 0 lets the system choose."""
    if group.version == 4:
        # ip(7): struct ip_mreq, or struct ip_mreqn, which has an index.
        index = struct.pack("@i", interface) if interface else b""
        return socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group.packed + bytes(4) + index
    # RFC 3493, section 5.2: struct ipv6_mreq
    index = struct.pack("@I", interface)
    return socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, group.packed + index


def _is_granted(sock: socket.socket, level: int, option: int, value: int | bytes) -> bool:
    try:
        sock.setsockopt(level, option, value)
    except OSError:
        return False
    return True
