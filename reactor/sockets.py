"""Sockets that are bound to an address, or were handed in by a program and are looked at first.

What is unsuitable would otherwise be found out much later, by a peer or a loop that spins.
"""

import errno
import socket
from contextlib import ExitStack
from enum import Enum
from typing import Final

from .addresses import ABSENT, Address, AddressInfo, named, resolve, summary
from .network import Network

__all__ = ["Use", "bound_socket", "bound_sockets", "expect"]

# How often the system is asked for a port that is free at all addresses of a host.
_PORT_TRIES: Final = 8


class Use(Enum):
    """What a socket is wanted for, and in which words that is asked for."""

    STREAM = "a connected stream socket"
    LISTENER = "a bound stream socket"
    DATAGRAMS = "a bound UDP socket"


def expect(sock: socket.socket, use: Use) -> None:
    """Raise ValueError, which says what was expected, unless `sock` is fit for `use`.

    What only its owner can know, whether a stream socket without a peer has lost or never
    had it, is left to the next call. The socket is neither changed nor closed.
    """
    wrong = _what_is_wrong(sock, use)
    if wrong is not None:
        raise ValueError(f"expected {use.value}, not {wrong}: {sock!r}")


def _what_is_wrong(sock: socket.socket, use: Use) -> str | None:
    kind = getattr(sock, "type", None)
    if kind is None:
        return "what is none"
    if sock.fileno() < 0:
        return "a closed one"
    # What a TLS socket has decrypted already waits where no selector can see it.
    if hasattr(sock, "do_handshake"):
        return "one that speaks TLS"
    if kind != (socket.SOCK_DGRAM if use is Use.DATAGRAMS else socket.SOCK_STREAM):
        return "one of another type"
    match use:
        case Use.STREAM if _is_listening(sock):
            return "one that listens"
        case Use.LISTENER if _is_connected(sock):
            return "one that is connected"
        # listen(2) would bind it to whatever is free, which nobody could know to call.
        case Use.LISTENER if _is_unbound(sock):
            return "one without an address"
        case Use.DATAGRAMS if sock.family not in (socket.AF_INET, socket.AF_INET6):
            return "one of another family"
        case Use.DATAGRAMS if _is_unbound(sock):
            return "one without a port"
    return None


def _is_listening(sock: socket.socket) -> bool:
    try:
        return bool(sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
    except OSError:
        return False


def _is_connected(sock: socket.socket) -> bool:
    try:
        sock.getpeername()
    except OSError:
        return False
    return True


def _is_unbound(sock: socket.socket) -> bool:
    try:
        name = sock.getsockname()
    except OSError:
        return False
    return not (name[1] if isinstance(name, tuple) else name)


def bound_socket(
    network: Network,
    host: str,
    port: int,
    kind: socket.SocketKind,
    *,
    numeric_only: bool,
    dual_stack: bool,
) -> socket.socket:
    """A non-blocking socket at the first address of `host` that can be had.

    Raises OSError that names all addresses, and what `resolve` raises.
    """
    errors = []
    for info in resolve(network, host, port, kind, numeric_only=numeric_only):
        try:
            return _bound(network, info, kind, dual_stack)
        except OSError as exc:
            errors.append(exc)
    raise summary(errors)


def bound_sockets(
    network: Network,
    host: str,
    port: int,
    kind: socket.SocketKind,
    *,
    numeric_only: bool,
    dual_stack: bool,
) -> list[socket.socket]:
    """Non-blocking sockets at all addresses of `host`, on one port; at least one.

    Addresses that this machine does not have are passed over as long as another is left:
    one without IPv6 has names with IPv6 addresses. One that is in use is an error.

    Raises OSError that names all addresses that failed, and what `resolve` raises.
    """
    infos = resolve(network, host, port, kind, numeric_only=numeric_only)
    tries = 1 if port else _PORT_TRIES
    while True:
        tries -= 1
        socks, errors = _bind_each(network, infos, kind, dual_stack)
        if socks and all(exc.errno in ABSENT for exc in errors):
            return socks
        for sock in socks:
            sock.close()
        # The port that the system chose for one family may be another's in the next.
        if not (socks and tries and any(exc.errno == errno.EADDRINUSE for exc in errors)):
            raise summary(errors)


def _bind_each(
    network: Network, infos: list[AddressInfo], kind: socket.SocketKind, dual_stack: bool
) -> tuple[list[socket.socket], list[OSError]]:
    socks: list[socket.socket] = []
    errors: list[OSError] = []
    with ExitStack() as stack:
        for family, (host, port, *rest) in infos:
            try:
                chosen = port or (socks[0].getsockname()[1] if socks else 0)
                sock = _bound(network, (family, (host, chosen, *rest)), kind, dual_stack)
            except OSError as exc:
                errors.append(exc)
            else:
                socks.append(stack.enter_context(sock))
        stack.pop_all()
    return socks, errors


def _bound(
    network: Network, info: AddressInfo, kind: socket.SocketKind, dual_stack: bool
) -> socket.socket:
    family, address = info
    try:
        sock = network.socket(family, kind)
        try:
            _bind(sock, address, dual_stack)
        except BaseException:
            sock.close()
            raise
    except OSError as exc:
        raise named(exc, address) from exc
    return sock


def _bind(sock: socket.socket, address: Address, dual_stack: bool) -> None:
    sock.setblocking(False)
    if sock.type == socket.SOCK_STREAM and hasattr(socket, "SO_REUSEPORT"):
        # Unix: a restarted server need not wait for its old connections' TIME_WAIT.
        # Never for UDP, nor on Windows: there it lets two servers share one port.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, not dual_stack)
    sock.bind(address)
