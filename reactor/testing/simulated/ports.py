"""Who has which address in a simulated network, and who answers there."""

import errno
import ipaddress
import socket
from collections.abc import Iterator
from typing import Final, Protocol

from ...addresses import Address, unmapped
from .kernel import fail

__all__ = ["Bound", "Ports", "reachable"]

_LOOPBACK: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}
_FIRST_EPHEMERAL: Final = 32768
_LAST_EPHEMERAL: Final = 60999


class Bound(Protocol):
    """What has an address."""

    family: socket.AddressFamily
    address: Address | None

    @property
    def kind(self) -> socket.SocketKind:
        """Stream or datagram: they share no ports."""

    @property
    def dual_stack(self) -> bool:
        """Whether it takes IPv4 at an IPv6 address."""

    @property
    def reuses_address(self) -> bool:
        """Whether it shares its address with others that do."""

    @property
    def listening(self) -> bool:
        """Whether it does not."""


class Ports:
    """The addresses that are taken, for each kind of socket.

    A port is free as soon as nobody holds it: there is no TIME_WAIT here.
    """

    def __init__(self) -> None:
        self._taken: dict[tuple[socket.SocketKind, int], list[Bound]] = {}
        self._next = _FIRST_EPHEMERAL

    def claim(self, owner: Bound, address: Address) -> Address:
        """Give `owner` an address, whole. Raises OSError: EADDRINUSE."""
        host, port = address[:2]
        whole = _whole(owner.family, host, port or self._free_port(owner.kind))
        self.check(owner, whole)
        self.share(owner, whole)
        return whole

    def check(self, owner: Bound, address: Address) -> None:
        """Raise OSError if `owner` may not be at `address`: EADDRINUSE."""
        for other in self._taken.get((owner.kind, address[1]), []):
            sharing = owner.reuses_address and other.reuses_address and not other.listening
            if other is not owner and not sharing and _overlap(owner, address, other):
                fail(errno.EADDRINUSE)

    def share(self, owner: Bound, address: Address) -> None:
        """Let `owner` have an address that is taken already."""
        self._taken.setdefault((owner.kind, address[1]), []).append(owner)

    def release(self, owner: Bound) -> None:
        """Give back what was claimed."""
        if owner.address is not None:
            owners = self._taken.get((owner.kind, owner.address[1]), [])
            owners[:] = [other for other in owners if other is not owner]

    def find(self, kind: socket.SocketKind, address: Address) -> Iterator[Bound]:
        """Those who might answer at `address`: the most particular first, then the newest."""
        host = unmapped(address)[0]
        owners = self._taken.get((kind, address[1]), [])[::-1]
        answering = [owner for owner in owners if _answers(owner, owner.address, host)]
        yield from sorted(answering, key=_is_wild)

    def source_for(self, owner: Bound, destination: Address) -> str:
        """The address that `owner` speaks from, without one of its own.

        Raises OSError: ENETUNREACH.
        """
        host: str = unmapped(destination)[0]
        host = _LOOPBACK.get(host, host)
        if ipaddress.ip_address(host).is_loopback:
            host = "::1" if ":" in host else "127.0.0.1"
        if owner.family != socket.AF_INET6 or ":" in host:
            return host
        if not owner.dual_stack:
            fail(errno.ENETUNREACH)
        return f"::ffff:{host}"

    def _free_port(self, kind: socket.SocketKind) -> int:
        while True:
            port = self._next
            self._next = port + 1 if port < _LAST_EPHEMERAL else _FIRST_EPHEMERAL
            if not self._taken.get((kind, port)):
                return port


def reachable(address: Address) -> Address:
    """Who calls the wildcard calls himself."""
    return (_LOOPBACK.get(address[0], address[0]), *address[1:])


def _whole(family: socket.AddressFamily, host: str, port: int) -> Address:
    return (host, port, 0, 0) if family == socket.AF_INET6 else (host, port)


def _overlap(owner: Bound, address: Address, other: Bound) -> bool:
    assert other.address is not None
    return _answers(owner, address, unmapped(other.address)[0]) or _answers(
        other, other.address, unmapped(address)[0]
    )


def _answers(owner: Bound, address: Address | None, host: str) -> bool:
    """Whether somebody at `address` gets what comes for `host`, which is not a mapped one."""
    assert address is not None
    own = unmapped(address)[0]
    if own == "::":
        return ":" in host or owner.dual_stack
    return own == host or (own == "0.0.0.0" and ":" not in host)


def _is_wild(owner: Bound) -> bool:
    return owner.address is not None and owner.address[0] in _LOOPBACK
