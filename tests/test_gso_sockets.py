"""Segmentation offload over real sockets: what arrives is what was sent, however it was sent."""

import errno
import itertools
import os
import socket
import sys
import types
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reactor import (
    DatagramBatch,
    DatagramEndpoint,
    DatagramHandler,
    EventLoop,
    bind_udp,
    gso,
)
from reactor.testing import run_until
from tests.conftest import Reported
from tests.doubles.faulty_socket import FaultySocket, has_ipv6, udp_socket
from tests.doubles.mailbox import Mailbox
from tests.doubles.peer import wait_for

MakeSocket = Callable[..., FaultySocket]

TS = 1316
REFUSALS = [errno.EIO, errno.EINVAL, errno.EMSGSIZE, errno.ENOPROTOOPT, errno.EOPNOTSUPP]


def offload_works() -> bool:
    with udp_socket() as sock:
        return gso.is_supported(sock)


needs_offload = pytest.mark.skipif(not offload_works(), reason="needs UDP_SEGMENT")


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def sock(udp: MakeSocket) -> FaultySocket:
    """The socket of the endpoint."""
    return udp()


@pytest.fixture
def receiver(udp: MakeSocket) -> FaultySocket:
    """Where the datagrams go."""
    receiver = udp()
    receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * 1024 * 1024)
    return receiver


@pytest.fixture
def endpoint(loop: EventLoop, mailbox: Mailbox, sock: FaultySocket) -> DatagramEndpoint:
    """An endpoint that sends runs, whatever this system can do."""
    return bind_udp(loop, mailbox, sock=sock, segmentation=True)


def datagrams_of(sizes: Sequence[int]) -> list[bytes]:
    """Datagrams that tell their place, as far as they have room for it."""
    return [(b"%d." % number * size)[:size] for number, size in enumerate(sizes)]


def receive(sock: socket.socket, count: int) -> list[bytes]:
    """The next datagrams, waited for."""
    received = []
    for _ in range(count):
        wait_for(sock)
        received.append(sock.recv(65536))
    return received


def nothing_more(sock: socket.socket) -> bool:
    try:
        sock.recv(65536)
    except BlockingIOError:
        return True
    return False


# -- the real thing ----------------------------------------------------------------------


@needs_offload
@pytest.mark.parametrize(
    "sizes",
    [
        [TS] * 2,
        [TS] * 49,
        [TS] * 50,
        [TS] * 128,
        [1328] * 49,
        [188] * 64,
        [188] * 65,
        [1] * 100,
        [TS] * 7 + [188],
        [TS] * 7 + [188] * 2,
        [188, TS, 188],
        [TS, 0, TS],
        [0],
        [0, 0],
        [65507],
        [65507, 65507],
        [32753, 32753],
        [32754, 32753],
        [32753, 32754],
        [9000] * 8,
        [TS] * 10 + [0] + [TS] * 10 + [1] + [TS] * 10,
    ],
    ids=lambda sizes: f"{len(sizes)}x{sizes[0]}",
)
@pytest.mark.parametrize("lane", [False, True])
def test_every_datagram_arrives_whole_and_in_order(
    endpoint: DatagramEndpoint, receiver: FaultySocket, sizes: list[int], lane: bool
) -> None:
    if lane:
        endpoint.open_lane(receiver.getsockname())
    sent = datagrams_of(sizes)
    assert endpoint.send_batch(DatagramBatch.of(sent), receiver.getsockname()) == len(sent)
    assert receive(receiver, len(sent)) == sent
    assert nothing_more(receiver)


# No more than a receiver has room for on a system as it comes.
a_size = st.sampled_from([0, 1, 188, TS, 1328]) | st.integers(0, 1400)
some_sizes = st.lists(st.tuples(a_size, st.integers(1, 70)), min_size=1, max_size=5).map(
    lambda stretches: [size for size, times in stretches for _ in range(times)][:150]
)


@needs_offload
@settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(some_sizes)
def test_datagrams_of_any_sizes_arrive_whole_and_in_order(
    endpoint: DatagramEndpoint, receiver: FaultySocket, sizes: list[int]
) -> None:
    sent = datagrams_of(sizes)
    endpoint.send_batch(DatagramBatch.of(sent), receiver.getsockname())
    assert receive(receiver, len(sent)) == sent


@needs_offload
@settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(some_sizes | a_size, max_size=4))
def test_datagrams_through_a_lane_arrive_whole_whatever_was_sent_before(
    endpoint: DatagramEndpoint, receiver: FaultySocket, pieces: list[list[int] | int]
) -> None:
    endpoint.open_lane(receiver.getsockname())
    for piece in pieces:
        if isinstance(piece, int):
            assert endpoint.send(bytes(piece), receiver.getsockname())
            assert receive(receiver, 1) == [bytes(piece)]
        else:
            sent = datagrams_of(piece)
            endpoint.send_batch(DatagramBatch.of(sent), receiver.getsockname())
            assert receive(receiver, len(sent)) == sent


@needs_offload
def test_49_datagrams_of_a_ts_stream_are_one_call(
    endpoint: DatagramEndpoint, sock: FaultySocket, receiver: FaultySocket
) -> None:
    endpoint.send_batch(DatagramBatch.of([bytes(TS)] * 49), receiver.getsockname())
    assert sock.calls["sendmsg"] + sock.calls["sendto"] == 1


@needs_offload
def test_counters_count_datagrams_not_runs(
    endpoint: DatagramEndpoint, receiver: FaultySocket
) -> None:
    endpoint.send_batch(DatagramBatch.of([bytes(TS)] * 60), receiver.getsockname())
    assert (endpoint.counters.sent, endpoint.counters.sent_bytes) == (60, 60 * TS)


@needs_offload
def test_a_batch_that_was_received_can_be_sent_on_as_it_is(
    loop: EventLoop, sock: FaultySocket, udp: MakeSocket
) -> None:
    class Relay(Mailbox):
        def datagrams_received(self, endpoint: DatagramEndpoint, batch: DatagramBatch) -> None:
            super().datagrams_received(endpoint, batch)
            endpoint.send_batch_to_all(batch, [one.getsockname() for one in receivers])

    receivers = [udp(), udp(), udp()]
    source = udp()
    relay = Relay()
    endpoint = bind_udp(loop, relay, sock=sock)
    sent = datagrams_of([TS] * 60 + [188] + [TS] * 20)
    for datagram in sent:
        source.sendto(datagram, endpoint.sockname)
    run_until(loop, lambda: len(relay.datagrams) == len(sent))
    for receiver in receivers:
        assert receive(receiver, len(sent)) == sent


@needs_offload
@pytest.mark.skipif(not has_ipv6(), reason="needs IPv6")
def test_runs_are_sent_over_ipv6(loop: EventLoop, mailbox: Mailbox, udp: MakeSocket) -> None:
    sock, receiver = udp("::1"), udp("::1")
    endpoint = bind_udp(loop, mailbox, sock=sock)
    sent = datagrams_of([TS] * 60)
    assert endpoint.send_batch(DatagramBatch.of(sent), receiver.getsockname()) == 60
    assert receive(receiver, 60) == sent
    assert sock.calls["sendmsg"] == 2


# -- the off switch ----------------------------------------------------------------------


def sends_runs(endpoint: DatagramEndpoint, sock: FaultySocket, receiver: FaultySocket) -> bool:
    """Whether three equal datagrams left in one call; they have to arrive either way."""
    sent = datagrams_of([TS] * 3)
    before = sock.calls["sendmsg"] + sock.calls["sendto"]
    assert endpoint.send_batch(DatagramBatch.of(sent), receiver.getsockname()) == 3
    assert receive(receiver, 3) == sent
    return sock.calls["sendmsg"] + sock.calls["sendto"] == before + 1


def test_segmentation_can_be_switched_off(
    loop: EventLoop, mailbox: Mailbox, sock: FaultySocket, receiver: FaultySocket
) -> None:
    endpoint = bind_udp(loop, mailbox, sock=sock, segmentation=False)
    assert not sends_runs(endpoint, sock, receiver)


@needs_offload
def test_segmentation_is_used_where_it_is_safe(
    loop: EventLoop, mailbox: Mailbox, sock: FaultySocket, receiver: FaultySocket
) -> None:
    assert sends_runs(bind_udp(loop, mailbox, sock=sock), sock, receiver)


def test_segmentation_is_not_used_where_the_socket_does_not_know_it(
    loop: EventLoop, mailbox: Mailbox, sock: FaultySocket, receiver: FaultySocket
) -> None:
    sock.script("getsockopt", [errno.ENOPROTOOPT])
    assert not sends_runs(bind_udp(loop, mailbox, sock=sock), sock, receiver)


def test_segmentation_is_not_used_on_another_system(
    sock: FaultySocket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not gso.is_supported(sock)


@needs_offload
@pytest.mark.parametrize(
    ("release", "supported"), [("6.18.44", True), ("7.1.2", False), ("7.1.5", True)]
)
def test_segmentation_is_not_used_on_a_kernel_that_mangles_it(
    sock: FaultySocket, monkeypatch: pytest.MonkeyPatch, release: str, supported: bool
) -> None:
    monkeypatch.setattr(os, "uname", lambda: types.SimpleNamespace(release=release))
    assert gso.is_supported(sock) == supported


# -- runs that are refused ---------------------------------------------------------------


@pytest.mark.parametrize("code", REFUSALS, ids=errno.errorcode.get)
def test_every_datagram_of_a_refused_run_arrives_once(
    endpoint: DatagramEndpoint, sock: FaultySocket, receiver: FaultySocket, code: int
) -> None:
    sent = datagrams_of([TS] * 60 + [188] * 3)
    sock.script("sendmsg", itertools.repeat(code))
    assert endpoint.send_batch(DatagramBatch.of(sent), receiver.getsockname()) == len(sent)
    assert receive(receiver, len(sent)) == sent
    assert nothing_more(receiver)
    assert endpoint.counters.sent == len(sent)
    assert not endpoint.counters.dropped


@needs_offload
@pytest.mark.parametrize("position", range(3))
@pytest.mark.parametrize("code", REFUSALS, ids=errno.errorcode.get)
def test_a_refusal_of_any_run_of_a_batch_loses_and_doubles_nothing(
    endpoint: DatagramEndpoint, sock: FaultySocket, receiver: FaultySocket, code: int, position: int
) -> None:
    sent = datagrams_of([TS] * 40 + [188] + [TS] * 40 + [188] + [TS] * 40)
    sock.script("sendmsg", [None] * position + [code])
    assert endpoint.send_batch(DatagramBatch.of(sent), receiver.getsockname()) == len(sent)
    assert receive(receiver, len(sent)) == sent
    assert nothing_more(receiver)


@needs_offload
@pytest.mark.parametrize("code", REFUSALS, ids=errno.errorcode.get)
def test_after_a_refusal_that_destination_is_served_without_offload(
    endpoint: DatagramEndpoint, sock: FaultySocket, receiver: FaultySocket, code: int
) -> None:
    sock.script("sendmsg", [code])
    for _ in range(3):
        assert not sends_runs(endpoint, sock, receiver)
    assert sock.calls["sendmsg"] == 1


@needs_offload
def test_after_a_refusal_other_destinations_are_served_with_offload(
    endpoint: DatagramEndpoint, sock: FaultySocket, receiver: FaultySocket, udp: MakeSocket
) -> None:
    sock.script("sendmsg", [errno.EIO])
    assert not sends_runs(endpoint, sock, receiver)
    assert sends_runs(endpoint, sock, udp())


@needs_offload
def test_a_refusal_for_one_of_many_costs_the_others_nothing(
    endpoint: DatagramEndpoint, sock: FaultySocket, udp: MakeSocket
) -> None:
    receivers = [udp() for _ in range(4)]
    addresses = [receiver.getsockname() for receiver in receivers]
    sock.script("sendmsg", [None, errno.EIO])
    sent = datagrams_of([TS] * 60)
    for _ in range(2):
        assert endpoint.send_batch_to_all(DatagramBatch.of(sent), addresses) == {}
        for receiver in receivers:
            assert receive(receiver, 60) == sent
            assert nothing_more(receiver)
    assert endpoint.counters.sent == 2 * 4 * 60


@pytest.mark.parametrize("code", REFUSALS, ids=errno.errorcode.get)
def test_a_refusal_is_said_once(
    loop: EventLoop,
    endpoint: DatagramEndpoint,
    mailbox: Mailbox,
    sock: FaultySocket,
    receiver: FaultySocket,
    code: int,
) -> None:
    sock.script("sendmsg", itertools.repeat(code))
    two_runs = DatagramBatch.of([bytes(TS)] * 60)
    for _ in range(3):
        endpoint.send_batch(two_runs, receiver.getsockname())
    assert mailbox.refusals == []
    loop.run_once(0)
    ((exc, to),) = mailbox.refusals
    assert (exc.errno, to) == (code, receiver.getsockname())


class Diary(Mailbox):
    """Writes down the names of the calls."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[str] = []

    def segmentation_refused(self, *args: Any) -> None:
        self.calls.append("segmentation_refused")

    def connection_lost(self, exc: Exception | None) -> None:
        self.calls.append("connection_lost")


@pytest.mark.parametrize("ended", ["endpoint", "loop"])
def test_the_last_call_is_the_end_though_a_refusal_is_still_to_be_said(
    loop: EventLoop, sock: FaultySocket, receiver: FaultySocket, ended: str
) -> None:
    diary = Diary()
    endpoint = bind_udp(loop, diary, sock=sock, segmentation=True)
    sock.script("sendmsg", [errno.EIO])
    endpoint.send_batch(DatagramBatch.of([b"11", b"22"]), receiver.getsockname())
    if ended == "endpoint":
        endpoint.close()
        loop.run()
    loop.close()
    assert diary.calls[-1] == "connection_lost"
    assert diary.calls.count("connection_lost") == 1


def test_the_default_handler_takes_a_refusal_in_silence(
    loop: EventLoop, udp: MakeSocket, receiver: FaultySocket
) -> None:
    sock = udp()
    endpoint = bind_udp(loop, DatagramHandler(), sock=sock, segmentation=True)
    sock.script("sendmsg", [errno.EIO])
    endpoint.send_batch(DatagramBatch.of([b"11", b"22"]), receiver.getsockname())
    loop.run_once(0)
    assert receive(receiver, 2) == [b"11", b"22"]


def test_a_handler_that_raises_on_a_refusal_loses_its_endpoint_and_is_reported_once(
    loop: EventLoop, udp: MakeSocket, receiver: FaultySocket, reported: Reported
) -> None:
    class Raising(Mailbox):
        def segmentation_refused(self, *args: Any) -> None:
            raise ZeroDivisionError

    sock, mailbox = udp(), Raising()
    endpoint = bind_udp(loop, mailbox, sock=sock, segmentation=True)
    sock.script("sendmsg", [errno.EIO])
    endpoint.send_batch(DatagramBatch.of([b"11", b"22"]), receiver.getsockname())
    loop.run()
    assert [type(exc) for exc in mailbox.losses] == [ZeroDivisionError]
    assert [exc for _, exc in reported] == mailbox.losses
    reported.clear()


@needs_offload
def test_a_single_datagram_that_is_refused_is_no_refusal_of_runs(
    loop: EventLoop,
    endpoint: DatagramEndpoint,
    mailbox: Mailbox,
    sock: FaultySocket,
    receiver: FaultySocket,
) -> None:
    too_large = DatagramBatch.of([bytes(65508)])
    assert endpoint.send_batch(too_large, receiver.getsockname()) == 0
    assert endpoint.counters.dropped == {"EMSGSIZE": 1}
    loop.run_once(0)
    assert mailbox.refusals == []
    assert sends_runs(endpoint, sock, receiver)


def test_refusals_of_several_destinations_are_remembered(
    endpoint: DatagramEndpoint, sock: FaultySocket, udp: MakeSocket
) -> None:
    sock.script("sendmsg", itertools.repeat(errno.EIO))
    addresses = [udp().getsockname() for _ in range(3)]
    for _ in range(2):
        endpoint.send_batch_to_all(DatagramBatch.of([b"11", b"22"]), addresses)
    assert sock.calls["sendmsg"] == 3


def test_refusals_are_remembered_for_a_bounded_number_of_destinations(
    loop: EventLoop, endpoint: DatagramEndpoint, mailbox: Mailbox, sock: FaultySocket
) -> None:
    pair = DatagramBatch.of([b"11", b"22"])
    sock.script("sendto", itertools.repeat(errno.EAGAIN))
    sock.script("sendmsg", itertools.repeat(errno.EIO))
    for number in range(4097):
        endpoint.send_batch(pair, ("127.0.0.1", 10_000 + number))
    endpoint.send_batch(pair, ("127.0.0.1", 10_000))
    loop.run_once(0)
    assert len(mailbox.refusals) == 4098  # the first was forgotten, and said again


# -- runs that can't be sent for another reason ------------------------------------------


@pytest.mark.parametrize(
    "code", [errno.ENOBUFS, errno.EAGAIN, errno.EPERM], ids=errno.errorcode.get
)
def test_a_run_that_can_not_be_sent_now_is_dropped_and_counted_by_name(
    loop: EventLoop,
    endpoint: DatagramEndpoint,
    mailbox: Mailbox,
    sock: FaultySocket,
    receiver: FaultySocket,
    code: int,
) -> None:
    sock.script("sendmsg", [code])
    assert endpoint.send_batch(DatagramBatch.of([bytes(TS)] * 40), receiver.getsockname()) == 0
    assert endpoint.counters.dropped == {errno.errorcode[code]: 40}
    assert endpoint.counters.sent == 0
    loop.run_once(0)
    assert mailbox.refusals == []


@needs_offload
def test_after_a_drop_the_next_run_leaves_as_a_run(
    endpoint: DatagramEndpoint, sock: FaultySocket, receiver: FaultySocket
) -> None:
    sock.script("sendmsg", [errno.ENOBUFS])
    endpoint.send_batch(DatagramBatch.of([b"11", b"22"]), receiver.getsockname())
    assert sends_runs(endpoint, sock, receiver)


@pytest.mark.parametrize("code", [errno.ECONNREFUSED, errno.ECONNRESET, errno.EHOSTUNREACH])
def test_the_news_of_an_earlier_datagram_costs_a_run_nothing(
    loop: EventLoop,
    endpoint: DatagramEndpoint,
    mailbox: Mailbox,
    sock: FaultySocket,
    receiver: FaultySocket,
    code: int,
) -> None:
    sent = datagrams_of([TS] * 40)
    sock.script("sendmsg", [code])
    assert endpoint.send_batch(DatagramBatch.of(sent), receiver.getsockname()) == 40
    assert receive(receiver, 40) == sent
    assert nothing_more(receiver)
    loop.run_once(0)
    assert mailbox.refusals == []


def test_a_run_that_is_not_taken_at_the_second_attempt_either_is_dropped_with_that_reason(
    endpoint: DatagramEndpoint, sock: FaultySocket, receiver: FaultySocket
) -> None:
    sock.script("sendmsg", [errno.ECONNREFUSED, errno.ENOBUFS])
    batch = DatagramBatch.of(datagrams_of([TS] * 40))
    assert endpoint.send_batch(batch, receiver.getsockname()) == 0
    assert endpoint.counters.dropped == {"ENOBUFS": 40}


@needs_offload
def test_ctrl_c_while_a_lane_is_told_how_to_cut_has_no_datagram_cut_afterwards(
    endpoint: DatagramEndpoint, receiver: FaultySocket, monkeypatch: pytest.MonkeyPatch
) -> None:
    def press(sock: socket.socket, *option: int) -> None:
        monkeypatch.undo()
        sock.setsockopt(*option)
        raise KeyboardInterrupt

    address = receiver.getsockname()
    endpoint.open_lane(address)
    monkeypatch.setattr(socket.socket, "setsockopt", press)
    with pytest.raises(KeyboardInterrupt):
        endpoint.send_batch(DatagramBatch.of([b"12", b"34"]), address)
    assert endpoint.send(b"12345", address)
    assert receive(receiver, 1) == [b"12345"]
