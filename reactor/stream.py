"""A TCP connection as a pair of queues between a socket and a handler.

The loop calls the stream when the socket is ready or when it is time to flush; the
stream calls its handler; a method that the user calls never calls the handler back.
"""

import socket
from typing import Any, Final

from .addresses import Address, format_address
from .buffers import ReceiveBuffer, SendQueue
from .errors import BufferFull, StreamClosed
from .loop import EventLoop
from .timers import Timer
from .watcher import EVENT_READ, EVENT_WRITE, Watcher

__all__ = ["Stream", "StreamHandler"]

_RECEIVE_SIZE: Final = 32 * 1024
_RECEIVE_LIMIT: Final = 1024 * 1024
_HIGH_WATER: Final = 64 * 1024
_LOW_WATER: Final = 16 * 1024
_WRITE_LIMIT: Final = 16 * 1024 * 1024
_CLOSE_TIMEOUT: Final = 5.0


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
        """The peer will send no more. Return true to go on writing; else `close()` follows."""
        return None

    def resume_writing(self) -> None:
        """The send queue, once above high water, is down at low water: write again."""

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is over; always the last call.

        `exc` is None after a clean end: all that was written has been handed to the
        system, or this side called `abort`. Else it says what was in the way.
        """


# Takes the place of the user's handler once that was told of the end: what the user
# keeps of the stream then keeps nothing of the user's.
_NOBODY: Final = StreamHandler()


class Stream:
    """A connection. Construct it with a connected stream socket, which it then owns.

    `handler.connection_made` is called before anything else: in the loop's next
    iteration, or, with `immediately`, before the constructor returns, which suits whoever
    was called by the loop. `peername` saves a look-up where the address is known already.
    """

    __slots__ = (
        "__weakref__",
        "_above_high_water",
        "_blocked",
        "_buffer",
        "_closing",
        "_deadline",
        "_ended",
        "_eof_received",
        "_error",
        "_flush_coming",
        "_handler",
        "_high",
        "_loop",
        "_low",
        "_made",
        "_output_ended",
        "_output_shut",
        "_paused",
        "_queue",
        "_sock",
        "_watcher",
        "_write_limit",
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
        sock.setblocking(False)
        self.peername: Any = sock.getpeername() if peername is None else peername
        """The peer's address."""
        self._loop = loop
        self._sock = sock
        self._handler = handler
        self._buffer = ReceiveBuffer(_RECEIVE_LIMIT)
        self._queue = SendQueue()
        self._high, self._low, self._write_limit = _HIGH_WATER, _LOW_WATER, _WRITE_LIMIT
        self._deadline: Timer | None = None
        self._error: Exception | None = None
        self._made = False  # connection_made was called
        self._paused = False  # the user wants no data
        self._flush_coming = False  # before the loop selects, or when the socket is writable
        self._blocked = False  # the socket is full: flush when it is writable
        self._above_high_water = False  # write() said False: resume_writing is owed
        self._output_ended = False  # write_eof or close was called
        self._output_shut = False  # and the FIN is out
        self._eof_received = False
        self._closing = False
        self._ended = False  # the socket is closed
        self._watcher: Watcher = loop.register(sock, 0, self._on_ready)
        loop.attach(self)
        if immediately:
            self._make()
        else:
            loop.call_soon(self._make)

    def __repr__(self) -> str:
        handler = type(self._handler).__qualname__
        return f"<Stream {format_address(self.peername)} handler={handler}>"

    # -- for the user ----------------------------------------------------------------

    @property
    def sockname(self) -> Any:
        """This side's address. Raises StreamClosed once the connection has ended."""
        if self._ended:
            raise StreamClosed("the stream has ended")
        return self._sock.getsockname()

    @property
    def write_buffer_size(self) -> int:
        """Bytes written that the system has not taken yet."""
        return self._queue.size

    @property
    def closing(self) -> bool:
        """Whether writing is over: `close`, `abort` or `write_eof` was called, or it ended."""
        return self._output_ended or self._ended

    def write(self, data: bytes | bytearray | memoryview) -> bool:
        """Queue `data`; it leaves before the loop next waits, together with its neighbours.

        False means that more than the high-water mark is waiting now: write no more until
        `resume_writing`. Going on regardless ends the stream with BufferFull once the
        limit is passed. `bytes` are kept as they are, other buffers are copied.

        Raises StreamClosed after `close`, `abort`, `write_eof` or `connection_lost`, and
        TypeError for what is not bytes. A connection that has just broken is no mistake
        of the caller: until `connection_lost` tells, what is written is dropped.
        """
        if type(data) is not bytes:
            data = memoryview(data).tobytes()
        if self._output_ended:
            raise StreamClosed("write to a stream whose output was ended")
        if self._ended:
            return False
        queue = self._queue
        queue.append(data)
        if not self._flush_coming:
            self._flush_coming = True
            self._loop.call_before_select(self._flush)
        if queue.size > self._high:
            self._rise(queue.size - len(data))
        return not self._above_high_water

    def write_eof(self) -> None:
        """Half-close: once the queue is empty, tell the peer that nothing more comes.

        Reading goes on. Harmless if repeated.
        """
        if not self._output_ended:
            self._output_ended = True
            self._queue_flush()

    def pause_reading(self) -> None:
        """Call `data_received` no more; the peer will feel it. Harmless if repeated."""
        self._paused = True
        self._update_watcher()

    def resume_reading(self) -> None:
        """Undo `pause_reading`; what lies in the buffer is delivered in the next iteration."""
        if self._paused:
            self._paused = False
            self._update_watcher()
            if self._buffer and not self._ended:
                self._loop.call_soon(self._deliver_rest)

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
        self._high, self._low, self._write_limit = high, low, limit

    def set_keepalive(self, idle: int = 10, interval: int = 5, count: int = 3) -> None:
        """Find out about a peer that vanished: probe after `idle` seconds of silence.

        After `count` probes without an answer, `interval` seconds apart, the connection is
        lost with TimeoutError; so it is when written bytes stay unacknowledged as long.
        tcp(7). Where the system lacks an option, its own default holds; what is not TCP
        needs no probes.
        """
        sock = self._sock
        if self._ended or sock.family not in (socket.AF_INET, socket.AF_INET6):
            return
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        options = {
            "TCP_KEEPIDLE": idle,
            "TCP_KEEPINTVL": interval,
            "TCP_KEEPCNT": count,
            "TCP_USER_TIMEOUT": (idle + interval * count) * 1000,
        }
        for name, value in options.items():
            option = getattr(socket, name, None)
            if option is not None:
                sock.setsockopt(socket.IPPROTO_TCP, option, value)

    def close(self, timeout: float = _CLOSE_TIMEOUT) -> None:
        """End in good order: flush, half-close, read until the peer closes, then close.

        Closing at once would, with input unread, reset the connection and destroy what
        is still in flight (RFC 2525, 2.17). After `timeout` seconds it is aborted, and
        `connection_lost` gets TimeoutError if bytes were left unsent. Harmless if repeated.
        """
        if self._closing or self._ended:
            self._output_ended = True
            return
        self._deadline = self._loop.call_later(timeout, self._on_deadline)
        self._closing = self._output_ended = True
        self._buffer.discard(len(self._buffer))
        self._update_watcher()
        self._queue_flush()

    def abort(self) -> None:
        """Close at once; what is queued is lost. `connection_lost(None)` follows."""
        self._output_ended = True
        self._closing = False  # what close() has promised is called off
        self._end(None)

    # -- for the loop ----------------------------------------------------------------

    def finish(self) -> None:
        """Tell the handler of the end, once. Called by the loop only."""
        handler, self._handler = self._handler, _NOBODY
        error, self._error = self._error, None
        self._output_ended = True
        self._loop.detach(self)
        if self._made and handler is not _NOBODY:
            try:
                handler.connection_lost(error)
            except Exception as exc:
                self._report(exc)

    def _make(self) -> None:
        if self._ended:
            return
        self._made = True
        try:
            self._handler.connection_made(self)
        except Exception as exc:
            self._fail(exc)
        self._update_watcher()
        if self._queue.size or self._output_ended:
            self._queue_flush()

    def _on_ready(self, events: int) -> None:
        if events & EVENT_WRITE:
            self._flush()
            if not events & self._watcher.events & EVENT_READ:
                return
        try:
            data = self._sock.recv(_RECEIVE_SIZE)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as exc:
            self._end(exc)
            return
        if not data:
            self._receive_eof()
        elif not self._closing:
            self._deliver(data)

    def _deliver(self, data: bytes) -> None:
        buffer = self._buffer
        try:
            buffer.append(data)
        except BufferFull as exc:
            self._end(exc)
            return
        try:
            self._handler.data_received(buffer)
        except Exception as exc:
            self._fail(exc)

    def _deliver_rest(self) -> None:
        """Reading was resumed: what was left in the buffer may be of use now."""
        if self._buffer and not (self._paused or self._closing or self._ended):
            self._deliver(b"")

    def _receive_eof(self) -> None:
        self._eof_received = True
        self._update_watcher()
        if self._closing:
            self._end_if_done()
            return
        try:
            keep_open = self._handler.eof_received()
        except Exception as exc:
            self._fail(exc)
            return
        if not keep_open:
            self.close()

    def _queue_flush(self) -> None:
        if not self._flush_coming and not self._ended:
            self._flush_coming = True
            self._loop.call_before_select(self._flush)

    def _flush(self) -> None:
        """Send once. What the socket does not take waits until it is writable."""
        self._flush_coming = False
        if self._ended or not self._made:
            return
        queue = self._queue
        if queue.size:
            try:
                queue.advance(self._sock.send(queue.peek()))
            except (BlockingIOError, InterruptedError):
                pass
            except OSError as exc:
                self._end(exc)
                return
        if queue.size:
            self._wait_for_peer()
        elif self._blocked or self._output_ended:
            self._finish_output()
        if self._above_high_water and queue.size <= self._low:
            self._resume_writing()

    def _wait_for_peer(self) -> None:
        self._flush_coming = True
        if not self._blocked:
            self._blocked = True
            self._update_watcher()
        if self._loop.instrument is not None:
            self._loop.instrument.bytes_queued(self._sock.fileno(), self._queue.size)

    def _finish_output(self) -> None:
        """All is sent: nothing to wait for, and perhaps nothing more to come."""
        if self._blocked:
            self._blocked = False
            self._update_watcher()
        if self._output_ended:
            self._shut_output()

    def _rise(self, waiting: int) -> None:
        """A write has left the queue above high water; `waiting` bytes were there before."""
        self._above_high_water = True
        if waiting > self._write_limit:
            self._end(BufferFull(f"{waiting} bytes wait for a peer that does not read"))

    def _resume_writing(self) -> None:
        self._above_high_water = False
        if self._output_ended or self._ended:
            return
        try:
            self._handler.resume_writing()
        except Exception as exc:
            self._fail(exc)

    def _shut_output(self) -> None:
        if not self._output_shut:
            self._output_shut = True
            try:
                self._sock.shutdown(socket.SHUT_WR)
            except OSError as exc:
                self._end(exc)
                return
        self._end_if_done()

    def _end_if_done(self) -> None:
        if self._closing and self._output_shut and self._eof_received:
            self._end(None)

    def _on_deadline(self) -> None:
        # A process that was not run for a while may not even have tried yet.
        self._flush()
        unsent = self._queue.size
        self._end(TimeoutError(f"closed with {unsent} bytes unsent") if unsent else None)

    def _update_watcher(self) -> None:
        if self._ended or not self._made:
            return
        wants_data = not self._eof_received and (self._closing or not self._paused)
        try:
            self._watcher.modify(EVENT_READ * wants_data | EVENT_WRITE * self._blocked)
        except OSError as exc:  # epoll_ctl(2): ENOSPC, ENOMEM
            self._end(exc)

    def _fail(self, exc: Exception) -> None:
        self._report(exc)
        self._end(exc)

    def _report(self, exc: Exception) -> None:
        self._loop.call_exception_handler(f"the handler of {self!r} raised", exc)

    def _end(self, error: Exception | None) -> None:
        if self._ended:
            return
        self._ended = True
        self._error = error
        self._watcher.close()
        self._sock.close()
        self._queue.clear()
        if self._deadline is not None:
            self._deadline.cancel()
        self._loop.call_soon(self.finish)
