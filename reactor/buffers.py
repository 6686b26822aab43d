"""The two byte queues of a stream: what has arrived, and what still has to leave.

Neither knows of sockets. Both do work linear in the bytes that pass through them,
however the bytes are cut.
"""

from collections.abc import Callable
from itertools import takewhile
from typing import Final

from .errors import BufferFull, LineTooLong

__all__ = ["ReceiveBuffer", "SendQueue"]

# One send rarely moves more than a socket buffer holds; joining beyond it would copy
# bytes that then wait here anyway.
_JOIN_SIZE: Final = 64 * 1024
# An object weighs some 40 bytes beside its payload: many small chunks are joined.
_MOST_CHUNKS: Final = 1024
_CARRIAGE_RETURN: Final = 0x0D


class ReceiveBuffer:
    r"""Bytes that have arrived and were not taken yet; lines and exact counts come out.

    `limit` is how many bytes may wait for more to come, None any number.

    >>> buffer = ReceiveBuffer()
    >>> buffer.append(b"one\r\ntwo\nthree\nfo")
    >>> buffer.take_line(limit=80), buffer.take_lines(limit=80), buffer.take_line(limit=80)
    (b'one', [b'two', b'three'], None)
    >>> buffer.take_exactly(2), len(buffer), buffer.position
    (b'fo', 0, 17)
    """

    __slots__ = ("_data", "_limit", "_received", "_searched", "_start")

    def __init__(self, limit: int | None = None) -> None:
        # Most of what arrives is complete, and is taken before more comes: then `_data` is
        # the very object that was received. Only what has to wait for more becomes a
        # bytearray, which grows, and shrinks at the front, without copying the rest.
        self._data: bytes | bytearray = b""
        self._start = 0  # what lies before was taken; never all of it
        self._searched = 0  # from the start to here there is no b"\n"
        self._received = 0  # bytes since the beginning
        self._limit = limit

    def __len__(self) -> int:
        return len(self._data) - self._start

    def __bytes__(self) -> bytes:
        """What lies here, and stays."""
        return bytes(self._data[self._start :])

    @property
    def position(self) -> int:
        """How many bytes have been taken since the beginning: the offset of the next one."""
        return self._received - len(self)

    def append(self, data: bytes | bytearray | memoryview) -> None:
        """Add bytes at the end. `bytes` may be kept as they are, other buffers are copied.

        Raises BufferFull, and adds nothing, if some bytes wait already and these would
        make them more than the limit. What comes into an empty buffer always fits.
        """
        if type(data) is not bytes:
            data = bytes(data)
        if not self._data:
            self._data = data
        elif data and self._limit is not None and len(self) + len(data) > self._limit:
            raise BufferFull(f"{len(self)} bytes were received and not taken")
        else:
            if isinstance(self._data, bytes):
                self._data = bytearray(self._data)
            # CPython moves the start of a bytearray instead of its bytes.
            del self._data[: self._start]
            self._data += data
            self._searched -= self._start
            self._start = 0
        self._received += len(data)

    def take_line(self, limit: int) -> bytes | None:
        r"""Take the next line without its ``\n`` or ``\r\n``; None while it is incomplete.

        `limit` is the greatest length of a line in bytes, terminator not counted.
        Raises LineTooLong as soon as no continuation could make the line fit, and again
        on each further call: nothing is taken. Whether it is raised depends on the bytes
        alone, never on how they were cut.
        """
        data, start = self._data, self._start
        if not data:
            return None
        end = data.find(b"\n", self._searched)
        if end < 0:
            self._wait_for_more(limit)
            return None
        line = data[start:end]
        if line and line[-1] == _CARRIAGE_RETURN:
            line = line[:-1]
        if len(line) > limit:
            raise LineTooLong(limit, self.position)
        self._start = self._searched = end + 1
        if end + 1 == len(data):
            self._release()
        return line if type(line) is bytes else bytes(line)

    def take_lines(self, limit: int) -> list[bytes]:
        """Take all complete lines, each as `take_line` would; [] if there is none.

        Where a line is too long, those before it come out first: the call that finds it at
        the front raises LineTooLong. So call again until nothing comes.
        """
        data = self._data
        if not data:
            return []
        if data.find(b"\n", self._searched) < 0:
            self._wait_for_more(limit)
            return []
        data = bytes(data[self._start :])
        lines = data.split(b"\n")
        rest = lines.pop()
        if _CARRIAGE_RETURN in data:
            lines = [line.removesuffix(b"\r") for line in lines]
        if len(data) > limit and max(map(len, lines)) > limit:
            return self._take_those_that_fit(lines, limit)
        self._data, self._start, self._searched = rest, 0, len(rest)
        return lines

    def take_exactly(self, count: int) -> bytes | None:
        """Take `count` bytes; None while there are fewer. Raises ValueError below 0."""
        if count < 0:
            raise ValueError(f"count must not be negative: {count}")
        if len(self) < count:
            self._release()
            return None
        end = self._start + count
        taken = bytes(self._data[self._start : end])
        self._start, self._searched = end, max(self._searched, end)
        self._release()
        return taken

    def take_all(self) -> bytes:
        """Take whatever is there, perhaps b""."""
        taken = self._data[self._start :]
        self._data, self._start, self._searched = b"", 0, 0
        return taken if type(taken) is bytes else bytes(taken)

    def discard(self, count: int) -> None:
        """Drop up to `count` bytes from the front. Raises ValueError below 0."""
        self.take_exactly(min(count, len(self)))

    def _take_those_that_fit(self, lines: list[bytes], limit: int) -> list[bytes]:
        fit = list(takewhile(lambda line: len(line) <= limit, lines))
        if not fit:
            raise LineTooLong(limit, self.position)
        for _ in fit:
            self.take_line(limit)
        return fit

    def _wait_for_more(self, limit: int) -> None:
        """There is no terminator. Raise LineTooLong if none could come in time."""
        self._searched = len(self._data)
        self._release()
        # A last b"\r" may turn out to belong to the terminator.
        if len(self) - self._data.endswith(b"\r", self._start) > limit:
            raise LineTooLong(limit, self.position)

    def _release(self) -> None:
        """What is left may wait for long: don't let it keep what was taken alive.

        Copies less than was taken since the last time.
        """
        start = self._start
        if 2 * start > len(self._data):
            self._data = self._data[start:]
            self._searched -= start
            self._start = 0


class SendQueue:
    """Bytes that a socket has not accepted yet, in order.

    A partial send costs nothing but an offset, so one byte at a time is still linear.

    >>> queue = SendQueue()
    >>> queue.append(b"hello "); queue.append(b"world")
    >>> queue.send_to(lambda data: print(data) or 4); queue.size
    b'hello world'
    7
    """

    __slots__ = ("_chunks", "_joined", "_offset", "size")

    def __init__(self) -> None:
        # An empty deque would weigh ten times as much on every idle connection. That a list
        # moves when its first goes is nothing beside the send: it is short, or of large chunks.
        self._chunks: list[bytes] = []
        self._joined = 0  # so many chunks from the start have been joined already
        self._offset = 0  # so much of the first was accepted
        self.size = 0
        """Bytes in the queue."""

    def append(self, data: bytes) -> None:
        """Add bytes at the end. They are kept, not copied, unless they are many and small.

        b"" adds nothing.
        """
        if data:
            chunks = self._chunks
            chunks.append(data)
            self.size += len(data)
            if len(chunks) - self._joined > _MOST_CHUNKS:
                self._join(self._joined)
                self._joined += 1

    def send_to(self, send: Callable[[bytes | memoryview], int]) -> None:
        """Give `send` the next bytes, of which it says how many it accepted: those leave.

        Small neighbours leave together; a chunk that stands alone is not copied. There must
        be something to send. What `send` raises passes, and nothing has left.
        """
        chunks, offset = self._chunks, self._offset
        if len(chunks) > 1 and not offset:
            self._join(0)
        head = chunks[0]
        accepted = send(memoryview(head)[offset:] if offset else head)
        self.size -= accepted
        if offset + accepted == len(head):
            del chunks[0]
            self._offset = 0
        else:
            self._offset += accepted

    def clear(self) -> None:
        """Drop everything."""
        self._chunks, self._joined, self._offset, self.size = [], 0, 0, 0

    def _join(self, start: int) -> None:
        """Make one chunk of so many from `start` on as one send may take."""
        chunks, end, size = self._chunks, start, 0
        if self.size <= _JOIN_SIZE:
            end = len(chunks)
        while size < _JOIN_SIZE and end < len(chunks):
            size += len(chunks[end])
            end += 1
        if end - start > 1:
            chunks[start:end] = [b"".join(chunks[start:end])]
        self._joined = start
