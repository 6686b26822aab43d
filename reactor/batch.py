"""Datagrams that travel together: packed in one slab, so that a run is one slice of it."""

from collections.abc import Iterable, Iterator

from .addresses import Address
from .gso import Run, find_runs

__all__ = ["DatagramBatch"]


class DatagramBatch:
    """Datagrams that arrived together: a sequence of memoryviews into one slab.

    One that a handler is given is valid only during that call: copy what is to be kept.
    """

    __slots__ = ("_runs", "_slab", "sizes", "sources")

    def __init__(self, slab: memoryview, sizes: list[int], sources: list[Address]) -> None:
        self._slab = slab
        self._runs: list[tuple[memoryview, Run]] | None = None
        self.sizes = sizes
        """Size of each datagram, in bytes."""
        self.sources = sources
        """Address that each datagram came from, an IPv4 one as such whatever the socket.

        Empty if not asked for, or made by `of`.
        """

    @classmethod
    def of(cls, datagrams: Iterable[bytes]) -> "DatagramBatch":
        """A batch of one's own.

        >>> batch = DatagramBatch.of([b"one", b"", b"three"])
        >>> len(batch), [bytes(datagram) for datagram in batch]
        (3, [b'one', b'', b'three'])
        """
        listed = list(datagrams)
        return cls(memoryview(b"".join(listed)), [len(datagram) for datagram in listed], [])

    def __len__(self) -> int:
        return len(self.sizes)

    @property
    def size(self) -> int:
        """Bytes of all datagrams together."""
        return len(self._slab)

    def __iter__(self) -> Iterator[memoryview]:
        return self._cut(0, self.sizes)

    def runs(self) -> list[tuple[memoryview, Run]]:
        """The runs of the batch, each with its bytes.

        They are worked out once, for all receivers.
        """
        if self._runs is None:
            runs, slab = find_runs(tuple(self.sizes)), self._slab
            self._runs = [(slab[run.start : run.start + run.size], run) for run in runs]
        return self._runs

    def datagrams_of(self, run: Run) -> Iterator[memoryview]:
        """The datagrams of one run."""
        return self._cut(run.start, self.sizes[run.first : run.first + run.count])

    def _cut(self, start: int, sizes: list[int]) -> Iterator[memoryview]:
        for size in sizes:
            yield self._slab[start : start + size]
            start += size
