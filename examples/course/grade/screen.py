"""Where a viewer's VLC would listen, and what came there."""

import select
import socket
import time
from typing import Final

from .ports import SCREENS, free_port

__all__ = ["Screen"]

_BUFFER: Final = 1 << 20
_LARGEST: Final = 65_535
_PATIENCE: Final = 2.0
_LOOK_AGAIN: Final = 0.001


class Screen:
    """A datagram socket of this machine, at `port`."""

    def __init__(self) -> None:
        self.port = free_port(socket.SOCK_DGRAM, SCREENS)
        self._open()

    def _open(self) -> None:
        """Again, if another grader tries this very port at this moment, as `free_port` does."""
        deadline = time.monotonic() + _PATIENCE
        while True:
            self._sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
            try:
                return self._sock.bind(("127.0.0.1", self.port))
            except OSError:
                self._sock.close()
                if time.monotonic() > deadline:
                    raise
            time.sleep(_LOOK_AGAIN)

    def switch_off(self) -> None:
        """As if no VLC ran: what comes is refused. Nobody else gets the port meanwhile."""
        self._sock.connect(self._sock.getsockname())  # hears nobody but itself

    def switch_on(self) -> None:
        """Without what came while it was off."""
        self._sock.close()
        self._open()

    def take(self, count: int, within: float) -> list[bytes]:
        """The next datagrams: `count` of them, or as many as come within so many seconds."""
        taken: list[bytes] = []
        deadline = time.monotonic() + within
        while len(taken) < count:
            left = max(0.0, deadline - time.monotonic())
            if not select.select([self._sock], [], [], left)[0]:
                break
            taken.append(self._sock.recv(_LARGEST))
        return taken

    def close(self) -> None:
        self._sock.close()
