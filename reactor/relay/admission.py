"""How many clients may be here at once, in all and from one host, and who makes room.

Pure counting: it is told who comes, who idles, who has settled, and who leaves.
"""

import ipaddress
from collections import Counter, defaultdict
from collections.abc import Hashable
from typing import Final, Generic, TypeVar

from reactor import Address, unmapped

from .protocol import ErrorCode

__all__ = ["Admission", "household"]

_NETWORK_BITS: Final = 64

_Client = TypeVar("_Client", bound=Hashable)


def household(address: Address) -> str:
    """What counts as one host: an IPv4 address, or an IPv6 network of 64 bits.

    Any host may give itself as many addresses of its network as it likes (RFC 4862, 8981).
    All neighbours share the link-local one, so that there each address is a host.

    >>> household(("192.0.2.1", 5000)), household(("::ffff:192.0.2.1", 5000, 0, 0))
    ('192.0.2.1', '192.0.2.1')
    >>> household(("2001:db8::1:2", 5000, 0, 0)), household(("fe80::2", 5000, 0, 3))
    ('2001:db8::/64', 'fe80::2%3')
    """
    host, _, *rest = unmapped(address)
    ip = ipaddress.ip_address(host.partition("%")[0])
    if ip.version == 4:
        return str(ip)
    if ip.is_link_local:
        return f"{ip}%{rest[1]}"
    return str(ipaddress.ip_network((ip, _NETWORK_BITS), strict=False))


class Admission(Generic[_Client]):
    """Lets clients in up to a limit; 0 means no limit.

    >>> admission = Admission[str](max_clients=0, max_clients_per_host=1)
    >>> admission.enter("a", "192.0.2.1"), str(admission.enter("b", "192.0.2.1"))
    (None, 'LLENO_EQUIPO')
    >>> admission.mark_idle("a")
    >>> admission.idlest("192.0.2.1")
    'a'
    >>> admission.leave("a")
    >>> admission.clients
    0
    """

    def __init__(self, max_clients: int, max_clients_per_host: int) -> None:
        if max_clients < 0 or max_clients_per_host < 0:
            raise ValueError("a limit can't be negative; 0 means no limit")
        self._max_clients = max_clients
        self._max_clients_per_host = max_clients_per_host
        self._host_of: dict[_Client, str] = {}
        self._at: Counter[str] = Counter()
        # Those who idle, the oldest first: by host, and under None all of them.
        self._idle: defaultdict[str | None, dict[_Client, None]] = defaultdict(dict)

    @property
    def clients(self) -> int:
        """How many are in."""
        return len(self._host_of)

    def enter(self, client: _Client, host: str) -> ErrorCode | None:
        """Let a client in, or say why not."""
        if self._max_clients and self.clients >= self._max_clients:
            return ErrorCode.FULL
        if self._is_full(host):
            return ErrorCode.HOST_FULL
        self._host_of[client] = host
        self._at[host] += 1
        return None

    def mark_idle(self, client: _Client) -> None:
        """The client holds a place, and has made no use of it so far."""
        for queue in (None, self._host_of[client]):
            self._idle[queue][client] = None

    def settle(self, client: _Client) -> None:
        """The client keeps its place for as long as it likes. Harmless if repeated."""
        for queue in (None, self._host_of[client]):
            self._idle[queue].pop(client, None)
            if not self._idle[queue]:
                del self._idle[queue]

    def leave(self, client: _Client) -> None:
        """The client's place is free. Harmless if it has none."""
        if client not in self._host_of:
            return
        self.settle(client)
        host = self._host_of.pop(client)
        self._at[host] -= 1
        if not self._at[host]:
            del self._at[host]

    def idlest(self, host: str | None = None, *, but: _Client | None = None) -> _Client | None:
        """Who has idled longest of those whose place one from `host` could have, if any.

        `but` is who asks, and does not make room for itself.
        """
        queue = self._idle.get(host if host is not None and self._is_full(host) else None, ())
        return next((client for client in queue if client is not but), None)

    def _is_full(self, host: str) -> bool:
        return 0 < self._max_clients_per_host <= self._at[host]
