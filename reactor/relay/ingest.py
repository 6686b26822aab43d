"""Where the stream comes in: at each address of the ingest's host, on one port.

What waits there while nobody watches is old video, and never relayed.
"""

import errno
from typing import Final

from reactor import Address, DatagramHandler, EventLoop, bind_udp, bind_udp_all, format_host

__all__ = ["Ingest"]

BUFFER_SIZE: Final = 8 * 1024 * 1024

_EVERY_HOST: Final = ("0.0.0.0", "::")


class Ingest:
    """The endpoints that the stream may come to, taken as one; it begins paused.

    `handler` gets the datagrams of all. Raises what `bind_udp_all` raises.
    """

    def __init__(
        self,
        loop: EventLoop,
        handler: DatagramHandler,
        address: tuple[str, int],
        *,
        coalesce: float,
        segmentation: bool | None,
    ) -> None:
        self._loop = loop
        self._endpoints = bind_udp_all(
            loop,
            handler,
            *address,
            coalesce=coalesce,
            buffer_size=BUFFER_SIZE,
            segmentation=segmentation,
            sources=False,
        )
        for endpoint in self._endpoints:
            loop.label(endpoint, "video in")
        self.pause()
        self.addresses: list[Address] = [endpoint.sockname for endpoint in self._endpoints]
        """Where it listens."""
        self.buffer_size = min(endpoint.receive_buffer_size for endpoint in self._endpoints)
        """Bytes granted for waiting datagrams, at the address that has fewest."""

    @property
    def received(self) -> int:
        """Datagrams received so far."""
        return sum(endpoint.counters.received for endpoint in self._endpoints)

    @property
    def lost(self) -> int | None:
        """Datagrams for which the system had no room; None if it does not tell."""
        total = 0
        for endpoint in self._endpoints:
            drops = endpoint.kernel_drops
            if drops is None:
                return None
            total += drops
        return total

    def hears(self, address: Address) -> bool:
        """Whether a datagram that this machine sends to `address` would come in here.

        Raises OSError if there is no socket to find out with.
        """
        host, port = address[:2]
        listening = {own[0] for own in self.addresses if own[1] == port}
        return host in listening or (
            not listening.isdisjoint(_EVERY_HOST) and _is_of_this_machine(self._loop, address)
        )

    def pause(self) -> None:
        """Leave what comes to the system."""
        for endpoint in self._endpoints:
            endpoint.pause_receiving()

    def resume(self) -> None:
        """Take what comes from now on."""
        for endpoint in self._endpoints:
            endpoint.resume_receiving(discard_backlog=True)

    def close(self) -> None:
        """Listen no more."""
        for endpoint in self._endpoints:
            endpoint.close()


def _is_of_this_machine(loop: EventLoop, address: Address) -> bool:
    """Whether the host is one of our own: only there a socket can be bound (bind(2))."""
    try:
        bind_udp(loop, DatagramHandler(), format_host(address), receiving=False).close()
    except OSError as exc:
        if exc.errno == errno.EADDRNOTAVAIL:
            return False
        raise
    return True
