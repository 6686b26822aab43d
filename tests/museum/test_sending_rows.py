"""Rows about sending: addresses that can't be, sockets that are full, refusals that pass."""

import errno
import itertools
import socket
import sys
from collections.abc import Callable
from typing import Any

import pytest

from reactor import (
    DatagramBatch,
    DatagramEndpoint,
    EventLoop,
    Instrument,
    StreamClosed,
    bind_udp,
)
from reactor.relay.events import SegmentationRefused
from reactor.testing import ManualClock
from tests.conftest import Reported
from tests.doubles.descriptors import open_descriptors
from tests.doubles.faulty_socket import FaultySocket, script_all
from tests.doubles.mailbox import Mailbox
from tests.doubles.player import Player
from tests.doubles.studio import Studio, studio
from tests.museum.scenes import iterate_until, numbered, runs_and_singles
from tests.test_gso_sockets import REFUSALS, needs_offload, receive

MakeSocket = Callable[..., FaultySocket]

FATAL = [SystemExit, KeyboardInterrupt, GeneratorExit]

IMPOSSIBLE: list[Any] = [
    ("127.0.0.1", 70000),
    ("127.0.0.1", -1),
    ("127.0.0.1", 0),
    ("::1", 9, 0, 0),
    ("relay.example", 9),
    ("127.0.0.1", "9"),
    ["127.0.0.1", 9],
    None,
]


# -- 203: whatever a callback raises -----------------------------------------------------


@runs_and_singles
@pytest.mark.parametrize("error", [*FATAL, ZeroDivisionError])
def test_row_203_an_instrument_that_raises_at_a_drop_leaves_no_viewer_without_its_copy(
    made: list[FaultySocket],
    network: Any,
    udp: MakeSocket,
    segmentation: bool,
    error: type[BaseException],
) -> None:
    class Meter(Instrument):
        def datagrams_dropped(self, fd: int, count: int, reason: str) -> None:
            raise error

    with EventLoop(network=network, instrument=Meter()) as loop:
        with studio(loop, segmentation=segmentation) as relay:
            players = [relay.viewer()[1] for _ in range(3)]
            script_all(made[1:], "send", [errno.ENOBUFS])
            relay.stream(b"video")
            with pytest.raises(error):
                iterate_until(loop, lambda: False)
            counters = relay.server.counters
            assert counters.sent + counters.dropped == 3 * counters.received == 3
            relay.stream(b"next")
            for player in players:
                iterate_until(loop, lambda: player.datagrams()[-1:] == [b"next"])  # noqa: B023


class Once(Mailbox):
    """Raises at its first batch."""

    def __init__(self, error: type[BaseException]) -> None:
        super().__init__()
        self._error: type[BaseException] | None = error

    def datagrams_received(self, endpoint: DatagramEndpoint, batch: DatagramBatch) -> None:
        super().datagrams_received(endpoint, batch)
        error, self._error = self._error, None
        if error is not None:
            raise error


@pytest.mark.parametrize("coalesce", [0.0, 0.001])
@pytest.mark.parametrize("error", FATAL)
def test_row_203_an_endpoint_whose_handler_ended_the_run_hears_the_next_run_as_well(
    loop: EventLoop, udp: MakeSocket, error: type[BaseException], coalesce: float
) -> None:
    peer, mailbox = udp(), Once(error)
    endpoint = bind_udp(loop, mailbox, "127.0.0.1", coalesce=coalesce)
    peer.sendto(b"fatal", endpoint.sockname)
    with pytest.raises(error):
        iterate_until(loop, lambda: False)
    peer.sendto(b"next", endpoint.sockname)
    iterate_until(loop, lambda: mailbox.datagrams == [b"fatal", b"next"])


def test_row_203_an_endpoint_has_ended_when_its_fault_is_reported(
    loop: EventLoop, udp: MakeSocket
) -> None:
    sock, peer, mailbox = udp(), udp(), Once(ZeroDivisionError)
    endpoint = bind_udp(loop, mailbox, sock=sock)

    def report(message: str, exc: Exception) -> None:
        raise SystemExit(sock.fileno())

    loop.set_exception_handler(report)
    peer.sendto(b"fatal", endpoint.sockname)
    with pytest.raises(SystemExit) as caught:
        iterate_until(loop, lambda: False)
    assert caught.value.code == -1
    iterate_until(loop, lambda: mailbox.losses)


# -- 207: after the end ------------------------------------------------------------------


def test_row_207_an_endpoint_is_harmless_after_the_loop(loop: EventLoop, udp: MakeSocket) -> None:
    to = udp().getsockname()
    endpoint = bind_udp(loop, Mailbox(), "127.0.0.1", buffer_size=65536)
    before = open_descriptors()
    loop.close()
    assert open_descriptors() < before
    for harmless in (
        endpoint.pause_receiving,
        endpoint.resume_receiving,
        endpoint.close,
        lambda: endpoint.close_lane(to),
    ):
        harmless()
    assert endpoint.receive_buffer_size == 65536
    batch = DatagramBatch.of([b"x"])
    for impossible in (
        lambda: endpoint.send(b"x", to),
        lambda: endpoint.send_batch(batch, to),
        lambda: endpoint.send_batch_to_all(batch, [to]),
        lambda: endpoint.open_lane(to),
    ):
        with pytest.raises(StreamClosed):
            impossible()


# -- 210: what can't work ----------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        {"coalesce": float("nan")},
        {"coalesce": float("inf")},
        {"coalesce": -1.0},
        {"coalesce": "2"},
        {"buffer_size": 0},
        {"buffer_size": "large"},
    ],
    ids=str,
)
def test_row_210_an_endpoint_refuses_in_the_call_what_it_can_not_work_with(
    loop: EventLoop, options: dict[str, Any]
) -> None:
    before = open_descriptors()
    with pytest.raises((ValueError, TypeError)):
        bind_udp(loop, Mailbox(), "127.0.0.1", **options)
    assert open_descriptors() == before


def test_row_210_an_endpoint_refuses_a_class_where_a_handler_is_due(loop: EventLoop) -> None:
    handler: Any = Mailbox
    with pytest.raises(TypeError, match="expected a DatagramHandler"):
        bind_udp(loop, handler, "127.0.0.1")


@pytest.mark.parametrize("bad", [bad for bad in IMPOSSIBLE if bad != ("127.0.0.1", 0)], ids=str)
def test_row_210_an_endpoint_refuses_to_send_where_nobody_can_be(
    loop: EventLoop, monkeypatch: pytest.MonkeyPatch, bad: Any
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args: pytest.fail("looked up"))
    endpoint = bind_udp(loop, Mailbox(), "127.0.0.1")
    with pytest.raises((ValueError, TypeError), match=r"expected|a port is"):
        endpoint.send(b"x", bad)


# -- 212: one address that can't be ------------------------------------------------------


@runs_and_singles
@pytest.mark.parametrize("bad", IMPOSSIBLE, ids=str)
@pytest.mark.parametrize("place", range(3))
def test_row_212_an_impossible_address_at_any_place_costs_no_other_a_datagram(
    loop: EventLoop,
    udp: MakeSocket,
    monkeypatch: pytest.MonkeyPatch,
    segmentation: bool,
    bad: Any,
    place: int,
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args: pytest.fail("looked up"))
    endpoint = bind_udp(loop, Mailbox(), "127.0.0.1", segmentation=segmentation)
    receivers = [udp(), udp()]
    addresses = [receiver.getsockname() for receiver in receivers]
    addresses.insert(place, bad)
    sent = numbered(5)
    for _ in range(2):
        dropped = endpoint.send_batch_to_all(DatagramBatch.of(sent), addresses)
        for receiver in receivers:
            assert receive(receiver, 5) == sent
        assert set(dropped) <= {bad if isinstance(bad, tuple) else None}
    assert endpoint.counters.sent == 20
    assert endpoint.counters.dropped == {"EINVAL": 10}


def test_row_212_an_answer_to_port_0_is_no_fault_of_whoever_answers(
    loop: EventLoop, reported: Reported
) -> None:
    endpoint = bind_udp(loop, Mailbox(), "127.0.0.1")
    assert not endpoint.send(b"answer", ("127.0.0.1", 0))


# -- 218: a slow viewer ------------------------------------------------------------------


@runs_and_singles
def test_row_218_what_waits_for_one_viewer_is_in_nobody_elses_way(
    loop: EventLoop, made: list[FaultySocket], segmentation: bool
) -> None:
    with studio(loop, segmentation=segmentation) as relay:
        players = [relay.viewer()[1] for _ in range(3)]
        made[2].script("send", itertools.repeat(errno.EAGAIN))  # ingest, outlet, first viewer
        for number in range(1, 6):
            relay.stream(*numbered(20))
            for player in players[1:]:
                assert player.wait_for(20 * number) == numbered(20) * number
        counters = relay.server.counters
        assert (counters.sent, counters.dropped) == (200, 100)


@needs_offload
def test_row_218_a_viewer_whose_player_has_gone_costs_one_more_call_for_a_run(
    loop: EventLoop, made: list[FaultySocket]
) -> None:
    with studio(loop, coalesce=0.01) as relay:
        (_, gone), (_, player) = relay.viewer(), relay.viewer()
        gone.sock.close()
        for number in range(1, 6):
            relay.stream(*numbered(40))
            assert player.wait_for(40 * number) == numbered(40) * number
        dead, alive = (outlet.calls["send"] for outlet in made[2:])
        assert dead <= 2 * alive


def test_row_218_the_socket_of_a_viewer_goes_with_it(relay: Studio) -> None:
    relay.viewer()
    before = open_descriptors()
    for _ in range(3):
        client, player = relay.viewer()
        assert client.ask(b"DESCONECTAR") == b"OK"
        client.hear_the_end()
        client.sock.close()
        player.sock.close()
    iterate_until(relay.loop, lambda: open_descriptors() <= before)


def test_row_218_a_stranger_can_not_fill_the_memory_of_a_viewers_socket(
    relay: Studio, made: list[FaultySocket]
) -> None:
    relay.viewer()
    for outlet in made[1:]:
        assert outlet.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) < 8192


def test_row_218_a_viewer_for_whom_there_is_no_socket_leaves_nothing_behind(
    relay: Studio, network: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = network.socket
    left = itertools.chain([1], itertools.repeat(0))

    def refuse(family: socket.AddressFamily, kind: socket.SocketKind) -> socket.socket:
        if kind == socket.SOCK_DGRAM and not next(left):
            raise OSError(errno.EMFILE, "Too many open files")
        sock: socket.socket = make(family, kind)
        return sock

    client, player = relay.controller(), relay.player()
    iterate_until(relay.loop, lambda: relay.server.connections)
    before = open_descriptors()
    network.socket = refuse
    assert b"NO_DISPONIBLE" in client.ask(b"CONECTAR %d" % player.port)
    assert open_descriptors() == before
    network.socket = make
    assert client.ask(b"CONECTAR %d" % player.port) == b"OK"


# -- 219: a refusal that passes ----------------------------------------------------------


@needs_offload
@pytest.mark.parametrize("code", REFUSALS, ids=errno.errorcode.get)
def test_row_219_what_is_smaller_than_what_was_refused_leaves_as_a_run(
    loop: EventLoop, udp: MakeSocket, code: int
) -> None:
    sock, receiver = udp(), udp()
    endpoint = bind_udp(loop, Mailbox(), sock=sock, segmentation=True)
    sock.script("sendmsg", [code])
    large, small = numbered(3, 1400), numbered(3, 1316)
    for sent, calls in ((large, 3), (small, 0), (large, 3)):
        before = sock.calls["sendto"]
        assert endpoint.send_batch(DatagramBatch.of(sent), receiver.getsockname()) == 3
        assert receive(receiver, 3) == sent
        assert sock.calls["sendto"] == before + calls


@needs_offload
def test_row_219_after_a_minute_a_run_is_tried_again(
    loop: EventLoop, clock: ManualClock, udp: MakeSocket
) -> None:
    sock, receiver, mailbox = udp(), udp(), Mailbox()
    endpoint = bind_udp(loop, mailbox, sock=sock, segmentation=True)
    sock.script("sendmsg", [errno.EIO, errno.EIO])
    tries = []
    for _ in range(13):  # each ten seconds, for two minutes
        before = sock.calls["sendmsg"]
        assert endpoint.send_batch(DatagramBatch.of(numbered(3)), receiver.getsockname()) == 3
        assert receive(receiver, 3) == numbered(3)
        tries.append(sock.calls["sendmsg"] - before)
        clock.advance(10.0)
        loop.run_once(0)
    assert [number for number, tried in enumerate(tries) if tried] == [0, 6, 12]
    assert len(mailbox.refusals) == 1


@needs_offload
def test_row_219_the_next_client_at_an_address_begins_afresh(
    loop: EventLoop, made: list[FaultySocket]
) -> None:
    def watch(relay: Studio, player: Player, *faults: int) -> int:
        """How many calls it took for a batch of 40."""
        client = relay.controller()
        assert client.ask(b"CONECTAR %d" % player.port) == b"OK"
        made[-1].script("send", faults)
        before = len(player.datagrams())
        relay.stream(*numbered(40))
        player.wait_for(before + 40)
        assert client.ask(b"DESCONECTAR") == b"OK"
        return made[-1].calls["send"]

    with studio(loop, coalesce=0.01) as relay:
        relay.viewer()  # who keeps the outlet open
        player = relay.player()
        assert watch(relay, player, errno.EIO) == 41
        assert watch(relay, player) == 1
        assert watch(relay, player, errno.EIO) == 41
        loop.run_once(0)
        refusals = [event for event in relay.events if isinstance(event, SegmentationRefused)]
        assert len(refusals) == 2


# -- 220: what is larger than a link -----------------------------------------------------


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")
def test_row_220_every_socket_that_sends_lets_routers_cut(
    relay: Studio, made: list[FaultySocket]
) -> None:
    relay.viewer()
    # linux/in.h: IP_MTU_DISCOVER, IP_PMTUDISC_OMIT
    assert {sock.getsockopt(socket.IPPROTO_IP, 10) for sock in made} == {5}
