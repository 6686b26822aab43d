"""Rows about sending to very many: what one of them refused, and whom a table has room for."""

import ipaddress
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from reactor import Address, DatagramBatch, DatagramHandler, EventLoop, bind_udp
from reactor.ways import Way, Ways
from tests.doubles.faulty_socket import FaultySocket

BATCH = DatagramBatch.of([bytes(1316)] * 3)


class Compared(str):
    """A host that counts how often it is compared with another."""

    comparisons = 0

    def __eq__(self, other: object) -> bool:
        Compared.comparisons += 1
        return super().__eq__(other)

    __hash__ = str.__hash__


class Everywhere(FaultySocket):
    """A socket that takes all runs but the first, and sends nothing."""

    refused = False

    def sendmsg(self, buffers: Any, *args: Any) -> int:
        if not self.refused:
            self.refused = True
            raise OSError(5, "EIO")
        return sum(map(len, buffers))

    def sendto(self, data: Any, *args: Any) -> int:
        return len(data)


def crowd(size: int) -> list[Address]:
    return [(Compared(ipaddress.IPv4Address(0x0A000000 + number)), 9) for number in range(size)]


# -- 219: a refusal that passes ----------------------------------------------------------


@pytest.fixture
def way() -> Iterator[Way]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        yield Way(("192.0.2.1", 9), sock, ("192.0.2.1", 9))


def test_row_219_one_receiver_that_refuses_costs_the_others_next_to_nothing(
    loop: EventLoop,
) -> None:
    addresses = crowd(300)
    with Everywhere(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        endpoint = bind_udp(loop, DatagramHandler(), sock=sock, segmentation=True)
        for _ in range(2):
            Compared.comparisons = 0
            assert endpoint.send_batch_to_all(BATCH, addresses) == {}
    assert Compared.comparisons < 10 * len(addresses)


def test_row_219_of_a_refusal_that_is_over_nothing_is_left(way: Way) -> None:
    way.refuse(188, now=0.0)
    assert not way.refuses(65507, now=60.0)


def test_row_219_a_larger_refusal_does_not_renew_a_smaller_one(way: Way) -> None:
    way.refuse(188, now=0.0)
    way.refuse(1316, now=60.0)
    assert not way.refuses(188, now=60.0)


# -- 212: addresses ----------------------------------------------------------------------


def test_row_212_however_many_there_are_each_address_is_checked_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    addresses = crowd(10_000)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        ways = Ways(sock, takes_ipv4=False)
        ways.make_room(len(addresses))
        expected = [ways.to(address) for address in addresses]
        monkeypatch.setattr(ipaddress, "ip_address", lambda host: pytest.fail("checked again"))
        assert [ways.to(address) for address in addresses] == expected


@pytest.mark.skipif(not socket.has_ipv6, reason="needs IPv6")
@pytest.mark.parametrize("scope", ["4294967297", "99999999999", "9" * 5000, "\u0661"])
def test_row_212_a_scope_that_no_interface_can_have_is_refused(scope: str) -> None:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
        ways = Ways(sock, takes_ipv4=False)
        with pytest.raises(ValueError, match="expected an interface"):
            ways.to((f"fe80::1%{scope}", 9))
