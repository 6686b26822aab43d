"""The relay's server over real sockets: every command answered, every datagram copied."""

import errno
import itertools
import os
import socket
import sys
from collections.abc import Iterator
from typing import Any

import pytest

import reactor
from reactor import DatagramEndpoint, EventLoop
from reactor.relay import RelayClient, RelayServer
from reactor.relay.events import (
    BadInput,
    ClientEvent,
    ClientJoined,
    ClientLeft,
    ClientRefused,
    Connected,
    Replied,
    ServerEvent,
    ServerLost,
    StateChanged,
)
from reactor.relay.session import SessionState
from reactor.testing import ManualClock, run_until
from tests.conftest import Reported
from tests.doubles.descriptors import open_descriptors
from tests.doubles.door import Door
from tests.doubles.peer import wait_for
from tests.doubles.studio import Studio, studio


@pytest.fixture
def relay(loop: EventLoop) -> Iterator[Studio]:
    with studio(loop) as made:
        yield made


def code(reply: bytes) -> bytes:
    """The code of an ERROR."""
    word, code, _ = reply.split(b" ", 2)
    assert word == b"ERROR"
    return code


# -- commands ------------------------------------------------------------------------------


def test_each_of_the_four_commands_is_answered_ok(relay: Studio) -> None:
    client = relay.controller()
    client.say(b"CONECTAR 5000\nINTERRUMPIR\nCONTINUAR\nDESCONECTAR\n")
    assert client.hear(4) == [b"OK"] * 4


@pytest.mark.parametrize(
    ("commands", "expected"),
    [
        ([b"INTERRUMPIR"], b"NO_CONECTADO"),
        ([b"CONTINUAR"], b"NO_CONECTADO"),
        ([b"CONECTAR 5000", b"CONECTAR 5001"], b"YA_CONECTADO"),
        ([b"CONECTAR 5000", b"CONTINUAR"], b"NO_INTERRUMPIDO"),
        ([b"CONECTAR 5000", b"INTERRUMPIR", b"INTERRUMPIR"], b"YA_INTERRUMPIDO"),
        ([b"CONECTAR 5000", b"INTERRUMPIR", b"CONECTAR 5000"], b"YA_CONECTADO"),
        ([b"hola"], b"DESCONOCIDO"),
        ([b""], b"DESCONOCIDO"),
        ([b"CONECTAR 80"], b"PUERTO"),
        ([b"CONECTAR +5000"], b"PUERTO"),
    ],
)
def test_a_command_out_of_place_is_told_what_is_wrong_and_the_connection_goes_on(
    relay: Studio, commands: list[bytes], expected: bytes
) -> None:
    client = relay.controller()
    *before, last = (client.ask(command) for command in commands)
    assert before == [b"OK"] * len(before)
    assert code(last) == expected
    assert client.ask(b"DESCONECTAR") == b"OK"


@pytest.mark.parametrize("before", [62, 63, 64, 127])
def test_good_bye_ends_the_connection_at_whatever_place_of_a_turn(
    relay: Studio, before: int
) -> None:
    client, _ = relay.viewer()
    client.say(b"hola\n" * before + b"DESCONECTAR\nhola\n")
    assert client.hear_the_end().splitlines()[before:] == [b"OK"]


def test_after_desconectar_the_ok_arrives_and_then_the_end(relay: Studio) -> None:
    client, _ = relay.viewer()
    client.say(b"DESCONECTAR\njunk that nobody reads any more\n" * 100)
    assert client.hear_the_end() == b"OK\n"


def test_a_command_followed_by_a_half_close_is_still_answered(relay: Studio) -> None:
    client = relay.controller()
    client.say(b"CONECTAR 5000\n")
    client.sock.shutdown(socket.SHUT_WR)
    assert client.hear_the_end() == b"OK\n"


def test_a_half_close_behind_a_thousand_commands_does_not_overtake_them(relay: Studio) -> None:
    client, _ = relay.viewer()
    client.say(b"INTERRUMPIR\nCONTINUAR\n" * 500)
    client.sock.shutdown(socket.SHUT_WR)
    assert client.hear_the_end() == b"OK\n" * 1000


def test_a_half_close_of_who_does_not_read_yet_does_not_overtake_its_commands(
    relay: Studio,
) -> None:
    client, _ = relay.viewer()
    relay.stream_of(client).set_write_buffer_limits(high=2, low=0)  # each reply is one too many
    client.say(b"INTERRUMPIR\nCONTINUAR\n" * 50)
    client.sock.shutdown(socket.SHUT_WR)
    assert client.hear_the_end() == b"OK\n" * 100


def test_a_reset_behind_a_thousand_commands_leaves_nobody_in_the_line(relay: Studio) -> None:
    client, _ = relay.viewer()
    _, other = relay.viewer()
    client.say(b"INTERRUMPIR\nCONTINUAR\n" * 500)
    iterate(relay.loop, 2)
    client.reset()
    run_until(relay.loop, lambda: isinstance(relay.events[-1], ClientLeft))
    iterate(relay.loop)
    assert relay.loop.state.calls == ()
    relay.stream(b"video")
    assert other.wait_for(1) == [b"video"]


def test_who_has_said_no_more_than_a_turn_takes_is_read_on(
    relay: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, _ = relay.viewer()
    monkeypatch.delattr(reactor.Stream, "pause_reading")
    client.say(b"INTERRUMPIR\nCONTINUAR\n" * 4)
    assert client.hear(8) == [b"OK"] * 8


def test_what_comes_when_no_answer_can_leave_is_not_kept(relay: Studio) -> None:
    client, _ = relay.viewer()
    (connection,) = relay.server.connections
    relay.stream_of(client).close()
    buffer, line = reactor.ReceiveBuffer(), bytes(bytearray(b"INTERRUMPIR\n"))
    kept = sys.getrefcount(line)
    buffer.append(line)
    connection.data_received(buffer)
    assert (len(buffer), sys.getrefcount(line)) == (0, kept)


def test_an_unfinished_command_before_the_end_is_answered_too(relay: Studio) -> None:
    client = relay.controller()
    client.say(b"CONECTAR 50")
    client.sock.shutdown(socket.SHUT_WR)
    assert code(client.hear_the_end()) == b"INCOMPLETO"


def test_ten_thousand_pipelined_commands_are_answered_in_order(relay: Studio) -> None:
    client = relay.controller()
    client.say(b"CONECTAR 5000\n" + b"INTERRUMPIR\nhola\n" * 5000)
    replies = client.hear(10_001)
    assert replies[:2] == [b"OK", b"OK"]
    assert [code(reply) for reply in replies[2:6]] == [b"DESCONOCIDO", b"YA_INTERRUMPIDO"] * 2
    assert code(replies[-1]) == b"DESCONOCIDO"


def test_a_flood_of_commands_leaves_room_for_others(relay: Studio) -> None:
    (flooder, _), other = relay.viewer(), relay.controller()
    run_until(relay.loop, lambda: relay.server.admission.clients == 2)
    flooder.sock.send(b"hola\n" * 10_000)
    other.say(b"CONECTAR 5000\n")
    assert other.hear() == [b"OK"]
    flood_seen = flooder.sock.recv(1 << 20).count(b"\n")
    assert flood_seen < 1000


def test_floods_of_commands_wait_in_one_line_and_each_is_answered(relay: Studio) -> None:
    flooders = [relay.controller() for _ in range(3)]
    run_until(relay.loop, lambda: relay.server.admission.clients == 3)
    for number, flooder in enumerate(flooders):
        flooder.sock.send(b"CONECTAR %d\n" % (5000 + number) + b"hola\n" * 1000)
    for flooder in flooders:
        first, *others = flooder.hear(1001)
        assert first == b"OK"
        assert {code(reply) for reply in others} == {b"DESCONOCIDO"}


def test_a_client_that_reads_again_while_it_waits_in_line_loses_no_reply(relay: Studio) -> None:
    client, _ = relay.viewer()
    size = len(client.ask(b"hola")) + 1
    # The replies of two turns leave together. The last of them is one too many; when they
    # have left, the client still has commands in line.
    relay.stream_of(client).set_write_buffer_limits(high=16 * size - 1)
    client.say(b"hola\n" * 1000)
    assert {code(reply) for reply in client.hear(1000)} == {b"DESCONOCIDO"}


def test_a_client_that_never_reads_is_not_read_either_until_it_does(relay: Studio) -> None:
    client, _ = relay.viewer()
    ends = client.sock, relay.socket_of(client)
    set_buffers(16 * 1024, *ends)  # so that little waits on the way
    sent = idle = 0
    while idle < 100:  # turns in which the relay has read nothing
        try:
            sent += client.sock.send(b"hola\n" * 20)
            idle = 0
        except BlockingIOError:
            idle += 1
        relay.loop.run_once(0)
        assert relay.stream_of(client).write_buffer_size < 128 * 1024
    set_buffers(1024 * 1024, *ends)
    assert {code(reply) for reply in client.hear(sent // 5)} == {b"DESCONOCIDO"}


def set_buffers(size: int, *ends: socket.socket) -> None:
    for sock in ends:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, size)


def test_a_line_over_the_limit_ends_the_connection_after_what_came_before(relay: Studio) -> None:
    client = relay.controller()
    client.say(b"CONECTAR 5000\n" + b"x" * 1000)
    first, second = client.hear_the_end().splitlines()
    assert first == b"OK"
    assert code(second) == b"LARGO"
    assert str(relay.events[2]).endswith(f'sent "{"x" * 60}...": LARGO')


# -- commands that do not end ----------------------------------------------------------------


def test_an_unfinished_command_is_answered_at_its_deadline_counted_from_its_first_byte() -> None:
    clock = ManualClock()
    with EventLoop(clock=clock) as loop, studio(loop, command_timeout=10) as relay:
        client = relay.controller()
        run_until(loop, lambda: relay.events)
        for letter in b"CONECTAR":
            client.say(bytes([letter]))
            iterate(loop)
            clock.advance(1.25)
        assert code(client.hear()[0]) == b"INCOMPLETO"


@pytest.mark.parametrize("before", [b"", b"CONTINUAR\nINTERRUMPIR\n"])
def test_an_unfinished_command_of_a_client_without_video_ends_the_connection(
    before: bytes,
) -> None:
    clock = ManualClock()
    with EventLoop(clock=clock) as loop, studio(loop, command_timeout=10, max_clients=1) as relay:
        client = relay.controller()
        client.say(before + b"CONEC")
        iterate(loop)
        clock.advance(10)
        expected = b"ERROR INCOMPLETO No se recibio el comando correctamente, intente denuevo\n"
        assert client.hear_the_end().endswith(expected)
        client.sock.close()
        assert relay.controller().ask(b"CONECTAR 5000") == b"OK"


@pytest.mark.parametrize("commands", [b"CONECTAR 5000\n", b"CONECTAR 5000\nINTERRUMPIR\n"])
def test_an_unfinished_command_of_a_viewer_is_dropped_and_the_connection_goes_on(
    commands: bytes,
) -> None:
    clock = ManualClock()
    with EventLoop(clock=clock) as loop, studio(loop, command_timeout=10) as relay:
        client = relay.controller()
        client.say(commands + b"INTERR")
        client.hear(commands.count(b"\n"))
        clock.advance(10)
        assert code(client.hear()[0]) == b"INCOMPLETO"
        assert client.ask(b"DESCONECTAR") == b"OK"


def test_a_relay_client_whose_command_comes_too_slowly_hears_why_and_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # As if the network had kept the rest of its line.
    monkeypatch.setattr("reactor.relay.client.encode", lambda command: b"CONEC")
    clock = ManualClock()
    with EventLoop(clock=clock) as loop, studio(loop, command_timeout=5) as relay:
        events: list[ClientEvent] = []
        client = RelayClient(loop, relay.server.address, ("127.0.0.1", 5001), report=events.append)
        client.connect()
        run_until(loop, lambda: loop.state.next_timer == 5)
        clock.advance(5)
        run_until(loop, lambda: isinstance(events[-1], ServerLost))
        assert [type(event) for event in events] == [Connected, Replied, ServerLost]
        assert "INCOMPLETO" in str(events[1])


def test_a_deadline_leaves_alone_the_commands_behind_the_one_it_was_for() -> None:
    clock = ManualClock()
    with EventLoop(clock=clock) as loop, studio(loop, command_timeout=10) as relay:
        client = relay.controller()
        client.say(b"CONEC")
        iterate(loop)
        client.say(b"TAR 5000\n" + b"INTERRUMPIR\nCONTINUAR\n" * 100)
        # The command is done, and more than one turn takes are still to be answered.
        run_until(loop, lambda: any(isinstance(event, StateChanged) for event in relay.events))
        clock.advance(10)
        assert client.hear(201) == [b"OK"] * 201


def test_a_command_finished_in_time_is_not_timed_out_later() -> None:
    clock = ManualClock()
    with EventLoop(clock=clock) as loop, studio(loop, command_timeout=10) as relay:
        client = relay.controller()
        client.say(b"CONEC")
        iterate(loop)
        clock.advance(9)
        assert client.ask(b"TAR 5000") == b"OK"
        clock.advance(100)
        assert client.ask(b"INTERRUMPIR") == b"OK"


def iterate(loop: EventLoop, times: int = 5) -> None:
    for _ in range(times):
        loop.run_once(0)


# -- datagrams -------------------------------------------------------------------------------


def test_every_datagram_goes_unchanged_and_in_order_to_every_active_client(relay: Studio) -> None:
    players = [relay.viewer()[1] for _ in range(3)]
    sent = [bytes([number % 256]) * (1316 - number % 3) for number in range(300)]
    for start in range(0, 300, 50):
        relay.stream(*sent[start : start + 50])
        for player in players:
            player.wait_for(start + 50)
    assert [player.datagrams() for player in players] == [sent] * 3


@pytest.mark.parametrize("segmentation", [None, False])
def test_datagrams_of_any_size_pass(loop: EventLoop, segmentation: bool | None) -> None:
    sizes = [0, 1, 0, 0, 188, 1316, 1316, 1328, 1328, 100, 1328, 9000, 65507, 65507, 1, 65506, 0]
    with studio(loop, segmentation=segmentation) as relay:
        _, player = relay.viewer()
        sent = [bytes([index]) * size for index, size in enumerate(sizes)]
        relay.stream(*sent)
        assert player.wait_for(len(sent)) == sent


def test_datagrams_go_only_to_the_address_of_the_control_connection(relay: Studio) -> None:
    here, there = relay.player("127.0.0.1"), None
    there = relay.player("127.0.0.2", here.port)
    client = relay.controller(source="127.0.0.2")
    assert client.ask(b"CONECTAR %d" % here.port) == b"OK"
    relay.stream(b"one")
    assert there.wait_for(1) == [b"one"]
    assert here.datagrams() == []


def test_after_an_endless_line_nothing_more_is_sent_though_the_client_stays(
    relay: Studio,
) -> None:
    client, player = relay.viewer()
    _, other = relay.viewer()
    client.say(b"x" * 1000)
    assert code(client.hear()[0]) == b"LARGO"
    relay.stream(b"late")
    assert other.wait_for(1) == [b"late"]
    assert player.datagrams() == []


@pytest.mark.parametrize("way", ["close", "reset", "DESCONECTAR", "endless line"])
def test_datagrams_stop_when_the_control_connection_is_gone(relay: Studio, way: str) -> None:
    client, player = relay.viewer()
    _, other = relay.viewer()
    relay.stream(b"one")
    player.wait_for(1)
    if way == "close":
        client.sock.close()
    elif way == "reset":
        client.reset()
    else:
        client.say(b"DESCONECTAR\n" if way == "DESCONECTAR" else b"x" * 1000)
    run_until(relay.loop, lambda: relay.server.counters.active == 1)
    relay.stream(b"two")
    assert other.wait_for(2) == [b"one", b"two"]
    assert player.datagrams() == [b"one"]


def test_a_paused_client_gets_nothing_and_a_resumed_one_goes_on(relay: Studio) -> None:
    client, player = relay.viewer()
    _, other = relay.viewer()
    relay.stream(b"one")
    player.wait_for(1)
    assert client.ask(b"INTERRUMPIR") == b"OK"
    relay.stream(b"two")
    other.wait_for(2)
    assert client.ask(b"CONTINUAR") == b"OK"
    relay.stream(b"three")
    assert player.wait_for(2) == [b"one", b"three"]


def test_while_nobody_is_active_datagrams_wake_nobody() -> None:
    wakes = CountingInstrument()
    with EventLoop(instrument=wakes) as loop, studio(loop) as relay:
        client, _ = relay.viewer()
        client.ask(b"INTERRUMPIR")
        iterate(loop)
        wakes.count = 0
        relay.stream(*[b"unwatched"] * 100)
        iterate(loop)
        assert wakes.count == 0
        assert loop.state.next_timer is None  # nor is anything due later


class CountingInstrument(reactor.Instrument):
    """Counts the watchers that became ready."""

    def __init__(self) -> None:
        self.count = 0

    def select_ended(self, ready: Any) -> None:
        self.count += len(ready)


def test_what_piled_up_while_nobody_was_active_is_thrown_away(relay: Studio) -> None:
    client, player = relay.viewer()
    client.ask(b"INTERRUMPIR")
    relay.stream(*[b"old"] * 100)
    client.ask(b"CONTINUAR")
    relay.stream(b"new")
    assert player.wait_for(1) == [b"new"]


def test_received_times_active_is_sent_plus_dropped(relay: Studio) -> None:
    viewers = [relay.viewer() for _ in range(3)]
    relay.stream(*[b"x" * 1000] * 40)
    for _, player in viewers:
        player.wait_for(40)
    viewers[0][0].ask(b"INTERRUMPIR")
    relay.stream(*[b"x" * 1000] * 10)
    for _, player in viewers[1:]:
        player.wait_for(50)
    counters = relay.server.counters
    assert (counters.received, counters.sent + counters.dropped) == (50, 140)
    assert counters.lost in (0, None)


def orders_of(relay: Studio, turns: int) -> list[list[int]]:
    """The ports to which each of some batches goes, in order."""
    orders: list[list[int]] = []
    send = reactor.DatagramEndpoint.send_batch_to_all

    def noting(
        endpoint: reactor.DatagramEndpoint,
        batch: reactor.DatagramBatch,
        addresses: list[reactor.Address],
    ) -> dict[reactor.Address, int]:
        orders.append([port for _, port in addresses])
        return send(endpoint, batch, addresses)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reactor.DatagramEndpoint, "send_batch_to_all", noting)
        for number in range(turns):
            relay.stream(b"x")
            run_until(relay.loop, lambda turn=number: len(orders) > turn)  # type: ignore[misc]
    return orders


def test_every_viewer_is_first_in_turn(relay: Studio) -> None:
    ports = [relay.viewer()[1].port for _ in range(3)]
    orders = orders_of(relay, turns=6)
    assert sorted(order[0] for order in orders) == sorted(ports * 2)
    assert all(sorted(order) == sorted(ports) for order in orders)


def test_who_was_first_is_last_the_next_time(relay: Studio) -> None:
    for _ in range(3):
        relay.viewer()
    orders = orders_of(relay, turns=4)
    assert [order[-1] for order in orders[1:]] == [order[0] for order in orders[:-1]]


# -- whom it serves ----------------------------------------------------------------------------


def test_a_full_server_says_so_and_closes(loop: EventLoop) -> None:
    with studio(loop, max_clients=2) as relay:
        (first, _), _ = relay.viewer(), relay.viewer()
        assert code(relay.controller().hear_the_end()) == b"LLENO"
        first.sock.close()
        run_until(loop, lambda: relay.server.admission.clients == 1)
        assert relay.controller().ask(b"CONECTAR 5000") == b"OK"


def test_one_host_can_not_take_all_places(loop: EventLoop) -> None:
    with studio(loop, max_clients_per_host=1) as relay:
        relay.viewer()
        assert code(relay.controller().hear_the_end()) == b"LLENO_EQUIPO"
        assert relay.controller(source="127.0.0.2").ask(b"CONECTAR 5000") == b"OK"


def test_a_port_from_which_datagrams_would_come_back_is_refused(relay: Studio) -> None:
    port = relay.server.ingest_address[1]
    assert code(relay.controller().ask(b"CONECTAR %d" % port)) == b"PUERTO_SERVIDOR"


@pytest.mark.parametrize("ingest", ["0.0.0.0", "::"])
def test_the_ingests_port_is_free_to_who_is_on_another_machine(
    loop: EventLoop, ingest: str
) -> None:
    with studio(loop, ingest=(ingest, 0)) as relay:
        port = relay.server.ingest_address[1]
        fan_out = relay.server.fan_out
        assert not fan_out.is_own(("192.0.2.1", port))
        assert fan_out.is_own(("127.0.0.9", port))
        assert not fan_out.is_own(("127.0.0.9", port ^ 1))


def test_the_same_port_on_another_host_is_nobodys_but_the_clients(relay: Studio) -> None:
    client = relay.controller(source="127.0.0.2")
    assert client.ask(b"CONECTAR %d" % relay.server.ingest_address[1]) == b"OK"


def test_an_ingest_on_every_address_is_protected_on_every_address(loop: EventLoop) -> None:
    with studio(loop, ingest=("0.0.0.0", 0)) as relay:
        client = relay.controller(source="127.0.0.2")
        port = relay.server.ingest_address[1]
        assert code(client.ask(b"CONECTAR %d" % port)) == b"PUERTO_SERVIDOR"


def test_a_port_that_another_client_of_the_host_has_is_refused_until_it_leaves(
    relay: Studio,
) -> None:
    first, second = relay.controller(), relay.controller()
    assert first.ask(b"CONECTAR 5000") == b"OK"
    assert code(second.ask(b"CONECTAR 5000")) == b"PUERTO_OCUPADO"
    assert relay.controller(source="127.0.0.2").ask(b"CONECTAR 5000") == b"OK"
    first.sock.close()
    run_until(relay.loop, lambda: relay.server.admission.clients == 2)
    assert second.ask(b"CONECTAR 5000") == b"OK"


def test_without_a_socket_to_send_from_the_client_is_asked_to_try_again(
    relay: Studio, network: Door
) -> None:
    def no_more(*arguments: object) -> socket.socket:
        raise OSError(errno.EMFILE, "Too many open files")

    client = relay.controller()
    network.socket = no_more
    assert code(client.ask(b"CONECTAR 5000")) == b"NO_DISPONIBLE"
    network.socket = socket.socket
    assert client.ask(b"CONECTAR 5000") == b"OK"


def test_a_port_is_free_once_its_session_has_ended_however_long_the_connection_lingers(
    relay: Studio,
) -> None:
    old, player = relay.viewer()
    assert old.ask(b"DESCONECTAR") == b"OK"
    new = relay.controller()
    assert new.ask(b"CONECTAR %d" % player.port) == b"OK"
    old.sock.close()
    run_until(relay.loop, lambda: relay.server.admission.clients == 1)
    relay.stream(b"for the new one")
    assert player.wait_for(1) == [b"for the new one"]
    # And the old one's end gave nothing away.
    assert code(relay.controller().ask(b"CONECTAR %d" % player.port)) == b"PUERTO_OCUPADO"


@pytest.mark.parametrize("way", ["close", "reset"])
def test_a_client_that_comes_back_at_once_gets_its_port_again(relay: Studio, way: str) -> None:
    client, player = relay.viewer()
    end = relay.socket_of(client)
    client.sock.close() if way == "close" else client.reset()
    wait_for(end)  # the end has arrived, but was not dealt with
    assert relay.controller().ask(b"CONECTAR %d" % player.port) == b"OK"


def test_every_control_connection_is_kept_alive(
    relay: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[reactor.Stream] = []
    monkeypatch.setattr(reactor.Stream, "set_keepalive", lambda stream: kept.append(stream))
    relay.controller().ask(b"CONECTAR 5000")
    assert len(kept) == 1


def test_it_serves_ipv6(loop: EventLoop) -> None:
    with studio(loop, control=("::1", 0), ingest=("::1", 0)) as relay:
        _, player = relay.viewer("::1")
        relay.stream(b"six")
        assert player.wait_for(1) == [b"six"]


def test_the_unspecified_ipv6_address_serves_ipv4_too(loop: EventLoop) -> None:
    with studio(loop, control=("::", 0), max_clients_per_host=1) as relay:
        port = relay.server.address[1]
        player = relay.player()
        client = relay.controller(server=("127.0.0.1", port))
        assert client.ask(b"CONECTAR %d" % player.port) == b"OK"
        relay.stream(b"four")
        assert player.wait_for(1) == [b"four"]
        assert isinstance(relay.events[0], ClientJoined)
        assert relay.events[0].client[0] == "127.0.0.1"  # not ::ffff:127.0.0.1


# -- what it tells -------------------------------------------------------------------------------


def test_each_step_of_a_client_is_an_event(relay: Studio) -> None:
    client = relay.controller()
    client.say(b"CONECTAR 5000\nhola\nhola\nINTERRUMPIR\n")
    client.hear(4)
    client.sock.close()
    run_until(relay.loop, lambda: isinstance(relay.events[-1], ClientLeft))
    kinds = [type(event) for event in relay.events]
    assert kinds == [ClientJoined, StateChanged, BadInput, StateChanged, ClientLeft]
    states = [event.state for event in relay.events if isinstance(event, StateChanged)]
    assert states == [SessionState.ACTIVE, SessionState.PAUSED]
    left = relay.events[-1]
    assert isinstance(left, ClientLeft)
    assert (left.errors, left.error) == (2, None)


def test_bad_input_is_told_once_whatever_was_refused_before(relay: Studio) -> None:
    client = relay.controller()
    client.say(b"CONTINUAR\nCONECTAR 5000\nhola\nhola\n")
    client.hear(4)
    told = [event.line for event in relay.events if isinstance(event, BadInput)]
    assert told == [b"hola"]


def test_a_refusal_is_an_event(loop: EventLoop) -> None:
    with studio(loop, max_clients=1) as relay:
        relay.viewer()
        relay.controller().hear_the_end()
        kinds = [type(event) for event in relay.events]
        assert kinds == [ClientJoined, StateChanged, ClientRefused]


def test_a_command_that_was_too_slow_is_an_event() -> None:
    clock = ManualClock()
    with EventLoop(clock=clock) as loop, studio(loop, command_timeout=10) as relay:
        client = relay.controller()
        client.say(b"CONEC")
        iterate(loop)
        clock.advance(10)
        client.hear_the_end()
        assert [event.reason for event in relay.events if isinstance(event, BadInput)] == [
            "INCOMPLETO"
        ]


def test_a_report_that_raises_costs_nobody_the_stream(
    relay: Studio, reported: Reported, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = OSError(errno.ENOSPC, "No space left on device")

    def report(event: ServerEvent) -> None:
        raise full

    monkeypatch.setattr(relay, "report", report)
    client, player = relay.viewer()
    relay.stream(b"seen")
    assert player.wait_for(1) == [b"seen"]
    assert client.ask(b"hola").startswith(b"ERROR")
    assert client.ask(b"DESCONECTAR") == b"OK"
    told = [exc for _, exc in reported]
    reported.clear()
    # The client joined, became active, said what is no command, and left.
    assert told == [full] * 4


# -- the end -------------------------------------------------------------------------------------


def test_close_ends_every_client_and_then_the_loop(relay: Studio) -> None:
    clients = [relay.viewer()[0] for _ in range(3)]
    relay.server.close()
    assert [client.hear_the_end() for client in clients] == [b""] * 3
    for client in clients:
        client.sock.close()
    relay.loop.run()
    assert sum(isinstance(event, ClientLeft) for event in relay.events) == 3


def test_closing_again_does_no_harm_in_a_closed_loop_either(relay: Studio) -> None:
    client, _ = relay.viewer()
    relay.server.close()
    relay.server.close()
    assert client.hear_the_end() == b""
    relay.loop.close()
    relay.server.close()
    assert relay.server.counters.active == relay.server.admission.clients == 0


def test_a_loop_that_closes_takes_every_client_along(relay: Studio) -> None:
    for _ in range(3):
        relay.viewer()
    relay.loop.close()
    assert sum(isinstance(event, ClientLeft) for event in relay.events) == 3
    assert (relay.server.connections, relay.server.admission.clients) == ({}, 0)


def test_who_said_good_bye_and_did_not_wait_left_without_an_error(relay: Studio) -> None:
    client, _ = relay.viewer()
    client.say(b"INTERRUMPIR\nDESCONECTAR\n")
    stream = relay.stream_of(client)
    run_until(relay.loop, lambda: stream.closing)
    client.reset()  # the replies are not waited for
    run_until(relay.loop, lambda: isinstance(relay.events[-1], ClientLeft))
    assert "left: " in str(relay.events[-1])


def test_who_breaks_off_left_with_the_error(relay: Studio) -> None:
    client, _ = relay.viewer()
    client.reset()
    run_until(relay.loop, lambda: isinstance(relay.events[-1], ClientLeft))
    assert "left (Connection reset by peer): " in str(relay.events[-1])


@pytest.mark.parametrize("number", [errno.EPIPE, errno.ECONNRESET, errno.ETIMEDOUT])
def test_what_the_system_says_of_a_connection_is_what_the_log_says(
    relay: Studio, number: int
) -> None:
    # ETIMEDOUT is what keepalive finds out: tcp(7).
    relay.viewer()
    (connection,) = relay.server.connections
    connection.connection_lost(OSError(number, os.strerror(number)))
    assert f"left ({os.strerror(number)}): " in str(relay.events[-1])


def test_a_control_port_in_use_leaves_no_ingest_behind(loop: EventLoop) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        before = open_descriptors()
        with pytest.raises(OSError, match="in use"):
            RelayServer(loop, taken.getsockname(), ingest=("127.0.0.1", 0))
        assert open_descriptors() == before


def test_a_thousand_clients_come_and_go(relay: Studio) -> None:
    for round_number in itertools.count(1):
        clients = [relay.controller() for _ in range(50)]
        for client in clients:
            assert code(client.ask(b"CONTINUAR")) == b"NO_CONECTADO"
            client.sock.close()
        if round_number == 20:
            break
    run_until(relay.loop, lambda: not relay.server.connections)
    assert relay.server.admission.clients == 0


# -- outlets: one for each address of the server that clients connect to -------------------


@pytest.fixture
def open_house(loop: EventLoop) -> Iterator[Studio]:
    """A relay that is reached at every address of this machine."""
    with studio(loop, control=("0.0.0.0", 0)) as made:
        yield made


def test_an_outlet_is_closed_with_its_last_viewer_and_its_books_are_kept(
    open_house: Studio,
) -> None:
    before = open_descriptors()
    for number in range(2, 6):
        controller, player = open_house.viewer(server_host=f"127.0.0.{number}")
        open_house.stream(b"video")
        player.wait_for(1)
        assert controller.ask(b"DESCONECTAR") == b"OK"
        controller.hear_the_end()
        controller.sock.close()
        player.sock.close()
    run_until(open_house.loop, lambda: not open_house.server.connections)
    run_until(open_house.loop, lambda: open_descriptors() <= before)
    assert open_house.server.counters.sent == 4


def test_viewers_at_different_addresses_of_the_server_take_turns_in_being_first(
    open_house: Studio,
) -> None:
    order: list[Any] = []

    def note(outlet: DatagramEndpoint, batch: object, addresses: object) -> dict[Any, int]:
        order.append(outlet.sockname[0])
        return {}

    open_house.viewer(server_host="127.0.0.2")
    open_house.viewer(server_host="127.0.0.3")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatagramEndpoint, "send_batch_to_all", note)
        for _ in range(4):
            before = len(order)
            open_house.stream(b"video")
            while len(order) == before:
                open_house.loop.run_once(0.1)
    assert sorted(order[::2]) == ["127.0.0.2"] * 2 + ["127.0.0.3"] * 2
