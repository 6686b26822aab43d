"""Sockets that are bound by name or handed in: what can't do its work is refused in the call."""

import errno
import socket

import pytest

from reactor.sockets import bound_socket
from tests.fakes import has_ipv6

needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="needs IPv6")

# -- bound_socket ------------------------------------------------------------------------


def bound(host: str, port: int, kind: socket.SocketKind, dual_stack: bool = False) -> socket.socket:
    return bound_socket(socket, host, port, kind, numeric_only=True, dual_stack=dual_stack)


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_a_bound_socket_does_not_block(kind: socket.SocketKind) -> None:
    with bound("127.0.0.1", 0, kind) as sock:
        assert sock.getsockname()[0] == "127.0.0.1"
        assert not sock.getblocking()


@pytest.mark.skipif(not hasattr(socket, "SO_REUSEPORT"), reason="Windows shares ports otherwise")
@pytest.mark.parametrize(
    ("kind", "reused"), [(socket.SOCK_STREAM, True), (socket.SOCK_DGRAM, False)]
)
def test_only_a_tcp_port_may_be_taken_over_from_old_connections(
    kind: socket.SocketKind, reused: bool
) -> None:
    with bound("127.0.0.1", 0, kind) as sock:
        assert bool(sock.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR)) is reused


def test_a_port_in_use_is_an_os_error_that_names_the_address() -> None:
    with bound("127.0.0.1", 0, socket.SOCK_DGRAM) as first:
        port = first.getsockname()[1]
        with pytest.raises(OSError, match=rf"127\.0\.0\.1:{port}: ") as caught:
            bound("127.0.0.1", port, socket.SOCK_DGRAM)
    assert caught.value.errno == errno.EADDRINUSE


def test_a_family_that_the_system_lacks_is_an_os_error_that_names_the_address(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_socket(family: int, kind: int) -> socket.socket:
        raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")

    monkeypatch.setattr(socket, "socket", no_socket)
    with pytest.raises(OSError, match=r"\[::1\]:80: ") as caught:
        bound("::1", 80, socket.SOCK_STREAM)
    assert caught.value.errno == errno.EAFNOSUPPORT


@needs_ipv6
@pytest.mark.parametrize("dual_stack", [True, False])
def test_an_ipv6_socket_takes_ipv4_peers_only_if_asked_to(dual_stack: bool) -> None:
    with bound("::", 0, socket.SOCK_STREAM, dual_stack) as sock:
        only_ipv6 = sock.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)
        assert bool(only_ipv6) is not dual_stack
