"""The way of a datagram: from the ingest socket to every viewer that is active.

While nobody is active the ingest is not watched, and the process sleeps.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from reactor import (
    Address,
    DatagramBatch,
    DatagramEndpoint,
    DatagramHandler,
    EventLoop,
    LoopClosed,
    Timer,
    bind_udp,
    format_address,
    format_host,
)

from .events import (
    IngestDrops,
    IngestFailed,
    ReceiveBufferCut,
    SegmentationRefused,
    ServerEvent,
)
from .ingest import BUFFER_SIZE, Ingest

__all__ = ["FanOut", "RelayCounters", "Viewer"]

# Of each viewer. What the system grants less, a slow viewer loses sooner, and nobody else.
_OUTLET_BUFFER: Final = 1024 * 1024
_DROP_CHECK_INTERVAL: Final = 5.0


@dataclass(frozen=True, slots=True)
class RelayCounters:
    """What a relay has done so far, in datagrams.

    Each datagram received while n viewers were active adds n to `sent` + `dropped`.
    """

    received: int
    lost: int | None
    """Never reached the relay: the system had no room. None if it does not tell."""
    sent: int
    dropped: int
    """Copies that could not be sent."""
    active: int
    """Viewers that are active now."""


class _Outlet:
    """Where datagrams leave from: an address of the server that clients came to."""

    __slots__ = ("active", "endpoint", "users")

    def __init__(self, endpoint: DatagramEndpoint) -> None:
        self.endpoint = endpoint
        self.users = 0
        """Viewers, active or not."""
        self.active: deque[Address] = deque()
        """Those to send to; who is first is another each time."""


class Viewer:
    """Where one client's datagrams go, from where, and how many were due to it."""

    __slots__ = ("active_since", "address", "dropped", "due", "outlet")

    def __init__(self, address: Address, outlet: _Outlet) -> None:
        self.address = address
        self.outlet = outlet
        self.active_since: int | None = None
        """The number of datagrams received when it became active; None while it is not."""
        self.due = 0
        """Datagrams received while it was active, up to its last pause."""
        self.dropped = 0
        """How many of them could not be sent."""

    @property
    def sent(self) -> int:
        """Datagrams sent to it, up to its last pause."""
        return self.due - self.dropped


class FanOut(DatagramHandler):
    """Copies every datagram of the ingest to every active viewer, unchanged and in order."""

    def __init__(
        self,
        loop: EventLoop,
        ingest: tuple[str, int],
        *,
        coalesce: float,
        segmentation: bool | None,
        report: Callable[[ServerEvent], object],
    ) -> None:
        self._loop = loop
        self._segmentation = segmentation
        self._report = report
        self._viewers: dict[Address, Viewer] = {}
        self._outlets: list[_Outlet] = []
        self._active: deque[_Outlet] = deque()  # those with somebody to send to, in turn
        self._sent_before = self._dropped_before = 0  # through outlets that are closed
        self._drop_check: Timer | None = None
        self._drops_reported = 0
        self._ingest = Ingest(loop, self, ingest, coalesce=coalesce, segmentation=segmentation)
        granted = self._ingest.buffer_size
        if granted < BUFFER_SIZE:
            try:
                report(ReceiveBufferCut(BUFFER_SIZE, granted))
            except BaseException:
                self._ingest.close()
                raise

    @property
    def address(self) -> Address:
        """Where the ingest listens; the first address, if its host has several."""
        return self._ingest.addresses[0]

    @property
    def counters(self) -> RelayCounters:
        """A snapshot of all counters."""
        outgoing = [outlet.endpoint.counters for outlet in self._outlets]
        return RelayCounters(
            received=self._ingest.received,
            lost=self._ingest.lost,
            sent=self._sent_before + sum(counters.sent for counters in outgoing),
            dropped=self._dropped_before + sum(books.dropped.total() for books in outgoing),
            active=sum(len(outlet.active) for outlet in self._active),
        )

    # -- viewers come and go ---------------------------------------------------------

    def is_own(self, address: Address) -> bool:
        """Whether a datagram to `address` would come back to the relay itself.

        What it sends from is never read. Raises OSError if the system can't say.
        """
        return self._ingest.hears(address)

    def claim(self, address: Address, local: Address) -> Viewer | None:
        """A viewer, not active yet, at `address`; None if another has it.

        Its datagrams leave from `local`, the address that the client's own connection
        came to, so that the client knows whom they are from. Raises OSError if the
        system has no socket for that.
        """
        if address in self._viewers:
            return None
        outlet = self._outlet(local)
        try:
            outlet.endpoint.open_lane(address)
            name = f"video to {format_address(address)}"
            self._loop.label(outlet.endpoint.fileno_to(address), name)
        except BaseException:
            outlet.endpoint.close_lane(address)
            self._close_if_unused(outlet)
            raise
        outlet.users += 1
        viewer = self._viewers[address] = Viewer(address, outlet)
        return viewer

    def release(self, viewer: Viewer) -> None:
        """The viewer is gone; its address is free again, and so is an outlet of its own.

        Harmless if repeated, also when the address is another viewer's by then.
        """
        if self._viewers.get(viewer.address) is viewer:
            del self._viewers[viewer.address]
            viewer.outlet.endpoint.close_lane(viewer.address)
            viewer.outlet.users -= 1
            self._close_if_unused(viewer.outlet)
        self.deactivate(viewer)

    def activate(self, viewer: Viewer) -> None:
        """Send to `viewer` from now on."""
        if viewer.active_since is not None:
            return
        if not self._active:
            # What has piled up while nobody watched is old video.
            self._ingest.resume()
            self._drop_check = self._loop.call_every(_DROP_CHECK_INTERVAL, self._check_drops)
        viewer.active_since = self._ingest.received
        if not viewer.outlet.active:
            self._active.append(viewer.outlet)
        viewer.outlet.active.append(viewer.address)

    def deactivate(self, viewer: Viewer) -> None:
        """Send to `viewer` no more."""
        if viewer.active_since is None:
            return
        viewer.due += self._ingest.received - viewer.active_since
        viewer.active_since = None
        viewer.outlet.active.remove(viewer.address)
        if not viewer.outlet.active:
            self._active.remove(viewer.outlet)
        if not self._active:
            self._ingest.pause()
            self._stop_drop_check()

    def close(self) -> None:
        """Close the ingest and all outlets."""
        self._ingest.close()
        for outlet in self._outlets:
            outlet.endpoint.close()
        for viewer in self._viewers.values():
            self.deactivate(viewer)

    # -- datagrams -------------------------------------------------------------------

    def datagrams_received(self, endpoint: DatagramEndpoint, batch: DatagramBatch) -> None:
        """Copy a batch to all; the one who is first is another each time."""
        self._active.rotate(-1)
        for outlet in self._active:
            outlet.active.rotate(-1)
            dropped = outlet.endpoint.send_batch_to_all(batch, outlet.active)
            for address, count in dropped.items():
                self._viewers[address].dropped += count

    def segmentation_refused(self, endpoint: DatagramEndpoint, exc: OSError, to: Address) -> None:
        self._report(SegmentationRefused(to, exc))

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is not None:
            self._report(IngestFailed(exc))

    # -- the small print -------------------------------------------------------------

    def _outlet(self, local: Address) -> _Outlet:
        host = format_host(local)
        for outlet in self._outlets:
            if format_host(outlet.endpoint.sockname) == host:
                return outlet
        endpoint = bind_udp(
            self._loop,
            self,
            host,
            buffer_size=_OUTLET_BUFFER,
            segmentation=self._segmentation,
            receiving=False,
        )
        self._outlets.append(_Outlet(endpoint))
        return self._outlets[-1]

    def _close_if_unused(self, outlet: _Outlet) -> None:
        if not outlet.users:
            self._sent_before += outlet.endpoint.counters.sent
            self._dropped_before += outlet.endpoint.counters.dropped.total()
            self._outlets.remove(outlet)
            outlet.endpoint.close()

    def _check_drops(self) -> None:
        drops = self._ingest.lost or 0
        news = drops - self._drops_reported
        if news > 0:
            self._drops_reported = drops
            self._report(IngestDrops(news, drops))

    def _stop_drop_check(self) -> None:
        assert self._drop_check is not None
        self._drop_check.cancel()
        self._drop_check = None
        try:
            # Later, for the report may raise, and whoever pauses or parts is in the midst of it.
            self._loop.call_soon(self._check_drops)
        except LoopClosed:  # there is no later
            self._check_drops()
