"""The control connection of some client of a relay, by hand: a plain socket that never blocks."""

import socket
from collections.abc import Callable

from reactor import Address, EventLoop
from reactor.testing import run_until


class Controller:
    """The control connection of some client, by hand."""

    def __init__(self, loop: EventLoop, server: Address, source: str | None = None) -> None:
        self._loop = loop
        bound = None if source is None else (source, 0)
        self.sock = socket.create_connection(server[:2], source_address=bound)
        self.sock.setblocking(False)
        self._heard = b""
        self.ended = False

    def say(self, data: bytes) -> None:
        """Send, however long it takes the relay to read."""
        while data:
            try:
                data = data[self.sock.send(data) :]
            except BlockingIOError:
                self._loop.run_once(0)

    def hear(self, lines: int = 1) -> list[bytes]:
        """The next lines that the relay says."""
        self._run_until(lambda: self._heard.count(b"\n") >= lines)
        *heard, self._heard = self._heard.split(b"\n", lines)
        return heard

    def ask(self, command: bytes) -> bytes:
        """Say one command and hear its reply."""
        self.say(command + b"\n")
        return self.hear()[0]

    def hear_the_end(self) -> bytes:
        """All that the relay says until it closes or resets the connection."""
        self._run_until(lambda: self.ended)
        return self._heard

    def reset(self) -> None:
        """Break the connection off."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.sock.close()

    def _run_until(self, condition: Callable[[], object]) -> None:
        def reached() -> object:
            self._read()
            return condition()

        run_until(self._loop, reached)

    def _read(self) -> None:
        while not self.ended:
            try:
                data = self.sock.recv(65536)
            except BlockingIOError:
                return
            except ConnectionResetError:
                data = b""
            self._heard += data
            self.ended = not data
