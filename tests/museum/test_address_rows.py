"""Rows about addresses: who may have a port, and when two addresses are one client."""

import socket
from errno import EADDRINUSE

import pytest

from reactor import EventLoop, StreamHandler, bind_udp, listen, unmapped
from reactor.testing import RecordingHandler
from tests.doubles.faulty_socket import has_ipv6, udp_socket
from tests.doubles.mailbox import Mailbox
from tests.museum.scenes import iterate_until

needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="needs IPv6")


@pytest.mark.parametrize("host", ["127.0.0.1", pytest.param("::1", marks=needs_ipv6)])
def test_row_19_a_udp_port_has_one_owner(loop: EventLoop, host: str) -> None:
    first = bind_udp(loop, Mailbox(), host, 0)
    with pytest.raises(OSError, match=str(first.sockname[1])) as caught:
        bind_udp(loop, Mailbox(), host, first.sockname[1])
    assert caught.value.errno == EADDRINUSE


@needs_ipv6
def test_row_19_ipv4_and_ipv6_may_have_one_port_each(loop: EventLoop) -> None:
    old, new = Mailbox(), Mailbox()
    endpoint = bind_udp(loop, old, "0.0.0.0", 0)
    port = endpoint.sockname[1]
    bind_udp(loop, new, "::", port, dual_stack=False)
    with udp_socket() as by_ipv4, udp_socket("::1") as by_ipv6:
        by_ipv4.sendto(b"four", ("127.0.0.1", port))
        by_ipv6.sendto(b"six", ("::1", port))
        iterate_until(loop, lambda: old.datagrams and new.datagrams)
    assert (old.datagrams, new.datagrams) == ([b"four"], [b"six"])


@needs_ipv6
def test_row_19_ipv4_and_ipv6_may_listen_at_one_port_each(loop: EventLoop) -> None:
    old = listen(loop, StreamHandler, "0.0.0.0", 0)
    new = listen(loop, StreamHandler, "::", old.sockname[1], dual_stack=False)
    with socket.create_connection(("127.0.0.1", old.sockname[1])):
        iterate_until(loop, lambda: old.accepted + new.accepted)
    assert (old.accepted, new.accepted) == (1, 0)


@needs_ipv6
def test_row_19_an_ipv4_client_of_an_ipv6_socket_is_the_same_client(loop: EventLoop) -> None:
    handler = RecordingHandler()
    listener = listen(loop, lambda: handler, "::", 0)
    with socket.create_connection(("127.0.0.1", listener.sockname[1])) as client:
        iterate_until(loop, lambda: handler.stream)
        assert handler.stream is not None
        assert unmapped(handler.stream.peername) == client.getsockname()


@needs_ipv6
def test_row_19_an_ipv6_client_stays_itself() -> None:
    with udp_socket("::1") as client:
        assert unmapped(client.getsockname()) == client.getsockname()


# -- row 106: a port after its server -----------------------------------------------------------


def test_row_106_a_server_may_come_back_while_its_old_connections_linger(loop: EventLoop) -> None:
    handler = RecordingHandler()
    listener = listen(loop, lambda: handler, "127.0.0.1", 0)
    with socket.create_connection(listener.sockname) as client:
        iterate_until(loop, lambda: handler.stream)
        assert handler.stream is not None
        # Who closes first is the one whose port lingers in TIME_WAIT.
        handler.stream.close()
        loop.run_once(0)
        assert client.recv(1) == b""
    iterate_until(loop, lambda: handler.events[-1] == "connection_lost")
    listener.close()
    again = listen(loop, RecordingHandler, "127.0.0.1", listener.sockname[1])
    assert again.sockname == listener.sockname
