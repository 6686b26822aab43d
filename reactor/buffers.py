"""The two byte queues of a stream: what has arrived, and what still has to leave.

Neither knows of sockets. Both do work linear in the bytes that pass through them,
however the bytes are cut.
"""

from collections.abc import Iterator
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
        self._start = 0  # what lies before was taken
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
        waiting = len(self._data) - self._start
        if not waiting:
            self._data = data
            self._start = self._searched = 0
        elif data and self._limit is not None and waiting + len(data) > self._limit:
            raise BufferFull(f"{waiting} bytes were received and not taken")
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
        end = data.find(b"\n", self._searched)
        if end < 0:
            self._wait_for_more(limit)
            return None
        following = end + 1
        if end > start and data[end - 1] == _CARRIAGE_RETURN:
            end -= 1
        if end - start > limit:
            raise LineTooLong(limit, self.position)
        self._start = self._searched = following
        line = data[start:end]
        return line if type(line) is bytes else bytes(line)

    def take_lines(self, limit: int) -> list[bytes]:
        """Take all complete lines, each as `take_line` would; [] if there is none.

        Where a line is too long, those before it come out first: the call that finds it at
        the front raises LineTooLong. So call again until nothing comes.
        """
        data, start = self._data, self._start
        if start == len(data):
            return []
        if data.find(b"\n", self._searched) < 0:
            self._wait_for_more(limit)
            return []
        lines = bytes(data[start:]).split(b"\n")
        rest = lines.pop()
        if _CARRIAGE_RETURN in data:
            lines = [line.removesuffix(b"\r") for line in lines]
        if len(data) - start > limit and max(map(len, lines)) > limit:
            return self._take_lines_that_fit(limit)
        self._start, self._searched = len(data) - len(rest), len(data)
        self._release()
        return lines

    def take_exactly(self, count: int) -> bytes | None:
        """Take `count` bytes; None while there are fewer. Raises ValueError below 0."""
        if count < 0:
            raise ValueError(f"count must not be negative: {count}")
        if len(self) < count:
            self._release()
            return None
        return self._take(count)

    def take_all(self) -> bytes:
        """Take whatever is there, perhaps b""."""
        return self._take(len(self))

    def discard(self, count: int) -> None:
        """Drop up to `count` bytes from the front. Raises ValueError below 0."""
        self.take_exactly(min(count, len(self)))

    def _take(self, count: int) -> bytes:
        end = self._start + count
        taken = bytes(self._data[self._start : end])
        self._start, self._searched = end, max(self._searched, end)
        self._release()
        return taken

    def _take_lines_that_fit(self, limit: int) -> list[bytes]:
        lines: list[bytes] = []
        try:
            while (line := self.take_line(limit)) is not None:
                lines.append(line)
        except LineTooLong:
            if not lines:
                raise
        return lines

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

    `peek` gives the next piece to send, `advance` says how much of it was accepted. A
    partial send costs nothing but an offset, so one byte at a time is still linear.

    >>> queue = SendQueue()
    >>> queue.append(b"hello "); queue.append(b"world")
    >>> bytes(queue.peek()), queue.size
    (b'hello world', 11)
    >>> queue.advance(4); bytes(queue.peek())
    b'o world'
    """

    __slots__ = ("_chunks", "_head", "_joined", "_offset", "_reversed", "size")

    def __init__(self) -> None:
        # Two lists make a queue: append to one, pop from the reverse of the other. An
        # empty deque would weigh ten times as much on every idle connection.
        self._chunks: list[bytes] = []
        self._reversed: list[bytes] = []
        self._joined = 0  # so many chunks from the start have been joined already
        self._head = b""
        self._offset = 0
        self.size = 0
        """Bytes in the queue."""

    def append(self, data: bytes) -> None:
        """Add bytes at the end. They are kept, not copied, unless they are many and small.

        b"" adds nothing.
        """
        if data:
            self._chunks.append(data)
            self.size += len(data)
            if len(self._chunks) - self._joined > _MOST_CHUNKS:
                self._join_neighbours()

    def peek(self) -> bytes | memoryview:
        """The next bytes to send: b"" if and only if the queue is empty."""
        if self._offset:
            return memoryview(self._head)[self._offset :]
        if not self._head:
            self._head = self._join()
        return self._head

    def advance(self, count: int) -> None:
        """Remove the first `count` bytes of what `peek` gave last.

        Raises ValueError if that was less than `count`.
        """
        offset = self._offset + count
        if not 0 <= count <= len(self._head) - self._offset:
            raise ValueError(f"cannot advance by {count} bytes")
        self.size -= count
        if offset == len(self._head):
            self._head, self._offset = b"", 0
        else:
            self._offset = offset

    def clear(self) -> None:
        """Drop everything."""
        self._chunks, self._reversed, self._joined = [], [], 0
        self._head, self._offset, self.size = b"", 0, 0

    def _join(self) -> bytes:
        """Small neighbours leave together; a chunk that stands alone is not copied."""
        if self.size <= _JOIN_SIZE and not self._reversed:
            chunks, self._chunks, self._joined = self._chunks, [], 0
        else:
            chunks = list(self._pop_up_to(_JOIN_SIZE))
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def _pop_up_to(self, size: int) -> Iterator[bytes]:
        while size > 0 and (self._reversed or self._chunks):
            if not self._reversed:
                self._reversed, self._chunks, self._joined = self._chunks[::-1], [], 0
            chunk = self._reversed.pop()
            size -= len(chunk)
            yield chunk

    def _join_neighbours(self) -> None:
        """Bound the number of chunks by that of the bytes: each byte is joined once here."""
        chunks = self._chunks[self._joined :]
        if sum(map(len, chunks)) <= _JOIN_SIZE:
            self._chunks[self._joined :] = [b"".join(chunks)]
        self._joined = len(self._chunks)
