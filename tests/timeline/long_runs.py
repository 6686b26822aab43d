"""Records of this repository's programs, as long as they are wanted.

The clients' sockets were made before the recorder, so that the record is the server's alone.
They act whenever the loop has come round.
"""

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from io import BytesIO
from itertools import cycle

from examples.chat import Guest
from reactor import EventLoop, listen
from reactor.relay import RelayServer
from reactor.timeline.recording.recorder import Recorder

__all__ = ["chat", "relay"]

_HOST = "127.0.0.1"
_CLIENTS = 4

Sockets = list[socket.socket]
Play = Callable[[EventLoop, Sockets, Sockets], Iterator[None]]
"""Makes the server, then does one thing after the other; in between, the loop comes round."""


def chat(turns: int) -> list[bytes]:
    """The lines of a chat in which somebody always speaks, now and then in pieces."""
    return _record(turns, _talk)


def relay(turns: int) -> list[bytes]:
    """The lines of a relay to which video comes, and of which one viewer after another pauses."""
    return _record(turns, _watch)


def _talk(loop: EventLoop, clients: Sockets, screens: Sockets) -> Iterator[None]:
    room: set[Guest] = set()
    listener = listen(loop, lambda: Guest(room), _HOST, 0)
    for client in clients:
        client.connect(listener.sockname)
        yield
    said = cycle([b"que t", b"al?\nbuen dia\n", b"adios\r\n"])
    for client in cycle(clients):
        client.sendall(next(said))
        yield


def _watch(loop: EventLoop, clients: Sockets, screens: Sockets) -> Iterator[None]:
    server = RelayServer(loop, (_HOST, 0), ingest=(_HOST, 0), coalesce=0.0)
    for client, screen in zip(clients, screens, strict=True):
        client.connect(server.address)
        client.sendall(b"CONECTAR %d\n" % screen.getsockname()[1])
        yield
    said = cycle([b"INTERRUMPIR\n"] * len(clients) + [b"CONTINUAR\n"] * len(clients))
    viewers = cycle(clients)
    while True:
        for burst in range(10):
            for _ in range(1 + burst % 3):
                screens[0].sendto(b"G" * 1316, server.ingest_address)
            yield
        next(viewers).sendall(next(said))


def _record(turns: int, play: Play) -> list[bytes]:
    file = BytesIO()
    with ExitStack() as stack:
        clients = [stack.enter_context(socket.socket()) for _ in range(_CLIENTS)]
        screens = [
            stack.enter_context(socket.socket(type=socket.SOCK_DGRAM)) for _ in range(_CLIENTS)
        ]
        for screen in screens:
            screen.bind((_HOST, 0))
        recorder = stack.enter_context(Recorder(file))
        loop = stack.enter_context(EventLoop())
        for _ in play(loop, clients, screens):
            loop.run_once(0.001)
            for client in clients:
                _read(client)
            if recorder.record.turn >= turns:
                break
    return file.getvalue().splitlines()


def _read(client: socket.socket) -> None:
    """Make room for more; a client that is not connected yet has nothing."""
    try:
        client.recv(65536, socket.MSG_DONTWAIT)
    except OSError:
        pass
