"""What the tests own of the outside: sockets and selectors that are real, count, and can fail."""

import errno
import os
import random
import select
import selectors
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from reactor import DatagramBatch, DatagramEndpoint, DatagramHandler, Stream
from reactor.testing import ManualClock

Ready: TypeAlias = list[tuple[selectors.SelectorKey, int]]


@dataclass(frozen=True)
class Cut:
    """A send that takes only `data[:size]`."""

    size: int


Fault: TypeAlias = int | Cut | None
"""An errno to raise, a send to cut short, or nothing at all."""


def _scripted(name: str) -> Any:
    def call(self: "FaultySocket", *args: Any) -> Any:
        self.calls[name] += 1
        fault = next(self.faults.get(name, iter(())), None)
        if isinstance(fault, Cut):
            args = (bytes(args[0])[: fault.size], *args[1:])
            if not args[0]:
                return 0
        elif fault is not None:
            raise OSError(fault, os.strerror(fault))
        return getattr(socket.socket, name)(self, *args)

    return call


class FaultySocket(socket.socket):
    """A real socket that counts its calls, and works off a script of faults for each of them."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.calls: Counter[str] = Counter()
        self.faults: dict[str, Iterator[Fault]] = {}

    @classmethod
    def adopt(cls, sock: socket.socket) -> "FaultySocket":
        """Take over the descriptor of `sock`."""
        return cls(fileno=sock.detach())

    def script(self, name: str, faults: Iterable[Fault]) -> None:
        """One fault for each of the next calls of `name`; then all is well again."""
        self.faults[name] = iter(faults)

    accept = _scripted("accept")
    getpeername = _scripted("getpeername")
    getsockname = _scripted("getsockname")
    getsockopt = _scripted("getsockopt")
    recv = _scripted("recv")
    recv_into = _scripted("recv_into")
    recvfrom_into = _scripted("recvfrom_into")
    send = _scripted("send")
    sendmsg = _scripted("sendmsg")
    sendto = _scripted("sendto")
    setblocking = _scripted("setblocking")
    setsockopt = _scripted("setsockopt")
    shutdown = _scripted("shutdown")


def script_all(socks: Iterable[FaultySocket], name: str, faults: Iterable[Fault]) -> None:
    """One script for all of them: whichever makes the next call of `name` meets the next fault."""
    shared = iter(faults)
    for sock in socks:
        sock.script(name, shared)


class SpySelector(selectors.BaseSelector):
    """A real selector that writes down each wait, and lies about readiness when told to."""

    def __init__(self, inner: selectors.BaseSelector) -> None:
        self._inner = inner
        self.timeouts: list[float | None] = []
        """The timeout of each select so far."""
        self.asleep = threading.Event()
        """Set when a wait without limit begins."""
        self.clock: ManualClock | None = None
        """If set, a wait that nothing ends takes no real time, but moves this clock."""
        self.arrange: Callable[[Ready], Ready] | None = None
        """If set, the last word on what is ready, and in which order."""
        self.refusal: int | None = None
        """If set, the errno of every attempt to register."""
        self.room: int | None = None
        """If set, for how many more descriptors there is room."""

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        if self.refusal is not None:
            raise OSError(self.refusal, os.strerror(self.refusal))
        if self.room is not None:
            if not self.room:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            self.room -= 1
        return self._inner.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._inner.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._inner.modify(fileobj, events, data)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._inner.get_map()

    def close(self) -> None:
        self._inner.close()

    def select(self, timeout: float | None = None) -> Ready:
        self.timeouts.append(timeout)
        if timeout is None:
            self.asleep.set()
        if timeout and self.clock is not None:
            ready = self._inner.select(0)
            if not ready:
                self.clock.advance(timeout)
        else:
            ready = self._inner.select(timeout)
        return ready if self.arrange is None else self.arrange(ready)

    @property
    def watched(self) -> int:
        """How many descriptors are watched, the loop's own bell not counted."""
        return len(self.get_map()) - 1

    def lie(self, seed: int) -> None:
        """From now on, report descriptors as ready that are not."""
        chance = random.Random(seed)

        def add_lies(ready: Ready) -> Ready:
            told = {key.fd: (key, events) for key, events in ready}
            for key in self.get_map().values():
                if chance.random() < 0.5:
                    told[key.fd] = key, key.events
            return list(told.values())

        self.arrange = add_lies


class Door:
    """The real network, of which a test may replace each of the three functions."""

    def __init__(self) -> None:
        self.socket: Callable[..., socket.socket] = socket.socket
        self.socketpair: Callable[..., tuple[socket.socket, socket.socket]] = socket.socketpair
        self.getaddrinfo: Callable[..., list[Any]] = socket.getaddrinfo


class Peer:
    """The far end of a stream, in the hands of the test."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self.sock = sock
        self.received = bytearray()
        self.error: OSError | None = None
        self._ended = False

    def send(self, data: bytes) -> int:
        """Send as much of `data` as fits; how much that was."""
        try:
            return self.sock.send(data)
        except BlockingIOError:
            return 0

    def pull(self) -> bytearray:
        """Everything received so far."""
        while not self._ended:
            try:
                data = self.sock.recv(65536)
            except BlockingIOError:
                break
            except OSError as exc:
                self.error = exc
                data = b""
            self.received += data
            self._ended = not data
        return self.received

    def ended(self) -> bool:
        """Whether the other side has ended, with `error` or cleanly."""
        self.pull()
        return self._ended

    def wait(self) -> "Peer":
        """Let what the other side has sent arrive; the loop does not run meanwhile."""
        wait_for(self.sock)
        return self

    def end(self) -> None:
        """Send no more."""
        try:
            self.sock.shutdown(socket.SHUT_WR)
        except OSError as exc:
            if exc.errno != errno.ENOTCONN:  # the other side has reset it already
                raise

    def reset(self) -> None:
        """Vanish with a reset instead of a FIN."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


@dataclass
class Link:
    """A stream with its socket and its far end."""

    stream: Stream
    sock: FaultySocket
    peer: Peer

    def wait(self) -> None:
        """Let what the peer has sent arrive; the loop does not run meanwhile."""
        wait_for(self.sock)


def wait_for(sock: socket.socket) -> None:
    """Wait until there is something to read: a busy system takes its time even on loopback."""
    if sock.fileno() >= 0:
        assert select.select([sock], [], [], 5.0)[0], "nothing came"


def tcp_pair() -> tuple[socket.socket, socket.socket]:
    """Two ends of one TCP connection over loopback."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        far = socket.create_connection(server.getsockname())
        near, _ = server.accept()
    return near, far


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


def udp_socket(host: str = "127.0.0.1") -> FaultySocket:
    """A non-blocking socket bound to a free port of `host`."""
    sock = FaultySocket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.bind((host, 0))
    except OSError:
        sock.close()
        raise
    sock.setblocking(False)
    return sock


def open_descriptors() -> int:
    """How many descriptors this process has open."""
    return len(os.listdir("/dev/fd"))


def has_ipv6() -> bool:
    """Whether this machine has an IPv6 loopback."""
    try:
        udp_socket("::1").close()
    except OSError:
        return False
    return True
