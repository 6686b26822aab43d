"""How to get where: the socket for each address, which is checked once and never looked up.

`sendto` would ask the DNS for a host name, and keep the loop waiting for the answer.
"""

import socket
from typing import Final

from .addresses import Address, numeric_host
from .gso import UDP_SEGMENT, Run

__all__ = ["Way", "Ways"]

_MAX_REMEMBERED: Final = 4096
_MAX_FLOW_INFO: Final = 0xFFFFF  # RFC 8200, section 3: 20 bits
_MAX_SCOPE_ID: Final = 0xFFFFFFFF
_ANY_SIZE: Final = 0xFFFFFFFF
_RETRY_DELAY: Final = 60.0


class Way:
    """Where to send what is for an address, and of which size runs may not be.

    A network card, a tunnel or a smaller link refuses what is too large for it: what is
    smaller may pass. After a minute a run is tried again.

    >>> with socket.socket() as sock:
    ...     way = Way(("192.0.2.1", 9), sock, None)
    >>> way.refuse(1400, now=0.0), way.refuses(1400, now=59.0), way.refuses(1316, now=59.0)
    (True, True, False)
    """

    __slots__ = ("_until", "address", "destination", "refused_from", "segment", "sock")

    def __init__(self, address: Address, sock: socket.socket, destination: Address | None) -> None:
        self.address = address
        """As the program writes it."""
        self.sock = sock
        self.destination = destination
        """As the socket takes it; None for a lane, which is connected."""
        self.refused_from = _ANY_SIZE
        """Bytes of a datagram from which on `refuses` has to be asked."""
        self._until: float | None = None
        self.segment = 0 if destination is None else -1
        """How the socket of a lane cuts what it is given (UDP_SEGMENT); -1 without one, or if
        that was interrupted."""

    def send(self, data: bytes | bytearray | memoryview) -> int:
        """Send one datagram; its bytes. Raises OSError."""
        if self.destination is not None:
            return self.sock.sendto(data, self.destination)
        if self.segment:
            self._cut_by(0)
        return self.sock.send(data)

    def send_run(self, data: memoryview, run: Run) -> None:
        """Send the datagrams of a run. Raises OSError."""
        if self.destination is None:
            # Said once, and not with each run: a tenth of the time that it takes to send ten.
            self._cut_by(run.segment)
            self.sock.send(data)
        else:
            self.sock.sendmsg((data,), run.control, 0, self.destination)

    def refuse(self, size: int, now: float) -> bool:
        """A run of datagrams of `size` bytes was refused, at `now` seconds; True the first time."""
        is_news = self._until is None
        self.refuses(size, now)  # what is over is not renewed
        self.refused_from = min(self.refused_from, size)
        self._until = now + _RETRY_DELAY
        return is_news

    def refuses(self, size: int, now: float) -> bool:
        """Whether a run of such datagrams is not even to be tried."""
        if self._until is not None and now >= self._until:
            self.refused_from = _ANY_SIZE
        return size >= self.refused_from

    def _cut_by(self, segment: int) -> None:
        self.segment = -1
        self.sock.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, segment)
        self.segment = segment


class Ways(dict[Address, Way]):
    """The ways from an endpoint: through its own `sock`, or through the lane of an address.

    A lane is a socket of its own, connected: the system then finds the route once, and not
    for each run.

    `takes_ipv4` is for a socket of IPv6. At most 4,096 ways are remembered, or twice as many
    as room was ever made for, or as there are lanes.

    >>> with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
    ...     Ways(sock, takes_ipv4=True).to(("127.0.0.1", 9)).destination
    ('::ffff:127.0.0.1', 9, 0, 0)
    """

    def __init__(self, sock: socket.socket, *, takes_ipv4: bool) -> None:
        super().__init__()
        self.sock = sock
        self.takes_ipv4 = takes_ipv4
        self._room = _MAX_REMEMBERED

    def to(self, address: Address) -> Way:
        """The way to `address`.

        Raises TypeError for what is no address at all; ValueError for a name, a port or an
        interface that is none, or a family that the socket does not speak.
        """
        try:
            return self[address]
        except TypeError:
            return self.__missing__(address)  # what has no hash is no address: this says so

    def make_room(self, count: int) -> None:
        """So many are asked for at once: to forget some in the midst would be to check them all.

        Twice, so that newcomers don't either push out at once who stays.
        """
        if self._room < 2 * count:
            self._room = 2 * count

    def open_lane(self, address: Address, sock: socket.socket) -> None:
        """From now on, `address` is reached through `sock`, which is connected to it."""
        self.close_lane(address)
        self[address] = Way(address, sock, None)

    def close_lane(self, address: Address) -> None:
        """Forget the way to `address`, and close its socket if it has one of its own."""
        way = self.pop(address, None)
        if way is not None and way.destination is None:
            way.sock.close()

    def close(self) -> None:
        """Close all lanes."""
        for address in list(self):
            self.close_lane(address)

    def __missing__(self, address: Address) -> Way:
        way = Way(address, self.sock, self.destination(address))
        if len(self) >= self._room:
            for known in [each for each in self.values() if each.destination is not None]:
                del self[known.address]
            self.make_room(len(self))  # lanes stay
        self[address] = way
        return way

    def destination(self, address: Address) -> Address:
        """The address as a socket of this family takes it. Raises what `to` raises."""
        host, port, flow, scope = _parts(address)
        if not 0 <= port <= 65535:
            raise ValueError(f"a port is a number from 0 to 65535, not {port}")
        try:
            spelled, _, interface = numeric_host(host).partition("%")
        except OSError:
            raise ValueError(f"expected an interface, not that of {host!r}") from None
        is_ipv6 = ":" in spelled
        if is_ipv6 != (self.sock.family == socket.AF_INET6) and not self.takes_ipv4:
            raise ValueError(f"expected an {'IPv4' if is_ipv6 else 'IPv6'} address, not {host}")
        if not is_ipv6:
            # RFC 4291, section 2.5.5.2
            return (f"::ffff:{spelled}", port, 0, 0) if self.takes_ipv4 else (spelled, port)
        if not (0 <= flow <= _MAX_FLOW_INFO and 0 <= scope <= _MAX_SCOPE_ID):
            raise ValueError(f"expected a flow info and a scope id, not {flow} and {scope}")
        return spelled, port, flow, int(interface or scope)


def _parts(address: Address) -> Address:
    """Host, port, flow info and scope id, if they are what they have to be."""
    match address:
        case (str(), int()) | (str(), int(), int(), int()) if isinstance(address, tuple):
            return (*address, 0, 0)[:4]
    raise TypeError(f"expected (host, port) or (host, port, flow info, scope id), not {address!r}")
