"""Sends datagrams, whole batches to many at a time, and copes when the system says no.

An error on one datagram costs at most that datagram, and never another receiver's. What
was lost is counted by its reason.
"""

import errno
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from .addresses import Address
from .batch import DatagramBatch
from .gso import FALLBACK_ERRNOS, Run
from .loop import EventLoop
from .ways import Way, Ways

__all__ = ["DatagramCounters", "DatagramSender"]

# What the system says of port 0, and would say of other addresses that can't be.
_IMPOSSIBLE: Final = "EINVAL"
_OLD_NEWS: Final = {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENOPROTOOPT}


@dataclass(slots=True)
class DatagramCounters:
    """What has passed through an endpoint; all numbers count datagrams unless they say bytes."""

    received: int = 0
    received_bytes: int = 0
    sent: int = 0
    sent_bytes: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    """Not sent, by the name of the errno."""
    rejected: int = 0
    """Came from somebody else than the only one who may send."""
    discarded: int = 0
    """Had waited too long: thrown away on resuming."""
    receive_errors: int = 0
    """Errors that the system reported on receiving; none ends the endpoint."""


class DatagramSender:
    """The sending half of an endpoint.

    `on_refusal` is told the error and the address to which runs can't be sent, once for each
    address. All is told later: what is raised must not leave a batch sent to some, and not
    to others.
    """

    def __init__(
        self,
        loop: EventLoop,
        ways: Ways,
        segmentation: bool,
        on_refusal: Callable[[OSError, Address], object],
    ) -> None:
        self._loop = loop
        self._ways = ways
        self._segmentation = segmentation
        self.on_refusal = on_refusal
        self.counters = DatagramCounters()

    def send(self, data: bytes | bytearray | memoryview, way: Way) -> bool:
        """Send one datagram; False if it was dropped."""
        try:
            try:
                size = way.send(data)
            except OSError as exc:
                if not _is_old_news(exc):
                    raise
                size = way.send(data)
        except OSError as exc:
            self._count_dropped(_name_of(exc), 1)
            return False
        self._count_sent(1, size)
        return True

    def send_batch_to_all(
        self, batch: DatagramBatch, addresses: Sequence[Address]
    ) -> dict[Address, int]:
        """Send `batch` to each address; how many were dropped, where any were."""
        self._ways.make_room(len(addresses))
        dropped: dict[Address, int] = {}
        try:
            ways = list(map(self._ways.__getitem__, addresses))
        except (TypeError, ValueError):
            ways = list(self._possible(batch, addresses, dropped))
        self.send_all(batch, ways, dropped)
        return dropped

    def send_all(self, batch: DatagramBatch, ways: list[Way], dropped: dict[Address, int]) -> None:
        """Send `batch` in each of these ways; add to `dropped` how many were."""
        if not self._segmentation:
            for way in ways:
                self._send_singly(batch, way, dropped)
            return
        for data, run in batch.runs():
            segment, taken = run.segment, len(ways)
            for way in ways:
                try:
                    if way.segment == segment:
                        way.sock.send(data)  # the usual case, in few steps: caches are cold
                    elif segment < way.refused_from or not way.refuses(segment, self._loop.time()):
                        way.send_run(data, run)
                    else:
                        taken -= 1
                        self._send_singly(batch.datagrams_of(run), way, dropped)
                except OSError as exc:
                    taken -= 1
                    self._recover(exc, batch, data, run, way, dropped)
            self._count_sent(run.count * taken, run.size * taken)

    def _possible(
        self, batch: DatagramBatch, addresses: Sequence[Address], dropped: dict[Address, int]
    ) -> Iterator[Way]:
        """The ways to those that can be; what was due to the others is dropped."""
        for address in addresses:
            try:
                yield self._ways[address]
            except (TypeError, ValueError):
                self._count_dropped(_IMPOSSIBLE, len(batch))
                with suppress(TypeError):  # what has no hash can't be named
                    _add(dropped, address, len(batch))

    def _send_singly(
        self, datagrams: Iterable[memoryview], way: Way, dropped: dict[Address, int]
    ) -> None:
        _add(dropped, way.address, sum(not self.send(datagram, way) for datagram in datagrams))

    def _recover(
        self,
        exc: OSError,
        batch: DatagramBatch,
        data: memoryview,
        run: Run,
        way: Way,
        dropped: dict[Address, int],
    ) -> None:
        """A run was not taken: send it again, or in another way, if that can help."""
        if _is_old_news(exc) and not _is_refusal(exc, run):
            try:
                way.send_run(data, run)
            except OSError as error:
                exc = error
            else:
                self._count_sent(run.count, run.size)
                return
        if _is_refusal(exc, run):
            if way.refuse(run.segment, self._loop.time()):
                self._loop.call_soon(self.on_refusal, exc, way.address)
            self._send_singly(batch.datagrams_of(run), way, dropped)
        else:
            self._count_dropped(_name_of(exc), run.count)
            _add(dropped, way.address, run.count)

    def _count_sent(self, count: int, size: int) -> None:
        self.counters.sent += count
        self.counters.sent_bytes += size

    def _count_dropped(self, reason: str, count: int) -> None:
        self.counters.dropped[reason] += count
        instrument, fd = self._loop.instrument, self._ways.sock.fileno()
        if instrument is not None and fd >= 0:
            self._loop.call_soon(instrument.datagrams_dropped, fd, count, reason)


def _add(dropped: dict[Address, int], address: Address, count: int) -> None:
    if count:
        dropped[address] = dropped.get(address, 0) + count


def _name_of(exc: OSError) -> str:
    return errno.errorcode.get(exc.errno or 0, "UNKNOWN")


def _is_refusal(exc: OSError, run: Run) -> bool:
    return run.count > 1 and exc.errno in FALLBACK_ERRNOS


def _is_old_news(exc: OSError) -> bool:
    """Whether the error of a send may belong to an earlier one, and is cleared now.

    That was to somebody else where ip(7), IP_RECVERR is on; to the same where the socket is
    connected, and its player has gone.
    """
    return isinstance(exc, ConnectionError) or exc.errno in _OLD_NEWS
