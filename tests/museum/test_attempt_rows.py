"""Rows about connections in the making: deadlines that look first, and books that stay whole."""

import errno
import socket

import pytest

from reactor import EventLoop, Stream, StreamHandler, connect, listen
from reactor.testing import ManualClock, RecordingHandler
from tests.doubles.descriptors import open_descriptors
from tests.doubles.door import Door
from tests.doubles.faulty_socket import FaultySocket
from tests.doubles.peer import wait_for
from tests.doubles.spy_selector import SpySelector
from tests.museum.scenes import every_selector, iterate_until

pytestmark = every_selector


def let_name_be(network: Door, *ports: int) -> None:
    """Let every name have addresses of this machine, with these ports."""
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)) for port in ports]
    network.getaddrinfo = lambda *args, **kwargs: found


# -- row 204: a deadline that condemns what came in time -----------------------------------------


def test_row_204_who_comes_second_is_closed(
    loop: EventLoop,
    clock: ManualClock,
    handler: RecordingHandler,
    network: Door,
    sockets: list[FaultySocket],
    port: int,
    silent_port: int,
) -> None:
    let_name_be(network, silent_port, port)
    connect(loop, handler, "two.test", 80)
    loop.run_once(0)
    assert [sock.fileno() >= 0 for sock in sockets] == [True]
    clock.advance(0.25)
    iterate_until(loop, lambda: handler.events)
    assert [sock.fileno() >= 0 for sock in sockets] == [False, True]


def test_row_204_the_way_to_run_is_not_on_the_time_of_an_attempt(
    loop: EventLoop, clock: ManualClock, handler: RecordingHandler, silent_port: int
) -> None:
    connect(loop, handler, "127.0.0.1", silent_port, timeout=10.0)
    clock.advance(11.0)
    for _ in range(3):
        loop.run_once(0)
    assert handler.events == []


def test_row_204_an_attempt_that_was_answered_while_nobody_looked_is_made(
    loop: EventLoop,
    clock: ManualClock,
    selector: SpySelector,
    handler: RecordingHandler,
    server: socket.socket,
) -> None:
    selector.arrange = lambda ready: []
    connect(loop, handler, *server.getsockname(), timeout=10.0)
    loop.run_once(0)
    clock.advance(11.0)
    loop.run_once(0)
    assert handler.events == ["connection_made"]


def test_row_204_a_black_hole_costs_a_quarter_of_a_second(
    loop: EventLoop,
    clock: ManualClock,
    handler: RecordingHandler,
    network: Door,
    port: int,
    silent_port: int,
) -> None:
    let_name_be(network, silent_port, port)
    connect(loop, handler, "two.test", 80, timeout=3.0)
    loop.run_once(0)
    clock.advance(0.25)
    iterate_until(loop, lambda: handler.events)
    assert handler.events == ["connection_made"]


def test_row_204_a_short_time_out_is_not_all_the_first_address_s(
    loop: EventLoop,
    clock: ManualClock,
    handler: RecordingHandler,
    network: Door,
    port: int,
    silent_port: int,
) -> None:
    let_name_be(network, silent_port, port)
    connect(loop, handler, "two.test", 80, timeout=0.125)
    loop.run_once(0)
    clock.advance(0.0625)
    iterate_until(loop, lambda: handler.events)
    assert handler.events == ["connection_made"]


def test_row_204_what_was_refused_is_told_beside_what_was_silent(
    loop: EventLoop,
    clock: ManualClock,
    handler: RecordingHandler,
    network: Door,
    silent_port: int,
    dead_port: int,
) -> None:
    let_name_be(network, dead_port, silent_port)
    connect(loop, handler, "two.test", 80, timeout=3.0)
    for _ in range(3):
        loop.run_once(0)
    clock.advance(3.0)
    iterate_until(loop, lambda: handler.events)
    assert isinstance(handler.error, TimeoutError)
    assert f"127.0.0.1:{dead_port}: " in str(handler.error)


# -- row 203: what ends the program tears the books ----------------------------------------------


class Leaving(RecordingHandler):
    """Ends the program as soon as it is told anything."""

    def connection_made(self, stream: Stream) -> None:
        super().connection_made(stream)
        raise SystemExit

    def connection_failed(self, exc: OSError) -> None:
        super().connection_failed(exc)
        raise SystemExit


def test_row_203_an_attempt_that_ends_the_program_is_over_itself(
    loop: EventLoop, clock: ManualClock, selector: SpySelector, dead_port: int
) -> None:
    before = open_descriptors()
    handler = Leaving()
    connect(loop, handler, "127.0.0.1", dead_port)
    with pytest.raises(SystemExit):
        iterate_until(loop, lambda: False)
    selector.clock = clock
    loop.run()
    assert handler.events == ["connection_failed"]
    assert (clock(), open_descriptors(), selector.watched) == (0.0, before, 0)


def test_row_203_a_connection_whose_handler_ends_the_program_is_told_of_its_end(
    loop: EventLoop, server: socket.socket
) -> None:
    handler = Leaving()
    connect(loop, handler, *server.getsockname())
    with pytest.raises(SystemExit):
        iterate_until(loop, lambda: False)
    loop.close()
    assert handler.events == ["connection_made", "connection_lost"]


def test_row_203_a_handler_factory_that_ends_the_program_loses_its_connection_only(
    loop: EventLoop,
) -> None:
    ends = iter([SystemExit()])

    def make() -> StreamHandler:
        for end in ends:
            raise end
        return StreamHandler()

    listener = listen(loop, make, "127.0.0.1", 0)
    with (
        socket.create_connection(listener.sockname) as first,
        socket.create_connection(listener.sockname),
    ):
        with pytest.raises(SystemExit):
            iterate_until(loop, lambda: False)
        wait_for(first)
        assert first.recv(1) == b""
        iterate_until(loop, lambda: listener.accepted)
    assert (listener.accepted, listener.failed) == (1, 1)


def test_row_203_an_accepted_connection_whose_handler_ends_the_program_counts(
    loop: EventLoop,
) -> None:
    handler = Leaving()
    listener = listen(loop, lambda: handler, "127.0.0.1", 0)
    with socket.create_connection(listener.sockname) as client:
        with pytest.raises(SystemExit):
            iterate_until(loop, lambda: False)
        assert (listener.accepted, listener.failed) == (1, 0)
        loop.close()
        wait_for(client)
    assert handler.events == ["connection_made", "connection_lost"]


# -- row 1: a connection that may not be accepted is as bad as a limit ---------------------------


def test_row_01_a_connection_that_may_not_be_accepted_does_not_spin_the_loop(
    loop: EventLoop, clock: ManualClock, selector: SpySelector
) -> None:
    door = FaultySocket()
    door.bind(("127.0.0.1", 0))
    listener = listen(loop, StreamHandler, sock=door)
    door.script("accept", [errno.EPERM] * 64)
    with socket.create_connection(listener.sockname):
        wait_for(door)
        for _ in range(10):
            loop.run_once(0)
        assert (door.calls["accept"], selector.watched) == (64, 0)
        clock.advance(0.1)
        iterate_until(loop, lambda: listener.accepted)
