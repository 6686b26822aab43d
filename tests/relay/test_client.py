"""The relay's client object: commands and replies, datagrams to the player, clear ends."""

import errno
import socket
from collections.abc import Iterator

import pytest

import reactor
from reactor import EventLoop
from reactor.relay import RelayClient
from reactor.relay.events import (
    ClientEvent,
    Connected,
    Disconnected,
    NoDatagrams,
    NoSocket,
    Refused,
    Replied,
    ServerLost,
    ServerUnreachable,
    TimedOut,
)
from reactor.relay.protocol import Connect, Disconnect, Error, Ok, Pause, Resume
from reactor.testing import ManualClock, run_until
from tests.doubles.descriptors import open_descriptors
from tests.doubles.door import Door
from tests.doubles.faulty_socket import has_ipv6
from tests.doubles.player import Player
from tests.doubles.studio import Studio, studio

_FINAL = (Disconnected, Refused, TimedOut, NoSocket, ServerUnreachable, ServerLost)


@pytest.fixture
def relay(loop: EventLoop) -> Iterator[Studio]:
    with studio(loop) as made:
        yield made


class Viewer:
    """A client, its player, and what it reported."""

    def __init__(self, relay: Studio, host: str = "127.0.0.1", **options: float) -> None:
        self.events: list[ClientEvent] = []
        self.player: Player = relay.player(host)
        server = relay.server.address
        self.client = RelayClient(
            relay.loop,
            (server[0], server[1]),
            (host, self.player.port),
            report=self.events.append,
            **options,  # type: ignore[arg-type]
        )
        self._loop = relay.loop

    def wait_for(self, *kinds: type) -> ClientEvent:
        """Until the last event is of one of these kinds."""
        run_until(self._loop, lambda: self.events and isinstance(self.events[-1], kinds))
        return self.events[-1]

    def run_to_the_end(self) -> ClientEvent:
        """The final event, of which there is one."""
        last = self.wait_for(*_FINAL)
        for _ in range(5):
            self._loop.run_once(0)
        assert sum(isinstance(event, _FINAL) for event in self.events) == 1
        return last


def test_each_command_is_paired_with_its_reply(relay: Studio) -> None:
    viewer = Viewer(relay)
    viewer.client.connect()
    viewer.client.pause()
    viewer.client.resume()
    viewer.client.disconnect()
    assert viewer.run_to_the_end() == Disconnected()
    connected, *replied, _ = viewer.events
    assert isinstance(connected, Connected)
    commands = [event.command for event in replied if isinstance(event, Replied)]
    assert isinstance(commands[0], Connect)
    assert commands[1:] == [Pause(), Resume(), Disconnect()]
    assert all(isinstance(event, Replied) and event.reply == Ok() for event in replied)


def test_an_error_is_a_reply_and_the_conversation_goes_on(relay: Studio) -> None:
    viewer = Viewer(relay)
    viewer.client.resume()
    replied = viewer.wait_for(Replied)
    assert isinstance(replied, Replied)
    assert isinstance(replied.reply, Error)
    assert replied.reply.code == "NO_CONECTADO"
    viewer.client.connect()
    run_until(relay.loop, lambda: relay.server.counters.active == 1)


def test_datagrams_reach_the_player_unchanged_and_in_order(relay: Studio) -> None:
    viewer = Viewer(relay)
    viewer.client.connect()
    viewer.wait_for(Replied)
    sent = [bytes([size % 251]) * size for size in (0, 1316, 1316, 188, 65507, 1328, 1328, 0)]
    relay.stream(*sent)
    assert viewer.player.wait_for(len(sent)) == sent
    assert viewer.client.received.received == len(sent)
    assert viewer.client.forwarded.sent == len(sent)


def test_datagrams_from_anybody_but_the_server_are_not_forwarded(relay: Studio) -> None:
    viewer = Viewer(relay)
    viewer.client.connect()
    replied = viewer.wait_for(Replied)
    assert isinstance(replied, Replied)
    assert isinstance(replied.command, Connect)
    stranger = relay.player("127.0.0.2")
    stranger.sock.sendto(b"forged", ("127.0.0.1", replied.command.port))
    run_until(relay.loop, lambda: viewer.client.received.rejected == 1)
    relay.stream(b"true")
    assert viewer.player.wait_for(1) == [b"true"]


def test_it_works_over_ipv6(loop: EventLoop) -> None:
    with studio(loop, control=("::1", 0), ingest=("::1", 0)) as relay:
        viewer = Viewer(relay, "::1")
        viewer.client.connect()
        viewer.wait_for(Replied)
        relay.stream(b"six")
        assert viewer.player.wait_for(1) == [b"six"]


def test_a_full_server_refuses(loop: EventLoop) -> None:
    with studio(loop, max_clients=1) as relay:
        relay.viewer()
        viewer = Viewer(relay)
        viewer.client.connect()  # unanswered when the refusal comes
        refused = viewer.run_to_the_end()
        assert isinstance(refused, Refused)
        assert refused.error.code == "LLENO"


def test_a_server_that_ends_is_lost(relay: Studio) -> None:
    viewer = Viewer(relay)
    viewer.client.connect()
    viewer.wait_for(Replied)
    relay.server.close()
    assert isinstance(viewer.run_to_the_end(), ServerLost)


def test_a_server_that_was_never_reached_is_not_called_lost(relay: Studio) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        events: list[ClientEvent] = []
        address = unused.getsockname()
        RelayClient(relay.loop, address, ("127.0.0.1", 5001), report=events.append)
        run_until(relay.loop, lambda: events)
    assert isinstance(events[0], ServerUnreachable)
    assert "could not be reached" in str(events[0])
    assert "refused" in str(events[0])


def test_leaving_without_a_word_is_an_end_too(relay: Studio) -> None:
    viewer = Viewer(relay)
    viewer.client.close()
    assert viewer.events == []  # not within the call
    assert viewer.run_to_the_end() == Disconnected()


def test_commands_after_the_end_are_ignored(relay: Studio) -> None:
    viewer = Viewer(relay)
    viewer.client.close()
    viewer.run_to_the_end()
    viewer.client.connect()
    assert viewer.run_to_the_end() == Disconnected()


def test_leaving_again_does_no_harm(relay: Studio) -> None:
    viewer = Viewer(relay)
    viewer.client.close()
    viewer.client.close()
    assert viewer.run_to_the_end() == Disconnected()
    viewer.client.close()
    assert viewer.run_to_the_end() == Disconnected()


@pytest.mark.parametrize("connected", [False, True])
def test_a_loop_that_closes_is_the_end_and_afterwards_nothing_does_harm(
    relay: Studio, connected: bool
) -> None:
    viewer = Viewer(relay)
    if connected:
        viewer.client.connect()
        viewer.wait_for(Replied)
    relay.loop.close()
    end = viewer.events[-1]
    assert end == Disconnected() if connected else isinstance(end, ServerUnreachable)
    viewer.client.connect()
    viewer.client.disconnect()
    viewer.client.close()
    assert viewer.events[-1] is end
    assert viewer.client.received.received == viewer.client.forwarded.sent == 0


# -- a server that is none ---------------------------------------------------------------------


class Script(reactor.StreamHandler):
    """Says one thing to whoever connects."""

    def __init__(self, words: bytes) -> None:
        self._words = words

    def connection_made(self, stream: reactor.Stream) -> None:
        stream.write(self._words)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (b"220 mail.example ESMTP\r\n", "220 mail.example ESMTP"),
        (b"OK\n", "OK to nothing"),
        (b"x" * 1000, "endless line"),
        (b"\x1b[2J\n", r"\x1b[2J"),
    ],
)
def test_a_server_that_does_not_speak_the_protocol_is_lost(
    loop: EventLoop, words: bytes, complaint: str
) -> None:
    listener = reactor.listen(loop, lambda: Script(words), "127.0.0.1", 0)
    events: list[ClientEvent] = []
    RelayClient(loop, listener.sockname, ("127.0.0.1", 5001), report=events.append)
    run_until(loop, lambda: isinstance(events[-1:][0] if events else None, ServerLost))
    assert complaint in str(events[-1])
    assert str(events[-1]).isprintable()


# -- time --------------------------------------------------------------------------------------


def test_no_reply_in_time_is_the_end() -> None:
    clock = ManualClock()
    with EventLoop(clock=clock) as loop:
        listener = reactor.listen(loop, lambda: Script(b""), "127.0.0.1", 0)
        events: list[ClientEvent] = []
        client = RelayClient(
            loop, listener.sockname, ("127.0.0.1", 5001), reply_timeout=3, report=events.append
        )
        client.pause()
        run_until(loop, lambda: events)
        clock.advance(2.9)
        loop.run_once(0)
        assert [type(event) for event in events] == [Connected]
        clock.advance(0.1)
        loop.run_once(0)
        assert events[1:] == [TimedOut("INTERRUMPIR")]


def test_a_server_that_does_not_part_in_turn_is_left_after_a_second() -> None:
    clock = ManualClock()
    with EventLoop(clock=clock) as loop, socket.create_server(("127.0.0.1", 0)) as server:
        events: list[ClientEvent] = []
        client = RelayClient(loop, server.getsockname(), ("127.0.0.1", 5001), report=events.append)
        run_until(loop, lambda: events)
        client.close()
        run_until(loop, lambda: len(events) == 2)
        left = []
        for delay in (0.9, 0.1):
            clock.advance(delay)
            for _ in range(3):
                loop.run_once(0)
            left.append([type(resource) for resource in loop.state.resources])
        assert left == [[reactor.Stream], []]


def test_no_connection_in_time_is_the_end() -> None:
    clock = ManualClock()
    with EventLoop(clock=clock) as loop, socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(0)
        address = silent.getsockname()
        with socket.create_connection(address):  # the queue is full: the next SYN waits
            events: list[ClientEvent] = []
            RelayClient(loop, address, ("127.0.0.1", 5001), connect_timeout=3, report=events.append)
            for _ in range(3):
                loop.run_once(0)
            clock.advance(3)
            run_until(loop, lambda: events)
    assert events == [TimedOut("connecting")]


def silent_viewer(relay: Studio) -> Viewer:
    viewer = Viewer(relay)
    viewer.client.connect()
    viewer.wait_for(Replied)
    return viewer


def test_silence_after_an_ok_is_explained_once() -> None:
    clock = ManualClock()
    with EventLoop(clock=clock) as loop, studio(loop) as relay:
        viewer = silent_viewer(relay)
        for _ in range(5):
            clock.advance(2)
            loop.run_once(0)
        assert sum(isinstance(event, NoDatagrams) for event in viewer.events) == 1


def test_a_datagram_in_time_needs_no_explanation() -> None:
    clock = ManualClock()
    with EventLoop(clock=clock) as loop, studio(loop, coalesce=0.0) as relay:
        viewer = silent_viewer(relay)
        relay.stream(b"in time")
        while not viewer.player.datagrams():
            clock.advance(0.001)
            loop.run_once(0)
        clock.advance(2)
        loop.run_once(0)
        assert not any(isinstance(event, NoDatagrams) for event in viewer.events)


def test_silence_while_paused_needs_no_explanation() -> None:
    clock = ManualClock()
    with EventLoop(clock=clock) as loop, studio(loop) as relay:
        viewer = silent_viewer(relay)
        viewer.client.pause()
        run_until(loop, lambda: len(viewer.events) == 3)
        clock.advance(2)
        loop.run_once(0)
        assert len(viewer.events) == 3


def test_a_player_is_named_by_a_number(loop: EventLoop) -> None:
    with pytest.raises(ValueError, match="localhost"):
        RelayClient(loop, ("127.0.0.1", 1), ("localhost", 5001))


@pytest.mark.parametrize("port", [-1, 0, 65536])
def test_a_player_that_can_not_be_is_refused_in_the_call(loop: EventLoop, port: int) -> None:
    with pytest.raises(ValueError, match=f"port from 1 to 65535, not {port}"):
        RelayClient(loop, ("127.0.0.1", 1), ("127.0.0.1", port))


@pytest.mark.skipif(not has_ipv6(), reason="needs IPv6")
def test_a_server_may_be_named_by_its_mapped_address(relay: Studio) -> None:
    events: list[ClientEvent] = []
    player = relay.player()
    client = RelayClient(
        relay.loop,
        ("::ffff:127.0.0.1", relay.server.address[1]),
        ("127.0.0.1", player.port),
        report=events.append,
    )
    client.connect()
    run_until(relay.loop, lambda: events and isinstance(events[-1], Replied))
    relay.stream(b"video")
    assert player.wait_for(1) == [b"video"]
    client.close()
    run_until(relay.loop, lambda: isinstance(events[-1], Disconnected))


@pytest.mark.parametrize("free", [0, 1])
def test_without_a_socket_for_datagrams_the_end_is_told_and_nothing_left_open(
    relay: Studio, network: Door, free: int
) -> None:
    def make(family: int, kind: int) -> socket.socket:
        nonlocal free
        if kind == socket.SOCK_DGRAM:
            free -= 1
            if free < 0:
                raise OSError(errno.EMFILE, "Too many open files")
        return socket.socket(family, kind)

    before = open_descriptors()
    network.socket = make
    viewer = Viewer(relay)
    viewer.client.connect()
    end = viewer.run_to_the_end()
    assert isinstance(end, NoSocket)
    assert "Too many open files" in str(end)
    run_until(relay.loop, lambda: not relay.server.connections)
    viewer.player.sock.close()
    run_until(relay.loop, lambda: open_descriptors() == before)
