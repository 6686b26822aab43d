"""The two byte queues of a stream: what has arrived, and what still has to leave.

Neither knows of sockets. Both do work linear in the bytes that pass through them,
however the bytes are cut.
"""

from collections.abc import Iterator
from typing import Final

from .errors import LineTooLong

__all__ = ["ReceiveBuffer", "SendQueue"]

# One send rarely moves more than a socket buffer holds; joining beyond it would copy
# bytes that then wait here anyway.
_JOIN_SIZE: Final = 64 * 1024


class ReceiveBuffer:
    r"""Bytes that have arrived and were not taken yet; lines and exact counts come out.

    >>> buffer = ReceiveBuffer()
    >>> buffer.append(b"one\r\ntwo\nthr")
    >>> buffer.take_line(limit=80), buffer.take_line(limit=80), buffer.take_line(limit=80)
    (b'one', b'two', None)
    >>> buffer.take_exactly(3), len(buffer), buffer.position
    (b'thr', 0, 12)
    """

    __slots__ = ("_data", "_searched", "position")

    def __init__(self) -> None:
        self._data = bytearray()
        self._searched = 0  # bytes at the front that are known to hold no b"\n"
        self.position = 0
        """How many bytes have been taken since the start: the offset of the next one."""

    def __len__(self) -> int:
        return len(self._data)

    def append(self, data: bytes | bytearray | memoryview) -> None:
        """Add bytes at the end; they are copied."""
        self._data += data

    def take_line(self, limit: int) -> bytes | None:
        r"""Take the next line without its ``\n`` or ``\r\n``; None while it is incomplete.

        `limit` is the greatest length of a line in bytes, terminator not counted.
        Raises LineTooLong as soon as no continuation could make the line fit, and again
        on each further call: nothing is taken. Whether it is raised depends on the bytes
        alone, never on how they were cut.
        """
        data = self._data
        end = data.find(b"\n", self._searched)
        if end < 0:
            self._searched = length = len(data)
            # A last b"\r" may turn out to belong to the terminator.
            if length - data.endswith(b"\r") > limit:
                raise LineTooLong(limit, self.position)
            return None
        length = end - 1 if end and data[end - 1] == 0x0D else end
        if length > limit:
            raise LineTooLong(limit, self.position)
        line = bytes(data[:length])
        self.discard(end + 1)
        return line

    def take_exactly(self, count: int) -> bytes | None:
        """Take `count` bytes; None while there are fewer. Raises ValueError below 0."""
        if count < 0:
            raise ValueError(f"count must not be negative: {count}")
        if len(self._data) < count:
            return None
        taken = bytes(self._data[:count])
        self.discard(count)
        return taken

    def take_all(self) -> bytes:
        """Take whatever is there, perhaps b""."""
        taken = bytes(self._data)
        self.discard(len(taken))
        return taken

    def discard(self, count: int) -> None:
        """Drop up to `count` bytes from the front."""
        dropped = min(count, len(self._data))
        # CPython moves the start of a bytearray instead of its bytes, so this is
        # amortised constant time.
        del self._data[:dropped]
        self.position += dropped
        self._searched = max(0, self._searched - dropped)


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

    __slots__ = ("_chunks", "_head", "_offset", "_reversed", "size")

    def __init__(self) -> None:
        # Two lists make a queue: append to one, pop from the reverse of the other. An
        # empty deque would weigh ten times as much on every idle connection.
        self._chunks: list[bytes] = []
        self._reversed: list[bytes] = []
        self._head = b""
        self._offset = 0
        self.size = 0
        """Bytes in the queue."""

    def append(self, data: bytes) -> None:
        """Add bytes at the end. They are kept, not copied; b"" adds nothing."""
        if data:
            self._chunks.append(data)
            self.size += len(data)

    def peek(self) -> bytes | memoryview:
        """The next bytes to send: b"" if and only if the queue is empty."""
        if not self._head and self.size:
            self._head = self._join()
        return memoryview(self._head)[self._offset :] if self._offset else self._head

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
        self._chunks, self._reversed = [], []
        self._head, self._offset, self.size = b"", 0, 0

    def _join(self) -> bytes:
        """Small neighbours leave together; a chunk that stands alone is not copied."""
        if len(self._chunks) == 1 and not self._reversed:
            return self._chunks.pop()
        pieces = list(self._pop_up_to(_JOIN_SIZE))
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _pop_up_to(self, size: int) -> Iterator[bytes]:
        while size > 0 and (self._reversed or self._chunks):
            if not self._reversed:
                self._reversed, self._chunks = self._chunks[::-1], []
            chunk = self._reversed.pop()
            size -= len(chunk)
            yield chunk
