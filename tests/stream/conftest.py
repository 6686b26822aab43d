"""What the tests of streams share: a link that time does not pass over."""

import pytest

from reactor import EventLoop, ReceiveBuffer
from reactor.testing import ManualClock, RecordingHandler


def settle(loop: EventLoop, iterations: int = 6) -> None:
    """Let everything happen that does not depend on time."""
    for _ in range(iterations):
        loop.run_once(0)


def pattern(size: int) -> bytes:
    """Bytes in which nothing can be lost, doubled or swapped unnoticed."""
    return b"".join(number.to_bytes(4) for number in range(size // 4 + 1))[:size]


class Keeper(RecordingHandler):
    """Leaves what was received in the buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []

    def data_received(self, buffer: ReceiveBuffer) -> None:
        self.sizes.append(len(buffer))


class Replier(RecordingHandler):
    """Answers whatever it gets with `reply`, and may close then."""

    def __init__(self, reply: bytes, *, close: bool = False) -> None:
        super().__init__()
        self._reply = reply
        self._close = close

    def data_received(self, buffer: ReceiveBuffer) -> None:
        super().data_received(buffer)
        assert self.stream is not None
        if not self.stream.closing:
            self.stream.write(self._reply)
            if self._close:
                self.stream.close()


@pytest.fixture(autouse=True)
def standing_time(clock: ManualClock) -> None:
    """No deadline passes unless a test makes time pass: what happens has another reason."""
