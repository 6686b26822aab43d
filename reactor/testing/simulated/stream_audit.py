"""One stream of a simulation: what it says of itself is held against what passed its socket."""

from collections.abc import Callable
from typing import Final

from ...buffers import ReceiveBuffer
from ...stream import Input, Life, Output, Stream, StreamHandler
from ...watcher import EVENT_READ, EVENT_WRITE
from .tcp import TcpSocket

__all__ = ["StreamAudit"]

_RECEIVE_LIMIT: Final = 1024 * 1024 + 32 * 1024


class StreamAudit(StreamHandler):
    """Stands between a stream and its socket, and between it and its handler."""

    def __init__(self, stream: Stream, sock: TcpSocket, complain: Callable[[str], None]) -> None:
        self.handler = stream.handler
        """The program's."""
        self.lost = 0
        """How often the end was told."""
        self._stream = stream
        self._told_to = complain
        self._unsent = bytearray()  # written, not given to the socket
        self._untaken = bytearray()  # given by the socket, not taken by the handler
        self._position = 0  # where that begins
        self._undelivered = 0  # so many bytes of it the handler has not seen
        self._owed = False  # a write said False: resume_writing is to follow
        self._promised = False  # close() was called: all is to be sent
        self._output_finished = self._input_ended = False
        self._made = self._eof = 0
        stream.handler = self
        stream.__class__ = _audited(type(stream))
        sock.observe(self)

    def _complain(self, complaint: str) -> None:
        self._told_to(f"{self._stream!r}: {complaint}")

    # -- from the program ------------------------------------------------------------

    def written(self, data: bytes, answer: bool) -> None:
        """The stream has taken `data`, and said whether more may follow."""
        state = self._stream.state
        waited = state.unsent - len(data)
        if waited > state.limit and state.life is not Life.ENDED:
            self._complain(f"{waited} bytes wait: more than the limit")
        self._unsent += data
        self._owed = not answer

    def promise(self, clean_end: bool) -> None:
        """What was written is to be sent to its end, or not any more."""
        self._promised = clean_end

    # -- towards the socket ----------------------------------------------------------

    def sent(self, data: bytes) -> None:
        """The socket took."""
        if not self._unsent.startswith(data):
            self._complain("what was sent is not what was written")
        del self._unsent[: len(data)]

    def received(self, data: bytes) -> None:
        """The socket gave; b"" is the end."""
        match self._stream.state.input:
            case Input.OPEN:
                self._untaken += data
                self._undelivered += len(data)
            case Input.PAUSED | Input.HELD | Input.ENDED:
                self._complain("the socket was read before its turn")
        self._input_ended = not data

    def finished(self) -> None:
        """The end of the output has left."""
        self._output_finished = True
        if self._unsent:
            self._complain(f"half-closed with {len(self._unsent)} bytes unsent")

    # -- towards the handler ---------------------------------------------------------

    def connection_made(self, stream: Stream) -> None:
        self._expect(made=0)
        self._made += 1
        self.handler.connection_made(stream)

    def data_received(self, buffer: ReceiveBuffer) -> None:
        self._expect(made=1)
        del self._untaken[: buffer.position - self._position]
        self._position = buffer.position
        if self._untaken != bytes(buffer):
            self._complain("what was delivered is not what was received")
        self._undelivered = 0
        self.handler.data_received(buffer)

    def eof_received(self) -> bool | None:
        self._expect(made=1)
        self._eof += 1
        if self._eof > 1:
            self._complain("the end of input was told twice")
        if not self._input_ended:
            self._complain("the end of input was told, and has not come")
        return self.handler.eof_received()

    def resume_writing(self) -> None:
        self._expect(made=1)
        self._owed = False
        self.handler.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._expect(made=1)
        self.lost += 1
        if exc is None and self._promised:
            if self._unsent:
                self._complain(f"closed cleanly, but {len(self._unsent)} bytes were never sent")
            elif not self._output_finished:
                self._complain("closed cleanly, but the peer was not told of the end")
        self.handler.connection_lost(exc)

    def _expect(self, *, made: int) -> None:
        if self.lost:
            self._complain("the handler was called after connection_lost")
        if self._made != made:
            self._complain(f"connection_made was called {self._made} times, not {made}")

    # -- each turn, and the end ------------------------------------------------------

    def check(self, *, is_queued: bool) -> None:
        """The state in which a stream may be left when the loop goes to wait.

        `is_queued` says that the loop will call it first.
        """
        state = self._stream.state
        if state.life is Life.ENDED:
            return
        if state.error is not None and not state.unsent:
            self._unsent.clear()  # the system refused it
        if state.unsent != len(self._unsent):
            self._complain(f"{len(self._unsent)} bytes wait, not {state.unsent}")
        if state.unread > _RECEIVE_LIMIT:
            self._complain(f"{state.unread} bytes were left: more than the limit")
        if self._input_ended and self._output_finished:
            self._complain("both halves are over, and the stream is not")
        is_open = state.life is Life.OPEN and not self._promised
        if self._undelivered and is_open:
            self._complain(f"{self._undelivered} bytes were received and not delivered")
        if not self._made or is_queued:
            return
        if state.unsent and not state.events & EVENT_WRITE:
            self._complain("bytes wait, and nobody waits for the socket to take them")
        is_low = is_open and state.unsent <= state.low and state.output is not Output.BROKEN
        if self._owed and is_low:
            self._complain("the queue is low, and resume_writing has not come")
        if state.input is Input.OPEN and not state.events & EVENT_READ:
            self._complain("nobody waits for what the peer has to say")

    def finish(self) -> None:
        """The loop is closed."""
        if self._made != self.lost:
            self._complain(f"connection_lost was called {self.lost} times after connection_made")


class _AuditedStream(Stream):
    """A stream that has its audit listen in on the program."""

    __slots__ = ()
    __qualname__ = Stream.__qualname__

    @property
    def _audit(self) -> StreamAudit | None:
        told = super().handler
        return told if isinstance(told, StreamAudit) else None

    @property
    def handler(self) -> StreamHandler:
        audit = self._audit
        return super().handler if audit is None else audit.handler

    @handler.setter
    def handler(self, handler: StreamHandler) -> None:
        audit = self._audit
        if audit is not None:
            audit.handler = handler

    def write(self, data: bytes | bytearray | memoryview) -> bool:
        audit, closing = self._audit, self.closing
        answer = super().write(data)
        if audit is not None and not closing:
            audit.written(bytes(data), answer)
        return answer

    def close(self, *args: float, **options: float) -> None:
        audit = self._audit
        if audit is not None and self.state.life is not Life.ENDED:
            audit.promise(clean_end=True)
        super().close(*args, **options)

    def abort(self) -> None:
        audit = self._audit
        if audit is not None:
            audit.promise(clean_end=False)
        super().abort()


def _audited(kind: type[Stream]) -> type[Stream]:
    """`Stream`, or what a program has made of it, with an audit."""
    if kind is Stream:
        return _AuditedStream
    return type(kind.__name__, (kind, _AuditedStream), {"__slots__": ()})
