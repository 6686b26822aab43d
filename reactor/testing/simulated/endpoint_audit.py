"""One datagram endpoint of a simulation: its books, and its end."""

from collections.abc import Callable
from typing import cast

from ...addresses import Address
from ...batch import DatagramBatch
from ...datagrams import DatagramEndpoint, DatagramHandler
from .udp import UdpSocket

__all__ = ["EndpointAudit"]


class EndpointAudit(DatagramHandler):
    """Stands between an endpoint and its handler, and counts along."""

    def __init__(
        self,
        endpoint: DatagramEndpoint,
        sock: UdpSocket,
        find: Callable[[Address], UdpSocket],
        complain: Callable[[str], None],
    ) -> None:
        """`find` gives the socket that is bound at an address."""
        assert endpoint.handler is not None
        self.handler = endpoint.handler
        """The program's."""
        self._endpoint = endpoint
        self._socks = [sock]  # its own, and those of all lanes there ever were
        self._find = find
        self._complain = complain
        self._lost = 0
        self.__class__ = _going_by_the_name_of(type(self.handler))
        endpoint.handler = self
        endpoint.__class__ = _AuditedEndpoint

    def lane_opened(self, source: Address) -> None:
        """The endpoint sends through one more socket, bound at `source`."""
        self._socks.append(self._find(source))

    def datagrams_received(self, endpoint: DatagramEndpoint, batch: DatagramBatch) -> None:
        if self._lost:
            self._complain(f"{endpoint!r} called its handler after connection_lost")
        if not batch:
            self._complain(f"{endpoint!r} delivered an empty batch")
        self.handler.datagrams_received(endpoint, batch)

    def segmentation_refused(self, endpoint: DatagramEndpoint, exc: OSError, to: Address) -> None:
        self.handler.segmentation_refused(endpoint, exc, to)

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost += 1
        self.handler.connection_lost(exc)

    def check(self) -> None:
        """What the endpoint counts is what the system saw."""
        counters = self._endpoint.counters
        told = counters.sent, counters.received + counters.rejected + counters.discarded
        seen = sum(sock.given for sock in self._socks), self._socks[0].taken
        if told != seen:
            self._complain(
                f"{self._endpoint!r} counts {told[0]} datagrams sent and {told[1]} received; "
                f"the system counts {seen[0]} and {seen[1]}"
            )

    def finish(self) -> None:
        """The loop is closed."""
        if self._lost != 1:
            self._complain(f"an endpoint called connection_lost {self._lost} times")


def _going_by_the_name_of(handler: type) -> type[EndpointAudit]:
    """For whoever tells who was called."""
    return type(handler.__name__, (EndpointAudit,), {"__qualname__": handler.__qualname__})


class _AuditedEndpoint(DatagramEndpoint):
    """An endpoint whose handler, whoever that is, is listened in on until the end."""

    __qualname__ = DatagramEndpoint.__qualname__

    @property
    def handler(self) -> DatagramHandler | None:
        return cast(DatagramHandler | None, vars(self)["handler"])

    @handler.setter
    def handler(self, handler: DatagramHandler | None) -> None:
        audit = self.handler
        if handler is not None and isinstance(audit, EndpointAudit):
            audit.handler = handler
        else:
            vars(self)["handler"] = handler

    def open_lane(self, address: Address) -> Address:
        source = super().open_lane(address)
        audit = self.handler
        assert isinstance(audit, EndpointAudit)  # who was told of the end opens no lane
        audit.lane_opened(source)
        return source
