"""A simulated TCP connection without its sockets: bytes, ends and resets, at their worst.

The rules are those of RFC 9293 and tcp(7) and, where these leave a choice, of Linux; the
conformance tests hold them against the real thing.
"""

import errno
from collections.abc import Callable
from typing import Final, Protocol

from ...addresses import Address
from ..faults import Cut
from .kernel import Kernel, fail

__all__ = ["ConnectionEnd", "Observer", "join"]

_LOCAL_BUFFER: Final = 65536


class Observer(Protocol):
    """Sees what passes between a program and one end of a connection."""

    def sent(self, data: bytes) -> None:
        """The program handed over these bytes."""

    def received(self, data: bytes) -> None:
        """The program was given these bytes."""

    def finished(self) -> None:
        """The program has ended its output."""


class Pipe:
    """One direction: bytes that wait here, travel, and have arrived there."""

    def __init__(self, kernel: Kernel, reader: "ConnectionEnd") -> None:
        self._kernel = kernel
        self._reader = reader
        self._local = reader.local
        self._capacity = _LOCAL_BUFFER if reader.local else kernel.faults.buffer
        self._travelling = False
        self._broken = False
        self._sent = bytearray()
        self.arrived = bytearray()
        """What the reader can take."""
        self.finished = False
        """The writer has said that no more comes."""
        self.ended = False
        """And the reader's side has heard it."""

    @property
    def writable(self) -> bool:
        """Linux calls a socket writable when a third of its buffer is free."""
        return self._held * 3 <= self._capacity * 2

    @property
    def _held(self) -> int:
        """What takes the writer's room. unix(7): locally that is all that was not read."""
        return len(self._sent) + self._local * len(self.arrived)

    def write(self, data: bytes) -> int:
        """Take the bytes for which there is room; how many these were."""
        taken = min(len(data), max(0, self._capacity - self._held))
        self._sent += data[:taken]
        self.travel()
        return taken

    def finish(self) -> None:
        """No more will be added."""
        self.finished = True
        self.travel()

    def read(self, size: int) -> bytes:
        """Take what has arrived."""
        data = bytes(self.arrived[:size])
        del self.arrived[:size]
        self.travel()
        if self._local:
            # Room for the writer.
            self._reader.peer.changed()
        return data

    def cut_off(self) -> None:
        """What is under way is lost, and nothing follows; what has arrived stays."""
        self._broken = True
        self._sent.clear()

    def travel(self) -> None:
        """Let the next segment set out, if there is one, and room where it goes."""
        if self._travelling or self._broken or self.ended or not self._reader.reachable:
            return
        full = len(self.arrived) >= self._capacity and not self._reader.orphaned
        if (self._sent and not full) or (self.finished and not self._sent):
            self._travelling = True
            self._kernel.after(0.0 if self._local else self._kernel.delay(), self._arrive)

    def _arrive(self) -> None:
        self._travelling = False
        kernel, reader = self._kernel, self._reader
        if self._broken:
            return
        if not (self._local or kernel.calm) and kernel.happens(kernel.faults.reset):
            kernel.tell(reader.name, "FAULT, the connection is reset")
            reader.break_off()
            return
        if self._sent and reader.orphaned:
            reader.send_reset()
            return
        if self._sent:
            self._deliver()
        else:
            self.ended = True
        reader.changed()
        self.travel()

    def _deliver(self) -> None:
        size = min(len(self._sent), self._capacity - len(self.arrived))
        if self._kernel.happens(self._kernel.faults.cut):
            size = self._kernel.chance.randint(1, size)
        self.arrived += self._sent[:size]
        del self._sent[:size]
        # Room for the writer.
        self._reader.peer.changed()


class ConnectionEnd:
    """What one side of a connection knows; it outlives the socket that is closed."""

    incoming: Pipe
    outgoing: Pipe
    peer: "ConnectionEnd"

    def __init__(
        self,
        kernel: Kernel,
        address: Address | str,
        peer_address: Address | str,
        *,
        local: bool = False,
    ) -> None:
        self._kernel = kernel
        self.local = local
        """Whether it is one of a pair: nothing on its way is lost, late or reset."""
        self.address = address
        self.peer_address = peer_address
        self.name = "nobody"
        """Whose it is."""
        self.reachable = False
        """Whether it has heard that the connection stands."""
        self.orphaned = False
        """Its program has closed it."""
        self.dead = False
        """It was reset, or refused."""
        self.error = 0
        """The errno that the next call or SO_ERROR reports."""
        self.changed: Callable[[], object] = _nothing
        """Called when the end may have become ready for something."""
        self.observer: Observer | None = None

    @property
    def over(self) -> bool:
        """Whether nothing can pass in either direction any more."""
        return self.dead or (self.reachable and self.incoming.ended and self.outgoing.ended)

    @property
    def connected(self) -> bool:
        """Whether there is a peer to speak of; that of a local end is its peer for ever."""
        return self.local or (self.reachable and not self.over)

    @property
    def readable(self) -> bool:
        """Whether a receive would say something."""
        return self.dead or (
            self.reachable and (bool(self.incoming.arrived) or self.incoming.ended)
        )

    @property
    def writable(self) -> bool:
        """Whether a send would say something."""
        return self.dead or (self.reachable and (self.outgoing.finished or self.outgoing.writable))

    # -- for the program -------------------------------------------------------------

    def send(self, data: bytes, cut: Cut | None) -> int | None:
        """How many bytes were taken; None if there is no room for any."""
        if not self.local:
            self._raise_error()
        if self.dead or (self.reachable and self.outgoing.finished):
            fail(errno.EPIPE)
        if not self.reachable:
            return None
        if cut is not None:
            data = data[: cut.apply(len(data))]
        if not data:
            return 0
        taken = self.outgoing.write(data)
        if self.observer is not None:
            self.observer.sent(data[:taken])
        return taken or None

    def receive(self, size: int, cut: Cut | None, *, peek: bool = False) -> bytes | None:
        """What has arrived, b"" at the end; None if there is nothing yet."""
        if peek and self.reachable and self.incoming.arrived:
            return bytes(self.incoming.arrived[:size])
        data = b""
        if self.reachable and self.incoming.arrived:
            if cut is not None:
                size = max(1, cut.apply(size))
            data = self.incoming.read(size)
            if self.observer is not None:
                self.observer.received(data)
        elif self.local or not (self.reachable and self.incoming.ended):
            self._raise_error()
            if not self.readable:
                return None
        if not (data or peek) and self.observer is not None:
            self.observer.received(b"")
        return data

    def finish(self) -> None:
        """Half-close. Raises OSError: ENOTCONN."""
        if not (self.reachable or self.dead):
            # Linux, inet_shutdown(): that calls the attempt off.
            self.die(errno.ECONNRESET)
            return
        if not self.connected:
            fail(errno.ENOTCONN)
        self.outgoing.finish()
        if self.observer is not None:
            self.observer.finished()

    def close(self, *, hard: bool) -> None:
        """The program lets go. Unread input, or SO_LINGER with 0, makes a reset of it."""
        self.orphaned = True
        self.changed = _nothing
        if self.dead:
            return
        if self.local:
            self._leave()
        elif not self.reachable:
            self.dead = True
        elif self.over:
            pass
        elif hard or self.incoming.arrived:
            self.send_reset()
        else:
            self.outgoing.finish()
            # What waited for room here finds nobody at home.
            self.incoming.travel()

    # -- for the network -------------------------------------------------------------

    def establish(self) -> None:
        """The connection stands, as seen from here."""
        if self.dead:
            # It was called off meanwhile: an answer to nobody's question.
            self.send_reset()
            return
        self.reachable = True
        self.changed()
        self.incoming.travel()

    def die(self, error: int) -> None:
        """A reset or a refusal has come."""
        if self.over:
            return
        self.dead = True
        self.error = error
        if self.reachable:
            if self.incoming.ended and not self.outgoing.finished:
                # Linux, tcp_reset(): after the end of input only the output is broken.
                self.error = errno.EPIPE
            self.outgoing.cut_off()
            self.incoming.cut_off()
        self.changed()

    def break_off(self) -> None:
        """Something on the way has reset the connection, for both sides."""
        self.die(errno.ECONNRESET)
        self.peer.die(errno.ECONNRESET)

    def _leave(self) -> None:
        """The other end of a pair hears of it at once, and of what was not read: unix(7)."""
        self.dead = True
        self.peer.dead = True
        self.peer.error = errno.ECONNRESET if self.incoming.arrived else 0
        self.peer.changed()

    def send_reset(self) -> None:
        """End it here, and tell the peer: its bytes have come for nobody."""
        self.dead = True
        self.outgoing.cut_off()
        self.incoming.cut_off()
        peer = self.peer
        self._kernel.after(self._kernel.delay(), lambda: peer.die(errno.ECONNRESET))

    def _raise_error(self) -> None:
        code, self.error = self.error, 0
        if code:
            fail(code)


def join(kernel: Kernel, left: ConnectionEnd, right: ConnectionEnd) -> None:
    """Make two ends one connection; each has still to be established."""
    left.peer, right.peer = right, left
    left.incoming = right.outgoing = Pipe(kernel, left)
    left.outgoing = right.incoming = Pipe(kernel, right)


def _nothing() -> None:
    """Nobody is interested."""
