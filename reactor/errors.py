"""Every exception of the library, so that a reader finds in one place what can go wrong.

What the operating system reports stays an `OSError`; what is here has no errno.
"""

__all__ = ["BufferFull", "LineTooLong", "LoopClosed", "ProtocolError", "StreamClosed"]


class StreamClosed(Exception):
    """A stream or endpoint was used after it was closed: wrong use by the program."""


class LoopClosed(RuntimeError):
    """The loop was closed: nothing can be asked of it any more."""


class BufferFull(Exception):
    """A bounded buffer overflowed: the peer does not read, or the handler does not take."""


class ProtocolError(Exception):
    """The peer sent bytes that break the protocol.

    `position` is the offset, in bytes since the start of the input, at which the
    offending element begins. It does not depend on how the input was cut into chunks.
    """

    def __init__(self, message: str, position: int) -> None:
        super().__init__(f"{message} (at byte {position})")
        self.position = position


class LineTooLong(ProtocolError):
    """A line has more than `limit` bytes before its terminator."""

    def __init__(self, limit: int, position: int) -> None:
        super().__init__(f"line longer than {limit} bytes", position)
        self.limit = limit
