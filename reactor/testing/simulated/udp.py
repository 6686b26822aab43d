"""Simulated datagram sockets: what is sent may be lost, late, doubled or overtaken."""

import errno
import socket
import struct
from collections import deque
from collections.abc import Iterable, Sequence
from selectors import EVENT_READ, EVENT_WRITE
from typing import Any, Final

from ...addresses import Address, unmapped
from ...gso import MAX_DATAGRAM
from .kernel import Kernel, fail
from .ports import Ports, reachable
from .sockets import SimulatedSocket

__all__ = ["UdpSocket"]

# linux/udp.h, asm-generic/socket.h, linux/sock_diag.h
_UDP_SEGMENT: Final = 103
_MAX_SEGMENTS: Final = 64
_SO_MEMINFO: Final = 55
# SO_SNDBUFFORCE and SO_RCVBUFFORCE, with what they are about.
_FORCED: Final = {32: socket.SO_SNDBUF, 33: socket.SO_RCVBUF}
_MEMINFO: Final = struct.Struct("9I")
# What a datagram takes of the receive buffer beside its bytes, roughly.
_OVERHEAD: Final = 512
_MAX_DATAGRAM_6: Final = 65527


class UdpSocket(SimulatedSocket):
    """A datagram socket."""

    kind = socket.SOCK_DGRAM

    def __init__(self, kernel: Kernel, ports: Ports, family: int) -> None:
        super().__init__(kernel, ports, family)
        self._queue: deque[tuple[bytes, Address]] = deque()
        self._queued = 0
        self._last_arrival: dict[Address, float] = {}
        self._peer: Address | None = None
        self.taken = 0
        """Datagrams that the program has read."""
        self.given = 0
        """Datagrams that the program has sent, and the system has taken."""
        self.dropped = 0
        """Datagrams for which there was no room."""

    # -- sending ---------------------------------------------------------------------

    def connect(self, address: Address) -> None:
        """Send to `address` from now on, and hear nobody else."""
        self._enter("connect")
        self._peer = address

    def send(self, data: bytes | bytearray | memoryview) -> int:
        """Send one datagram to whom the socket is connected to."""
        return self.sendmsg([data])

    def sendto(self, data: bytes | bytearray | memoryview, address: Address) -> int:
        """Send one datagram."""
        return self.sendmsg([data], (), 0, address)

    def sendmsg(
        self,
        buffers: Iterable[bytes | bytearray | memoryview],
        control: Sequence[tuple[int, int, bytes]] = (),
        flags: int = 0,
        address: Address | None = None,
    ) -> int:
        """Send one datagram, or a run of them: udp(7), UDP_SEGMENT, also as an option."""
        data = b"".join(buffers)
        segments = [value for _, kind, value in control if kind == _UDP_SEGMENT]
        size = int(self.options.get((socket.IPPROTO_UDP, _UDP_SEGMENT), 0))
        if segments:
            (size,) = struct.unpack("H", segments[0])
        self._enter("send_run" if 0 < size < len(data) else "send_datagram")
        address = address or self._peer
        assert address is not None
        self._send(_cut(data, size, _most(address)), address)
        return len(data)

    def _send(self, datagrams: list[bytes], address: Address) -> None:
        if not address[1]:
            fail(errno.EINVAL)
        if self.address is None:
            self._claim((self._wildcard(), 0))
        assert self.address is not None
        host = self._ports.source_for(self, address)
        source = self.address
        if source[0] == self._wildcard():
            source = (host, *source[1:])
        if max(map(len, datagrams)) > _most(address):
            fail(errno.EMSGSIZE)
        self.given += len(datagrams)
        self.activity += 1
        self._kernel.tell(self.name, "send", _Sizes(datagrams, address))
        for datagram in datagrams:
            self._dispatch(datagram, source, address)

    def _dispatch(self, datagram: bytes, source: Address, address: Address) -> None:
        kernel, faults = self._kernel, self._kernel.faults
        copies = 2 if kernel.happens(faults.duplication) else 1
        for _ in range(copies):
            if kernel.happens(faults.loss):
                kernel.tell(self.name, "FAULT, a datagram is lost")
                continue
            arrival = kernel.now + kernel.delay()
            if not kernel.happens(faults.reordering):
                arrival = max(arrival, self._last_arrival.get(address, 0.0))
                self._last_arrival[address] = arrival
            kernel.after(arrival - kernel.now, lambda: self._arrive(datagram, source, address))

    def _arrive(self, datagram: bytes, source: Address, address: Address) -> None:
        receiver = next(self._ports.find(socket.SOCK_DGRAM, reachable(address)), None)
        if isinstance(receiver, UdpSocket):
            receiver._take(datagram, source)

    # -- receiving -------------------------------------------------------------------

    def _take(self, datagram: bytes, source: Address) -> None:
        if self._peer is not None and unmapped(source)[:2] != unmapped(self._peer)[:2]:
            return
        room = int(self.options.get((socket.SOL_SOCKET, socket.SO_RCVBUF), 212992))
        if self._queued > room:
            self.dropped += 1
            self._kernel.tell(self.name, "dropped, the buffer is full")
            return
        if self.family == socket.AF_INET6 and ":" not in source[0]:
            source = (f"::ffff:{source[0]}", source[1], 0, 0)
        elif self.family == socket.AF_INET:
            source = unmapped(source)[:2]
        self._queue.append((datagram, source))
        self._queued += len(datagram) + _OVERHEAD
        self.activity += 1

    def recv(self, size: int) -> bytes:
        """The next datagram, cut short if it does not fit."""
        return self._next()[0][:size]

    def recv_into(self, buffer: memoryview | bytearray, nbytes: int = 0, flags: int = 0) -> int:
        """The next datagram, cut short if it does not fit."""
        return self.recvfrom_into(buffer, nbytes)[0]

    def recvfrom_into(
        self, buffer: memoryview | bytearray, nbytes: int = 0, flags: int = 0
    ) -> tuple[int, Address]:
        """The next datagram and where it came from; `nbytes` 0 means as many as there is room."""
        datagram, source = self._next()
        size = min(len(datagram), nbytes or len(buffer))
        buffer[:size] = datagram[:size]
        return size, source

    def _next(self) -> tuple[bytes, Address]:
        self._enter("receive_datagram")
        if not self._queue:
            self._wait("recv")
        datagram, source = self._queue.popleft()
        self._queued -= len(datagram) + _OVERHEAD
        self.taken += 1
        self.activity += 1
        self._kernel.tell(self.name, "recv", len(datagram))
        return datagram, source

    # -- the rest --------------------------------------------------------------------

    def getsockopt(self, level: int, option: int, size: int = 0) -> Any:
        """As for any socket; SO_MEMINFO counts drops, SO_RCVBUF is doubled: socket(7)."""
        value = super().getsockopt(level, option, size)
        if level == socket.SOL_SOCKET and option == _SO_MEMINFO:
            return _MEMINFO.pack(self._queued, *[0] * 7, self.dropped)
        return value

    def setsockopt(self, level: int, option: int, value: Any) -> None:
        """As for any socket, but for the sizes of buffers."""
        super().setsockopt(level, option, value)
        kept = _FORCED.get(option, option)
        if level == socket.SOL_SOCKET and kept in _FORCED.values():
            self.options[level, kept] = 2 * value

    def readiness(self) -> int:
        """The events that are ready."""
        return EVENT_WRITE | (EVENT_READ if self._queue else 0)


class _Sizes:
    """Datagrams as a transcript shows them, made into text only if it is read."""

    def __init__(self, datagrams: list[bytes], address: Address) -> None:
        self._sizes = [len(datagram) for datagram in datagrams]
        self._address = address

    def __str__(self) -> str:
        count, size = len(self._sizes), sum(self._sizes)
        datagrams = f"{count} datagrams of {size} bytes" if count > 1 else f"{size} bytes"
        return f"{datagrams} to {self._address[0]}:{self._address[1]}"


def _most(address: Address) -> int:
    """Bytes that fit into a datagram. RFC 8200: IPv6 does not count its header."""
    return _MAX_DATAGRAM_6 if ":" in unmapped(address)[0] else MAX_DATAGRAM


def _cut(data: bytes, size: int, most: int) -> list[bytes]:
    """The datagrams of a run; `size` 0 makes it one."""
    if not (data and size):
        return [data]
    if len(data) > most:
        fail(errno.EMSGSIZE)
    if len(data) > size * _MAX_SEGMENTS:
        fail(errno.EINVAL)
    return [data[start : start + size] for start in range(0, len(data), size)]
