"""Fixtures of the museum: one selector where a row does not depend on which, and a relay."""

import selectors
import socket
from collections.abc import Iterator

import pytest

from reactor import EventLoop
from tests.doubles import controller, player
from tests.doubles.door import Door
from tests.doubles.faulty_socket import FaultySocket
from tests.doubles.spy_selector import SpySelector
from tests.doubles.studio import Studio, studio
from tests.museum.scenes import iterate_until


@pytest.fixture
def selector(request: pytest.FixtureRequest) -> Iterator[SpySelector]:
    """The platform's own; `every_selector` brings in the others where they may matter."""
    kind = getattr(selectors, getattr(request, "param", "DefaultSelector"))
    with SpySelector(kind()) as spied:
        yield spied


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a bug keeps from a relay's peers is missed soon, and a test that hangs, too."""
    for double in (controller, player):
        monkeypatch.setattr(double, "run_until", iterate_until)
    monkeypatch.setattr("tests.conftest._PATIENCE", 10)


@pytest.fixture
def made(network: Door) -> list[FaultySocket]:
    """The UDP sockets that the loop was given, in order; a relay's ingest is the first."""
    sockets: list[FaultySocket] = []

    def make(family: socket.AddressFamily, kind: socket.SocketKind) -> FaultySocket:
        sock = FaultySocket(family, kind)
        if kind == socket.SOCK_DGRAM:
            sockets.append(sock)
        return sock

    network.socket = make
    return sockets


@pytest.fixture
def relay(loop: EventLoop, made: list[FaultySocket]) -> Iterator[Studio]:
    """A relay whose sockets are in `made`."""
    with studio(loop) as made_relay:
        yield made_relay
