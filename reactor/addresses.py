"""Socket addresses: written by people, used by sockets, compared by programs.

A look-up in the DNS may take seconds, so names are only looked up while no loop is
running; numeric addresses need no look-up at all.
"""

import ipaddress
import socket
from typing import Any, TypeAlias

from .network import Network

__all__ = ["Address", "format_address", "parse_address", "unmapped"]

Address: TypeAlias = tuple[Any, ...]
"""A socket address: (host, port), or (host, port, flow info, scope id) for IPv6."""


def format_address(address: Address | str | None) -> str:
    """`host:port` as people write it.

    >>> format_address(("127.0.0.1", 80)), format_address(("::1", 80, 0, 0))
    ('127.0.0.1:80', '[::1]:80')
    """
    if not isinstance(address, tuple):
        return str(address) if address else "unnamed"
    host, port = address[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def parse_address(text: str) -> tuple[str, int]:
    """The host and port in `host:port` or `[host]:port`. Raises ValueError for others.

    >>> parse_address("127.0.0.1:65534"), parse_address("[::1]:80")
    (('127.0.0.1', 65534), ('::1', 80))
    """
    host, colon, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise ValueError(f"write an IPv6 address in brackets: [{host}]:{port}")
    if not (colon and host and port.isascii() and port.isdigit() and int(port) <= 65535):
        raise ValueError(f"not an address of the form host:port: {text!r}")
    return host, int(port)


def unmapped(address: Address) -> Address:
    """An IPv4 peer of an IPv6 socket in its own right, so that it is one peer, not two.

    >>> unmapped(("::ffff:192.0.2.1", 80, 0, 0)), unmapped(("::1", 80, 0, 0))
    (('192.0.2.1', 80), ('::1', 80, 0, 0))
    """
    host = address[0]
    # RFC 4291, section 2.5.5.2
    if host.lower().startswith("::ffff:"):
        mapped = ipaddress.IPv6Address(host).ipv4_mapped
        if mapped is not None:
            return (str(mapped), address[1])
    return address


def resolve(
    network: Network, host: str, port: int, kind: socket.SocketKind, *, numeric_only: bool
) -> list[tuple[socket.AddressFamily, Address]]:
    """All addresses of `host`, in the order in which to try them; never an empty list.

    Raises OSError if the name is unknown, RuntimeError for a name when `numeric_only`
    (a loop is running), ValueError for a port that is none.
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
    return [(family, address) for family, _, _, _, address in found]


def _numeric(host: str, port: int) -> tuple[socket.AddressFamily, Address] | None:
    try:
        parsed = ipaddress.ip_address(host)
    except ValueError:
        return None
    if isinstance(parsed, ipaddress.IPv4Address):
        return socket.AF_INET, (host, port)
    scope = parsed.scope_id
    if scope is None:
        return socket.AF_INET6, (host, port, 0, 0)
    numbered = scope.isascii() and scope.isdigit()
    index = int(scope) if numbered else socket.if_nametoindex(scope)
    return socket.AF_INET6, (host.partition("%")[0], port, 0, index)


def bound_socket(
    network: Network,
    host: str,
    port: int,
    kind: socket.SocketKind,
    *,
    numeric_only: bool,
    dual_stack: bool,
) -> socket.socket:
    """A non-blocking socket bound to the first address of `host`.

    Raises OSError that names the address.
    """
    family, address = resolve(network, host, port, kind, numeric_only=numeric_only)[0]
    sock = None
    try:
        sock = network.socket(family, kind)
        sock.setblocking(False)
        if kind == socket.SOCK_STREAM and hasattr(socket, "SO_REUSEPORT"):
            # Unix: a restarted server need not wait for its old connections' TIME_WAIT.
            # Never for UDP, nor on Windows: there it lets two servers share one port.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, not dual_stack)
        sock.bind(address)
    except OSError as exc:
        if sock is not None:
            sock.close()
        raise type(exc)(exc.errno, f"{format_address(address)}: {exc.strerror}") from exc
    return sock
