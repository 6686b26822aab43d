"""A player that listens for the datagrams of a relay: a plain socket that never blocks."""

import socket

from reactor import EventLoop
from reactor.testing import run_until


class Player:
    """A UDP port of some client."""

    def __init__(self, loop: EventLoop, host: str = "127.0.0.1", port: int = 0) -> None:
        self._loop = loop
        self.sock = socket.socket(
            socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM
        )
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self.sock.bind((host, port))
        self.sock.setblocking(False)
        self.port: int = self.sock.getsockname()[1]
        self._seen: list[bytes] = []

    def datagrams(self) -> list[bytes]:
        """All that has come so far."""
        while True:
            try:
                self._seen.append(self.sock.recv(65536))
            except BlockingIOError:
                return self._seen

    def wait_for(self, count: int) -> list[bytes]:
        """The first `count` datagrams."""
        run_until(self._loop, lambda: len(self.datagrams()) >= count)
        return self._seen
