"""A row about names with addresses of both families, and machines that have but one."""

import errno
import os
import socket
from typing import Any

import pytest

from reactor import EventLoop, StreamHandler, bind_udp, bind_udp_all, listen
from tests.doubles.descriptors import open_descriptors
from tests.doubles.door import Door
from tests.doubles.faulty_socket import has_ipv6, udp_socket
from tests.doubles.mailbox import Mailbox
from tests.museum.scenes import every_selector, iterate_until

needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="needs IPv6")

pytestmark = every_selector

SIX = (socket.AF_INET6, "::1", 0, 0)
FOUR = (socket.AF_INET, "127.0.0.1")
NOT_HERE = (socket.AF_INET, "192.0.2.1")

# -- 217: a name that is accepted, and useless -----------------------------------------------


def let_name_be(network: Door, *addresses: Any) -> None:
    """Let every name have these addresses."""
    network.getaddrinfo = lambda host, port, *, type: [
        (family, type, 0, "", (host, port, *rest)) for family, host, *rest in addresses
    ]


def without_ipv6(family: int, kind: int) -> socket.socket:
    if family == socket.AF_INET6:
        raise OSError(errno.EAFNOSUPPORT, os.strerror(errno.EAFNOSUPPORT))
    return socket.socket(family, kind)


@needs_ipv6
def test_row_217_a_listener_at_a_name_serves_both_families_at_one_port(
    loop: EventLoop, network: Door
) -> None:
    let_name_be(network, SIX, FOUR)
    listener = listen(loop, StreamHandler, "both.test", 0)
    port = listener.sockname[1]
    with socket.create_connection(("127.0.0.1", port)), socket.create_connection(("::1", port)):
        iterate_until(loop, lambda: listener.accepted == 2)


@needs_ipv6
def test_row_217_datagrams_to_a_name_are_heard_in_both_families_at_one_port(
    loop: EventLoop, network: Door
) -> None:
    let_name_be(network, SIX, FOUR)
    mailbox = Mailbox()
    port = bind_udp_all(loop, mailbox, "both.test", 0)[0].sockname[1]
    with udp_socket() as four, udp_socket("::1") as six:
        four.sendto(b"four", ("127.0.0.1", port))
        six.sendto(b"six", ("::1", port))
        iterate_until(loop, lambda: len(mailbox.datagrams) == 2)


def test_row_217_a_machine_without_ipv6_is_served_by_name(loop: EventLoop, network: Door) -> None:
    let_name_be(network, SIX, FOUR)
    network.socket = without_ipv6
    assert listen(loop, StreamHandler, "both.test", 0).sockname[0] == "127.0.0.1"
    assert bind_udp(loop, Mailbox(), "both.test", 0).sockname[0] == "127.0.0.1"
    (only,) = bind_udp_all(loop, Mailbox(), "both.test", 0)
    assert only.sockname[0] == "127.0.0.1"


def test_row_217_an_address_that_is_elsewhere_does_not_hide_the_one_that_is_here(
    loop: EventLoop, network: Door
) -> None:
    let_name_be(network, NOT_HERE, FOUR)
    assert listen(loop, StreamHandler, "both.test", 0).sockname[0] == "127.0.0.1"
    assert bind_udp(loop, Mailbox(), "both.test", 0).sockname[0] == "127.0.0.1"


@needs_ipv6
def test_row_217_half_a_name_is_not_served_in_silence(loop: EventLoop, network: Door) -> None:
    let_name_be(network, SIX, FOUR)
    with socket.create_server(("127.0.0.1", 0)) as other:
        before = open_descriptors()
        port = other.getsockname()[1]
        with pytest.raises(OSError, match=f"127.0.0.1:{port}: Address already in use"):
            listen(loop, StreamHandler, "both.test", port)
        assert open_descriptors() == before


def test_row_217_an_error_names_all_addresses_that_failed(loop: EventLoop, network: Door) -> None:
    let_name_be(network, SIX, NOT_HERE)
    network.socket = without_ipv6
    with pytest.raises(OSError, match=r"\[::1\]:9: .*; 192\.0\.2\.1:9: "):
        listen(loop, StreamHandler, "both.test", 9)
    with pytest.raises(OSError, match=r"\[::1\]:9: .*; 192\.0\.2\.1:9: "):
        bind_udp(loop, Mailbox(), "both.test", 9)


@needs_ipv6
def test_row_217_the_ipv6_wildcard_takes_ipv4_too(loop: EventLoop) -> None:
    mailbox = Mailbox()
    listener = listen(loop, StreamHandler, "::", 0)
    endpoint = bind_udp(loop, mailbox, "::", 0)
    with (
        socket.create_connection(("127.0.0.1", listener.sockname[1])),
        udp_socket() as four,
    ):
        four.sendto(b"four", ("127.0.0.1", endpoint.sockname[1]))
        iterate_until(loop, lambda: listener.accepted and mailbox.datagrams)


@needs_ipv6
def test_row_217_a_name_that_is_closed_is_closed_at_all_its_addresses(
    loop: EventLoop, network: Door
) -> None:
    let_name_be(network, SIX, FOUR)
    before = open_descriptors()
    listen(loop, StreamHandler, "both.test", 0).close()
    assert open_descriptors() == before
