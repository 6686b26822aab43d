"""Sockets that are bound to an address, or were handed in by a program and are looked at first.

What is unsuitable would otherwise be found out much later, by a peer or a loop that spins.
"""

import errno
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from enum import Enum
from functools import partial
from typing import Any, Final, TypeAlias

from .addresses import ABSENT, AddressInfo, Network, named, resolve, summary
from .loop import EventLoop

__all__ = ["Use", "bound_sockets", "expect"]

_Make: TypeAlias = Callable[[AddressInfo], socket.socket]

# How often the system is asked for a port that is free at all addresses of a host.
_PORT_TRIES: Final = 8


class Use(Enum):
    """What a socket is wanted for, and in which words that is asked for."""

    STREAM = "a connected stream socket"
    LISTENER = "a bound stream socket"
    DATAGRAMS = "a bound UDP socket"

    @property
    def kind(self) -> socket.SocketKind:
        """The type that suits."""
        return socket.SOCK_DGRAM if self is Use.DATAGRAMS else socket.SOCK_STREAM


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
    if kind != use.kind:
        return "one of another type"
    match use:
        case Use.STREAM if _answer(sock.getsockopt, socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            return "one that listens"
        case Use.LISTENER if _answer(sock.getpeername) is not None:
            return "one that is connected"
        # listen(2) would bind it to whatever is free, which nobody could know to call.
        case Use.LISTENER if _is_unbound(sock):
            return "one without an address"
        case Use.DATAGRAMS if sock.family not in (socket.AF_INET, socket.AF_INET6):
            return "one of another family"
        case Use.DATAGRAMS if _is_unbound(sock):
            return "one without a port"
    return None


def _is_unbound(sock: socket.socket) -> bool:
    match _answer(sock.getsockname):
        case (_, 0, *_) | "":
            return True
    return False


def _answer(question: Callable[..., Any], *args: int) -> Any:
    """What the system says; None if it does not, which is no reason to refuse a socket."""
    try:
        return question(*args)
    except OSError:
        return None


@contextmanager
def bound_sockets(
    loop: EventLoop,
    use: Use,
    host: str | None,
    port: int,
    *,
    sock: socket.socket | None = None,
    dual_stack: bool = True,
    only_first: bool = False,
) -> Iterator[list[socket.socket]]:
    """Sockets at all addresses of `host`, on one port; at least one. Or `sock`, if it is fit.

    Those that are made do not block, and are closed if the block raises. Addresses that this
    machine does not have are passed over as long as another is left: one without IPv6 has
    names with IPv6 addresses. One that is in use is an error. With `only_first`, the first
    address that can be had suffices.

    Raises OSError that names all addresses that failed, ValueError for neither a host nor a
    socket, and what `resolve` and `expect` raise.
    """
    if sock is not None:
        expect(sock, use)
        yield [sock]
        return
    if host is None:
        raise ValueError("expected a host or a socket")
    infos = resolve(loop.network, host, port, use.kind, numeric_only=loop.running)
    make = partial(_bound, loop.network, use, dual_stack)
    tries = 1 if port else _PORT_TRIES
    while tries:
        tries -= 1
        with ExitStack() as made:
            socks, errors = _bind_each(made, make, infos, only_first)
            if socks and (only_first or all(exc.errno in ABSENT for exc in errors)):
                yield socks
                made.pop_all()
                return
        # The port that the system chose for one family may be another's in the next.
        if not socks or all(exc.errno != errno.EADDRINUSE for exc in errors):
            break
    raise summary(errors)


def _bind_each(
    made: ExitStack, make: _Make, infos: list[AddressInfo], only_first: bool
) -> tuple[list[socket.socket], list[OSError]]:
    socks: list[socket.socket] = []
    errors: list[OSError] = []
    for family, (host, port, *rest) in infos:
        if socks and only_first:
            break
        address = (host, socks[0].getsockname()[1] if socks else port, *rest)
        try:
            socks.append(made.enter_context(make((family, address))))
        except OSError as exc:
            errors.append(named(exc, address))
    return socks, errors


def _bound(network: Network, use: Use, dual_stack: bool, info: AddressInfo) -> socket.socket:
    family, address = info
    sock = network.socket(family, use.kind)
    try:
        sock.setblocking(False)
        if use is Use.LISTENER and hasattr(socket, "SO_REUSEPORT"):
            # Unix: a restarted server need not wait for its old connections' TIME_WAIT.
            # Never for UDP, nor on Windows: there it lets two servers share one port.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, not dual_stack)
        sock.bind(address)
    except BaseException:
        sock.close()
        raise
    return sock
