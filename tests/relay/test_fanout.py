"""FanOut by itself: who is due what, and what is told when the system does not play along."""

import errno
import itertools
import socket
from collections.abc import Callable
from typing import Any

import pytest

from reactor import Address, DatagramEndpoint, DatagramHandler, EventLoop, bind_udp
from reactor.relay.events import (
    IngestDrops,
    IngestFailed,
    ReceiveBufferCut,
    SegmentationRefused,
    ServerEvent,
)
from reactor.relay.fanout import FanOut, Viewer
from reactor.relay.ingest import Ingest
from reactor.testing import Faults, Simulation, run_until
from tests.conftest import Reported
from tests.doubles.descriptors import open_descriptors
from tests.doubles.door import Door
from tests.doubles.faulty_socket import FaultySocket, script_all
from tests.doubles.peer import wait_for

HERE = ("127.0.0.1", 0)


@pytest.fixture
def made(network: Door) -> list[FaultySocket]:
    """The sockets that came through the door, in order: that of the ingest, those of outlets."""
    sockets: list[FaultySocket] = []

    def make(*arguments: int) -> FaultySocket:
        sockets.append(FaultySocket(*arguments))
        return sockets[-1]

    network.socket = make
    return sockets


@pytest.fixture
def events() -> list[ServerEvent]:
    return []


@pytest.fixture
def fan_out(loop: EventLoop, made: list[FaultySocket], events: list[ServerEvent]) -> FanOut:
    return FanOut(loop, HERE, coalesce=0.0, segmentation=True, report=events.append)


@pytest.fixture
def player(udp: Callable[..., FaultySocket]) -> FaultySocket:
    return udp()


def stream(fan_out: FanOut, loop: EventLoop, *datagrams: bytes) -> None:
    """Let datagrams come to the ingest, and be copied."""
    before = fan_out.counters.received
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as source:
        for datagram in datagrams:
            source.sendto(datagram, fan_out.address)
        run_until(loop, lambda: fan_out.counters.received == before + len(datagrams))


def address_of(player: FaultySocket) -> Address:
    address: Address = player.getsockname()
    return address


def test_a_viewer_that_is_activated_twice_gets_each_datagram_once(
    fan_out: FanOut, loop: EventLoop, player: FaultySocket
) -> None:
    viewer = fan_out.claim(address_of(player), HERE)
    assert viewer is not None
    fan_out.activate(viewer)
    fan_out.activate(viewer)
    stream(fan_out, loop, b"video")
    assert fan_out.counters.active == fan_out.counters.sent == 1


def test_a_viewer_that_is_released_twice_is_gone_once(
    fan_out: FanOut, player: FaultySocket
) -> None:
    viewer, other = fan_out.claim(address_of(player), HERE), fan_out.claim(("127.0.0.1", 9), HERE)
    assert viewer is not None
    assert other is not None
    fan_out.release(viewer)
    fan_out.release(viewer)
    # The outlet that both had is still there for the other.
    fan_out.activate(other)
    assert fan_out.counters.active == 1
    assert fan_out.claim(address_of(player), HERE) is not None


def test_a_viewer_that_is_released_leaves_no_descriptor_though_others_stay(
    fan_out: FanOut, player: FaultySocket
) -> None:
    fan_out.claim(("127.0.0.1", 9), HERE)
    before = open_descriptors()
    viewer = fan_out.claim(address_of(player), HERE)
    assert viewer is not None
    fan_out.release(viewer)
    assert open_descriptors() == before


def test_what_comes_to_where_datagrams_leave_from_is_no_video(
    fan_out: FanOut, loop: EventLoop, made: list[FaultySocket], player: FaultySocket
) -> None:
    viewer = fan_out.claim(address_of(player), HERE)
    assert viewer is not None
    fan_out.activate(viewer)
    outlet = made[1]
    player.sendto(b"forged", outlet.getsockname())
    wait_for(outlet)
    stream(fan_out, loop, b"video")
    loop.run_once(0)
    assert fan_out.counters.sent == 1


def test_what_could_not_be_sent_is_counted_for_its_viewer_alone(
    fan_out: FanOut, loop: EventLoop, made: list[FaultySocket], udp: Callable[..., FaultySocket]
) -> None:
    viewers = [fan_out.claim(address_of(udp()), HERE) for _ in range(3)]
    for viewer in viewers:
        assert viewer is not None
        fan_out.activate(viewer)
    script_all(made[1:], "send", [None, errno.ENOBUFS])
    stream(fan_out, loop, b"video")
    fan_out.close()
    books = [(viewer.sent, viewer.dropped) for viewer in viewers if viewer is not None]
    assert sorted(books) == [(0, 1), (1, 0), (1, 0)]
    assert (fan_out.counters.sent, fan_out.counters.dropped) == (2, 1)


def test_a_viewer_that_can_not_be_sent_runs_to_is_an_event(
    fan_out: FanOut,
    loop: EventLoop,
    made: list[FaultySocket],
    events: list[ServerEvent],
    player: FaultySocket,
) -> None:
    viewer = fan_out.claim(address_of(player), HERE)
    assert viewer is not None
    fan_out.activate(viewer)
    made[-1].script("send", itertools.repeat(errno.EIO))
    # Only of what comes together a run is made.
    while SegmentationRefused not in map(type, events):
        stream(fan_out, loop, b"video", b"audio")
        loop.run_once(0)
    (refused,) = [event for event in events if isinstance(event, SegmentationRefused)]
    assert refused.client == address_of(player)


def test_an_ingest_that_was_ended_by_an_error_is_an_event(
    fan_out: FanOut,
    loop: EventLoop,
    events: list[ServerEvent],
    reported: Reported,
    player: FaultySocket,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*arguments: object) -> object:
        raise ZeroDivisionError

    viewer = fan_out.claim(address_of(player), HERE)
    assert viewer is not None
    fan_out.activate(viewer)
    monkeypatch.setattr(DatagramEndpoint, "send_batch_to_all", fail)
    stream(fan_out, loop, b"video")
    loop.run_once(0)
    (event,) = [event for event in events if isinstance(event, IngestFailed)]
    assert isinstance(event.error, ZeroDivisionError)
    assert [exc for _, exc in reported] == [event.error]
    reported.clear()


def test_an_ingest_with_less_room_than_it_asked_for_is_an_event(
    loop: EventLoop, network: Door, events: list[ServerEvent]
) -> None:
    def make(*arguments: int) -> FaultySocket:
        sock = FaultySocket(*arguments)
        sock.script("setsockopt", itertools.repeat(errno.ENOBUFS))
        return sock

    network.socket = make
    FanOut(loop, HERE, coalesce=0.0, segmentation=False, report=events.append)
    (event,) = events
    assert isinstance(event, ReceiveBufferCut)
    assert event.granted < event.asked


def test_what_the_system_drops_while_somebody_watches_is_told_in_time_and_once() -> None:
    drops: list[IngestDrops] = []
    with Simulation(faults=Faults()) as simulation:
        loop = simulation.loop
        fan_out = FanOut(loop, HERE, coalesce=0.0, segmentation=False, report=drops.append)  # type: ignore[arg-type]
        player = bind_udp(loop, DatagramHandler(), *HERE)
        source = bind_udp(loop, DatagramHandler(), *HERE)
        viewer = fan_out.claim(player.sockname, HERE)
        assert viewer is not None
        fan_out.activate(viewer)

        def flood() -> None:
            for _ in range(500):
                source.send(bytes(65_000), fan_out.address)

        loop.call_later(1.0, flood)
        loop.call_later(21.0, flood)
        simulation.run(5.5)
        assert len(drops) == 1
        simulation.run(13.5)
        counters = fan_out.counters
        simulation.run(3.0)
        # With the last viewer gone, the books are closed at once, but nobody is called back.
        fan_out.release(viewer)
        assert len(drops) == 1
        simulation.run(0.0)
    assert counters.received + drops[0].total == 500
    assert [drop.count for drop in drops] == [drops[0].total] * 2
    assert drops[1].total == 2 * drops[0].total > 0


# -- viewers and their sockets ---------------------------------------------------------------


def test_datagrams_come_from_the_host_that_the_client_came_to(
    fan_out: FanOut, loop: EventLoop, player: FaultySocket
) -> None:
    viewer = fan_out.claim(address_of(player), HERE)
    assert viewer is not None
    fan_out.activate(viewer)
    stream(fan_out, loop, b"video")
    wait_for(player)
    data, source = player.recvfrom(100)
    assert (data, source[0]) == (b"video", HERE[0])


def test_whoever_watches_is_first_in_turn_beside_an_outlet_that_nobody_watches_at(
    fan_out: FanOut, loop: EventLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    hosts = [f"127.0.0.{number}" for number in (1, 2, 3)]
    _, *viewers = [fan_out.claim((host, 9), (host, 0)) for host in hosts]
    for viewer in viewers:
        assert viewer is not None
        fan_out.activate(viewer)
    sends: list[str] = []
    send = DatagramEndpoint.send_batch_to_all

    def noting(endpoint: DatagramEndpoint, *args: Any) -> dict[Address, int]:
        sends.append(endpoint.sockname[0])
        return send(endpoint, *args)

    monkeypatch.setattr(DatagramEndpoint, "send_batch_to_all", noting)
    for _ in range(4):
        stream(fan_out, loop, b"video")
    assert sends[::2] in (hosts[1:] * 2, hosts[:0:-1] * 2)


def test_a_viewer_that_is_gone_stays_in_the_account(
    fan_out: FanOut, loop: EventLoop, player: FaultySocket
) -> None:
    for number in range(1, 4):
        viewer = fan_out.claim(address_of(player), HERE)
        assert viewer is not None
        fan_out.activate(viewer)
        stream(fan_out, loop, b"video")
        fan_out.release(viewer)
        assert (viewer.sent, viewer.dropped) == (1, 0)
        assert fan_out.counters.sent == number


def test_closing_leaves_no_descriptor_behind(
    fan_out: FanOut, loop: EventLoop, udp: Callable[..., FaultySocket], made: list[FaultySocket]
) -> None:
    viewers = [fan_out.claim(address_of(udp()), HERE) for _ in range(3)]
    for viewer in viewers[:2]:
        assert viewer is not None
        fan_out.activate(viewer)
    fan_out.close()
    assert {sock.fileno() for sock in made} == {-1}
    for viewer in viewers:
        assert viewer is not None
        fan_out.release(viewer)
    loop.run()
    assert fan_out.counters.active == 0


# -- what a report may raise -----------------------------------------------------------------


class Reporter:
    """Raises SystemExit at each event that it was armed for."""

    def __init__(self, kind: type[ServerEvent]) -> None:
        self.kind = kind
        self.events: list[ServerEvent] = []

    def __call__(self, event: ServerEvent) -> None:
        self.events.append(event)
        if isinstance(event, self.kind):
            raise SystemExit


def test_an_ingest_whose_first_event_ends_the_program_is_closed(
    loop: EventLoop, network: Door
) -> None:
    made: list[FaultySocket] = []

    def make(*arguments: int) -> FaultySocket:
        sock = FaultySocket(*arguments)
        sock.script("setsockopt", itertools.repeat(errno.ENOBUFS))
        made.append(sock)
        return sock

    network.socket = make
    with pytest.raises(SystemExit):
        FanOut(loop, HERE, coalesce=0.0, segmentation=False, report=Reporter(ReceiveBufferCut))
    assert [sock.fileno() for sock in made] == [-1]


@pytest.mark.parametrize(
    "end", [FanOut.deactivate, FanOut.release, lambda fan_out, _: fan_out.close()]
)
def test_whoever_pauses_parts_or_closes_is_not_called_back_with_what_was_dropped(
    loop: EventLoop,
    made: list[FaultySocket],
    udp: Callable[..., FaultySocket],
    monkeypatch: pytest.MonkeyPatch,
    end: Callable[[FanOut, Viewer], None],
) -> None:
    reporter = Reporter(IngestDrops)
    fan_out = FanOut(loop, HERE, coalesce=0.0, segmentation=False, report=reporter)
    viewer = fan_out.claim(address_of(udp()), HERE)
    assert viewer is not None
    fan_out.activate(viewer)
    monkeypatch.setattr(Ingest, "lost", 5)
    end(fan_out, viewer)
    assert reporter.events == []
    with pytest.raises(SystemExit):
        loop.run_once(0)
    # It was told, and the clock that asks for drops has stopped.
    fan_out.close()
    assert {sock.fileno() for sock in made} == {-1}
    loop.run()
    assert [event for event in reporter.events if isinstance(event, IngestDrops)] == [
        IngestDrops(5, 5)
    ]
