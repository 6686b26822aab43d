"""Ingest: at each address of its host the stream is heard, and all of them are one."""

import errno
import socket
from collections.abc import Callable
from typing import Any

import pytest

from reactor import DatagramEndpoint, EventLoop
from reactor.relay.ingest import Ingest
from reactor.testing import run_until
from tests.doubles.door import Door
from tests.doubles.faulty_socket import FaultySocket, has_ipv6
from tests.doubles.mailbox import Mailbox
from tests.doubles.peer import wait_for

needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="needs IPv6")

NAME = "both.example"


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def made(network: Door) -> list[FaultySocket]:
    """The sockets of the ingest, in the order of its addresses."""
    sockets: list[FaultySocket] = []

    def make(*arguments: int) -> FaultySocket:
        sockets.append(FaultySocket(*arguments))
        return sockets[-1]

    network.socket = make
    return sockets


@pytest.fixture
def ingest(loop: EventLoop, network: Door, made: list[FaultySocket], mailbox: Mailbox) -> Ingest:
    """An ingest at a name of two families."""

    def look_up(host: str, port: int, **kwargs: Any) -> list[Any]:
        assert host == NAME
        return [
            (socket.AF_INET6, socket.SOCK_DGRAM, 17, "", ("::1", port, 0, 0)),
            (socket.AF_INET, socket.SOCK_DGRAM, 17, "", ("127.0.0.1", port)),
        ]

    network.getaddrinfo = look_up
    return Ingest(loop, mailbox, (NAME, 0), coalesce=0.0, segmentation=False)


def send(ingest: Ingest, udp: Callable[..., FaultySocket], datagram: bytes) -> None:
    """Send one datagram to each address of the ingest."""
    for address in ingest.addresses:
        udp(address[0]).sendto(datagram, address)


@needs_ipv6
def test_the_stream_is_heard_at_each_address_on_one_port(
    loop: EventLoop, ingest: Ingest, mailbox: Mailbox, udp: Callable[..., FaultySocket]
) -> None:
    assert [address[0] for address in ingest.addresses] == ["::1", "127.0.0.1"]
    assert len({address[1] for address in ingest.addresses}) == 1
    ingest.resume()
    send(ingest, udp, b"video")
    run_until(loop, lambda: ingest.received == 2)
    assert mailbox.datagrams == [b"video"] * 2
    assert ingest.lost in (None, 0)


@needs_ipv6
def test_what_came_to_any_address_during_a_pause_is_never_heard(
    loop: EventLoop,
    ingest: Ingest,
    made: list[FaultySocket],
    mailbox: Mailbox,
    udp: Callable[..., FaultySocket],
) -> None:
    for _ in range(2):
        send(ingest, udp, b"old")
        for sock in made:
            wait_for(sock)
        ingest.resume()
        ingest.pause()
    loop.run()  # returns: nothing is watched
    assert (mailbox.datagrams, ingest.received) == ([], 0)


@needs_ipv6
def test_what_the_system_dropped_is_summed_over_all_addresses(
    ingest: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    drops = iter([3, 4, 3, None])
    monkeypatch.setattr(DatagramEndpoint, "kernel_drops", property(lambda self: next(drops)))
    assert ingest.lost == 7
    assert ingest.lost is None


@needs_ipv6
def test_closing_closes_all(loop: EventLoop, ingest: Ingest, made: list[FaultySocket]) -> None:
    ingest.close()
    loop.run()
    assert [sock.fileno() for sock in made] == [-1, -1]


def test_without_a_descriptor_it_is_not_guessed_whether_an_address_is_ours(
    loop: EventLoop, network: Door, mailbox: Mailbox
) -> None:
    ingest = Ingest(loop, mailbox, ("0.0.0.0", 0), coalesce=0.0, segmentation=False)

    def refuse(*arguments: int) -> FaultySocket:
        raise OSError(errno.EMFILE, "no descriptor is free")

    network.socket = refuse
    with pytest.raises(OSError, match="no descriptor is free"):
        ingest.hears(("127.0.0.1", ingest.addresses[0][1]))
