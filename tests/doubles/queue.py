"""What waits for a loop that is late."""

import socket

from reactor import EVENT_READ, EventLoop
from reactor.testing import ManualClock
from tests.doubles.peer import wait_for


class Queue:
    """A socket to which something came in time, and a deadline that has passed meanwhile."""

    def __init__(
        self, loop: EventLoop, clock: ManualClock, pair: tuple[socket.socket, socket.socket]
    ) -> None:
        self._clock = clock
        self._near, self._far = pair
        self.order: list[str] = []
        loop.register(self._near, EVENT_READ, self._hear)
        loop.call_at(60.0, self.order.append, "deadline")

    def stall(self, *args: object) -> None:
        """Something comes in time; then nothing runs for an hour."""
        self._far.send(b"x")
        wait_for(self._near)
        self._clock.advance(3600.0)

    def _hear(self, events: int) -> None:
        self._near.recv(1)
        self.order.append("heard")
