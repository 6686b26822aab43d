"""Other people's bugs with datagrams: endpoints that die, and datagrams lost, cut or doubled.

What can be seen through the whole relay is tested there, the rest on an endpoint alone.
"""

import errno
import itertools
import random
import socket
from collections.abc import Callable
from typing import Any

import pytest

from reactor import DatagramBatch, DatagramEndpoint, EventLoop, bind_udp
from reactor.relay.events import SegmentationRefused
from reactor.testing import ManualClock
from tests.doubles.faulty_socket import FaultySocket, has_ipv6, script_all
from tests.doubles.mailbox import Mailbox
from tests.doubles.peer import wait_for
from tests.doubles.spy_selector import SpySelector
from tests.doubles.studio import studio
from tests.museum.scenes import iterate_until, numbered, roomy, runs_and_singles
from tests.test_gso_sockets import REFUSALS, TS, needs_offload, nothing_more, receive

MakeSocket = Callable[..., FaultySocket]

ERROR_QUEUES = [(socket.IPPROTO_IP, 11), (socket.IPPROTO_IPV6, 25)]  # IP_RECVERR, IPV6_RECVERR

# What an earlier datagram to somebody else can bring upon the next call: ip(7).
OLD_NEWS = [errno.ECONNREFUSED, errno.ECONNRESET, errno.EHOSTUNREACH, errno.ENETUNREACH]
# What passes by itself.
TRANSIENT = [errno.ENOBUFS, errno.EPERM, errno.EAGAIN, errno.ENOMEM]


def by_name(code: object) -> str | None:
    return errno.errorcode.get(code) if isinstance(code, int) else None


class Echo(Mailbox):
    """Sends every datagram back to where it came from."""

    def datagrams_received(self, endpoint: DatagramEndpoint, batch: DatagramBatch) -> None:
        super().datagrams_received(endpoint, batch)
        for datagram, source in zip(batch, batch.sources, strict=True):
            endpoint.send(datagram, source)


def tell(loop: EventLoop, peer: FaultySocket, mailbox: Mailbox, to: Any, datagram: bytes) -> None:
    """Send one datagram to an endpoint and let its handler have it."""
    peer.sendto(datagram, to)
    iterate_until(loop, lambda: mailbox.datagrams[-1:] == [datagram])


def pump(loop: EventLoop, clock: ManualClock) -> None:
    """One second of the manual clock."""
    for _ in range(100):
        loop.run_once(0)
        clock.advance(0.01)


def falls_asleep(loop: EventLoop, selector: SpySelector) -> bool:
    """Whether nothing wakes the loop, once it has done what there was to do."""
    for _ in range(5):
        loop.run_once(0)
    selector.clock = ManualClock()
    loop.run_once(1.0)
    slept = selector.clock()
    selector.clock = None
    return slept == 1.0


# -- 13: one error ends the endpoint -----------------------------------------------------


@pytest.mark.parametrize("coalesce", [0.0, 0.001])
@pytest.mark.parametrize("code", OLD_NEWS, ids=by_name)
def test_row_13_an_error_at_any_receive_costs_no_datagram(
    loop: EventLoop, udp: MakeSocket, code: int, coalesce: float
) -> None:
    for position in range(6):
        sock, peer, mailbox = udp(), udp(), Mailbox()
        endpoint = bind_udp(loop, mailbox, sock=sock, coalesce=coalesce)
        sock.script("recvfrom_into", [None] * position + [code])
        for datagram in numbered(3):
            tell(loop, peer, mailbox, endpoint.sockname, datagram)
        assert mailbox.datagrams == numbered(3)
        assert (endpoint.counters.receive_errors, mailbox.losses) == (1, [])


@pytest.mark.parametrize("coalesce", [0.0, 0.01])
def test_row_13_an_endpoint_outlives_a_thousand_errors_without_spinning(
    loop: EventLoop, clock: ManualClock, udp: MakeSocket, coalesce: float
) -> None:
    sock, mailbox = udp(), Mailbox()
    endpoint = bind_udp(loop, mailbox, sock=sock, coalesce=coalesce)
    sock.script("recvfrom_into", itertools.repeat(errno.ECONNRESET, 1000))
    udp().sendto(b"next", endpoint.sockname)
    wait_for(sock)
    for _ in range(3):
        loop.run_once(0)
        clock.advance(coalesce)
    assert endpoint.counters.receive_errors == 128  # the rest is left for later
    pump(loop, clock)
    assert mailbox.datagrams == [b"next"]


@pytest.mark.parametrize("code", OLD_NEWS, ids=by_name)
def test_row_13_an_error_at_any_send_costs_one_datagram_and_no_more(
    loop: EventLoop, udp: MakeSocket, code: int
) -> None:
    for position in range(3):
        sock, peer, echo = udp(), udp(), Echo()
        endpoint = bind_udp(loop, echo, sock=sock)
        sock.script("sendto", [None] * position + [code] * 2)
        sent = numbered(3)
        for datagram in sent:
            tell(loop, peer, echo, endpoint.sockname, datagram)
        assert receive(peer, 2) == sent[:position] + sent[position + 1 :]
        assert (endpoint.counters.dropped.total(), echo.losses) == (1, [])


@needs_offload
@pytest.mark.parametrize("code", OLD_NEWS, ids=by_name)
def test_row_13_an_error_on_sending_a_run_costs_no_other_run(
    loop: EventLoop, udp: MakeSocket, code: int
) -> None:
    sock, peer = udp(), udp()
    endpoint = bind_udp(loop, Mailbox(), sock=sock, segmentation=True)
    sock.script("sendmsg", [code, code])
    lost, next_one = DatagramBatch.of(numbered(3)), DatagramBatch.of(numbered(4))
    assert endpoint.send_batch(lost, peer.getsockname()) == 0
    assert endpoint.send_batch(next_one, peer.getsockname()) == 4
    assert receive(peer, 4) == numbered(4)


# -- 14: the dead receiver's error is raised on the send to a live one -------------------


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        pytest.param(
            "::1", id="IPv6", marks=pytest.mark.skipif(not has_ipv6(), reason="needs IPv6")
        ),
    ],
)
@runs_and_singles
def test_row_14_the_system_is_told_to_keep_the_errors_of_dead_receivers_to_itself(
    loop: EventLoop, udp: MakeSocket, segmentation: bool, host: str
) -> None:
    sock = udp(host)
    sock.setsockopt(*ERROR_QUEUES[":" in host], 1)
    endpoint = bind_udp(loop, Mailbox(), sock=sock, segmentation=segmentation)
    sock.calls.clear()
    receivers = [udp(host) for _ in range(10)]
    addresses = [receiver.getsockname() for receiver in receivers]
    receivers.pop(3).close()
    for datagram in numbered(3):
        assert endpoint.send_batch_to_all(DatagramBatch.of([datagram]), addresses) == {}
    for receiver in receivers:
        assert receive(receiver, 3) == numbered(3)
    assert sock.calls["sendmsg"] + sock.calls["sendto"] == 3 * 10


@runs_and_singles
def test_row_14_a_dead_viewer_costs_the_live_ones_nothing(
    loop: EventLoop, segmentation: bool
) -> None:
    with studio(loop, segmentation=segmentation) as relay:
        players = [relay.viewer()[1] for _ in range(10)]
        players.pop(3).sock.close()
        for number in range(1, 6):
            relay.stream(*numbered(20))
            for player in players:
                assert player.wait_for(20 * number) == numbered(20) * number


@runs_and_singles
@pytest.mark.parametrize("code", OLD_NEWS, ids=by_name)
def test_row_14_an_error_of_the_past_at_any_send_costs_no_viewer_anything(
    loop: EventLoop, made: list[FaultySocket], segmentation: bool, code: int
) -> None:
    with studio(loop, segmentation=segmentation) as relay:
        players = [relay.viewer()[1] for _ in range(3)]
        for position in range(3):
            faults = [None] * position + [code]
            script_all(made[1:], "send", faults)
            relay.stream(*numbered(20))
            for player in players:
                assert player.wait_for(20 * (position + 1)) == numbered(20) * (position + 1)
        assert relay.server.counters.dropped == 0


# -- 15: what passes by itself is taken for the end, or for a pause ----------------------


@pytest.mark.parametrize("code", TRANSIENT, ids=by_name)
def test_row_15_a_send_that_is_turned_down_is_a_drop_and_the_endpoint_goes_on(
    loop: EventLoop, selector: SpySelector, udp: MakeSocket, code: int
) -> None:
    sock, peer, echo = udp(), udp(), Echo()
    endpoint = bind_udp(loop, echo, sock=sock)
    sock.script("sendto", [code, code, code])
    for datagram in numbered(2):
        tell(loop, peer, echo, endpoint.sockname, datagram)
    assert not endpoint.send(b"from outside of its handler", peer.getsockname())
    assert endpoint.counters.dropped == {errno.errorcode[code]: 3}
    assert falls_asleep(loop, selector)
    tell(loop, peer, echo, endpoint.sockname, b"at last")
    assert receive(peer, 1) == [b"at last"]
    assert echo.losses == []


@runs_and_singles
@pytest.mark.parametrize("code", TRANSIENT, ids=by_name)
def test_row_15_every_copy_that_could_not_be_sent_is_counted_and_the_next_arrive(
    loop: EventLoop, made: list[FaultySocket], segmentation: bool, code: int
) -> None:
    with studio(loop, segmentation=segmentation) as relay:
        players = [relay.viewer()[1] for _ in range(3)]
        for position in range(3):
            script_all(made[1:], "send", [None] * position + [code])
            relay.stream(*numbered(20))
            iterate_until(loop, lambda: relay.server.counters.received == 21 * position + 20)  # noqa: B023
            before = sum(sock.calls["send"] for sock in made)
            relay.stream(b"mark")
            for player in players:
                iterate_until(loop, lambda: player.datagrams()[-1:] == [b"mark"])  # noqa: B023
            # As if nothing had happened.
            assert sum(sock.calls["send"] for sock in made) == before + 3
        counters = relay.server.counters
        iterate_until(loop, lambda: sum(len(one.datagrams()) for one in players) == counters.sent)
        assert counters.dropped > 0
        assert counters.sent + counters.dropped == 3 * counters.received
        assert not any(isinstance(event, SegmentationRefused) for event in relay.events)


# -- 17: datagrams cut short -------------------------------------------------------------


@runs_and_singles
def test_row_17_datagrams_of_every_size_pass_the_relay_whole(
    loop: EventLoop, segmentation: bool
) -> None:
    sizes = [*range(0, 65508, 2339), 0, 1, 1472, 1473, 9000, 65506, 65507, 0]
    with studio(loop, segmentation=segmentation) as relay:
        _, player = relay.viewer()
        sent = [bytes([number]) * size for number, size in enumerate(sizes)]
        for number, datagram in enumerate(sent):
            relay.stream(datagram)
            player.wait_for(number + 1)
        assert player.datagrams() == sent


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("sources", [False, True])
def test_row_17_datagrams_that_wait_are_whole_wherever_the_slab_ends(
    loop: EventLoop, udp: MakeSocket, sources: bool, seed: int
) -> None:
    peer, mailbox = udp(), Mailbox()
    endpoint = bind_udp(loop, mailbox, "127.0.0.1", sources=sources)
    if endpoint.receive_buffer_size < 2 * 1024 * 1024:
        pytest.skip("the system lends too little: raise net.core.rmem_max")
    chance = random.Random(seed)
    sent = [chance.randbytes(chance.choice([0, TS, 20_000, 65_507])) for _ in range(30)]
    endpoint.pause_receiving()
    for datagram in sent:
        peer.sendto(datagram, endpoint.sockname)
    endpoint.resume_receiving()
    iterate_until(loop, lambda: len(mailbox.datagrams) == len(sent))
    assert mailbox.datagrams == sent


@needs_offload
def test_row_17_a_train_is_taken_apart_before_it_is_handed_over(
    loop: EventLoop, udp: MakeSocket
) -> None:
    mailbox = Mailbox()
    endpoint = bind_udp(loop, mailbox, "127.0.0.1")
    sender = bind_udp(loop, Mailbox(), sock=udp(), segmentation=True)
    sender.send_batch(DatagramBatch.of(numbered(49)), endpoint.sockname)
    iterate_until(loop, lambda: endpoint.counters.received_bytes == 49 * TS)
    assert mailbox.datagrams == numbered(49)


# -- 18: offload that is refused when sending --------------------------------------------


@needs_offload
@pytest.mark.parametrize("code", REFUSALS, ids=by_name)
def test_row_18_whichever_run_is_refused_every_segment_arrives_once(
    loop: EventLoop, udp: MakeSocket, code: int
) -> None:
    receivers = [roomy(udp()) for _ in range(2)]
    addresses = [receiver.getsockname() for receiver in receivers]
    sent = [*numbered(20), *numbered(1, 188), *numbered(20), *numbered(5, 1328)]
    for position in range(6):  # three runs to each of two
        sock = udp()
        endpoint = bind_udp(loop, Mailbox(), sock=sock, segmentation=True)
        sock.script("sendmsg", [None] * position + [code])
        assert endpoint.send_batch_to_all(DatagramBatch.of(sent), addresses) == {}
        for receiver in receivers:
            assert receive(receiver, len(sent)) == sent
            assert nothing_more(receiver)
        assert endpoint.counters.sent == 2 * len(sent)


@needs_offload
@pytest.mark.parametrize("code", REFUSALS, ids=by_name)
def test_row_18_only_the_viewer_whose_way_refuses_runs_is_served_without(
    loop: EventLoop, made: list[FaultySocket], code: int
) -> None:
    with studio(loop, coalesce=0.01) as relay:
        players = [relay.viewer()[1] for _ in range(3)]
        script_all(made[1:], "send", [code])
        relay.stream(*numbered(40))
        for player in players:
            assert player.wait_for(40) == numbered(40)
        iterate_until(loop, lambda: len(relay.events) > 6)  # three came, three are active
        assert [type(event) for event in relay.events[6:]] == [SegmentationRefused]
        for sock in made:
            sock.calls.clear()
        relay.stream(*numbered(40))
        for player in players:
            assert player.wait_for(80)[40:] == numbered(40)
        calls = [sock.calls["send"] for sock in made[1:]]
        assert sorted(calls) == [0, 1, 1, 40]


# -- 124: a run that is too long ---------------------------------------------------------


@needs_offload
@pytest.mark.parametrize(
    ("sizes", "calls"),
    [
        ([188] * 64, 1),
        ([188] * 65, 2),
        ([188] * 64 + [1], 2),
        ([188] * 129, 3),
        ([TS] * 49, 1),
        ([TS] * 49 + [1024], 2),
        ([TS] * 49 + [1023], 1),
        ([32_753, 32_754], 2),
        ([32_754, 32_753], 1),
        ([32_754, 32_754], 2),
        ([65_507, 1], 2),
    ],
)
def test_row_124_a_run_is_as_long_as_the_system_takes_and_no_longer(
    loop: EventLoop, udp: MakeSocket, sizes: list[int], calls: int
) -> None:
    sock, receiver, mailbox = udp(), roomy(udp()), Mailbox()
    endpoint = bind_udp(loop, mailbox, sock=sock, segmentation=True)
    sock.calls.clear()
    sent = [bytes([number]) * size for number, size in enumerate(sizes)]
    assert endpoint.send_batch(DatagramBatch.of(sent), receiver.getsockname()) == len(sent)
    assert receive(receiver, len(sent)) == sent
    loop.run_once(0)
    assert (sock.calls, mailbox.refusals) == ({"sendmsg": calls}, [])
