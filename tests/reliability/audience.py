"""Well-behaved clients of a relay in another process, with the stream that they watch.

They lose nothing and every command is answered, or they know what was missing and why.
"""

import selectors
import socket
import time
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from typing import Final

from examples.synthetic import SIZE, datagram, number_of
from reactor import Address
from reactor.socket_options import ask_for_buffers, dropped_by_system

__all__ = ["Audience", "GoodClient"]

_TICK: Final = 0.005
_RHYTHM: Final = 0.1
_PATIENCE: Final = 30.0
_BUFFER_SIZE: Final = 16 * 1024 * 1024

# What each says in turn, and how the reply begins.
_WATCHING: Final = [
    (b"CONTINUAR\n", b"ERROR NO_INTERRUMPIDO "),
    (b"hola\n", b"ERROR DESCONOCIDO "),
]
_PAUSING: Final = [(b"INTERRUMPIR\n", b"OK"), (b"CONTINUAR\n", b"OK")]


class GoodClient:
    """Watches, and says something now and then; `pausing`, it interrupts what it watches."""

    def __init__(self, relay: Address, *, pausing: bool) -> None:
        self._script = _PAUSING if pausing else _WATCHING
        self._step = 0
        self._asked: deque[tuple[float, bytes]] = deque()
        self._heard = b""
        self._gaps_allowed = 0
        self.answer_times: list[float] = []
        """Seconds from each command to its reply."""
        self.arrived = 0
        """Datagrams that came unchanged and in order."""
        self.next_number = 0
        self.missing = 0
        """Datagrams that should have come between two that came."""
        self.damaged = 0
        """Datagrams that were changed, repeated or out of order."""
        self.wrong_reply: bytes | None = None
        with ExitStack() as opened:
            self.player = opened.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            ask_for_buffers(self.player, receive=_BUFFER_SIZE, send=_BUFFER_SIZE)
            self.player.bind(("127.0.0.1", 0))
            self.player.setblocking(False)
            self.control = opened.enter_context(socket.create_connection(relay, _PATIENCE))
            self.control.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.control.sendall(b"CONECTAR %d\n" % self.player.getsockname()[1])
            if self.control.recv(64) != b"OK\n":
                raise ConnectionError("a good client was not let in")
            self.control.setblocking(False)
            opened.pop_all()

    @property
    def unanswered(self) -> int:
        return len(self._asked)

    @property
    def at_rest(self) -> bool:
        """Whether it has said all that its script says, and is active."""
        return self._step % len(self._script) == 0

    def ask(self) -> None:
        """Say the next thing, whether or not the last was answered yet."""
        line, reply = self._script[self._step % len(self._script)]
        self._step += 1
        self._gaps_allowed += line == b"CONTINUAR\n" and reply == b"OK"
        self._asked.append((time.monotonic(), reply))
        self.control.send(line)

    def hear(self) -> None:
        """Take the replies that are there."""
        try:
            self._heard += self.control.recv(65536)
        except BlockingIOError:
            return
        except OSError as exc:
            self.wrong_reply = repr(exc).encode()
            return
        now = time.monotonic()
        *lines, self._heard = self._heard.split(b"\n")
        for line in lines:
            asked, reply = self._asked.popleft() if self._asked else (now, b"nothing")
            self.answer_times.append(now - asked)
            if not line.startswith(reply):
                self.wrong_reply = line

    def watch(self) -> None:
        """Take the datagrams that are there."""
        while True:
            try:
                data = self.player.recv(SIZE + 1)
            except BlockingIOError:
                return
            self._check(number_of(data))

    def lost_by_socket(self) -> int:
        """Datagrams that found this process's own socket full."""
        return dropped_by_system(self.player) or 0

    def close(self) -> None:
        self.control.close()
        self.player.close()

    def _check(self, number: int | None) -> None:
        if number is None or number < self.next_number:
            self.damaged += 1
            return
        if number > self.next_number:
            if self._gaps_allowed:
                self._gaps_allowed -= 1
            else:
                self.missing += number - self.next_number
        self.next_number = number + 1
        self.arrived += 1


class Audience:
    """Some good clients, the last of which pauses now and then, and the source they watch."""

    def __init__(self, relay: Address, ingest: Address, count: int, mbps: float) -> None:
        self._ingest = ingest
        self._interval = SIZE * 8 / (mbps * 1e6)
        self._selector = selectors.DefaultSelector()
        self._source = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.clients: list[GoodClient] = []
        try:
            for index in range(count):
                self.clients.append(GoodClient(relay, pausing=index == count - 1))
        except BaseException:
            self.close()
            raise
        for client in self.clients:
            self._selector.register(client.control, selectors.EVENT_READ, client)
        self.sent = 0
        self._began = self._next_tick = time.monotonic()
        self._turn = 0
        self._next_command = self._began
        self._streaming = self._asking = True

    @property
    def watching(self) -> list[GoodClient]:
        """Those that never pause."""
        return self.clients[:-1]

    def go_on(self, until: Callable[[], object], patience: float = _PATIENCE) -> bool:
        """Stream, watch and ask until a condition holds; False if it never came to that."""
        deadline = time.monotonic() + patience
        while not until():
            if time.monotonic() > deadline:
                return False
            self._tick()
        return True

    def last(self, seconds: float) -> None:
        """Stream, watch and ask for so long."""
        end = time.monotonic() + seconds
        self.go_on(lambda: time.monotonic() >= end, seconds + _PATIENCE)

    def finish(self, patience: float = _PATIENCE) -> None:
        """Ask and send no more, and take what is still on its way."""
        self.go_on(lambda: all(client.at_rest for client in self.clients), patience)
        self._asking = False
        self.go_on(lambda: not any(client.unanswered for client in self.clients), patience)
        said = self.sent
        # The one that pauses has to see the stream go on.
        self.go_on(lambda: self.sent > said, patience)
        self._streaming = False
        self.go_on(
            lambda: all(client.next_number == self.sent for client in self.clients), patience
        )

    def take_answer_times(self) -> list[float]:
        """Seconds that each reply took since this was last asked for."""
        taken = [seconds for client in self.clients for seconds in client.answer_times]
        for client in self.clients:
            client.answer_times.clear()
        return sorted(taken)

    def close(self) -> None:
        for client in self.clients:
            client.close()
        self._source.close()
        self._selector.close()

    def _tick(self) -> None:
        while (rest := self._next_tick - time.monotonic()) > 0:
            for key, _ in self._selector.select(rest):
                key.data.hear()
        now = time.monotonic()
        self._next_tick = max(self._next_tick + _TICK, now)
        if self._streaming:
            while self.sent < (now - self._began) / self._interval:
                self._source.sendto(datagram(self.sent), self._ingest)
                self.sent += 1
        if self._asking and now >= self._next_command:
            # The rhythm is each client's; they speak one after the other.
            self._next_command = now + _RHYTHM / len(self.clients)
            self.clients[self._turn % len(self.clients)].ask()
            self._turn += 1
        for client in self.clients:
            client.watch()
