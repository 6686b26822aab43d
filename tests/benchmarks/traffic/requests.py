"""Asks a line echo server for as much as it can give, and checks every answer.

python3 -m tests.benchmarks.traffic.requests HOST PORT CONNECTIONS IN_FLIGHT WARM_UP SECONDS

Stands in for requests.c where there is no compiler; the same arguments and the same output,
but likely the slower side of the two, so that its figures say little about a server.
"""

import json
import selectors
import socket
import sys
import time


class Connection:
    """Sends `in_flight` lines in one piece, and the next as soon as all are answered."""

    def __init__(self, server: tuple[str, int], in_flight: int) -> None:
        self.socket = socket.create_connection(server)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._in_flight = in_flight
        self._asked = self._answered = 0
        self._pending = b""
        self.mismatches = 0
        self._ask()

    def _ask(self) -> None:
        lines = [_line(number) for number in range(self._asked, self._asked + self._in_flight)]
        self._asked += self._in_flight
        self.socket.sendall(b"".join(lines))

    def take_answers(self) -> int:
        """Check what came, go on if that was all, and return how many lines it was."""
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError("the server closed the connection")
        *lines, self._pending = (self._pending + data).split(b"\n")
        for line in lines:
            self.mismatches += line + b"\n" != _line(self._answered)
            self._answered += 1
        if self._answered == self._asked:
            self._ask()
        return len(lines)


def _line(number: int) -> bytes:
    return b"request %010d ............\n" % number


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
    host, port, count, in_flight, warm_up, seconds = arguments
    connections = [Connection((host, int(port)), int(in_flight)) for _ in range(int(count))]
    requests, took = measure(connections, float(warm_up), float(seconds))
    mismatches = sum(connection.mismatches for connection in connections)
    for connection in connections:
        connection.socket.close()
    print(json.dumps({"requests": requests, "seconds": took, "mismatches": mismatches}))


if __name__ == "__main__":
    main(sys.argv[1:])
