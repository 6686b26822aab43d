"""Sends datagrams, whole batches to many at a time, and copes when the system says no.

An error on one datagram costs at most that datagram, and never another receiver's.
"""

import errno
import socket
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from .addresses import Address
from .batch import DatagramBatch
from .counters import DatagramCounters
from .gso import FALLBACK_ERRNOS, Run

__all__ = ["DatagramSender"]

_MAX_REMEMBERED: Final = 4096


class DatagramSender:
    """The sending half of an endpoint.

    `on_drop` is told a number of datagrams and the name of the errno; `on_refusal` the
    error and the address to which runs can't be sent, once for each address.
    """

    def __init__(
        self,
        sock: socket.socket,
        counters: DatagramCounters,
        segmentation: bool,
        on_drop: Callable[[int, str], object],
        on_refusal: Callable[[OSError, Address], object],
    ) -> None:
        self._sock = sock
        self._counters = counters
        self._segmentation = segmentation
        self._on_drop = on_drop
        self._on_refusal = on_refusal
        self._unsegmented: set[Address] = set()

    def send(self, data: bytes | bytearray | memoryview, address: Address) -> bool:
        """Send one datagram; False if it was dropped."""
        try:
            try:
                self._sock.sendto(data, address)
            except OSError as exc:
                if not _is_old_news(exc):
                    raise
                # It was the error of an earlier datagram to somebody else, cleared now.
                self._sock.sendto(data, address)
        except OSError as exc:
            self._count_dropped(exc, 1)
            return False
        self._count_sent(1, len(data))
        return True

    def send_batch(self, batch: DatagramBatch, addresses: Sequence[Address]) -> dict[Address, int]:
        """Send `batch` to each address; return how many were dropped, where any were."""
        segmented, plain = self._divide(addresses)
        dropped: dict[Address, int] = {}
        sendmsg = self._sock.sendmsg
        for buffers, run in batch.runs() if segmented else ():
            control, failed = run.control, 0
            for address in segmented:
                try:
                    sendmsg(buffers, control, 0, address)
                except OSError as exc:
                    failed += 1
                    lost = self._recover(exc, batch, run, address)
                    dropped[address] = dropped.get(address, 0) + lost
            taken = len(segmented) - failed
            self._count_sent(run.count * taken, run.size * taken)
        for address in plain:
            dropped[address] = dropped.get(address, 0) + self._send_each(batch, address)
        return {address: count for address, count in dropped.items() if count}

    def close(self) -> None:
        """Tell nobody any more, and keep nobody alive."""
        self._on_drop = lambda count, reason: None
        self._on_refusal = lambda exc, address: None

    def _divide(self, addresses: Sequence[Address]) -> tuple[Sequence[Address], Sequence[Address]]:
        """Those to whom runs can be sent, and those to whom they can't."""
        refused = self._unsegmented
        if not self._segmentation:
            return (), addresses
        if not refused:
            return addresses, ()
        return (
            [address for address in addresses if address not in refused],
            [address for address in addresses if address in refused],
        )

    def _recover(self, exc: OSError, batch: DatagramBatch, run: Run, address: Address) -> int:
        """A run was not taken: send it in another way if that can help. How many were lost?"""
        if run.count > 1 and exc.errno in FALLBACK_ERRNOS:
            self._refuse(exc, address)
        elif not _is_old_news(exc):
            self._count_dropped(exc, run.count)
            return run.count
        return self._send_each(batch.datagrams_of(run), address)

    def _send_each(self, datagrams: Iterable[memoryview], address: Address) -> int:
        """How many were lost."""
        return sum(not self.send(datagram, address) for datagram in datagrams)

    def _refuse(self, exc: OSError, address: Address) -> None:
        if address not in self._unsegmented:
            if len(self._unsegmented) >= _MAX_REMEMBERED:
                self._unsegmented.clear()
            self._unsegmented.add(address)
            self._on_refusal(exc, address)

    def _count_sent(self, count: int, size: int) -> None:
        self._counters.sent += count
        self._counters.sent_bytes += size

    def _count_dropped(self, exc: OSError, count: int) -> None:
        reason = errno.errorcode.get(exc.errno or 0, "UNKNOWN")
        self._counters.dropped[reason] += count
        self._on_drop(count, reason)


def _is_old_news(exc: OSError) -> bool:
    """Whether the error of a send may belong to an earlier one. ip(7), IP_RECVERR."""
    return isinstance(exc, ConnectionError) or exc.errno in {
        errno.EHOSTUNREACH,
        errno.ENETUNREACH,
        errno.EHOSTDOWN,
        errno.ENOPROTOOPT,
    }
