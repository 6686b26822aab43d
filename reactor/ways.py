"""How to get where: the socket for each address, which is checked once and never looked up.

`sendto` would ask the DNS for a host name, and keep the loop waiting for the answer.
"""

import ipaddress
import socket
from collections.abc import Sequence
from typing import Final, NamedTuple

from .addresses import Address, scope_id

__all__ = ["Way", "Ways"]

_MAX_REMEMBERED: Final = 4096
_MAX_FLOW_INFO: Final = 0xFFFFF  # RFC 8200, section 3: 20 bits
_MAX_SCOPE_ID: Final = 0xFFFFFFFF


class Way(NamedTuple):
    """Where to send what is for `address`."""

    address: Address
    """As the program writes it."""
    sock: socket.socket
    destination: Address | None
    """As the socket takes it; None for a lane, which is connected."""

    def send(self, data: bytes | bytearray | memoryview) -> None:
        """Send one datagram. Raises OSError."""
        if self.destination is None:
            self.sock.send(data)
        else:
            self.sock.sendto(data, self.destination)


class Ways(dict[Address, Way]):
    """The ways from an endpoint: through its own `sock`, or through the lane of an address.

    A lane is a socket of its own, connected: the system then finds the route once, and not
    for each run.

    `takes_ipv4` is for a socket of IPv6. At most 4,096 ways are remembered, or twice as many
    as `to_all` was ever asked for at once.

    >>> with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
    ...     Ways(sock, takes_ipv4=True).to(("127.0.0.1", 9)).destination
    ('::ffff:127.0.0.1', 9, 0, 0)
    """

    def __init__(self, sock: socket.socket, *, takes_ipv4: bool) -> None:
        super().__init__()
        self._sock = sock
        self.takes_ipv4 = takes_ipv4
        self.lanes: dict[Address, socket.socket] = {}
        self._room = _MAX_REMEMBERED

    def to(self, address: Address) -> Way:
        """The way to `address`.

        Raises TypeError for what is no address at all; ValueError for a name, a port or an
        interface that is none, or a family that the socket does not speak.
        """
        try:
            return self[address]
        except TypeError:
            return self._find(address)  # what has no hash is no address: this says so

    def to_all(self, addresses: Sequence[Address]) -> list[Way]:
        """The ways to all of them. Raises what `to` raises, for the first that is wrong."""
        # To forget some in the midst would be to check them all, each time. Twice, so that
        # newcomers don't either push out at once who stays.
        self._room = max(self._room, 2 * len(addresses))
        return list(map(self.__getitem__, addresses))

    def open_lane(self, address: Address, sock: socket.socket) -> None:
        """From now on, `address` is reached through `sock`, which is connected to it."""
        self.lanes[address] = sock
        self.pop(address, None)

    def close_lane(self, address: Address) -> None:
        """Close the socket for `address`, if there is one."""
        sock = self.lanes.pop(address, None)
        if sock is not None:
            self.pop(address, None)
            sock.close()

    def close(self) -> None:
        """Close all lanes."""
        for address in list(self.lanes):
            self.close_lane(address)

    def __missing__(self, address: Address) -> Way:
        way = self._find(address)
        if len(self) >= self._room:
            self.clear()
        self[address] = way
        return way

    def _find(self, address: Address) -> Way:
        destination = self.destination(address)
        lane = self.lanes.get(address)
        return Way(address, self._sock, destination) if lane is None else Way(address, lane, None)

    # -- addresses -------------------------------------------------------------------

    def destination(self, address: Address) -> Address:
        """The address as a socket of this family takes it. Raises what `to` raises."""
        host, port, *rest = _parts(address)
        if not 0 <= port <= 65535:
            raise ValueError(f"a port is a number from 0 to 65535, not {port}")
        try:
            parsed = ipaddress.ip_address(host)
        except ValueError:
            raise ValueError(f"expected a numeric host, not {host!r}") from None
        if isinstance(parsed, ipaddress.IPv6Address):
            if parsed.ipv4_mapped is None:
                return self._ipv6(parsed, port, *rest)
            parsed = parsed.ipv4_mapped
        return self._ipv4(parsed, port)

    def _ipv4(self, host: ipaddress.IPv4Address, port: int) -> Address:
        if self._sock.family == socket.AF_INET:
            return (str(host), port)
        if self.takes_ipv4:
            # RFC 4291, section 2.5.5.2
            return (f"::ffff:{host}", port, 0, 0)
        raise ValueError(f"expected an IPv6 address, not {host}")

    def _ipv6(
        self, host: ipaddress.IPv6Address, port: int, flow: int = 0, scope: int = 0
    ) -> Address:
        if self._sock.family != socket.AF_INET6:
            raise ValueError(f"expected an IPv4 address, not {host}")
        if not (0 <= flow <= _MAX_FLOW_INFO and 0 <= scope <= _MAX_SCOPE_ID):
            raise ValueError(f"expected a flow info and a scope id, not {flow} and {scope}")
        spelled = str(host).partition("%")[0]
        return (spelled, port, flow, _scope_id(host) if host.scope_id else scope)


def _parts(address: Address) -> Address:
    """The same, if its parts are what they have to be."""
    match address:
        case (str(), int()) | (str(), int(), int(), int()) if isinstance(address, tuple):
            return address
    raise TypeError(f"expected (host, port) or (host, port, flow info, scope id), not {address!r}")


def _scope_id(host: ipaddress.IPv6Address) -> int:
    try:
        return scope_id(host)
    except OSError:
        raise ValueError(f"expected an interface, not {host.scope_id!r}") from None
