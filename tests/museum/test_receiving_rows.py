"""Rows about what an endpoint is given: old video, strangers, empty datagrams, no room.

What can be seen through the whole relay is tested there, the rest on an endpoint alone.
"""

import errno
import socket
from collections.abc import Callable

import pytest

from reactor import DatagramBatch, DatagramEndpoint, EventLoop, bind_udp
from reactor.relay import RelayClient
from reactor.relay.events import IngestDrops, StateChanged
from reactor.testing import ManualClock
from tests.doubles.faulty_socket import FaultySocket, has_ipv6
from tests.doubles.mailbox import Mailbox
from tests.doubles.peer import wait_for
from tests.doubles.spy_selector import SpySelector
from tests.doubles.studio import Studio, studio
from tests.museum.scenes import iterate_until, numbered, roomy, runs_and_singles
from tests.test_gso_sockets import TS, receive

MakeSocket = Callable[..., FaultySocket]


# -- 121: old video after a pause --------------------------------------------------------


def test_row_121_what_came_before_the_first_viewer_is_never_sent(relay: Studio) -> None:
    relay.stream(*[b"old"] * 300)
    _, player = relay.viewer()
    relay.stream(b"new")
    assert player.wait_for(1) == [b"new"]


def test_row_121_what_came_during_a_pause_of_all_is_never_sent(
    relay: Studio, made: list[FaultySocket]
) -> None:
    client, player = relay.viewer()
    for round_ in range(3):
        assert client.ask(b"INTERRUMPIR") == b"OK"
        made[0].script("recv", [None, errno.ECONNREFUSED])
        relay.stream(*[b"old"] * 300)
        assert client.ask(b"CONTINUAR") == b"OK"
        relay.stream(b"new")
        assert player.wait_for(round_ + 1) == [b"new"] * (round_ + 1)


def test_row_121_what_was_being_gathered_at_the_pause_is_never_sent(
    loop: EventLoop, clock: ManualClock
) -> None:
    with studio(loop, coalesce=1.0) as relay:
        client, player = relay.viewer()
        relay.stream(b"old")
        iterate_until(loop, lambda: loop.state.next_timer == 1.0)  # gathering has begun
        assert client.ask(b"INTERRUMPIR") == b"OK"
        clock.advance(1.5)
        loop.run_once(0)
        assert client.ask(b"CONTINUAR") == b"OK"
        relay.stream(b"new")
        iterate_until(loop, lambda: loop.state.next_timer == 2.5)
        clock.advance(1.0)
        assert player.wait_for(1) == [b"new"]
        assert relay.server.counters.received == 1


# -- 122: a batch changes under its handler ----------------------------------------------


class Restless(Mailbox):
    """Echoes a batch after it has paused and resumed while more is waiting."""

    def __init__(self, discard_backlog: bool) -> None:
        super().__init__()
        self.calls: list[str] = []
        self._discard_backlog = discard_backlog

    def datagrams_received(self, endpoint: DatagramEndpoint, batch: DatagramBatch) -> None:
        self.calls.append("begin")
        before = [bytes(datagram) for datagram in batch]
        endpoint.pause_receiving()
        endpoint.resume_receiving(discard_backlog=self._discard_backlog)
        endpoint.send_batch(batch, batch.sources[0])
        super().datagrams_received(endpoint, batch)
        self.calls.append("end" if self.batches[-1] == before else "another batch")


@pytest.mark.parametrize("discard_backlog", [False, True])
def test_row_122_a_batch_stays_as_it_is_until_its_handler_returns(
    loop: EventLoop, udp: MakeSocket, discard_backlog: bool
) -> None:
    sock, peer, mailbox = udp(), roomy(udp()), Restless(discard_backlog)
    endpoint = bind_udp(loop, mailbox, sock=sock)
    for total in (300, 600, 900):
        for datagram in numbered(300):  # more than one batch
            peer.sendto(datagram, endpoint.sockname)
        counters = endpoint.counters
        iterate_until(loop, lambda: counters.received + counters.discarded == total)  # noqa: B023
    assert mailbox.calls == ["begin", "end"] * len(mailbox.batches)
    assert receive(peer, len(mailbox.datagrams)) == mailbox.datagrams


# -- 125: an empty datagram is taken for the end, or for nothing -------------------------


@runs_and_singles
def test_row_125_empty_datagrams_pass_the_relay_like_any_others(
    loop: EventLoop, segmentation: bool
) -> None:
    bursts = [[0], [0, 0, 0], [TS, 0], [0, TS], [TS, TS, 0, TS, TS], [TS, 188, 0, TS], [0, 1, 0]]
    sent: list[bytes] = []
    with studio(loop, segmentation=segmentation) as relay:
        _, player = relay.viewer()
        for sizes in bursts:
            burst = [bytes([number]) * size for number, size in enumerate(sizes)]
            sent += burst
            relay.stream(*burst)
            assert player.wait_for(len(sent)) == sent
        counters = relay.server.counters
        assert counters.received == counters.sent == len(sent)


# -- 126: a stranger's datagrams are shown to the viewer ---------------------------------


def test_row_126_a_client_forwards_what_comes_from_its_server_and_nobody_else(
    relay: Studio,
) -> None:
    try:
        stranger = relay.player("127.0.0.2")
    except OSError:
        pytest.skip("this machine has one loopback address only")
    player = relay.player()
    host, port = relay.server.address[:2]
    client = RelayClient(relay.loop, (host, port), (host, player.port))
    client.connect()
    iterate_until(relay.loop, lambda: relay.server.counters.active == 1)
    (joined,) = [event for event in relay.events if isinstance(event, StateChanged)]
    assert joined.port is not None
    for number, datagram in enumerate(numbered(5)):
        for forged in (b"", b"forged", bytes(2 * TS)):
            stranger.sock.sendto(forged, (host, joined.port))
        relay.stream(datagram)
        player.wait_for(number + 1)
    iterate_until(relay.loop, lambda: client.received.rejected == 15)
    assert player.datagrams() == numbered(5)
    assert client.received.received == client.forwarded.sent == 5
    client.close()
    iterate_until(relay.loop, lambda: relay.server.counters.active == 0)


def test_row_126_a_strangers_datagrams_cost_those_around_them_nothing(
    loop: EventLoop, udp: MakeSocket
) -> None:
    try:
        stranger = udp("127.0.0.2")
    except OSError:
        pytest.skip("this machine has one loopback address only")
    peer, mailbox = udp(), Mailbox()
    endpoint = bind_udp(loop, mailbox, "127.0.0.1", only_from="127.0.0.1")
    endpoint.pause_receiving()
    for datagram in numbered(10):
        stranger.sendto(b"forged", endpoint.sockname)
        peer.sendto(datagram, endpoint.sockname)
    endpoint.resume_receiving()
    counters = endpoint.counters
    iterate_until(loop, lambda: (counters.received, counters.rejected) == (10, 10))
    assert mailbox.datagrams == numbered(10)


# -- 127: a pause falsifies the count of what the system dropped -------------------------


def test_row_127_what_found_no_room_is_told_once_and_pauses_do_not_matter(
    relay: Studio, made: list[FaultySocket]
) -> None:
    if relay.server.counters.lost is None:
        pytest.skip("the system does not tell what it drops")
    client, _ = relay.viewer()
    made[0].setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)

    def accounted_for() -> int:
        return relay.server.counters.received + (relay.server.counters.lost or 0)

    for total in (100, 200, 300):
        relay.stream(*numbered(100))
        iterate_until(relay.loop, lambda: accounted_for() == total)  # noqa: B023
        assert client.ask(b"INTERRUMPIR") == b"OK"
        relay.stream(*numbered(100))  # nobody wants these
        assert accounted_for() == total
        assert client.ask(b"CONTINUAR") == b"OK"
    assert client.ask(b"INTERRUMPIR") == b"OK"
    told = [event for event in relay.events if isinstance(event, IngestDrops)]
    lost = relay.server.counters.lost
    assert len(told) == 3
    assert sum(event.count for event in told) == told[-1].total == lost


# -- 161: a selector without room --------------------------------------------------------


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.ENOMEM])
def test_row_161_an_endpoint_for_which_the_selector_has_no_room_looks_from_time_to_time(
    loop: EventLoop, clock: ManualClock, selector: SpySelector, udp: MakeSocket, code: int
) -> None:
    sock, peer, mailbox = udp(), udp(), Mailbox()
    endpoint = bind_udp(loop, mailbox, sock=sock)
    endpoint.pause_receiving()
    selector.refusal = code
    endpoint.resume_receiving()
    for datagram in (b"one", b"two"):
        peer.sendto(datagram, endpoint.sockname)
        wait_for(sock)
        clock.advance(0.5)
        loop.run_once(0)
        assert mailbox.datagrams[-1] == datagram


# -- 166: one address, several spellings -------------------------------------------------


@pytest.mark.skipif(not has_ipv6(), reason="needs IPv6")
@pytest.mark.parametrize(
    ("host", "written"), [("::1", "0:0::0:1"), ("127.0.0.1", "::FFFF:127.0.0.1")]
)
def test_row_166_who_is_listened_to_is_known_however_it_is_written(
    loop: EventLoop, udp: MakeSocket, host: str, written: str
) -> None:
    mailbox = Mailbox()
    endpoint = bind_udp(loop, mailbox, host, only_from=written)
    udp(host).sendto(b"hello", endpoint.sockname)
    iterate_until(loop, lambda: mailbox.datagrams or endpoint.counters.rejected)
    assert mailbox.datagrams == [b"hello"]


@pytest.mark.skipif(not has_ipv6(), reason="needs IPv6")
def test_row_166_an_ipv4_sender_to_an_ipv6_socket_is_the_same_sender(
    loop: EventLoop, udp: MakeSocket
) -> None:
    mailbox = Mailbox()
    sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    sock.bind(("::", 0))
    endpoint = bind_udp(loop, mailbox, sock=sock, only_from="127.0.0.1")
    udp().sendto(b"hello", ("127.0.0.1", endpoint.sockname[1]))
    iterate_until(loop, lambda: mailbox.datagrams or endpoint.counters.rejected)
    assert mailbox.datagrams == [b"hello"]
