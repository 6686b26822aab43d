"""What a stream promises, as two sides that know what each wrote, ended and was told.

It knows no socket and no loop. The test says what the program does and what the handler is
called for; here is whether that is allowed, and what must have come once all has settled.
"""

from math import inf
from typing import Final

from reactor import BufferFull

__all__ = ["Side", "join"]

_HIGH: Final = 64 * 1024
_LOW: Final = 16 * 1024
_LIMIT: Final = 16 * 1024 * 1024


class Side:
    """One side of a connection: its program, its handler, and what they may expect."""

    peer: "Side"

    def __init__(self, *, resets: bool) -> None:
        self._resets = resets  # the network may break the connection
        self.high, self.low, self.limit = _HIGH, _LOW, _LIMIT
        self.written = bytearray()
        """What `write` took."""
        self.seen = 0
        """Bytes that the handler has met in its buffer."""
        self.taken = 0
        """Bytes that it took from there, or that `close` threw away."""
        self.made = self.lost = self.eof_told = False
        self.output_ended = self.closing = self.paused = False
        self.owed = False
        """`write` said False: resume_writing is to follow."""
        self.rest_due = False
        """Reading was resumed: what lies in the buffer is to be delivered again,"""
        self._rests_allowed = 0  # and that as often as it was resumed
        self.deadline = inf
        self.decided = False
        """The program has ended it, by `fate`: nothing but connection_lost may follow."""
        self.fate: Exception | type[Exception] | None = None
        self._clean_end = False

    @property
    def left(self) -> int:
        """Bytes that lie in the buffer."""
        return self.seen - self.taken

    @property
    def reads(self) -> bool:
        """Whether it takes what comes, be it to throw it away."""
        return not self.decided and (self.closing or not self.paused)

    @property
    def is_over(self) -> bool:
        """Whether nothing may follow but, at most, connection_lost."""
        return self.lost or self.decided

    def is_cut_off(self, now: float) -> bool:
        """Whether it ended, or may have, without waiting for its peer."""
        if self.lost:
            return not self._clean_end
        return self.decided or now >= self.deadline

    def may_break(self, now: float) -> bool:
        """Whether the system may refuse to send for it."""
        return self._resets or self.peer.is_cut_off(now)

    # -- what the program does; `ended`: the stream says that the socket is gone ------

    def may_write(self) -> bool:
        """Whether `write` is no mistake."""
        return not (self.output_ended or self.lost)

    def write(self, data: bytes, waiting: int, *, ended: bool, broken: bool) -> tuple[bool, int]:
        """What `write` says, and how many bytes wait then; `waiting` did before."""
        if ended or broken:
            self.owed = self.owed or broken
            return False, 0
        size = waiting + len(data)
        if size > self.high:
            self.owed = True
            if waiting > self.limit:
                self.decide(BufferFull)
                return False, 0
        self.written += data
        return not self.owed, size

    def end_output(self) -> None:
        """`write_eof`, and a part of all that ends more."""
        self.output_ended = True

    def close(self, deadline: float, *, ended: bool) -> None:
        """`close`, by the program or because the peer ended."""
        self.output_ended = True
        if not (self.closing or ended):
            self.closing, self.deadline = True, deadline
            self.taken, self.rest_due = self.seen, False

    def abort(self, *, ended: bool) -> None:
        """`abort`, or the end of the loop."""
        self.output_ended = True
        if not ended:
            self.decide(None)

    def decide(self, fate: Exception | type[Exception] | None) -> None:
        """It is over, and why."""
        if not (self.decided or self.lost):
            self.decided, self.fate = True, fate

    def pause(self) -> None:
        """`pause_reading`; once the peer has ended there is nothing to pause."""
        if not self.eof_told:
            self.paused, self.rest_due = True, False

    def interrupt(self) -> None:
        """`data_received` was left by what ends programs: the rest is offered again."""
        if not (self.paused or self.closing or self.eof_told) and self.left:
            self.rest_due = True
            self._rests_allowed += 1

    def resume(self) -> None:
        """`resume_reading`."""
        if self.paused and self.left and not self.closing:
            self.rest_due = True
            self._rests_allowed += 1
        self.paused = False

    def take(self, data: bytes) -> None:
        """The handler took `data` from its buffer."""
        end = self.taken + len(data)
        assert end <= self.seen
        assert self.peer.written.startswith(data, self.taken), "other bytes than were written"
        self.taken = end

    # -- what the handler is called for ----------------------------------------------

    def connection_made(self) -> None:
        assert not self.made
        assert not self.is_over, "made after the end"
        self.made = True

    def data_received(self, length: int) -> None:
        assert self.made
        assert not self.is_over, "data after the end"
        assert not self.closing, "data after close"
        assert not self.paused, "data while reading is paused"
        assert length, "called for nothing"
        new = self.taken + length - self.seen
        if new:
            assert not (self.rest_due and self.left), "the socket was read before the rest"
            assert not self.eof_told, "data after the end of input"
            assert new > 0
            assert self.taken + length <= len(self.peer.written)
        else:
            assert self._rests_allowed, "called again for what it had left"
            self._rests_allowed -= 1
        self.rest_due = False
        self.seen = self.taken + length

    def eof_received(self, now: float) -> None:
        assert self.made
        assert not self.is_over, "eof after the end"
        assert not self.closing, "eof after close"
        assert not self.paused, "eof while reading is paused"
        assert not self.eof_told, "eof twice"
        assert not (self.rest_due and self.left), "eof before the rest"
        assert self.peer.output_ended or self.peer.decided, "eof, but the peer has not ended"
        if not self.peer.is_cut_off(now):
            assert self.seen == len(self.peer.written), "eof before all that was written"
        self.eof_told = True

    def resume_writing(self, waiting: int) -> None:
        assert self.made
        assert not self.is_over, "resume_writing after the end"
        assert not self.closing, "nothing can be written"
        assert self.owed, "resume_writing, but write had not said False"
        assert waiting <= self.low, "resume_writing above low water"
        self.owed = False

    def connection_lost(self, exc: Exception | None, now: float) -> None:
        assert self.made, "lost before it was made"
        assert not self.lost, "lost twice"
        if self.decided:
            expected = self.fate
            first = isinstance(exc, OSError) and self.may_break(now)  # it was broken before
            kind = isinstance(expected, type) and isinstance(exc, expected)
            assert exc is expected or kind or first
        elif exc is None:
            halves = self.eof_told and self.output_ended
            assert self.closing or halves, "a clean end that nobody asked for"
            in_time = self.peer.output_ended or self.peer.decided
            assert in_time or now >= self.deadline, "closed before the peer had ended"
        elif isinstance(exc, TimeoutError) and exc.errno is None:
            assert now >= self.deadline, "given up before the deadline"
        else:
            assert isinstance(exc, OSError)
            assert self.may_break(now), f"{exc!r}, and nobody broke it"
        self._clean_end = exc is None and not self.decided and now < self.deadline
        self.lost = self.output_ended = True

    # -- once all has settled --------------------------------------------------------

    def unmet(self, now: float, waiting: int, *, ended: bool, broken: bool) -> str | None:
        """A promise that is not kept yet, if there is one; `waiting` bytes wait to be sent."""
        if self.lost or (not self.made and (self.decided or now >= self.deadline)):
            return None
        if not self.made:
            return "connection_made is to come"
        if self.decided or ended or broken:
            return "connection_lost is to come"
        if self.eof_told and self.output_ended and not waiting:
            return "both halves are over: connection_lost is to come"
        if now > self.deadline:
            return "connection_lost is to come, the deadline is over"
        return (self._unmet_input(now) if self.reads else None) or self._unmet_output(now, waiting)

    def _unmet_input(self, now: float) -> str | None:
        peer = self.peer
        if self.closing:
            # It stays until the peer has ended and, unless that was rude, has read all.
            over = peer.output_ended and (peer.reads or peer.lost)
            return "the close is to end" if over or peer.is_cut_off(now) else None
        if self.rest_due and self.left:
            return "what lies in the buffer is to be delivered"
        if not peer.is_cut_off(now) and self.seen < len(peer.written):
            return f"{len(peer.written) - self.seen} bytes are to be delivered"
        if (peer.output_ended or peer.decided) and not self.eof_told:
            return "the end of input is to be told"
        return None

    def _unmet_output(self, now: float, waiting: int) -> str | None:
        if self.peer.is_cut_off(now) or self.peer.lost or not self.peer.reads:
            return None
        if waiting:
            return f"{waiting} bytes are to be sent"
        if self.owed and not self.closing:
            return "resume_writing is to come"
        return None


def join(left: Side, right: Side) -> None:
    """Make two sides one connection."""
    left.peer, right.peer = right, left
