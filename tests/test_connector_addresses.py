"""Connector: several addresses are tried beside each other, and one answer is taken."""

import errno
import os
import socket
from typing import Any

import pytest

from reactor import EventLoop, connect
from reactor.testing import ManualClock, RecordingHandler, run_until
from tests.doubles.door import Door
from tests.doubles.faulty_socket import FaultySocket, has_ipv6
from tests.doubles.spy_selector import SpySelector

MADE = ["connection_made"]
FAILED = ["connection_failed"]


class SlowSocket(FaultySocket):
    """Calls nobody until the test lets it: then it is answered at once."""

    answered = False

    def connect_ex(self, address: Any) -> int:
        return super().connect_ex(address) if self.answered else errno.EINPROGRESS


def resolve_to(network: Door, *addresses: tuple[str, int]) -> None:
    """Let every name have these addresses."""
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in addresses]
    network.getaddrinfo = lambda *args, **kwargs: found


def test_the_next_address_is_tried_at_once_when_one_refuses(
    loop: EventLoop,
    clock: ManualClock,
    handler: RecordingHandler,
    port: int,
    dead_port: int,
    network: Door,
) -> None:
    resolve_to(network, ("127.0.0.1", dead_port), ("127.0.0.1", port))
    connect(loop, handler, "a.name", port)
    run_until(loop, lambda: handler.events)
    assert handler.events == MADE
    assert handler.stream is not None
    assert handler.stream.peername == ("127.0.0.1", port)


def test_the_next_address_is_tried_after_250_ms_of_silence(
    loop: EventLoop,
    clock: ManualClock,
    handler: RecordingHandler,
    port: int,
    silent_port: int,
    network: Door,
    sockets: list[FaultySocket],
) -> None:
    resolve_to(network, ("127.0.0.1", silent_port), ("127.0.0.1", port))
    connect(loop, handler, "a.name", port)
    loop.run_once(0)
    clock.advance(0.125)
    loop.run_once(0)
    assert len(sockets) == 1
    clock.advance(0.125)
    run_until(loop, lambda: handler.events)
    assert handler.events == MADE
    assert [sock.fileno() < 0 for sock in sockets] == [True, False]


def test_an_address_that_is_slow_may_still_win(
    loop: EventLoop,
    clock: ManualClock,
    handler: RecordingHandler,
    port: int,
    network: Door,
) -> None:
    slow = SlowSocket()
    made = iter([slow, SlowSocket()])
    network.socket = lambda *args: next(made)
    resolve_to(network, ("127.0.0.1", port), ("127.0.0.2", port))
    connect(loop, handler, "a.name", port)
    loop.run_once(0)
    clock.advance(0.25)
    loop.run_once(0)
    slow.answered = True
    run_until(loop, lambda: handler.events)
    assert handler.stream is not None
    assert handler.stream.peername == ("127.0.0.1", port)


def test_of_two_that_answer_at_once_one_is_taken(
    loop: EventLoop,
    clock: ManualClock,
    handler: RecordingHandler,
    port: int,
    network: Door,
) -> None:
    both = SlowSocket(), SlowSocket()
    made = iter(both)
    network.socket = lambda *args: next(made)
    resolve_to(network, ("127.0.0.1", port), ("127.0.0.2", port))
    with socket.create_server(("127.0.0.2", port)):
        connect(loop, handler, "a.name", port)
        loop.run_once(0)
        clock.advance(0.25)
        loop.run_once(0)
        for sock in both:
            sock.answered = True
        run_until(loop, lambda: handler.events)
        loop.run_once(0)
    assert handler.events == MADE
    assert sorted(sock.fileno() < 0 for sock in both) == [False, True]


def test_of_two_answers_that_are_found_at_the_deadline_one_is_taken(
    loop: EventLoop,
    clock: ManualClock,
    selector: SpySelector,
    handler: RecordingHandler,
    port: int,
    network: Door,
    sockets: list[FaultySocket],
) -> None:
    selector.arrange = lambda ready: []
    resolve_to(network, ("127.0.0.1", port), ("127.0.0.2", port))
    with socket.create_server(("127.0.0.2", port)):
        connect(loop, handler, "a.name", port, timeout=8.0)
        loop.run_once(0)
        clock.advance(0.25)
        loop.run_once(0)
        clock.advance(8.0)
        loop.run_once(0)
    assert handler.events == MADE
    assert [sock.fileno() < 0 for sock in sockets] == [False, True]


def test_a_short_time_out_is_shared_by_all_addresses(
    loop: EventLoop,
    clock: ManualClock,
    handler: RecordingHandler,
    port: int,
    silent_port: int,
    network: Door,
) -> None:
    silent = ("127.0.0.1", silent_port)
    resolve_to(network, silent, ("127.0.0.1", port))
    connect(loop, handler, "a.name", port, timeout=0.25)
    loop.run_once(0)
    clock.advance(0.125)
    run_until(loop, lambda: handler.events)
    assert handler.events == MADE


@pytest.mark.skipif(not has_ipv6(), reason="needs IPv6")
def test_the_families_are_tried_by_turns(
    loop: EventLoop, handler: RecordingHandler, network: Door
) -> None:
    tried: list[int] = []

    def refuse(family: int, kind: int) -> socket.socket:
        tried.append(family)
        raise OSError(errno.ENETUNREACH, os.strerror(errno.ENETUNREACH))

    network.socket = refuse
    six, four = socket.AF_INET6, socket.AF_INET
    network.getaddrinfo = lambda *args, **kwargs: [
        *[(six, socket.SOCK_STREAM, 6, "", (f"2001:db8::{n}", 1, 0, 0)) for n in range(2)],
        *[(four, socket.SOCK_STREAM, 6, "", (f"192.0.2.{n}", 1)) for n in range(2)],
    ]
    connect(loop, handler, "a.name", 1)
    loop.run()
    assert tried == [six, four, six, four]


def test_no_further_address_is_tried_once_connected(
    loop: EventLoop,
    clock: ManualClock,
    handler: RecordingHandler,
    port: int,
    sockets: list[FaultySocket],
    network: Door,
) -> None:
    resolve_to(network, ("127.0.0.1", port), ("127.0.0.2", port))
    connect(loop, handler, "a.name", port)
    run_until(loop, lambda: handler.events)
    clock.advance(1.0)
    loop.run_once(0)
    assert len(sockets) == 1


def test_when_all_refuse_the_error_names_them_all(
    loop: EventLoop, handler: RecordingHandler, dead_port: int, network: Door
) -> None:
    with socket.socket() as another:
        another.bind(("127.0.0.1", 0))
        last = another.getsockname()
        resolve_to(network, ("127.0.0.1", dead_port), last)
        connect(loop, handler, "a.name", 1)
        loop.run()
    assert isinstance(handler.error, ConnectionRefusedError)
    assert f"127.0.0.1:{dead_port}: Connection refused; " in str(handler.error)
    assert f"127.0.0.1:{last[1]}: Connection refused" in str(handler.error)


def test_a_refusal_says_more_than_the_lack_of_a_way(
    loop: EventLoop, handler: RecordingHandler, dead_port: int, network: Door
) -> None:
    def make(*args: Any) -> socket.socket:
        network.socket = socket.socket
        raise OSError(errno.EAFNOSUPPORT, "no such family")

    network.socket = make
    resolve_to(network, ("192.0.2.1", 1), ("127.0.0.1", dead_port))
    connect(loop, handler, "a.name", 1)
    loop.run()
    assert isinstance(handler.error, ConnectionRefusedError)
    assert "192.0.2.1:1: no such family" in str(handler.error)


def test_all_addresses_share_one_deadline_and_its_error_names_those_that_refused(
    loop: EventLoop,
    clock: ManualClock,
    handler: RecordingHandler,
    silent_port: int,
    dead_port: int,
    sockets: list[FaultySocket],
    network: Door,
) -> None:
    resolve_to(network, ("127.0.0.1", dead_port), ("127.0.0.1", silent_port))
    connect(loop, handler, "a.name", 1, timeout=8.0)
    run_until(loop, lambda: len(sockets) == 2)
    clock.advance(8.0)
    loop.run()
    assert handler.events == FAILED
    assert isinstance(handler.error, TimeoutError)
    assert f"127.0.0.1:{dead_port}: " in str(handler.error)
    assert all(sock.fileno() == -1 for sock in sockets)


def test_a_lack_of_descriptors_for_the_next_address_leaves_the_attempts_alone(
    loop: EventLoop,
    clock: ManualClock,
    handler: RecordingHandler,
    port: int,
    network: Door,
) -> None:
    slow = SlowSocket()

    def exhausted(*args: Any) -> socket.socket:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    network.socket = lambda *args: slow
    resolve_to(network, ("127.0.0.1", port), ("127.0.0.2", port))
    connect(loop, handler, "a.name", port)
    loop.run_once(0)
    network.socket = exhausted
    clock.advance(0.25)
    loop.run_once(0)
    slow.answered = True
    run_until(loop, lambda: handler.events)
    assert handler.events == MADE


@pytest.mark.parametrize("end", ["cancel", "close"])
def test_all_attempts_under_way_end_together(
    loop: EventLoop, clock: ManualClock, handler: RecordingHandler, network: Door, end: str
) -> None:
    made = [SlowSocket() for _ in range(3)]
    coming = iter(made)
    network.socket = lambda *args: next(coming)
    resolve_to(network, *((f"127.0.0.{n}", 1) for n in (1, 2, 3)))
    attempt = connect(loop, handler, "a.name", 1)
    loop.run_once(0)
    for _ in range(2):
        clock.advance(0.25)
        loop.run_once(0)
    assert all(sock.fileno() >= 0 for sock in made)
    if end == "cancel":
        attempt.cancel()
    else:
        loop.close()
    assert handler.events == ([] if end == "cancel" else FAILED)
    assert all(sock.fileno() == -1 for sock in made)


def test_being_woken_for_nothing_is_no_failure(
    loop: EventLoop,
    clock: ManualClock,
    selector: SpySelector,
    handler: RecordingHandler,
    silent_port: int,
) -> None:
    connect(loop, handler, "127.0.0.1", silent_port, timeout=8.0)
    selector.lie(seed=1)
    for _ in range(20):
        loop.run_once(0)
    assert handler.events == []
    clock.advance(8.0)
    loop.run()
    assert isinstance(handler.error, TimeoutError)


def test_a_connection_that_is_made_between_two_questions_is_no_failure(
    loop: EventLoop, handler: RecordingHandler, port: int, sockets: list[FaultySocket]
) -> None:
    connect(loop, handler, "127.0.0.1", port)
    loop.call_soon(lambda: sockets[0].script("getpeername", [errno.ENOTCONN]))
    run_until(loop, lambda: handler.events)
    assert handler.events == MADE


def test_a_refusal_that_the_selector_has_not_told_of_counts_at_the_deadline(
    loop: EventLoop,
    clock: ManualClock,
    selector: SpySelector,
    handler: RecordingHandler,
    network: Door,
    dead_port: int,
    port: int,
) -> None:
    selector.arrange = lambda ready: []
    resolve_to(network, ("127.0.0.1", dead_port), ("127.0.0.1", port))
    connect(loop, handler, "a.name", 1, timeout=0.0)
    loop.run_once(0)
    clock.advance(60.0)
    loop.run_once(0)
    assert handler.events == FAILED
    assert isinstance(handler.error, ConnectionRefusedError)


def test_a_connector_can_be_called_off_between_two_addresses(
    loop: EventLoop,
    clock: ManualClock,
    handler: RecordingHandler,
    silent_port: int,
    dead_port: int,
    sockets: list[FaultySocket],
    network: Door,
) -> None:
    resolve_to(network, ("127.0.0.1", dead_port), ("127.0.0.1", silent_port))
    attempt = connect(loop, handler, "a.name", 1)
    run_until(loop, lambda: len(sockets) == 2)
    attempt.cancel()
    loop.run()
    assert handler.events == []
    assert [sock.fileno() for sock in sockets] == [-1, -1]
