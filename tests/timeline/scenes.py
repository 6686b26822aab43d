"""Small programs in the simulated system, whose records are the same to the byte each time.

The peers are sockets outside of the loop: what they do happens at its time, and is nobody's turn.
"""

import socket
import struct
from collections.abc import Callable
from io import BytesIO
from itertools import count
from typing import Any, Final, TypeAlias

from examples import chat
from reactor import ReceiveBuffer, Stream, StreamHandler, listen
from reactor.relay import RelayServer
from reactor.testing import Faults, Simulation

__all__ = ["SCENES", "record_of"]

Scene: TypeAlias = Callable[[Simulation], object]

_SERVER: Final = ("127.0.0.1", 7000)
_PERFECT: Final = Faults()
_VIDEO: Final = b"\x47\x40\x00\x10".ljust(1316, b"\xff")
_RESET: Final = struct.pack("ii", 1, 0)

SCENES: Final[dict[str, tuple[Scene, Faults]]] = {}


def scene(faults: Faults = _PERFECT) -> Callable[[Scene], Scene]:
    """One more of them, in a system with these faults."""

    def add(play: Scene) -> Scene:
        SCENES[play.__name__] = play, faults
        return play

    return add


def record_of(name: str) -> bytes:
    """The record of a scene, whole."""
    play, faults = SCENES[name]
    file = BytesIO()
    with Simulation(faults=faults, timeline=file) as simulation:
        play(simulation)
    return file.getvalue()


class Peer:
    """Somebody who does things at certain times, in milliseconds."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._sock = simulation.network.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._sock.setblocking(False)

    def connect(self, at: int) -> None:
        self._at(at, lambda: self._sock.connect_ex(_SERVER))

    def say(self, at: int, words: str) -> None:
        self._at(at, lambda: self._sock.send(words.encode()))

    def read(self, at: int) -> None:
        self._at(at, self._read)

    def end(self, at: int) -> None:
        """Say that no more will come."""
        self._at(at, lambda: self._sock.shutdown(socket.SHUT_WR))

    def leave(self, at: int) -> None:
        self._at(at, self._read_and_close)

    def break_off(self, at: int) -> None:
        linger = self._sock.setsockopt
        self._at(at, lambda: linger(socket.SOL_SOCKET, socket.SO_LINGER, _RESET))
        self._at(at, self._sock.close)

    def _at(self, at: int, act: Callable[[], object]) -> None:
        self._simulation.kernel.after(at / 1000, act)

    def _read(self) -> None:
        try:
            while self._sock.recv(100_000):
                pass
        except BlockingIOError:
            pass  # that was all

    def _read_and_close(self) -> None:
        self._read()  # who closes without it breaks off
        self._sock.close()


class Clerk(StreamHandler):
    """Answers each line with OK; a list is long, and what is slow takes a quarter of a second."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation

    def connection_made(self, stream: Stream) -> None:
        self._stream = stream

    def data_received(self, buffer: ReceiveBuffer) -> None:
        while (line := buffer.take_line(limit=100)) is not None:
            if line == b"SLOW":
                self._simulation.kernel.now += 0.25
            self._stream.write(b"x" * 200_000 if line == b"LIST" else b"OK\n")

    def eof_received(self) -> bool:
        return False


def serve(simulation: Simulation) -> None:
    listen(simulation.loop, lambda: Clerk(simulation), *_SERVER)


def until_all_left(simulation: Simulation) -> None:
    """Run until the last connection is gone; there has to have been one."""
    loop = simulation.loop
    alone = len(loop.state.resources)
    simulation.run_until(lambda: len(loop.state.resources) > alone)
    simulation.run_until(lambda: len(loop.state.resources) == alone)


# -- the scenes ------------------------------------------------------------------------------


@scene()
def conversation(simulation: Simulation) -> None:
    numbers = count()

    class Guest(chat.Guest):
        """One of a set whose order is always the same."""

        def __init__(self, room: set[Any]) -> None:
            super().__init__(room)
            self._number = next(numbers)

        def __hash__(self) -> int:
            return self._number

    room: set[Any] = set()
    listen(simulation.loop, lambda: Guest(room), *_SERVER)
    ana, bea, carla = (Peer(simulation) for _ in range(3))
    ana.connect(10)
    bea.connect(20)
    carla.connect(30)
    ana.say(50, "hola\n")
    bea.say(70, "¿qué")
    bea.say(80, " tal?\n")
    carla.leave(100)
    bea.leave(120)
    ana.leave(130)
    until_all_left(simulation)


@scene()
def pieces(simulation: Simulation) -> None:
    serve(simulation)
    peer = Peer(simulation)
    peer.connect(10)
    for at, words in enumerate(["CON", "ECTAR 50", "01", "\nINTERRUMPIR\nDESC", "ONECTAR\n"]):
        peer.say(20 + 10 * at, words)
    peer.leave(80)
    until_all_left(simulation)


@scene()
def slow(simulation: Simulation) -> None:
    serve(simulation)
    ana, bea, carla = (Peer(simulation) for _ in range(3))
    for peer in (ana, bea, carla):
        peer.connect(10)

    def tick() -> None:
        """Is late."""

    simulation.loop.call_later(0.2, tick)
    ana.say(100, "SLOW\n")
    bea.say(150, "HELLO\n")
    carla.say(300, "HELLO\n")
    for at, peer in enumerate((ana, bea, carla)):
        peer.leave(500 + 10 * at)
    until_all_left(simulation)


@scene(Faults(buffer=50_000))
def queue(simulation: Simulation) -> None:
    serve(simulation)
    ana, bea = Peer(simulation), Peer(simulation)
    ana.connect(10)
    bea.connect(20)
    ana.say(30, "LIST\n")
    bea.say(50, "HELLO\n")
    for at in range(60, 160, 10):
        ana.read(at)
    ana.leave(160)
    bea.leave(170)
    until_all_left(simulation)


@scene()
def endings(simulation: Simulation) -> None:
    serve(simulation)
    ana, bea = Peer(simulation), Peer(simulation)
    ana.connect(10)
    bea.connect(20)
    ana.say(30, "HELLO\n")
    ana.end(30)
    ana.leave(50)
    bea.say(60, "HEL")
    bea.break_off(70)
    until_all_left(simulation)


@scene()
def viewers(simulation: Simulation) -> None:
    server = RelayServer(simulation.loop, _SERVER, ingest=("127.0.0.1", 9000))
    kernel, network = simulation.kernel, simulation.network
    datagrams = [network.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(3)]
    source, *players = datagrams
    for port, player in enumerate(players, 5001):
        player.bind(("127.0.0.1", port))

    def play(at: int, times: int) -> None:
        for _ in range(times):
            kernel.after(at / 1000, lambda: source.sendto(_VIDEO, ("127.0.0.1", 9000)))

    ana, bea = Peer(simulation), Peer(simulation)
    for at, peer in enumerate((ana, bea)):
        peer.connect(10 + at)
        peer.say(20 + at, f"CONECTAR {5001 + at}\n")
    play(40, 2)
    bea.say(50, "INTERRUMPIR\n")
    play(60, 3)
    bea.say(70, "CONTINUAR\n")
    play(80, 1)
    for at, peer in enumerate((ana, bea)):
        peer.say(100 + at, "DESCONECTAR\n")
        peer.leave(110 + at)
    until_all_left(simulation)
    server.close()
    for sock in datagrams:
        sock.close()
