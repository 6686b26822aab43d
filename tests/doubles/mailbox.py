"""A handler of datagrams that keeps what it was given."""

from typing import Any

from reactor import DatagramBatch, DatagramEndpoint, DatagramHandler


class Mailbox(DatagramHandler):
    """Keeps a copy of whatever an endpoint says."""

    def __init__(self) -> None:
        self.batches: list[list[bytes]] = []
        self.sources: list[Any] = []
        self.refusals: list[tuple[OSError, Any]] = []
        self.losses: list[Exception | None] = []

    @property
    def datagrams(self) -> list[bytes]:
        """All that were received, in order."""
        return [datagram for batch in self.batches for datagram in batch]

    def datagrams_received(self, endpoint: DatagramEndpoint, batch: DatagramBatch) -> None:
        self.batches.append([bytes(datagram) for datagram in batch])
        self.sources += batch.sources

    def segmentation_refused(self, endpoint: DatagramEndpoint, exc: OSError, to: Any) -> None:
        self.refusals.append((exc, to))

    def connection_lost(self, exc: Exception | None) -> None:
        self.losses.append(exc)
