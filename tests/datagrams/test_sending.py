"""What can't leave is counted, and costs nobody else a datagram."""

import errno
import itertools
import socket
from array import array
from typing import Any

import pytest

from reactor import (
    DatagramBatch,
    DatagramEndpoint,
    EventLoop,
    bind_udp,
)
from reactor.testing import run_until
from tests.datagrams.conftest import SENDS, MakeSocket, needs_linux, numbered, receive
from tests.doubles.descriptors import open_descriptors
from tests.doubles.door import Door
from tests.doubles.faulty_socket import FaultySocket, has_ipv6
from tests.doubles.mailbox import Mailbox
from tests.doubles.peer import wait_for

IP_RECVERR = 11  # linux/in.h


# -- sending -----------------------------------------------------------------------------


@pytest.mark.parametrize("data", [b"bytes", bytearray(b"bytes"), memoryview(b"bytes"), b""])
def test_send_sends_one_datagram(
    endpoint: DatagramEndpoint, other: FaultySocket, data: bytes
) -> None:
    assert endpoint.send(data, other.getsockname())
    assert receive(other) == bytes(data)
    assert (endpoint.counters.sent, endpoint.counters.sent_bytes) == (1, len(data))


def test_bytes_are_counted_whatever_a_view_is_of(
    endpoint: DatagramEndpoint, other: FaultySocket
) -> None:
    assert endpoint.send(memoryview(array("H", [1, 2, 3])), other.getsockname())
    assert endpoint.counters.sent_bytes == 6


def test_send_batch_sends_all_in_order(endpoint: DatagramEndpoint, other: FaultySocket) -> None:
    sent = [b"one", b"", b"three", b"three", b"5"]
    assert endpoint.send_batch(DatagramBatch.of(sent), other.getsockname()) == 5
    assert [receive(other) for _ in sent] == sent
    assert (endpoint.counters.sent, endpoint.counters.sent_bytes) == (5, 14)


def test_an_empty_batch_sends_nothing(endpoint: DatagramEndpoint, other: FaultySocket) -> None:
    assert endpoint.send_batch(DatagramBatch.of([]), other.getsockname()) == 0
    assert endpoint.counters.sent == 0


@pytest.mark.parametrize("segmentation", [False, None])
def test_a_batch_can_be_sent_to_many_at_once(
    loop: EventLoop, mailbox: Mailbox, udp: MakeSocket, segmentation: bool | None
) -> None:
    endpoint = bind_udp(loop, mailbox, "127.0.0.1", segmentation=segmentation)
    receivers = [udp() for _ in range(5)]
    addresses = [receiver.getsockname() for receiver in receivers]
    assert endpoint.send_batch_to_all(DatagramBatch.of(numbered(3)), addresses) == {}
    for receiver in receivers:
        assert [receive(receiver) for _ in range(3)] == numbered(3)
    assert (endpoint.counters.sent, endpoint.counters.sent_bytes) == (15, 15)


def test_a_batch_sent_to_nobody_is_not_sent(endpoint: DatagramEndpoint) -> None:
    assert endpoint.send_batch_to_all(DatagramBatch.of(numbered(3)), []) == {}
    assert endpoint.counters.sent == 0


def test_what_was_dropped_is_told_for_each_address(
    endpoint: DatagramEndpoint, sock: FaultySocket, udp: MakeSocket
) -> None:
    first, second = udp(), udp()
    addresses = [first.getsockname(), second.getsockname()]
    sock.script("sendto", [None, None, None, None, errno.EAGAIN, errno.ENOBUFS])
    dropped = endpoint.send_batch_to_all(DatagramBatch.of(numbered(3)), addresses)
    assert dropped == {addresses[1]: 2}
    assert endpoint.counters.dropped == {"EAGAIN": 1, "ENOBUFS": 1}


def test_a_datagram_that_no_network_can_carry_is_dropped_and_counted(
    endpoint: DatagramEndpoint, other: FaultySocket
) -> None:
    assert not endpoint.send(bytes(65508), other.getsockname())
    assert endpoint.counters.dropped == {"EMSGSIZE": 1}
    assert endpoint.counters.sent == 0


@pytest.mark.parametrize("code", [errno.ENOBUFS, errno.EAGAIN, errno.EPERM, errno.ENOMEM])
def test_a_datagram_that_can_not_be_sent_now_is_dropped_and_counted_by_name(
    endpoint: DatagramEndpoint, sock: FaultySocket, other: FaultySocket, code: int
) -> None:
    sock.script("sendto", [code])
    assert not endpoint.send(b"1", other.getsockname())
    assert endpoint.counters.dropped == {errno.errorcode[code]: 1}
    assert endpoint.send(b"2", other.getsockname())
    assert receive(other) == b"2"


def test_an_errno_without_a_name_is_counted_as_unknown(
    endpoint: DatagramEndpoint, sock: FaultySocket, other: FaultySocket
) -> None:
    sock.script("sendto", [99999])
    endpoint.send(b"1", other.getsockname())
    assert endpoint.counters.dropped == {"UNKNOWN": 1}


OLD_NEWS = [
    errno.ECONNREFUSED,
    errno.ECONNRESET,
    errno.EHOSTUNREACH,
    errno.ENETUNREACH,
    errno.EHOSTDOWN,
    errno.ENOPROTOOPT,
]


@pytest.mark.parametrize("code", OLD_NEWS, ids=errno.errorcode.get)
def test_the_news_of_an_earlier_datagram_costs_this_one_nothing(
    endpoint: DatagramEndpoint, sock: FaultySocket, other: FaultySocket, code: int
) -> None:
    sock.script("sendto", [code])
    assert endpoint.send(b"1", other.getsockname())
    assert receive(other) == b"1"
    assert not endpoint.counters.dropped


@pytest.mark.parametrize("code", OLD_NEWS, ids=errno.errorcode.get)
def test_an_error_of_this_very_datagram_is_counted(
    endpoint: DatagramEndpoint, sock: FaultySocket, other: FaultySocket, code: int
) -> None:
    sock.script("sendto", itertools.repeat(code))
    assert not endpoint.send(b"1", other.getsockname())
    assert sock.calls["sendto"] == 2
    assert endpoint.counters.dropped == {errno.errorcode[code]: 1}


def test_a_batch_that_is_dropped_in_part_says_how_much_was_sent(
    endpoint: DatagramEndpoint, sock: FaultySocket, other: FaultySocket
) -> None:
    sock.script("sendto", [None, errno.EAGAIN, None])
    assert endpoint.send_batch(DatagramBatch.of(numbered(3)), other.getsockname()) == 2
    assert [receive(other), receive(other)] == [b"0", b"2"]


@needs_linux
@pytest.mark.parametrize("segmentation", [False, None])
def test_one_dead_receiver_costs_nine_live_ones_nothing(
    loop: EventLoop,
    mailbox: Mailbox,
    sock: FaultySocket,
    udp: MakeSocket,
    segmentation: bool | None,
) -> None:
    endpoint = bind_udp(loop, mailbox, sock=sock, segmentation=segmentation)
    # With this option, which the endpoint has just switched off, the system tells of the
    # dead one on the next send, to whomever.
    sock.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
    receivers = [udp() for _ in range(10)]
    addresses = [receiver.getsockname() for receiver in receivers]
    receivers[3].close()
    batch = DatagramBatch.of([b"%4d" % number for number in range(10)])
    for _ in range(5):
        for address in addresses:
            endpoint.send_batch(batch, address)
    for receiver in receivers[:3] + receivers[4:]:
        assert [receive(receiver) for _ in range(50)] == [bytes(view) for view in batch] * 5


# -- addresses that can't be -----------------------------------------------------------------

IMPOSSIBLE = [
    ("127.0.0.1", 70000),
    ("127.0.0.1", -1),
    ("127.0.0.1", 0),
    ("::1", 9, 0, 0),
    ("localhost", 9),
    ("127.0.0.1", "9"),
    ("127.0.0.1",),
    ["127.0.0.1", 9],
    None,
]


@pytest.fixture
def no_resolver(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("getaddrinfo", "gethostbyname", "gethostbyaddr"):
        monkeypatch.setattr(socket, name, lambda *args, **kwargs: pytest.fail("looked up"))


@pytest.mark.parametrize("segmentation", [False, True])
@pytest.mark.parametrize("bad", IMPOSSIBLE, ids=str)
def test_an_impossible_address_costs_no_other_receiver_a_datagram(
    loop: EventLoop,
    mailbox: Mailbox,
    udp: MakeSocket,
    no_resolver: None,
    bad: Any,
    segmentation: bool,
) -> None:
    endpoint = bind_udp(loop, mailbox, "127.0.0.1", segmentation=segmentation)
    receivers = [udp(), udp()]
    addresses = [receivers[0].getsockname(), bad, receivers[1].getsockname()]
    sent = numbered(3)
    dropped = endpoint.send_batch_to_all(DatagramBatch.of(sent), addresses)
    for receiver in receivers:
        assert [receive(receiver) for _ in sent] == sent
    assert dropped == ({} if isinstance(bad, list) else {bad: 3})
    assert endpoint.counters.dropped == {"EINVAL": 3}
    assert endpoint.counters.sent == 6


@pytest.mark.parametrize("send", ["send", "send_batch"])
@pytest.mark.parametrize("bad", [bad for bad in IMPOSSIBLE if bad != ("127.0.0.1", 0)], ids=str)
def test_to_send_to_an_impossible_address_alone_is_a_mistake_that_is_told_at_once(
    endpoint: DatagramEndpoint, no_resolver: None, send: str, bad: Any
) -> None:
    with pytest.raises((ValueError, TypeError), match=r"expected|a port is"):
        SENDS[send](endpoint, bad)
    assert endpoint.counters.sent == endpoint.counters.dropped.total() == 0


def test_an_answer_to_port_0_is_dropped_and_counted(endpoint: DatagramEndpoint) -> None:
    # RFC 768 lets a datagram come from there, so it is no mistake of the program.
    assert not endpoint.send(b"answer", ("127.0.0.1", 0))
    assert endpoint.counters.dropped == {"EINVAL": 1}


@pytest.mark.skipif(not has_ipv6(), reason="needs IPv6")
def test_a_sender_of_ipv4_at_an_ipv6_socket_is_named_and_answered_as_one_of_ipv4(
    loop: EventLoop, mailbox: Mailbox, other: FaultySocket
) -> None:
    endpoint = bind_udp(loop, mailbox, "::")
    other.sendto(b"question", ("127.0.0.1", endpoint.sockname[1]))
    run_until(loop, lambda: mailbox.datagrams)
    assert mailbox.sources == [other.getsockname()]
    assert endpoint.send(b"answer", mailbox.sources[0])
    assert receive(other) == b"answer"


# -- lanes: a socket for one address ---------------------------------------------------------


def test_what_is_sent_through_a_lane_comes_from_the_address_that_was_told(
    endpoint: DatagramEndpoint, other: FaultySocket
) -> None:
    source = endpoint.open_lane(other.getsockname())
    assert source != endpoint.sockname
    assert endpoint.send(b"one", other.getsockname())
    assert endpoint.send_batch(DatagramBatch.of([b"two"]), other.getsockname()) == 1
    assert endpoint.send_batch_to_all(DatagramBatch.of([b"three"]), [other.getsockname()]) == {}
    for datagram in (b"one", b"two", b"three"):
        wait_for(other)
        assert other.recvfrom(100) == (datagram, source)


def test_a_lane_is_for_its_own_address_alone(
    endpoint: DatagramEndpoint, other: FaultySocket, udp: MakeSocket
) -> None:
    third = udp()
    endpoint.open_lane(third.getsockname())
    endpoint.send(b"x", other.getsockname())
    wait_for(other)
    assert other.recvfrom(100) == (b"x", endpoint.sockname)


@needs_linux
@pytest.mark.parametrize("segmentation", [False, True])
def test_a_dead_receiver_at_the_end_of_a_lane_is_nobody_elses_affair(
    loop: EventLoop, network: Door, mailbox: Mailbox, udp: MakeSocket, segmentation: bool
) -> None:
    made: list[FaultySocket] = []
    network.socket = lambda *args: made.append(FaultySocket(*args)) or made[-1]  # type: ignore[func-returns-value]
    endpoint = bind_udp(loop, mailbox, "127.0.0.1", segmentation=segmentation)
    receivers = [udp() for _ in range(3)]
    addresses = [receiver.getsockname() for receiver in receivers]
    for address in addresses:
        endpoint.open_lane(address)
    receivers.pop(1).close()
    for _ in range(5):
        endpoint.send_batch_to_all(DatagramBatch.of([b"same"] * 10), addresses)
    for receiver in receivers:
        assert [receive(receiver) for _ in range(50)] == [b"same"] * 50
    assert mailbox.refusals == []
    # What it costs is one more call for each.
    _, _, dead, alive = (sock.calls["send"] + sock.calls["sendmsg"] for sock in made)
    assert dead <= 2 * alive


def test_a_lane_that_is_full_is_in_nobodys_way(
    loop: EventLoop, network: Door, mailbox: Mailbox, udp: MakeSocket
) -> None:
    made: list[FaultySocket] = []
    network.socket = lambda *args: made.append(FaultySocket(*args)) or made[-1]  # type: ignore[func-returns-value]
    endpoint = bind_udp(loop, mailbox, "127.0.0.1", segmentation=False)
    slow, fast = udp(), udp()
    for receiver in (slow, fast):
        endpoint.open_lane(receiver.getsockname())
    made[1].script("send", itertools.repeat(errno.EAGAIN))
    addresses = [slow.getsockname(), fast.getsockname()]
    dropped = endpoint.send_batch_to_all(DatagramBatch.of(numbered(3)), addresses)
    assert dropped == {slow.getsockname(): 3}
    assert [receive(fast) for _ in range(3)] == numbered(3)


def test_a_closed_lane_is_forgotten_and_closing_it_again_is_harmless(
    endpoint: DatagramEndpoint, other: FaultySocket
) -> None:
    before = open_descriptors()
    for _ in range(3):
        endpoint.open_lane(other.getsockname())
        endpoint.close_lane(other.getsockname())
        endpoint.close_lane(other.getsockname())
    assert open_descriptors() == before
    endpoint.send(b"x", other.getsockname())
    wait_for(other)
    assert other.recvfrom(100) == (b"x", endpoint.sockname)


def test_a_second_lane_to_one_address_takes_the_place_of_the_first(
    endpoint: DatagramEndpoint, other: FaultySocket
) -> None:
    endpoint.open_lane(other.getsockname())
    before = open_descriptors()
    source = endpoint.open_lane(other.getsockname())
    assert open_descriptors() == before
    endpoint.send(b"x", other.getsockname())
    wait_for(other)
    assert other.recvfrom(100) == (b"x", source)


@pytest.mark.parametrize("end", ["endpoint", "loop"])
def test_lanes_are_closed_with_their_endpoint(
    loop: EventLoop, mailbox: Mailbox, udp: MakeSocket, end: str
) -> None:
    others = [udp() for _ in range(3)]
    before = open_descriptors()
    endpoint = bind_udp(loop, mailbox, "127.0.0.1")
    for other in others:
        endpoint.open_lane(other.getsockname())
    (endpoint if end == "endpoint" else loop).close()
    assert open_descriptors() <= before


def test_a_lane_for_which_there_is_no_socket_changes_nothing(
    loop: EventLoop, network: Door, endpoint: DatagramEndpoint, other: FaultySocket
) -> None:
    def refuse(*args: int) -> socket.socket:
        raise OSError(errno.EMFILE, "Too many open files")

    network.socket = refuse
    with pytest.raises(OSError, match="Too many open files") as caught:
        endpoint.open_lane(other.getsockname())
    assert caught.value.errno == errno.EMFILE
    endpoint.send(b"x", other.getsockname())
    assert receive(other) == b"x"


@pytest.mark.parametrize("name", ["bind", "connect", "getsockname"])
def test_a_lane_that_can_not_be_made_leaves_no_descriptor_behind(
    loop: EventLoop,
    network: Door,
    endpoint: DatagramEndpoint,
    other: FaultySocket,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    def make(*args: int) -> FaultySocket:
        sock = FaultySocket(*args)
        monkeypatch.setattr(sock, name, fail)
        return sock

    def fail(*args: object) -> object:
        raise OSError(errno.ENOBUFS, "No buffer space available")

    network.socket = make
    before = open_descriptors()
    with pytest.raises(OSError, match="No buffer space"):
        endpoint.open_lane(other.getsockname())
    assert open_descriptors() == before


def test_there_is_no_lane_to_an_impossible_address(endpoint: DatagramEndpoint) -> None:
    before = open_descriptors()
    with pytest.raises(ValueError, match="numeric host"):
        endpoint.open_lane(("localhost", 9))
    assert open_descriptors() == before


def test_a_lane_has_a_send_buffer_of_its_own_and_hardly_a_receive_buffer(
    loop: EventLoop, network: Door, mailbox: Mailbox, other: FaultySocket
) -> None:
    made: list[socket.socket] = []
    network.socket = lambda *args: made.append(socket.socket(*args)) or made[-1]  # type: ignore[func-returns-value]
    endpoint = bind_udp(loop, mailbox, "127.0.0.1", buffer_size=65536)
    endpoint.open_lane(other.getsockname())
    own, lane = made
    assert lane.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) == own.getsockopt(
        socket.SOL_SOCKET, socket.SO_SNDBUF
    )
    assert lane.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) < 8192
