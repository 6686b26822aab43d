"""Sends datagrams, whole batches to many at a time, and copes when the system says no.

An error on one datagram costs at most that datagram, and never another receiver's.
"""

import errno
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from .addresses import Address
from .batch import DatagramBatch
from .counters import DatagramCounters
from .gso import FALLBACK_ERRNOS, Run
from .refusals import Refusals
from .ways import Way, Ways

__all__ = ["DatagramSender"]

# What the system says of port 0, and would say of other addresses that can't be.
_IMPOSSIBLE: Final = "EINVAL"


class DatagramSender:
    """The sending half of an endpoint.

    `clock` returns seconds. `on_drop` is told a number of datagrams and the name of the
    errno; `on_refusal` the error and the address to which runs can't be sent, once for each
    address. Neither may raise: they are called in the midst of a batch.
    """

    def __init__(
        self,
        ways: Ways,
        counters: DatagramCounters,
        segmentation: bool,
        clock: Callable[[], float],
        on_drop: Callable[[int, str], object],
        on_refusal: Callable[[OSError, Address], object],
    ) -> None:
        self._ways = ways
        self._counters = counters
        self._segmentation = segmentation
        self._on_drop = on_drop
        self._on_refusal = on_refusal
        self._refusals = Refusals(clock)

    def send(self, data: bytes | bytearray | memoryview, address: Address) -> bool:
        """Send one datagram; False if it was dropped. Raises what `Ways.to` raises."""
        return self._send(data, self._ways.to(address))

    def send_batch(self, batch: DatagramBatch, address: Address) -> int:
        """Send `batch`; how many were dropped. Raises what `Ways.to` raises."""
        return self._send_all(batch, [self._ways.to(address)]).get(address, 0)

    def send_batch_to_all(
        self, batch: DatagramBatch, addresses: Sequence[Address]
    ) -> dict[Address, int]:
        """Send `batch` to each address; return how many were dropped, where any were."""
        try:
            ways = self._ways.to_all(addresses)
        except (TypeError, ValueError):
            ways, impossible = self._sort_out(batch, addresses)
            return self._send_all(batch, ways) | impossible
        return self._send_all(batch, ways)

    def forget(self, address: Address) -> None:
        """Whoever is at `address` next is somebody else."""
        self._refusals.forget(address)

    def close(self) -> None:
        """Tell nobody any more, and keep nobody alive."""
        self._on_drop = lambda count, reason: None
        self._on_refusal = lambda exc, address: None

    def _sort_out(
        self, batch: DatagramBatch, addresses: Sequence[Address]
    ) -> tuple[list[Way], dict[Address, int]]:
        """The ways to those that can be, and what was dropped for those that can't."""
        ways: list[Way] = []
        dropped: dict[Address, int] = {}
        for address in addresses:
            try:
                ways.append(self._ways.to(address))
            except (TypeError, ValueError) as exc:
                self._count_dropped(_IMPOSSIBLE, len(batch))
                if isinstance(exc, ValueError):  # others may be no keys either
                    _add(dropped, address, len(batch))
        return ways, dropped

    def _send_all(self, batch: DatagramBatch, ways: list[Way]) -> dict[Address, int]:
        """How many were dropped, for those for whom any were."""
        dropped: dict[Address, int] = {}
        if not self._segmentation:
            self._send_singly(batch, ways, dropped)
            return dropped
        for buffers, run in batch.runs():
            direct = ways
            if self._refusals:
                direct, held = self._split(ways, run.segment)
                self._send_singly(batch.datagrams_of(run), held, dropped)
            control, failed = run.control, 0
            for way in direct:
                try:
                    way.sock.sendmsg(buffers, control, 0, way.destination)
                except OSError as exc:
                    failed += 1
                    self._recover(exc, batch, buffers, run, way, dropped)
            taken = len(direct) - failed
            self._count_sent(run.count * taken, run.size * taken)
        return dropped

    def _split(self, ways: list[Way], size: int) -> tuple[list[Way], list[Way]]:
        """The ways by which runs of such datagrams may be sent, and those that refused them."""
        direct: list[Way] = []
        held: list[Way] = []
        for way in ways:
            (held if self._refusals.hold(way.address, size) else direct).append(way)
        return direct, held

    def _send_singly(
        self, datagrams: Iterable[memoryview], ways: list[Way], dropped: dict[Address, int]
    ) -> None:
        listed = list(datagrams)
        for way in ways:
            lost = sum(not self._send(datagram, way) for datagram in listed)
            _add(dropped, way.address, lost)

    def _send(self, data: bytes | bytearray | memoryview, way: Way) -> bool:
        try:
            try:
                way.send(data)
            except OSError as exc:
                if not _is_old_news(exc):
                    raise
                way.send(data)
        except OSError as exc:
            self._count_dropped(_name_of(exc), 1)
            return False
        self._count_sent(1, len(data))
        return True

    def _recover(
        self,
        exc: OSError,
        batch: DatagramBatch,
        buffers: tuple[memoryview],
        run: Run,
        way: Way,
        dropped: dict[Address, int],
    ) -> None:
        """A run was not taken: send it again, or in another way, if that can help."""
        if _is_old_news(exc) and not _is_refusal(exc, run):
            try:
                way.sock.sendmsg(buffers, run.control, 0, way.destination)
            except OSError as error:
                exc = error
            else:
                self._count_sent(run.count, run.size)
                return
        if _is_refusal(exc, run):
            if self._refusals.add(way.address, run.segment):
                self._on_refusal(exc, way.address)
            self._send_singly(batch.datagrams_of(run), [way], dropped)
        else:
            self._count_dropped(_name_of(exc), run.count)
            _add(dropped, way.address, run.count)

    def _count_sent(self, count: int, size: int) -> None:
        self._counters.sent += count
        self._counters.sent_bytes += size

    def _count_dropped(self, reason: str, count: int) -> None:
        self._counters.dropped[reason] += count
        self._on_drop(count, reason)


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
    return isinstance(exc, ConnectionError) or exc.errno in {
        errno.EHOSTUNREACH,
        errno.ENETUNREACH,
        errno.EHOSTDOWN,
        errno.ENOPROTOOPT,
    }
