r"""Asks a server for as much as it can give, line by line, and checks every answer.

python3 -m tests.benchmarks.traffic.requests \
    echo|relay HOST PORT CONNECTIONS IN_FLIGHT WARM_UP SECONDS

Stands in for requests.c where there is no compiler; the same arguments and the same output,
but likely the slower side of the two, so that its figures say little about a server.
"""

import json
import selectors
import socket
import sys
import time
from typing import Final

_FIRST_PLAYER: Final = 20000


class EchoTalk:
    """What a line echo server is asked, and what it is to answer."""

    def begin(self, sock: socket.socket) -> None:
        """Nothing to be said before."""

    def questions(self, first: int, count: int) -> bytes:
        """The lines from `first` on."""
        lines = range(first, first + count)
        return b"".join(b"request %010d ............\n" % number for number in lines)

    answers = questions


class RelayTalk:
    """The same for a relay."""

    def __init__(self, player: int) -> None:
        self._player = player

    def begin(self, sock: socket.socket) -> None:
        """Ask for the stream, so that the other commands make sense."""
        sock.sendall(b"CONECTAR %d\n" % self._player)
        if sock.recv(64) != b"OK\n":
            raise ConnectionError("CONECTAR was not answered OK")

    def questions(self, first: int, count: int) -> bytes:
        """INTERRUMPIR and CONTINUAR by turns."""
        words = b"INTERRUMPIR\n", b"CONTINUAR\n"
        return b"".join(words[number % 2] for number in range(first, first + count))

    def answers(self, first: int, count: int) -> bytes:
        """Each is granted."""
        return b"OK\n" * count


class Connection:
    """Sends `in_flight` lines in one piece, and the next as soon as all are answered."""

    def __init__(self, server: tuple[str, int], talk: EchoTalk | RelayTalk, in_flight: int) -> None:
        self.socket = socket.create_connection(server)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._talk = talk
        self._in_flight = in_flight
        self._asked = 0
        self.mismatches = 0
        talk.begin(self.socket)
        self._ask()

    def _ask(self) -> None:
        self.socket.sendall(self._talk.questions(self._asked, self._in_flight))
        self._expected = self._talk.answers(self._asked, self._in_flight)
        self._asked += self._in_flight
        self._pending = b""

    def take_answers(self) -> int:
        """Take what came; check it and go on if that was all. Returns how many lines it was."""
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError("the server closed the connection")
        self._pending += data
        if len(self._pending) < len(self._expected):
            return 0
        self.mismatches += self._pending != self._expected
        self._ask()
        return self._in_flight


def measure(connections: list[Connection], warm_up: float, seconds: float) -> tuple[int, float]:
    """Answers, and the seconds they took."""
    answers = 0
    with selectors.DefaultSelector() as selector:
        for connection in connections:
            selector.register(connection.socket, selectors.EVENT_READ, connection)
        began, until = 0.0, time.monotonic() + warm_up
        while True:
            for key, _ in selector.select(5.0):
                answers += key.data.take_answers()
            now = time.monotonic()
            if now >= until and began:
                return answers, now - began
            if now >= until:
                answers, began, until = 0, now, now + seconds
                print("began", flush=True)


def main(arguments: list[str]) -> None:
    kind, host, port, count, in_flight, warm_up, seconds = arguments
    connections = [
        Connection(
            (host, int(port)),
            RelayTalk(_FIRST_PLAYER + number) if kind == "relay" else EchoTalk(),
            int(in_flight),
        )
        for number in range(int(count))
    ]
    requests, took = measure(connections, float(warm_up), float(seconds))
    mismatches = sum(connection.mismatches for connection in connections)
    for connection in connections:
        connection.socket.close()
    print(json.dumps({"requests": requests, "seconds": took, "mismatches": mismatches}))


if __name__ == "__main__":
    main(sys.argv[1:])
