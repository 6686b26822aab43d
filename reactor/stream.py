"""A TCP connection as a pair of queues between a socket and a handler.

The loop calls the stream when the socket is ready or when it is time to flush; the
stream calls its handler; a method that the user calls never calls the handler back.

A stream is three small machines that know little of each other:

    input    OPEN <-> PAUSED -> HELD -> OPEN      any of them -> DROPPED -> ENDED
    output   OPEN -> ENDING -> SHUT               OPEN -> BROKEN -> SHUT
    life     NEW -> OPEN -> ENDED

What lies in the buffer is older than anything the socket has to say, so while it is HELD
for the handler the socket is not read. A half that breaks leaves the other alone; when
both are over, the stream ends, with the first real error that either has met.
"""

import errno
import socket
from enum import Enum
from typing import Any, Final, NamedTuple

from .addresses import Address, format_address
from .buffers import ReceiveBuffer, SendQueue
from .errors import BufferFull, StreamClosed
from .instruments import Instrument
from .loop import EventLoop
from .sockets import Use, expect
from .timers import Timer
from .watcher import EVENT_READ, EVENT_WRITE, Watcher

__all__ = ["Stream", "StreamHandler", "StreamState"]

_RECEIVE_SIZE: Final = 32 * 1024
_RECEIVE_LIMIT: Final = 1024 * 1024
_HIGH_WATER: Final = 64 * 1024
_LOW_WATER: Final = 16 * 1024
_WRITE_LIMIT: Final = 16 * 1024 * 1024
_CLOSE_TIMEOUT: Final = 5.0
# Linux, tcp_reset(): EPIPE instead of ECONNRESET if the peer's end had come. ENOTCONN of
# shutdown(2) says nothing of the input.
_HALF_CLOSED: Final = frozenset({errno.EPIPE, errno.ENOTCONN})


class Input(Enum):
    """What the peer says."""

    OPEN = "open"
    PAUSED = "paused"  # the user wants no data
    HELD = "held"  # the user wants data again, and what lies in the buffer comes first
    DROPPED = "dropped"  # close was called: what comes is thrown away
    ENDED = "ended"  # and the peer said so, or all is over


class Output(Enum):
    """What is said to the peer."""

    OPEN = "open"
    ENDING = "ending"  # write_eof or close was called: the queue, then the end
    SHUT = "shut"  # nothing more can be said
    BROKEN = "broken"  # the system refused to send: what the user writes is dropped


class Life(Enum):
    """The connection as a whole."""

    NEW = "new"  # connection_made is to come
    OPEN = "open"
    ENDED = "ended"  # connection_lost follows, or has been called


class StreamState(NamedTuple):
    """How a stream stands, for who watches it from outside: tests, auditors, `repr`."""

    input: Input
    output: Output
    life: Life
    unread: int  # bytes received and not taken
    unsent: int  # bytes written that the system has not taken
    fd: int  # the number of the descriptor, also when it is closed
    events: int  # what it is watched for
    low: int  # the marks and the limit of what is written, in bytes
    high: int
    limit: int
    error: Exception | None  # what connection_lost will tell


class _Bounds(NamedTuple):
    """Of a send queue, in bytes; most streams share those that they begin with."""

    low: int
    limit: int


_BOUNDS: Final = _Bounds(_LOW_WATER, _WRITE_LIMIT)

# Python 3.11 takes 100 ns to look a member up; these are asked for with every message.
_INPUT_OPEN: Final = Input.OPEN
_OUTPUT_OPEN: Final = Output.OPEN
_OUTPUT_ENDING: Final = Output.ENDING
_LIFE_OPEN: Final = Life.OPEN
_WANTED: Final = (Input.OPEN, Input.PAUSED, Input.HELD)


class StreamHandler:
    """What a program does with a connection; subclass it and make one object for each.

    An exception that leaves one of these methods is reported to the loop's exception
    handler, and ends this stream, no other.
    """

    def connection_made(self, stream: "Stream") -> None:
        """The connection stands. Every call of this is followed by one `connection_lost`."""

    def connection_failed(self, exc: OSError) -> None:
        """`connect` came to nothing: refused, unreachable, or TimeoutError."""

    def data_received(self, buffer: ReceiveBuffer) -> None:
        """Bytes were added to `buffer`. Take what is complete and leave the rest in it.

        When more arrives than 1 MiB together with what was left, the stream is lost with
        BufferFull: pause reading before. This default takes everything and drops it.
        """
        buffer.discard(len(buffer))

    def eof_received(self) -> bool | None:
        """The peer will send no more. Return true to go on writing; else `close()` follows.

        The connection is over once this side has ended its output too. Until then, that the
        peer is gone is noticed by writing alone: a socket at its end is always readable, and
        to watch it would keep the loop awake for nothing.
        """
        return None

    def resume_writing(self) -> None:
        """The send queue, once above high water, is down at low water: write again.

        Each `write` that said False is followed by this or by `connection_lost`; by this
        also after `write_eof`, not after `close`.
        """

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is over; always the last call.

        `exc` is None after a clean end: all that was written has been handed to the
        system, or this side called `abort`. Else it says what was in the way first.
        """


# Takes the place of the user's handler once that was told of the end: what the user
# keeps of the stream then keeps nothing of the user's.
_NOBODY: Final = StreamHandler()


class Stream:
    """A connection. Construct it with a connected stream socket, which it then owns.

    `handler.connection_made` is called before anything else: in the loop's next
    iteration, or, with `immediately`, before the constructor returns, which suits whoever
    was called by the loop and has just accepted or connected the socket: that is not looked
    at again. `peername` saves a look-up where the address is known already.

    Raises ValueError for another unsuitable socket, which is left as it was, and OSError for
    one that is not connected, or not any more.
    """

    __slots__ = (
        "__weakref__",
        "_bounds",
        "_buffer",
        "_deadline",
        "_error",
        "_handler",
        "_high",
        "_input",
        "_life",
        "_loop",
        "_output",
        "_owes_resume",
        "_queue",
        "_sock",
        "_watcher",
        "peername",
    )

    def __init__(
        self,
        loop: EventLoop,
        sock: socket.socket,
        handler: StreamHandler,
        *,
        peername: Address | str | None = None,
        immediately: bool = False,
    ) -> None:
        if not immediately:
            expect(sock, Use.STREAM)
        if not isinstance(handler, StreamHandler):
            raise TypeError(f"expected a StreamHandler, not {handler!r}")
        self.peername: Any = sock.getpeername() if peername is None else peername
        """The peer's address."""
        self._loop = loop
        self._sock = sock
        self._handler = handler
        self._buffer = ReceiveBuffer(_RECEIVE_LIMIT)
        self._queue = SendQueue()
        self._high, self._bounds = _HIGH_WATER, _BOUNDS
        self._input, self._output, self._life = Input.OPEN, Output.OPEN, Life.NEW
        self._owes_resume = False  # write() said False: resume_writing is to follow
        self._error: Exception | None = None  # what connection_lost will tell
        self._deadline: Timer | None = None  # of a close, or of a pause after a failure
        self._watcher: Watcher = loop.register(sock, 0, self._on_ready)
        try:
            sock.setblocking(False)
            loop.attach(self)
        except BaseException:
            self._watcher.close()
            raise
        if immediately:
            self._make()
        else:
            loop.call_soon(self._make)

    def __repr__(self) -> str:
        name, state = type(self._handler).__qualname__, self.state
        halves = f"input={state.input.value} output={state.output.value} life={state.life.value}"
        return f"<Stream {format_address(self.peername)} handler={name} {halves}>"

    # -- for the user ----------------------------------------------------------------

    @property
    def handler(self) -> StreamHandler:
        """Who is called. Set it to have another called from now on, if there is a call to come."""
        return self._handler

    @handler.setter
    def handler(self, handler: StreamHandler) -> None:
        if self._handler is not _NOBODY:
            self._handler = handler

    @property
    def state(self) -> StreamState:
        """How the stream stands at this moment."""
        return StreamState(
            input=self._input,
            output=self._output,
            life=self._life,
            unread=len(self._buffer),
            unsent=self._queue.size,
            fd=self._watcher.fd,
            events=self._watcher.events,
            low=self._bounds.low,
            high=self._high,
            limit=self._bounds.limit,
            error=self._error,
        )

    def fileno(self) -> int:
        """The number of the descriptor, -1 once it is closed."""
        return self._sock.fileno()

    @property
    def sockname(self) -> Any:
        """This side's address. Raises StreamClosed once the connection has ended."""
        if self._life is Life.ENDED:
            raise StreamClosed("the stream has ended")
        return self._sock.getsockname()

    @property
    def write_buffer_size(self) -> int:
        """Bytes written that the system has not taken yet."""
        return self._queue.size

    @property
    def closing(self) -> bool:
        """Whether writing is over: `close`, `abort` or `write_eof` was called, or it broke."""
        return self._output is not Output.OPEN

    def write(self, data: bytes | bytearray | memoryview) -> bool:
        """Queue `data`; it leaves before the loop next waits, together with its neighbours.

        False means that more than the high-water mark is waiting now: write no more until
        `resume_writing`. Going on regardless ends the stream with BufferFull once the
        limit is passed. `bytes` are kept as they are, other buffers are copied.

        Raises StreamClosed after `close`, `abort`, `write_eof` or `connection_lost`, and
        TypeError for what is not bytes. A connection that has just broken is no mistake
        of the caller: until `connection_lost` tells, what is written is dropped, and the
        answer is False.
        """
        if type(data) is not bytes:
            data = memoryview(data).tobytes()
        if self._output is not _OUTPUT_OPEN:
            return self._drop_write()
        queue = self._queue
        if not queue.size:
            # Else a flush is coming already, or the socket is full and watched.
            self._loop.call_before_select(self._flush)
        queue.append(data)
        if queue.size > self._high:
            self._owes_resume = True
            waited = queue.size - len(data)
            if waited > self._bounds.limit:
                self._end(BufferFull(f"{waited} bytes wait for a peer that does not read"))
        return not self._owes_resume

    def write_eof(self) -> None:
        """Half-close: once the queue is empty, tell the peer that nothing more comes.

        Reading goes on until the peer ends too; then the connection is over. Harmless if
        repeated.
        """
        if self._output is Output.OPEN:
            if not self._queue.size:
                self._loop.call_before_select(self._flush)
            self._output = Output.ENDING
        elif self._output is Output.BROKEN:
            self._output = Output.SHUT

    def pause_reading(self) -> None:
        """Call `data_received` no more; the peer will feel it. Harmless if repeated.

        The end of the peer is not noticed either, nor is its disappearance. Once a send has
        failed, a pause lasts 5 seconds at most: then the connection is lost.
        """
        if self._input in _WANTED:
            self._input = Input.PAUSED
            self._watch_input()

    def resume_reading(self) -> None:
        """Undo `pause_reading`; what lies in the buffer is delivered in the next iteration."""
        if self._input is Input.PAUSED:
            self._read_on()

    def set_write_buffer_limits(
        self, high: int = _HIGH_WATER, low: int | None = None, limit: int = _WRITE_LIMIT
    ) -> None:
        """Set the marks, in bytes; `low` is a quarter of `high` if not given.

        Above `high`, `write` returns False; `resume_writing` follows at `low`; a write
        that finds more than `limit` waiting ends the stream. Raises ValueError unless
        0 <= low <= high <= limit.
        """
        low = high // 4 if low is None else low
        if not 0 <= low <= high <= limit:
            raise ValueError(f"need 0 <= low <= high <= limit, not {low}, {high}, {limit}")
        self._high, self._bounds = high, _Bounds(low, limit)

    def set_keepalive(self, idle: int = 10, interval: int = 5, count: int = 3) -> None:
        """Find out about a peer that vanished: probe after `idle` seconds of silence.

        After `count` probes without an answer, `interval` seconds apart, the connection is
        lost with TimeoutError; so it is when written bytes stay unacknowledged as long.
        tcp(7). Where the system lacks an option, its own default holds; what is not TCP
        needs no probes.
        """
        sock = self._sock
        if self._life is Life.ENDED or sock.family not in (socket.AF_INET, socket.AF_INET6):
            return
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        options = {
            "TCP_KEEPIDLE": idle,
            "TCP_KEEPINTVL": interval,
            "TCP_KEEPCNT": count,
            "TCP_USER_TIMEOUT": (idle + interval * count) * 1000,
        }
        for name, value in options.items():
            if hasattr(socket, name):
                sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)

    def close(self, timeout: float = _CLOSE_TIMEOUT) -> None:
        """End in good order: flush, half-close, read until the peer closes, then close.

        Closing at once would, with input unread, reset the connection and destroy what
        is still in flight (RFC 2525, 2.17). After `timeout` seconds it is aborted, and
        `connection_lost` gets TimeoutError if bytes were left unsent. Harmless if repeated.
        """
        if not self._is_closing and self._life is not Life.ENDED:
            self._set_deadline(timeout)
            self._owes_resume = False
            self._buffer.take_all()
            if self._input is not Input.ENDED:
                self._input = Input.DROPPED
                self._watch_input()
        self.write_eof()
        self._end_if_over()

    def abort(self) -> None:
        """Close at once; what is queued is lost.

        `connection_lost` follows, with None or with what had broken the connection before.
        """
        self._end(None)
        self._sock.close()
        self._output = Output.SHUT

    # -- for the loop ----------------------------------------------------------------

    def finish(self) -> None:
        """Tell the handler of the end, once. Called by the loop only."""
        handler, self._handler = self._handler, _NOBODY
        error, self._error = self._error, None
        self._output = Output.SHUT
        self._buffer = ReceiveBuffer()
        self._sock.close()
        self._loop.detach(self)
        self._loop.tell_end(self, handler.connection_lost, error)

    def disown(self) -> None:
        """In a forked child: what waits is the parent's to send. Called by the loop only."""
        # With nothing queued, the next write asks the loop, which refuses.
        self._queue.clear()

    def _make(self) -> None:
        if self._life is Life.ENDED:
            return
        self._life = Life.OPEN
        if self._queue.size or self._output is Output.ENDING:
            # What was written before this could not leave.
            self._loop.call_before_select(self._flush)
        try:
            self._handler.connection_made(self)
        except Exception as exc:
            self._fail(exc)
        finally:
            self._watch_input()

    def _on_ready(self, events: int) -> None:
        # What the peer has said comes before a failure of what is said to it.
        if events & EVENT_READ:
            self._receive()
        if events & EVENT_WRITE:
            self._flush()

    # -- input -----------------------------------------------------------------------

    def _receive(self) -> None:
        try:
            data = self._sock.recv(_RECEIVE_SIZE)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as exc:
            self._end(exc)
            return
        if not data:
            self._receive_eof()
        elif self._input is _INPUT_OPEN:
            try:
                self._buffer.append(data)
            except BufferFull as exc:
                self._end(exc)
            else:
                self._deliver()

    def _deliver(self) -> None:
        offered = None if self._error is None else self._buffer.position
        try:
            self._handler.data_received(self._buffer)
        except Exception as exc:
            self._fail(exc)
        except BaseException:
            # The program is to end, not the stream: if the loop runs again, so does this.
            if self._input is Input.OPEN:
                self._read_on()
            raise
        finally:
            if offered is not None and self._buffer.position > offered:
                # The output is lost: there is time for the next piece, and whoever waits for
                # room to answer would leave it unread.
                self._end_if_over()
                self._loop.call_soon(self._resume_writing)

    def _read_on(self) -> None:
        """Read again, once the handler was offered what lies in the buffer."""
        if self._buffer:
            self._loop.call_soon(self._deliver_rest)
            self._input = Input.HELD
        else:
            self._input = Input.OPEN
        self._watch_input()

    def _deliver_rest(self) -> None:
        if self._input is not Input.HELD:
            return
        self._input = Input.OPEN
        try:
            position = self._buffer.position
            if self._buffer:
                self._deliver()
            if self._input is Input.HELD and self._buffer.position == position:
                # Nothing of it is of use yet, and only more can make it so, however often
                # the handler resumes.
                self._input = Input.OPEN
        finally:
            self._watch_input()

    def _receive_eof(self) -> None:
        is_wanted, self._input = self._input is Input.OPEN, Input.ENDED
        self._watch_input()
        if is_wanted and self._is_true_end():
            keep_open: bool | None = False
            try:
                keep_open = self._handler.eof_received()
            except Exception as exc:
                keep_open = True  # it ends by this
                self._fail(exc)
            finally:
                if not keep_open:
                    self.close()
        self._end_if_over()

    def _is_true_end(self) -> bool:
        """Whether the peer has ended, not only the connection.

        A send that fails takes the socket's error with it: what is left for reading is an
        end that nobody sent. EPIPE alone says that the peer had ended before it reset.
        """
        return self._error is None or getattr(self._error, "errno", None) in _HALF_CLOSED

    # -- output ----------------------------------------------------------------------

    def _flush(self) -> None:
        """Send once. What the socket does not take waits until it is writable."""
        if self._life is not _LIFE_OPEN:
            return
        queue = self._queue
        if queue.size:
            try:
                queue.send_to(self._sock.send)
            except (BlockingIOError, InterruptedError):
                pass
            except OSError as exc:
                self._lose_output(exc)
        if self._output is _OUTPUT_ENDING and not queue.size:
            self._shut_output()
        if queue.size or self._watcher.events & EVENT_WRITE:
            self._watch(EVENT_WRITE if queue.size else 0)
            if self._loop.instrument is not None:
                self._tell_queue(self._loop.instrument)
        if self._owes_resume:
            self._resume_writing()

    def _tell_queue(self, instrument: Instrument) -> None:
        try:
            instrument.bytes_queued(self._watcher.fd, self._queue.size)
        except BaseException:
            self._resume_writing()  # of a queue that is empty, no other flush will say so
            raise

    def _drop_write(self) -> bool:
        """What is written can't be sent any more: is that the caller's mistake?"""
        was_told = self._handler is _NOBODY
        if self._output is not Output.BROKEN and (was_told or not self._loop.closed):
            raise StreamClosed("write to a stream whose output was ended")
        self._owes_resume = True
        return False

    def _resume_writing(self) -> None:
        if (
            not self._owes_resume
            or self._queue.size > self._bounds.low
            or self._life is not Life.OPEN
        ):
            return
        self._owes_resume = False
        try:
            self._handler.resume_writing()
        except Exception as exc:
            self._fail(exc)
        except BaseException:
            # Who waited for this may still wait: if the loop runs again, it is said again.
            self._owes_resume = not self._is_closing
            self._loop.call_soon(self._resume_writing)
            raise

    def _shut_output(self) -> None:
        self._output = Output.SHUT
        try:
            self._sock.shutdown(socket.SHUT_WR)
        except OSError as exc:
            self._lose_output(exc)
        else:
            self._end_if_over()

    def _lose_output(self, exc: OSError) -> None:
        """Nothing more can be sent."""
        self._note(exc)
        self._queue.clear()
        self._output = Output.BROKEN if self._output is Output.OPEN else Output.SHUT
        self._end_if_over()

    # -- life ------------------------------------------------------------------------

    @property
    def _is_closing(self) -> bool:
        """Whether `close` was called. A broken output has a deadline too, and an input."""
        return self._deadline is not None and self._input not in _WANTED

    def _watch_input(self) -> None:
        self._watch(self._watcher.events & EVENT_WRITE)

    def _watch(self, output: int) -> None:
        """Wait for what the input asks for, and for `output`: EVENT_WRITE or nothing."""
        if self._life is not Life.OPEN:
            return
        reads = EVENT_READ if self._input in (Input.OPEN, Input.DROPPED) else 0
        try:
            self._watcher.modify(reads | output)
        except OSError as exc:  # epoll_ctl(2): ENOSPC, ENOMEM
            self._end(exc)

    def _note(self, error: Exception) -> None:
        """Keep the first error. ENOTCONN says only that there is one to be found elsewhere."""
        if self._error is None or getattr(self._error, "errno", None) == errno.ENOTCONN:
            self._error = error

    def _set_deadline(self, timeout: float) -> None:
        deadline = self._loop.call_later(timeout, self._on_deadline)
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = deadline

    def _on_deadline(self) -> None:
        # A process that was not run for a while may not even have tried yet: send on, for as
        # long as the system takes something.
        try:
            waiting = self._queue.size + 1
            while self._queue.size < waiting:
                waiting = self._queue.size
                self._flush()
        finally:
            unsent = self._queue.size
            self._end(TimeoutError(f"closed with {unsent} bytes unsent") if unsent else None)

    def _end_if_over(self) -> None:
        """End if both halves are over. If only the output is, and broke, don't wait for long."""
        if self._input is Input.ENDED:
            if self._output in (Output.SHUT, Output.BROKEN):
                self._end(None)
        elif self._error is not None and self._input is not Input.DROPPED:
            # What the peer has said is read to its end, but not waited for.
            self._set_deadline(_CLOSE_TIMEOUT)

    def _fail(self, exc: Exception) -> None:
        self._end(exc)
        self._loop.call_exception_handler(f"the handler of {self!r} raised", exc)

    def _end(self, error: Exception | None) -> None:
        if self._life is Life.ENDED:
            return
        self._loop.call_soon(self.finish)
        if self._life is Life.NEW:
            self._handler = _NOBODY  # who was told of no beginning is told of no end
        self._life, self._input = Life.ENDED, Input.ENDED
        if self._output is Output.OPEN:
            self._output = Output.BROKEN
        if error is not None:
            self._note(error)
        self._watcher.close()
        self._queue.clear()
        if self._deadline is not None:
            self._deadline.cancel()
