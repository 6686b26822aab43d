"""Rows about endpoints and listeners that begin, end, or are inherited."""

import errno
import socket
from collections.abc import Callable

import pytest

from reactor import (
    DatagramBatch,
    DatagramEndpoint,
    DatagramHandler,
    EventLoop,
    StreamHandler,
    bind_udp,
    bind_udp_all,
    listen,
)
from tests.conftest import Reported
from tests.doubles.children import needs_fork, said_by_child
from tests.doubles.door import Door
from tests.doubles.faulty_socket import FaultySocket, udp_socket
from tests.doubles.mailbox import Mailbox
from tests.doubles.spy_selector import SpySelector
from tests.museum.scenes import iterate_until

Send = Callable[[DatagramEndpoint], object]

BATCH = DatagramBatch.of([b"x", b"y"])
SENDS: list[Send] = [
    lambda endpoint: endpoint.send(b"x", endpoint.sockname),
    lambda endpoint: endpoint.send_batch(BATCH, endpoint.sockname),
    lambda endpoint: endpoint.send_batch_to_all(BATCH, [endpoint.sockname]),
]


@pytest.fixture
def door() -> FaultySocket:
    """Bound, and not listening yet."""
    door = FaultySocket()
    door.bind(("127.0.0.1", 0))
    return door


def state_of(sock: socket.socket) -> list[object]:
    options = [socket.SO_RCVBUF, socket.SO_SNDBUF, socket.SO_ACCEPTCONN]
    return [sock.getblocking(), *(sock.getsockopt(socket.SOL_SOCKET, each) for each in options)]


# -- 26: whatever a program raises -------------------------------------------------------


def test_row_26_what_is_raised_at_a_limit_harms_nobody_who_connects(
    loop: EventLoop, door: FaultySocket, reported: Reported
) -> None:
    listener = listen(loop, StreamHandler, sock=door)
    listener.on_exhausted = lambda: 1 / 0
    door.script("accept", [errno.EMFILE])
    with socket.create_connection(listener.sockname):
        iterate_until(loop, lambda: listener.accepted)
    assert [type(exc) for _, exc in reported] == [ZeroDivisionError]
    reported.clear()


# -- 205: fork(2) ------------------------------------------------------------------------


@needs_fork
@pytest.mark.parametrize("send", SENDS)
def test_row_205_a_child_sends_nothing_in_its_parents_name(loop: EventLoop, send: Send) -> None:
    endpoint = bind_udp(loop, Mailbox(), "127.0.0.1")
    assert said_by_child(lambda: send(endpoint)).startswith("RuntimeError: the loop belongs to")


# -- 207: after the loop -----------------------------------------------------------------


@pytest.mark.parametrize("send", SENDS)
def test_row_207_a_farewell_while_the_loop_closes_is_no_mistake(
    loop: EventLoop, reported: Reported, send: Send
) -> None:
    class Leaving(DatagramHandler):
        def connection_lost(self, exc: Exception | None) -> None:
            if told_first:
                return
            told_first.append(self)
            for endpoint in endpoints:
                if endpoint is not endpoints[handlers.index(self)]:
                    send(endpoint)

    told_first: list[Leaving] = []
    handlers = [Leaving(), Leaving()]
    endpoints = [bind_udp(loop, handler, "127.0.0.1") for handler in handlers]
    loop.close()
    assert (len(told_first), reported) == (1, [])
    assert sum(endpoint.counters.dropped.total() for endpoint in endpoints) > 0


# -- 210: what is handed in --------------------------------------------------------------


@pytest.mark.parametrize("closed", [False, True])
def test_row_210_an_endpoints_socket_is_changed_once_the_loop_has_taken_it(
    loop: EventLoop, closed: bool
) -> None:
    with udp_socket() as sock:
        sock.setblocking(True)
        before = state_of(sock)
        if closed:
            loop.close()
        else:
            loop.register(sock, 0, print)
        with pytest.raises((ValueError, RuntimeError)):
            bind_udp(loop, Mailbox(), sock=sock)
        assert state_of(sock) == before


def test_row_210_a_listeners_socket_is_changed_once_the_loop_has_taken_it(
    loop: EventLoop, door: FaultySocket
) -> None:
    before = state_of(door)
    loop.register(door, 0, print)
    with door:
        with pytest.raises(ValueError, match="has an owner"):
            listen(loop, StreamHandler, sock=door)
        assert state_of(door) == before


def test_row_210_where_nobody_knows_to_call_nobody_listens(loop: EventLoop) -> None:
    with socket.socket() as sock, pytest.raises(ValueError, match="one without an address"):
        listen(loop, StreamHandler, sock=sock)


# -- 217: names --------------------------------------------------------------------------


def test_row_217_of_a_name_that_can_not_be_bound_nobody_is_told_an_end(
    loop: EventLoop, network: Door, selector: SpySelector
) -> None:
    network.getaddrinfo = lambda host, port, *, type: [
        (socket.AF_INET, type, 17, "", (address, port)) for address in ("127.0.0.1", "127.0.0.2")
    ]
    mailbox = Mailbox()
    selector.room = 1
    with pytest.raises(OSError, match="No space"):
        bind_udp_all(loop, mailbox, "two.names")
    iterate_until(loop, lambda: not selector.watched)
    loop.close()
    assert mailbox.losses == []
