"""Two ends of one connection inside one process, and what is needed to look at them."""

import time
from collections.abc import Callable

from ..buffers import ReceiveBuffer
from ..loop import EventLoop
from ..stream import Stream, StreamHandler

__all__ = ["RecordingHandler", "run_until", "stream_pair"]


class RecordingHandler(StreamHandler):
    """Writes down what happened, in order: `events` holds the names of the calls.

    What was received is gathered in `received`, what ended the stream in `error`.
    """

    def __init__(self, *, keep_open: bool = False) -> None:
        """With `keep_open`, the stream is not closed when the peer ends its side."""
        self._keep_open = keep_open
        self.stream: Stream | None = None
        self.events: list[str] = []
        self.received = bytearray()
        self.error: Exception | None = None

    def connection_made(self, stream: Stream) -> None:
        self.stream = stream
        self.events.append("connection_made")

    def connection_failed(self, exc: OSError) -> None:
        self.error = exc
        self.events.append("connection_failed")

    def data_received(self, buffer: ReceiveBuffer) -> None:
        self.received += buffer.take_all()
        self.events.append("data_received")

    def eof_received(self) -> bool:
        self.events.append("eof_received")
        return self._keep_open

    def resume_writing(self) -> None:
        self.events.append("resume_writing")

    def connection_lost(self, exc: Exception | None) -> None:
        self.error = exc
        self.events.append("connection_lost")


def stream_pair(
    loop: EventLoop, left: StreamHandler, right: StreamHandler
) -> tuple[Stream, Stream]:
    """Two connected streams over a socket pair; `connection_made` follows for both.

    >>> left, right = RecordingHandler(), RecordingHandler()
    >>> with EventLoop() as loop:
    ...     stream, _ = stream_pair(loop, left, right)
    ...     _ = stream.write(b"hello")
    ...     stream.close()
    ...     loop.run()
    >>> right.received, right.events[-1]
    (bytearray(b'hello'), 'connection_lost')
    """
    first, second = loop.network.socketpair()
    try:
        return (
            Stream(loop, first, left, peername="right"),
            Stream(loop, second, right, peername="left"),
        )
    except BaseException:
        first.close()
        second.close()
        raise


def run_until(loop: EventLoop, condition: Callable[[], object], timeout: float = 5.0) -> None:
    """Iterate until `condition()` is true. Raises AssertionError after `timeout` real seconds.

    The deadline is only there to end a broken test: iteration stops with the condition.
    """
    deadline = time.monotonic() + timeout
    while not condition():
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            raise AssertionError(f"still waiting after {timeout:g} s")
        # The condition may depend on what the loop does not watch: look again soon.
        loop.run_once(min(remaining, 0.01))
