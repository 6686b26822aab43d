"""Socket addresses: written by people, used by sockets, compared by programs.

A look-up in the DNS may take seconds, so names are only looked up while no loop is
running; numeric addresses need no look-up at all.
"""

import errno
import ipaddress
import socket
from collections.abc import Sequence
from itertools import zip_longest
from socket import socket as Socket
from typing import Any, Final, Protocol, TypeAlias

__all__ = [
    "Address",
    "AddressInfo",
    "Network",
    "format_address",
    "format_host",
    "interlaced",
    "named",
    "numeric_host",
    "parse_address",
    "resolve",
    "scope_id",
    "summary",
    "unmapped",
]

Address: TypeAlias = tuple[Any, ...]
"""A socket address: (host, port), or (host, port, flow info, scope id) for IPv6."""

AddressInfo: TypeAlias = tuple[socket.AddressFamily, Address]
"""An address together with the family of sockets that can use it."""


class Network(Protocol):
    """The door to the network: the three functions of the `socket` module that the library calls.

    A test may hand in a network of its own.
    """

    def socket(self, family: int, type: int, /) -> Socket:
        """A new socket. Raises OSError if there can't be one more."""

    def socketpair(self) -> tuple[Socket, Socket]:
        """Two connected sockets. Raises OSError if there can't be two more."""

    def getaddrinfo(self, host: str, port: int, *, type: int) -> list[Any]:
        """The addresses of a name. May take seconds, so it is never called by a running loop."""


# Said of an address that this machine does not have, or has no way to: a machine without
# IPv6 says so of each name that has an IPv6 address.
ABSENT: Final = {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.ENETUNREACH, errno.EHOSTUNREACH}


def format_host(address: Address) -> str:
    """The host of an address with its scope, by number: what `connect` and the others take.

    >>> format_host(("127.0.0.1", 80)), format_host(("fe80::1", 80, 0, 2))
    ('127.0.0.1', 'fe80::1%2')
    """
    host = str(address[0])
    # RFC 4007, section 11: a link-local address says nothing without it.
    scoped = len(address) > 3 and address[3] and "%" not in host
    return f"{host}%{address[3]}" if scoped else host


def format_address(address: Address | str | None) -> str:
    """`host:port` as people write it.

    >>> format_address(("127.0.0.1", 80)), format_address(("fe80::1", 80, 0, 2))
    ('127.0.0.1:80', '[fe80::1%2]:80')
    """
    if not isinstance(address, tuple):
        return str(address) if address else "unnamed"
    host, port = format_host(address), address[1]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def parse_address(text: str) -> tuple[str, int]:
    """The host and port in `host:port` or `[host]:port`. Raises ValueError for others.

    >>> parse_address("127.0.0.1:65534"), parse_address("[::1]:80")
    (('127.0.0.1', 65534), ('::1', 80))
    """
    host, _, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise ValueError(f"write an IPv6 address in brackets: [{host}]:{port}")
    # int() refuses more than 4,300 digits in words of its own: sys.int_info.
    number = port.lstrip("0") or port[-1:]
    sensible = host and number.isascii() and number.isdigit() and len(number) <= 5
    if not sensible or int(number) > 65535:
        raise ValueError(f"not an address of the form host:port: {text!r}")
    return host, int(number)


def unmapped(address: Address) -> Address:
    """An IPv4 peer of an IPv6 socket in its own right, so that it is one peer, not two.

    >>> unmapped(("::ffff:192.0.2.1", 80, 0, 0)), unmapped(("::1", 80, 0, 0))
    (('192.0.2.1', 80), ('::1', 80, 0, 0))
    """
    host = str(address[0])  # of another family it may be a number
    # RFC 4291, section 2.5.5.2
    if host.lower().startswith("::ffff:"):
        mapped = ipaddress.IPv6Address(host).ipv4_mapped
        if mapped is not None:
            return (str(mapped), address[1])
    return address


def numeric_host(text: str) -> str:
    """A numeric host however it is spelled, as `format_host` writes that of a peer.

    Raises ValueError for a name, OSError for a scope that is no interface.

    >>> numeric_host("2001:DB8:0::1"), numeric_host("::ffff:192.0.2.1")
    ('2001:db8::1', '192.0.2.1')
    """
    found = _numeric(text, 0)
    if found is None:
        raise ValueError(f"expected a numeric host, not {text!r}")
    return format_host(found[1])


def resolve(
    network: Network, host: str, port: int, kind: socket.SocketKind, *, numeric_only: bool
) -> list[AddressInfo]:
    """All addresses of `host`, in the order of preference; never an empty list.

    A mapped IPv4 address is an IPv4 address. Raises OSError if the name or the scope is
    unknown, RuntimeError for a name when `numeric_only` (a loop is running), ValueError
    for a port that is none.
    """
    if not 0 <= port <= 65535:
        raise ValueError(f"a port is a number from 0 to 65535, not {port}")
    numeric = _numeric(host, port)
    if numeric is not None:
        return [numeric]
    if numeric_only:
        raise RuntimeError(f"{host!r} needs a look-up, which would block: do it before run()")
    try:
        found = network.getaddrinfo(host, port, type=kind)
    except (socket.gaierror, UnicodeError) as exc:
        reason = getattr(exc, "strerror", None) or exc
        raise OSError(f"cannot resolve {host!r}: {reason}") from exc
    # A hosts file may well name one address twice.
    return list(dict.fromkeys((family, address) for family, _, _, _, address in found))


def interlaced(addresses: Sequence[AddressInfo]) -> list[AddressInfo]:
    """The families by turns, so that one that leads nowhere holds up only every other attempt.

    RFC 8305, section 4: the first stays the first, and each family keeps its own order.
    """
    families: dict[socket.AddressFamily, list[AddressInfo]] = {}
    for info in addresses:
        families.setdefault(info[0], []).append(info)
    turns = zip_longest(*families.values())
    return [info for turn in turns for info in turn if info is not None]


def named(exc: OSError, address: Address) -> OSError:
    """The error, saying with which address it came."""
    return OSError(exc.errno, f"{format_address(address)}: {exc.strerror or exc}")


def summary(errors: Sequence[OSError]) -> OSError:
    """One error for all addresses of a host: the words of all, the number that says most.

    That is the first one's, but a lack of the address, its family or a way to it says least.
    """
    telling = min(errors, key=lambda exc: exc.errno in ABSENT)
    return OSError(telling.errno, "; ".join(str(exc.strerror) for exc in errors))


def scope_id(host: ipaddress.IPv6Address) -> int:
    """The number of the interface that `host` is scoped to, 0 for none. Raises OSError.

    RFC 4007, section 11.2: it is written by number, or by name.

    >>> scope_id(ipaddress.IPv6Address("fe80::1%2")), scope_id(ipaddress.IPv6Address("::1"))
    (2, 0)
    """
    scope = host.scope_id or "0"
    try:
        index = int(scope) if scope.isascii() and scope.isdigit() else socket.if_nametoindex(scope)
        index.to_bytes(4, "big")
    except (OSError, OverflowError, ValueError) as exc:
        raise OSError(errno.ENODEV, f"{host}: no such interface") from exc
    return index


def _numeric(host: str, port: int) -> AddressInfo | None:
    if not isinstance(host, str):
        raise TypeError(f"a host is a str, not {host!r}")
    try:
        parsed = ipaddress.ip_address(host)
    except ValueError:
        return None
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    if isinstance(parsed, ipaddress.IPv4Address):
        return socket.AF_INET, (str(parsed), port)
    spelled = socket.inet_ntop(socket.AF_INET6, parsed.packed)
    return socket.AF_INET6, (spelled, port, 0, scope_id(parsed))
