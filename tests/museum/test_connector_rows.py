"""Rows about connecting: false hints, meeting oneself, and attempts that leave something behind."""

import errno
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from reactor import EventLoop, connect
from reactor.testing import ManualClock, RecordingHandler
from tests.doubles.descriptors import open_descriptors
from tests.doubles.door import Door
from tests.doubles.faulty_socket import FaultySocket
from tests.doubles.spy_selector import SpySelector
from tests.museum.scenes import every_selector, iterate_until, pass_time

pytestmark = every_selector


@pytest.fixture
def silent() -> Iterator[Any]:
    """The address of a server whose queue is full: it answers no more calls."""
    with ExitStack() as stack:
        server = stack.enter_context(socket.socket())
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for _ in range(4):
            caller = stack.enter_context(socket.socket())
            caller.setblocking(False)
            caller.connect_ex(server.getsockname())
        yield server.getsockname()


# -- row 7: readiness is a hint -----------------------------------------------------------------


def test_row_07_a_false_hint_does_not_end_an_attempt_to_connect(
    loop: EventLoop, selector: SpySelector, handler: RecordingHandler, silent: Any
) -> None:
    selector.lie(seed=1)
    connector = connect(loop, handler, *silent)
    for _ in range(20):
        loop.run_once(0)
    assert handler.events == []
    connector.cancel()


def test_row_07_a_connection_that_is_made_between_two_questions_is_made(
    loop: EventLoop, handler: RecordingHandler, network: Door
) -> None:
    def asked_too_early(*args: Any) -> socket.socket:
        sock = FaultySocket(*args)
        sock.script("getpeername", [errno.ENOTCONN])
        return sock

    network.socket = asked_too_early
    with socket.create_server(("127.0.0.1", 0)) as server:
        connect(loop, handler, *server.getsockname())
        iterate_until(loop, lambda: handler.events)
    assert handler.events == ["connection_made"]


# -- row 101: connected to oneself --------------------------------------------------------------


def test_row_101_a_socket_that_meets_itself_is_no_connection(
    loop: EventLoop, handler: RecordingHandler, network: Door
) -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]

    def unlucky(*args: Any) -> socket.socket:
        """The system gives out just the port that is called."""
        sock = socket.socket(*args)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("127.0.0.1", port))
        return sock

    network.socket = unlucky
    before = open_descriptors()
    connect(loop, handler, "127.0.0.1", port)
    iterate_until(loop, lambda: handler.events)
    assert handler.events == ["connection_failed"]
    assert isinstance(handler.error, ConnectionRefusedError)
    assert open_descriptors() == before


# -- row 107: what an attempt leaves behind -----------------------------------------------------


def test_row_107_an_attempt_that_was_refused_leaves_nothing(
    loop: EventLoop,
    clock: ManualClock,
    selector: SpySelector,
    handler: RecordingHandler,
    dead_port: int,
) -> None:
    before = open_descriptors()
    connect(loop, handler, "127.0.0.1", dead_port)
    iterate_until(loop, lambda: handler.events)
    selector.clock = clock
    loop.run()
    assert (clock(), open_descriptors(), selector.watched) == (0.0, before, 0)


def test_row_107_an_attempt_that_nobody_answered_leaves_nothing_and_is_told_once(
    loop: EventLoop,
    clock: ManualClock,
    selector: SpySelector,
    handler: RecordingHandler,
    silent: Any,
) -> None:
    selector.clock = clock
    before = open_descriptors()
    connect(loop, handler, *silent, timeout=3.0)
    pass_time(loop, clock, 60.0, iterations=10)
    assert handler.events == ["connection_failed"]
    assert isinstance(handler.error, TimeoutError)
    assert (open_descriptors(), selector.watched) == (before, 0)


def test_row_107_the_time_out_of_an_attempt_that_succeeded_is_over(
    loop: EventLoop, clock: ManualClock, selector: SpySelector, handler: RecordingHandler
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        connect(loop, handler, *server.getsockname())
        iterate_until(loop, lambda: handler.stream)
        assert handler.stream is not None
        handler.stream.abort()
        selector.clock = clock
        loop.run()
    assert clock() == 0.0
    assert handler.events == ["connection_made", "connection_lost"]


# -- row 112: a host with several addresses ------------------------------------------------------


def test_row_112_an_address_that_refuses_does_not_hide_the_next(
    loop: EventLoop, handler: RecordingHandler, network: Door, dead_port: int
) -> None:
    refusing = ("127.0.0.1", dead_port)
    with socket.create_server(("127.0.0.1", 0)) as server:
        found = [refusing, refusing, server.getsockname()]
        network.getaddrinfo = lambda *args, **kwargs: [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in found
        ]
        before = open_descriptors()
        connect(loop, handler, "several.test", 80)
        iterate_until(loop, lambda: handler.events)
        assert handler.stream is not None
        assert handler.stream.peername == server.getsockname()
        assert open_descriptors() == before + 1
