"""What is recorded of a simulated run is what would be recorded of a real one.

The same program is served on real sockets and on simulated ones, and its peers do the same in
the same order: but for times, ports and descriptors the two records are equal.
"""

import socket
import struct
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import fields, replace
from io import BytesIO
from typing import Any, Final, TypeAlias

import pytest

from reactor import (
    DatagramBatch,
    DatagramEndpoint,
    DatagramHandler,
    EventLoop,
    ReceiveBuffer,
    Stream,
    StreamHandler,
    bind_udp,
    listen,
)
from reactor.testing import Faults, Simulation
from reactor.timeline import Recorder
from reactor.timeline.run.events import Event, Start, parse

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="the simulation is one of Linux"),
    pytest.mark.usefixtures("watchdog"),
]

_MAY_DIFFER: Final[dict[str, Any]] = {
    "time": 0.0, "took": 0.0, "fd": 0, "local": "", "peer": "", "to": "", "timeout": None,
    "sender": "", "late": 0.0, "missed": 0.0,
}  # fmt: skip
_PEERS: Final = (socket.SOCK_STREAM, socket.SOCK_STREAM, socket.SOCK_DGRAM)
_RESET: Final = struct.pack("ii", 1, 0)


class Clerk(StreamHandler):
    """Answers each line with OK."""

    def connection_made(self, stream: Stream) -> None:
        self._stream = stream

    def data_received(self, buffer: ReceiveBuffer) -> None:
        while buffer.take_line(limit=100) is not None:
            self._stream.write(b"OK\n")


class Mirror(DatagramHandler):
    """Sends everything back."""

    def datagrams_received(self, endpoint: DatagramEndpoint, batch: DatagramBatch) -> None:
        for datagram, source in zip(batch, batch.sources, strict=True):
            endpoint.send(datagram, source)


Act: TypeAlias = Callable[[], object]
Program: TypeAlias = Callable[[EventLoop, Sequence[Any], Callable[[Act], None]], object]
"""Is given a loop, two TCP sockets and a UDP socket for its peers, and what has the loop answer."""


def lines(loop: EventLoop, peers: Sequence[Any], then: Callable[[Act], None]) -> None:
    """Commands in pieces, two clients, a half-close, a reset."""
    ana, bea, _ = peers
    listener = listen(loop, Clerk, "127.0.0.1", 0)
    then(lambda: ana.connect_ex(listener.sockname))
    then(lambda: bea.connect_ex(listener.sockname))
    then(lambda: ana.send(b"CONECTAR 50"))
    then(lambda: ana.send(b"01\nINTERRUMPIR\nDESC"))
    then(lambda: bea.send(b"CONECTAR 5002\n"))
    then(lambda: ana.send(b"ONECTAR\n"))
    then(lambda: ana.shutdown(socket.SHUT_WR))
    bea.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    then(bea.close)
    listener.close()


def datagrams(loop: EventLoop, peers: Sequence[Any], then: Callable[[Act], None]) -> None:
    """Each is sent back, the empty one too."""
    *_, peer = peers
    peer.bind(("127.0.0.1", 0))
    endpoint = bind_udp(loop, Mirror(), "127.0.0.1", 0)
    for data in (b"one", b"", b"three" * 100):
        then(lambda data=data: peer.sendto(data, endpoint.sockname))  # type: ignore[misc]
    endpoint.close()
    then(lambda: None)


def perform(program: Program, loop: EventLoop, peers: Sequence[Any]) -> None:
    """Let the peers act one after the other, and the loop answer before the next."""

    def then(act: Act) -> None:
        act()
        loop.run_once(10.0)
        while loop.state.calls or loop.state.flushes:
            loop.run_once(0.0)

    program(loop, peers, then)


def real_record(program: Program) -> bytes:
    file = BytesIO()
    with ExitStack() as cleanup:
        peers = [cleanup.enter_context(socket.socket(type=kind)) for kind in _PEERS]
        cleanup.enter_context(Recorder(file))  # what was made before is of no concern to it
        perform(program, cleanup.enter_context(EventLoop()), peers)
    return file.getvalue()


def simulated_record(program: Program) -> bytes:
    file = BytesIO()
    with ExitStack() as cleanup:
        simulation = cleanup.enter_context(Simulation(faults=Faults(), timeline=file))
        make = simulation.network.socket
        peers = [cleanup.enter_context(make(socket.AF_INET, kind)) for kind in _PEERS]
        for peer in peers:
            peer.setblocking(False)
        perform(program, simulation.loop, peers)
    return file.getvalue()


def essence(record: bytes) -> Iterator[Event]:
    """The events, without what is another one's each time."""
    for event in map(parse, record.splitlines()):
        assert event is not None
        if not isinstance(event, Start):
            known = {each.name for each in fields(event)}
            yield replace(event, **{k: v for k, v in _MAY_DIFFER.items() if k in known})


@pytest.mark.parametrize("program", [lines, datagrams])
def test_the_record_of_a_simulated_run_is_that_of_a_real_one(program: Program) -> None:
    simulated, real = essence(simulated_record(program)), essence(real_record(program))
    assert list(simulated) == list(real)
