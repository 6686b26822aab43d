"""A stream that needs no VLC and proves itself: every datagram can be recomputed.

MPEG-TS packets as VLC packs them, seven to a datagram; the first eight bytes of the first
payload are the datagram's number, and the rest follows from it.
"""

import struct
from typing import Final

import reactor

PACKET: Final = 188
PACKETS: Final = 7
SIZE: Final = PACKET * PACKETS
"""Bytes in a datagram."""

_PID: Final = 0x100
_TICK: Final = 0.005
_MOST_AT_ONCE: Final = 200
# Datagrams a second: no machine is as fast, and no product with it infinite.
_FASTEST: Final = 1e9
_NUMBER: Final = struct.Struct(">Q")
# ISO/IEC 13818-1, 2.4.3.2: sync byte, PID, payload only, continuity counter.
_HEADER: Final = struct.Struct(">BHB")


def datagram(number: int) -> bytes:
    """Datagram `number`: seven transport stream packets.

    >>> one = datagram(1)
    >>> len(one), {one[i * 188] for i in range(7)} == {0x47}, number_of(one)
    (1316, True, 1)
    """
    filler = bytes([number % 251]) * (PACKET - _HEADER.size)
    packets = [
        _HEADER.pack(0x47, _PID, 0x10 | (number * PACKETS + index) % 16) + filler
        for index in range(PACKETS)
    ]
    whole = bytearray(b"".join(packets))
    _NUMBER.pack_into(whole, _HEADER.size, number)
    return bytes(whole)


def number_of(data: bytes | memoryview) -> int | None:
    """The number of a datagram; None if it is not, to the last byte, the one we made."""
    if len(data) != SIZE:
        return None
    (number,) = _NUMBER.unpack_from(data, _HEADER.size)
    return int(number) if data == datagram(number) else None


class Source(reactor.DatagramHandler):
    """Sends numbered datagrams to `ingest` at an even `mbps` (10^6 bits a second).

    What it can't keep up with, or was stopped for, it does not make up for: it is live.
    """

    def __init__(self, loop: reactor.EventLoop, ingest: reactor.Address, mbps: float) -> None:
        self._loop = loop
        self._ingest = ingest
        self._rate = min(mbps * 1e6 / 8 / SIZE, _FASTEST)
        self._due = 0.0
        self._started_at = self._looked_at = loop.time()
        self.sent = 0
        """Datagrams; the next has this number."""
        self.lost = 0
        """Those of them that the system did not take."""
        self.skipped = 0.0
        """How many more it would have been at the bit rate that was asked for."""
        self._endpoint = reactor.bind_udp(loop, self, ingest[0], 0)
        self._endpoint.pause_receiving()
        self._timer = loop.call_every(_TICK, self._send_due)

    @property
    def reached(self) -> float:
        """The bit rate at which it has sent, in 10^6 bits a second."""
        seconds = self._looked_at - self._started_at
        return self.sent * SIZE * 8 / 1e6 / seconds if seconds else 0.0

    def stop(self) -> None:
        self._timer.cancel()
        self._endpoint.close()

    def _send_due(self) -> None:
        now = self._loop.time()
        due = self._due + (now - self._looked_at) * self._rate
        self._due = min(due, _MOST_AT_ONCE)
        self.skipped += due - self._due
        self._looked_at = now
        while self._due >= 1:
            self._due -= 1
            self.lost += not self._endpoint.send(datagram(self.sent), self._ingest)
            self.sent += 1


class Sink(reactor.DatagramHandler):
    """Stands where a player would, and checks content and order of every datagram."""

    def __init__(self, loop: reactor.EventLoop) -> None:
        self._endpoint = reactor.bind_udp(loop, self, "127.0.0.1", 0)
        self.address: reactor.Address = self._endpoint.sockname
        self._last: int | None = None
        self._gap_allowed = False
        self.arrived = 0
        """Datagrams that came unchanged and in order."""
        self.missing = 0
        """Datagrams that should have come between two that came."""
        self.damaged = 0
        """Datagrams that were changed, repeated or out of order."""

    def allow_gap(self) -> None:
        """The viewer pauses: the stream may go on elsewhere, once."""
        self._gap_allowed = True

    def close(self) -> None:
        self._endpoint.close()

    def datagrams_received(
        self, endpoint: reactor.DatagramEndpoint, batch: reactor.DatagramBatch
    ) -> None:
        for data in batch:
            self._check(number_of(data))

    def _check(self, number: int | None) -> None:
        if number is None or (self._last is not None and number <= self._last):
            self.damaged += 1
            return
        skipped = 0 if self._last is None else number - self._last - 1
        if skipped and not self._gap_allowed:
            self.missing += skipped
        if skipped:
            self._gap_allowed = False
        self._last = number
        self.arrived += 1
