"""Stream: how a connection begins, and how it shows itself."""

import errno
import socket
from selectors import EVENT_READ
from typing import Any, Final

import pytest

from reactor import EventLoop, Stream, StreamHandler
from reactor.stream import Input, Life, Output, StreamState
from reactor.testing import RecordingHandler, run_until, stream_pair
from tests.conftest import Connect, Reported
from tests.doubles.faulty_socket import FaultySocket
from tests.doubles.peer import Link, tcp_pair
from tests.doubles.spy_selector import SpySelector
from tests.stream.conftest import Keeper, settle

MIB: Final = 1024 * 1024


# -- the beginning -----------------------------------------------------------------------


def test_connection_made_comes_first_with_the_stream(loop: EventLoop) -> None:
    left, right = RecordingHandler(), RecordingHandler()
    stream, _ = stream_pair(loop, left, right)
    assert left.events == []
    stream.write(b"x")
    run_until(loop, lambda: right.received)
    assert left.stream is stream
    assert right.events == ["connection_made", "data_received"]


def test_the_addresses_are_those_of_the_socket(link: Link) -> None:
    assert link.stream.peername == link.peer.sock.getsockname()
    assert link.stream.sockname == link.peer.sock.getpeername()


def test_what_is_no_handler_is_refused_in_the_call_and_the_socket_left_as_it_was(
    loop: EventLoop,
) -> None:
    handler: Any = object()
    near, far = tcp_pair()
    with near, far:
        with pytest.raises(TypeError, match="expected a StreamHandler"):
            Stream(loop, near, handler)
        assert near.getblocking()


def test_a_socket_that_has_a_stream_is_refused_and_left_as_it_was(loop: EventLoop) -> None:
    near, far = tcp_pair()
    with far:
        loop.register(near, 0, print)
        with pytest.raises(ValueError, match="has an owner"):
            Stream(loop, near, StreamHandler())
        assert near.getblocking()
        near.close()


def test_a_fault_in_the_last_call_is_reported_with_the_name_of_its_handler(
    loop: EventLoop, reported: Reported
) -> None:
    class Careless(StreamHandler):
        def connection_lost(self, exc: Exception | None) -> None:
            raise ValueError("careless")

    stream, _ = stream_pair(loop, Careless(), StreamHandler())
    loop.run_once(0)
    stream.abort()
    settle(loop)
    assert "Careless" in reported.pop()[0]


def test_a_peername_that_is_given_saves_the_look_up(loop: EventLoop) -> None:
    near, far = tcp_pair()
    sock = FaultySocket.adopt(near)
    with far:
        assert Stream(loop, sock, StreamHandler(), peername="somebody").peername == "somebody"
        assert sock.calls["getpeername"] == 0
        loop.close()


def test_the_repr_names_peer_handler_and_state(link: Link) -> None:
    host, port = link.peer.sock.getsockname()
    assert repr(link.stream) == (
        f"<Stream {host}:{port} handler=RecordingHandler input=open output=open life=open>"
    )


def test_the_handler_can_be_replaced_and_the_new_one_hears_what_follows(
    loop: EventLoop, link: Link, handler: RecordingHandler
) -> None:
    link.stream.handler = successor = RecordingHandler()
    link.peer.send(b"x")
    run_until(loop, lambda: successor.received)
    link.stream.abort()
    settle(loop)
    assert handler.events == ["connection_made"]
    assert successor.events == ["data_received", "connection_lost"]


def test_a_handler_that_takes_the_place_of_one_who_was_told_of_no_beginning_is_told_of_no_end(
    loop: EventLoop,
) -> None:
    stream, _ = stream_pair(loop, RecordingHandler(), StreamHandler())
    stream.abort()
    stream.handler = successor = RecordingHandler()
    settle(loop)
    assert successor.events == []


def test_the_state_counts_what_waits_in_both_directions(
    loop: EventLoop, connected: Connect
) -> None:
    link = connected(Keeper())
    link.stream.set_write_buffer_limits(2)
    link.peer.send(b"unread")
    run_until(loop, lambda: link.stream.state.unread)
    link.stream.write(b"abc")
    assert link.stream.state == StreamState(
        input=Input.OPEN,
        output=Output.OPEN,
        life=Life.OPEN,
        unread=6,
        unsent=3,
        fd=link.sock.fileno(),
        events=EVENT_READ,
        low=0,
        high=2,
        limit=16 * MIB,
        error=None,
    )


def test_a_stream_aborted_before_connection_made_calls_nobody(loop: EventLoop) -> None:
    left, right = RecordingHandler(), RecordingHandler()
    stream, _ = stream_pair(loop, left, right)
    stream.abort()
    settle(loop)
    assert left.events == []


def test_a_selector_that_refuses_costs_only_the_new_connection(
    loop: EventLoop, selector: SpySelector, connected: Connect, link: Link
) -> None:
    unlucky = RecordingHandler()
    selector.refusal = errno.ENOSPC
    connected(unlucky)
    selector.refusal = None
    link.peer.send(b"still there")
    link.wait()
    settle(loop)
    assert unlucky.events == ["connection_made", "connection_lost"]
    assert isinstance(unlucky.error, OSError)


# -- keepalive ---------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(socket, "TCP_KEEPIDLE"), reason="needs TCP_KEEPIDLE")
def test_keepalive_is_set_as_asked(link: Link) -> None:
    link.stream.set_keepalive(idle=7, interval=3, count=2)
    names = ["TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT"]
    options = [link.sock.getsockopt(socket.IPPROTO_TCP, getattr(socket, name)) for name in names]
    assert options == [7, 3, 2]
    assert link.sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)


@pytest.mark.skipif(not hasattr(socket, "TCP_KEEPIDLE"), reason="needs TCP_KEEPIDLE")
def test_without_a_word_a_vanished_peer_is_found_within_25_seconds(link: Link) -> None:
    link.stream.set_keepalive()
    names = ["TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT"]
    options = [link.sock.getsockopt(socket.IPPROTO_TCP, getattr(socket, name)) for name in names]
    assert options == [10, 5, 3]


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="needs TCP_USER_TIMEOUT")
def test_written_bytes_may_stay_unacknowledged_as_long_as_probes_unanswered(link: Link) -> None:
    link.stream.set_keepalive(idle=7, interval=3, count=2)
    assert link.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 13_000


def test_keepalive_does_without_what_the_system_lacks(
    link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(socket, "TCP_KEEPIDLE", raising=False)
    monkeypatch.delattr(socket, "TCP_USER_TIMEOUT", raising=False)
    link.stream.set_keepalive(idle=7)
    assert link.sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)


def test_keepalive_of_an_ended_stream_is_harmless(loop: EventLoop, link: Link) -> None:
    link.stream.abort()
    link.stream.set_keepalive()
