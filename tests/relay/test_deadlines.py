"""A deadline looks before it condemns: what came while the process was stopped counts.

The clock jumps far past the deadline while what was due already lies in the socket.
"""

import socket
from collections.abc import Iterator

import pytest

from reactor import EventLoop
from reactor.relay import RelayClient
from reactor.relay.events import ClientEvent, ClientJoined, Connected, Replied, StateChanged
from reactor.relay.protocol import Ok
from reactor.testing import ManualClock, run_until
from tests.doubles.peer import wait_for
from tests.doubles.studio import Studio, socket_to, studio

TIMEOUT = 10.0


@pytest.fixture
def relay(loop: EventLoop, clock: ManualClock) -> Iterator[Studio]:
    with studio(loop, command_timeout=TIMEOUT) as made:
        yield made


def settle(loop: EventLoop) -> None:
    for _ in range(4):
        loop.run_once(0)


def stop_the_process(clock: ManualClock, *readable: socket.socket) -> None:
    """For a minute, in which what is said arrives at these sockets."""
    for sock in readable:
        wait_for(sock)
    clock.advance(60)


# -- the server's ------------------------------------------------------------------------


def test_a_command_that_was_finished_in_time_is_answered(relay: Studio, clock: ManualClock) -> None:
    client = relay.controller()
    client.say(b"CONECTAR")
    run_until(relay.loop, lambda: relay.events)
    settle(relay.loop)
    clock.advance(TIMEOUT - 1)
    client.say(b" 5000\n")
    stop_the_process(clock, relay.socket_of(client))
    assert client.hear() == [b"OK"]


def test_a_command_behind_more_than_one_receive_takes_is_answered(
    relay: Studio, clock: ManualClock
) -> None:
    # The first receive ends within a line, of which the deadline begins when all that is
    # before it has been answered; the rest lies in the socket.
    client, _ = relay.viewer()
    line = b"INTERRUMPIR\nCONTINUAR\n"
    count = 2 * 32 * 1024 // len(line)
    client.say(line * count)
    for _ in range(count):
        clock.advance(60)
        relay.loop.run_once(0)
    assert client.hear(2 * count) == [b"OK"] * (2 * count)


def test_a_command_of_who_waits_in_line_is_answered(relay: Studio, clock: ManualClock) -> None:
    client, _ = relay.viewer()
    client.say(b"INTERR")
    settle(relay.loop)
    client.say(b"UMPIR\n" + b"CONTINUAR\nINTERRUMPIR\n" * 50 + b"CONTINUAR")
    stop_the_process(clock, relay.socket_of(client))
    relay.loop.run_once(0)
    client.say(b"\n")
    for _ in range(20):
        clock.advance(60)
        relay.loop.run_once(0)
    assert client.hear(102) == [b"OK"] * 102


def test_a_command_of_who_did_not_read_its_replies_is_answered(
    relay: Studio, clock: ManualClock
) -> None:
    client, _ = relay.viewer()
    relay.stream_of(client).set_write_buffer_limits(high=1, low=0)
    client.say(b"hola\nINTERR")  # the first reply is one too many
    settle(relay.loop)
    client.say(b"UMPIR\n")
    stop_the_process(clock, relay.socket_of(client))
    assert client.hear(2)[1] == b"OK"


def test_who_connected_long_ago_is_not_too_slow(relay: Studio, clock: ManualClock) -> None:
    client = relay.controller()
    client.say(b"CONECTAR 50")
    stop_the_process(clock)
    client.say(b"00\n")
    run_until(relay.loop, lambda: relay.events)
    assert isinstance(relay.events[0], ClientJoined)
    assert client.hear() == [b"OK"]


def test_a_command_that_was_not_finished_is_condemned_all_the_same(
    relay: Studio, clock: ManualClock
) -> None:
    client = relay.controller()
    client.say(b"CONECTAR")
    run_until(relay.loop, lambda: relay.events)
    settle(relay.loop)
    client.say(b" 50")
    stop_the_process(clock, relay.socket_of(client))
    assert client.hear_the_end().startswith(b"ERROR INCOMPLETO")
    assert not any(isinstance(event, StateChanged) for event in relay.events)
    assert any(str(event).endswith('sent "CONECTAR 50": INCOMPLETO') for event in relay.events)


# -- the client's ------------------------------------------------------------------------


class Server:
    """Says what the test wants it to, on a socket."""

    def __init__(self, loop: EventLoop) -> None:
        self.events: list[ClientEvent] = []
        self._loop = loop
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.client = RelayClient(
            loop,
            self._listener.getsockname(),
            ("127.0.0.1", 5001),
            reply_timeout=TIMEOUT,
            report=self.events.append,
        )
        run_until(loop, lambda: self.events)
        assert isinstance(self.events[0], Connected)
        self.sock, _ = self._listener.accept()

    def close(self) -> None:
        self._listener.close()
        self.sock.close()

    @property
    def client_side(self) -> socket.socket:
        return socket_to(self._loop, self._listener.getsockname())


@pytest.fixture
def server(loop: EventLoop, clock: ManualClock) -> Iterator[Server]:
    made = Server(loop)
    yield made
    made.close()


def test_a_reply_that_came_in_time_counts(
    loop: EventLoop, clock: ManualClock, server: Server
) -> None:
    server.client.pause()
    settle(loop)
    clock.advance(TIMEOUT - 1)
    server.sock.sendall(b"OK\n")
    stop_the_process(clock, server.client_side)
    settle(loop)
    assert [type(event) for event in server.events] == [Connected, Replied]


def test_each_of_several_replies_that_came_in_time_counts(
    loop: EventLoop, clock: ManualClock, server: Server
) -> None:
    for _ in range(3):
        server.client.pause()
    settle(loop)
    server.sock.sendall(b"OK\nERROR X y\nOK\n")
    stop_the_process(clock, server.client_side)
    settle(loop)
    replies = [event.reply for event in server.events[1:] if isinstance(event, Replied)]
    assert len(replies) == len(server.events) - 1 == 3
    assert replies[2] == Ok()


def test_a_command_given_after_a_stop_has_all_its_time(
    loop: EventLoop, clock: ManualClock, server: Server
) -> None:
    stop_the_process(clock)
    server.client.pause()
    settle(loop)
    clock.advance(TIMEOUT - 1)
    settle(loop)
    server.sock.sendall(b"OK\n")
    run_until(loop, lambda: len(server.events) == 2)
    assert isinstance(server.events[1], Replied)
