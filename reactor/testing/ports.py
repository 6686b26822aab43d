"""Who has which address in a simulated network, and who answers there."""

import errno
import ipaddress
import socket
from collections.abc import Iterator
from typing import Final, Protocol

from ..addresses import Address, unmapped
from .kernel import fail

__all__ = ["Bound", "Ports"]

_WILDCARDS: Final = {"0.0.0.0", "::"}
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


class Ports:
    """The addresses that are taken, for each kind of socket."""

    def __init__(self) -> None:
        self._taken: dict[tuple[socket.SocketKind, int], list[Bound]] = {}
        self._next = _FIRST_EPHEMERAL

    def claim(self, owner: Bound, address: Address) -> Address:
        """Give `owner` an address, whole. Raises OSError: EADDRINUSE."""
        host, port = address[:2]
        whole = _whole(owner.family, host, port or self._free_port(owner.kind))
        for other in self._taken.get((owner.kind, whole[1]), []):
            if _overlap(owner, whole[0], other):
                fail(errno.EADDRINUSE)
        self._taken.setdefault((owner.kind, whole[1]), []).append(owner)
        return whole

    def release(self, owner: Bound) -> None:
        """Give back what was claimed."""
        if owner.address is not None:
            owners = self._taken.get((owner.kind, owner.address[1]), [])
            owners[:] = [other for other in owners if other is not owner]

    def find(self, kind: socket.SocketKind, address: Address) -> Iterator[Bound]:
        """Those who might answer at `address`, the most particular first."""
        host = unmapped(address)[0]
        owners = self._taken.get((kind, address[1]), [])
        exact = [owner for owner in owners if owner.address and owner.address[0] == host]
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        wild = [
            owner
            for owner in owners
            if owner.address
            and owner.address[0] in _WILDCARDS
            and (owner.family == family or owner.dual_stack)
        ]
        yield from exact
        yield from wild

    def source_for(self, family: socket.AddressFamily, destination: Address) -> str:
        """The address that somebody without one speaks from."""
        loopback = "::1" if family == socket.AF_INET6 else "127.0.0.1"
        host = destination[0]
        if host in _WILDCARDS:
            return loopback
        return loopback if ipaddress.ip_address(host).is_loopback else host

    def _free_port(self, kind: socket.SocketKind) -> int:
        while True:
            port = self._next
            self._next = port + 1 if port < _LAST_EPHEMERAL else _FIRST_EPHEMERAL
            if not self._taken.get((kind, port)):
                return port


def _whole(family: socket.AddressFamily, host: str, port: int) -> Address:
    return (host, port, 0, 0) if family == socket.AF_INET6 else (host, port)


def _overlap(owner: Bound, host: str, other: Bound) -> bool:
    assert other.address is not None
    same_family = owner.family == other.family or owner.dual_stack or other.dual_stack
    hosts = {host, other.address[0]}
    return same_family and (len(hosts) == 1 or bool(hosts & _WILDCARDS))
