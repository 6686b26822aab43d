"""What the tests of endpoints have in common: an endpoint, and somebody to talk with."""

import socket
import sys
from collections.abc import Callable
from typing import Any

import pytest

from reactor import (
    DatagramBatch,
    DatagramEndpoint,
    EventLoop,
    bind_udp,
)
from reactor.testing import ManualClock
from tests.doubles.faulty_socket import FaultySocket
from tests.doubles.mailbox import Mailbox
from tests.doubles.peer import wait_for

MakeSocket = Callable[..., FaultySocket]

needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")


def settle(loop: EventLoop) -> None:
    """Let everything happen that does not depend on time."""
    for _ in range(5):
        loop.run_once(0)


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def sock(udp: MakeSocket) -> FaultySocket:
    """The socket of the endpoint."""
    return udp()


@pytest.fixture
def endpoint(loop: EventLoop, mailbox: Mailbox, sock: FaultySocket) -> DatagramEndpoint:
    """An endpoint that hands everything over at once, and sends each datagram by itself."""
    return bind_udp(loop, mailbox, sock=sock, segmentation=False)


@pytest.fixture
def gathering(
    loop: EventLoop, clock: ManualClock, mailbox: Mailbox, sock: FaultySocket
) -> DatagramEndpoint:
    """An endpoint that gathers for a second of the manual clock."""
    return bind_udp(loop, mailbox, sock=sock, coalesce=1.0)


@pytest.fixture
def other(udp: MakeSocket) -> FaultySocket:
    """Somebody to talk with."""
    return udp()


def deliver(sender: socket.socket, endpoint: DatagramEndpoint, *datagrams: bytes) -> None:
    """Send datagrams to an endpoint's socket, one by one."""
    for datagram in datagrams:
        sender.sendto(datagram, endpoint.sockname)


def numbered(count: int) -> list[bytes]:
    return [b"%d" % number for number in range(count)]


def receive(sock: socket.socket) -> bytes:
    """The next datagram, waited for."""
    wait_for(sock)
    return sock.recv(65536)


def skip_unless_there_is_room(endpoint: DatagramEndpoint) -> None:
    if endpoint.receive_buffer_size < 1024 * 1024:
        pytest.skip("the system lends too little: raise net.core.rmem_max")


SENDS: dict[str, Callable[[DatagramEndpoint, Any], object]] = {
    "send": lambda endpoint, address: endpoint.send(b"1", address),
    "send_batch": lambda endpoint, address: endpoint.send_batch(DatagramBatch.of([b"1"]), address),
    "send_batch_to_all": lambda endpoint, address: endpoint.send_batch_to_all(
        DatagramBatch.of([b"1"]), [address]
    ),
}
