"""Rows about who comes to a relay: protocols of strangers, silence, and who is stopped."""

import errno
import socket
from collections.abc import Iterator

import pytest

from reactor import EventLoop
from reactor.relay import RelayClient
from reactor.relay.admission import household
from reactor.relay.events import ClientEvent, ClientLeft, Replied, ServerEvent, StateChanged
from reactor.relay.suspicion import Suspicion
from reactor.testing import ManualClock
from tests.doubles.controller import Controller
from tests.doubles.door import Door
from tests.doubles.exits import Exit, run_on
from tests.doubles.faulty_socket import FaultySocket
from tests.doubles.peer import wait_for
from tests.doubles.strangers import STRANGERS, WAITING_FOR_A_GREETING
from tests.doubles.studio import Studio, socket_to, studio
from tests.museum.scenes import code_of, iterate_until, let_wait
from tests.size import thoroughly

ALL = STRANGERS | WAITING_FOR_A_GREETING


def settle(loop: EventLoop, times: int = 4) -> None:
    for _ in range(times):
        loop.run_once(0)


# -- 214: strangers' protocols ---------------------------------------------------------------


@pytest.mark.parametrize("said", ALL.values(), ids=ALL)
@pytest.mark.parametrize("in_pieces", [False, thoroughly(True)])
def test_row_214_a_strangers_protocol_is_granted_nothing(
    loop: EventLoop, clock: ManualClock, said: bytes, in_pieces: bool
) -> None:
    with studio(loop) as relay:
        client = relay.controller()
        for piece in [bytes([byte]) for byte in said] if in_pieces else [said]:
            try:
                client.say(piece)
            except OSError:
                break  # it has been seen off
            settle(loop, 1)
        settle(loop)
        assert not any(isinstance(event, StateChanged) for event in relay.events)
        assert code_of(client.hear_the_end()) in ("EXTRANO", "LARGO")


def test_row_214_whoever_goes_on_sooner_than_anybody_reads_is_granted_nothing(
    loop: EventLoop, clock: ManualClock
) -> None:
    with studio(loop) as relay:
        client = relay.controller()
        client.say(b"hola\n")
        settle(loop)
        clock.advance(0.24)
        client.say(b"CONECTAR 5000\n")
        assert code_of(client.hear_the_end()) == "EXTRANO"


def test_row_214_a_person_who_slips_is_told_and_tries_again(
    loop: EventLoop, clock: ManualClock
) -> None:
    with studio(loop) as relay:
        client = relay.controller()
        for slip in (b"hola", b"CONECTRA\x1b[D\x1b[D\x1bOA 5000", b"CONECTAR 80", "¿qué?".encode()):
            client.say(slip + b"\n")
            settle(loop)
            clock.advance(0.25)
            assert code_of(client.hear()[0]) in ("DESCONOCIDO", "PUERTO")
        assert client.ask(b"CONECTAR 5000") == b"OK"
        client.say(b"GET / HTTP/1.1\nhola\nINTERRUMPIR\n")
        assert client.hear(3)[2] == b"OK"


@pytest.mark.parametrize("line", [b"a/b", b"a:b", b"a\0b", b"a\x7fb", b"\x1b[/A"])
def test_row_214_a_line_that_nobody_types_is_the_last(line: bytes) -> None:
    assert Suspicion().condemns(line, behind=0)


def test_row_214_the_fifth_wrong_line_is_the_last() -> None:
    suspicion = Suspicion()
    assert [suspicion.condemns(b"x", behind=0) for _ in range(5)] == [False] * 4 + [True]


# -- 215: silence that fills the house -------------------------------------------------------


def test_row_215_silence_makes_room_the_oldest_first(loop: EventLoop) -> None:
    with studio(loop, max_clients=3) as relay:
        viewer = relay.controller()
        settle(loop)
        assert viewer.ask(b"CONECTAR 5000") == b"OK"
        silent = []
        for _ in range(4):
            silent.append(relay.controller())
            settle(loop)
        assert [code_of(client.hear_the_end()) for client in silent[:2]] == ["CEDIDO"] * 2
        assert [client.ask(b"CONTINUAR").split()[1] for client in silent[2:]] == [
            b"NO_CONECTADO"
        ] * 2
        assert viewer.ask(b"INTERRUMPIR") == b"OK"


def test_row_215_nobody_who_was_not_listened_to_makes_room(loop: EventLoop) -> None:
    with studio(loop, max_clients=2) as relay:
        clients = [relay.controller() for _ in range(6)]  # all are met in one turn
        for number, client in enumerate(clients):
            client.say(b"CONECTAR %d\n" % (5000 + number))
        heard = [client.hear()[0][:11] for client in clients]
        assert heard == [b"OK"] * 2 + [b"ERROR LLENO"] * 4


def test_row_215_silence_that_has_every_descriptor_makes_room(
    loop: EventLoop, network: Door
) -> None:
    def seats() -> Iterator[int | None]:
        while True:
            yield errno.EMFILE if len(relay.server.connections) >= 10 else None

    def make(family: socket.AddressFamily, kind: socket.SocketKind) -> socket.socket:
        door = FaultySocket(family, kind)
        door.script("accept", seats())
        return door

    network.socket = make
    with studio(loop) as relay:
        for _ in range(20):
            relay.controller()
        assert relay.controller().ask(b"CONECTAR 5000") == b"OK"


def test_row_215_a_place_is_free_although_the_old_connection_lingers(loop: EventLoop) -> None:
    with studio(loop, max_clients=1) as relay:
        for _ in range(3):
            client, _ = relay.viewer()
            assert client.ask(b"DESCONECTAR") == b"OK"


def test_row_215_a_host_is_all_that_it_may_call_itself() -> None:
    def host(text: str, scope: int = 0) -> str:
        return household((text, 5000, 0, scope))

    assert host("2001:db8::1") == host("2001:db8::ffff:1:2") != host("2001:db8:0:1::1")
    assert household(("192.0.2.1", 5000)) == host("::ffff:192.0.2.1") != host("::ffff:192.0.2.2")
    # Of this network is every machine on the link.
    assert host("fe80::1", 2) != host("fe80::2", 2)


# -- 204: who was finished in time, while the process was stopped ----------------------------


def test_row_204_a_command_finished_in_time_is_answered_however_late_it_is_read(
    loop: EventLoop, clock: ManualClock
) -> None:
    with studio(loop, command_timeout=10) as relay:
        client = relay.controller()
        client.say(b"CONECTAR 50")
        let_wait(relay, 11)
        client.say(b"00\n")
        wait_for(relay.socket_of(client))
        clock.advance(60)
        assert client.hear() == [b"OK"]


def test_row_204_a_reply_that_came_in_time_counts_however_late_it_is_read(
    loop: EventLoop, clock: ManualClock
) -> None:
    events: list[ClientEvent] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = RelayClient(
            loop, listener.getsockname(), ("127.0.0.1", 5001), report=events.append
        )
        iterate_until(loop, lambda: events)
        client.pause()
        with listener.accept()[0] as server:
            settle(loop)
            server.sendall(b"OK\n")
            wait_for(socket_to(loop, listener.getsockname()))
            clock.advance(60)
            settle(loop)
            assert isinstance(events[-1], Replied)
            client.close()
            settle(loop)


# -- 203: an order to exit from within a report ----------------------------------------------


@pytest.mark.parametrize("number", range(1, 7))
def test_row_203_an_order_to_exit_from_the_servers_report_costs_no_reply(
    relay: Studio, number: int
) -> None:
    told: list[ServerEvent] = []

    def report(event: ServerEvent) -> None:
        told.append(event)
        if len(told) == number:
            raise Exit

    def say(client: Controller) -> None:
        client.say(b"CONTINUAR\n" * 20 + b"hola\nINTERRUMPIR\nDESCONECTAR\n")

    clients = [relay.viewer()[0] for _ in range(2)]
    relay.report = report
    for client in clients:
        say(client)
    orders = run_on(relay.loop, 20)
    for client in clients:
        codes = [line.removeprefix(b"ERROR ").split()[0] for line in client.hear(23)]
        assert codes == [b"NO_INTERRUMPIDO"] * 20 + [b"DESCONOCIDO", b"OK", b"OK"]
        client.sock.close()
    assert orders + run_on(relay.loop, 10) == 1
    assert sum(isinstance(event, ClientLeft) for event in told) == 2
    assert not relay.server.connections


@pytest.mark.parametrize("number", range(1, 6))
def test_row_203_an_order_to_exit_from_the_clients_report_costs_no_reply(
    relay: Studio, number: int
) -> None:
    told: list[ClientEvent] = []

    def report(event: ClientEvent) -> None:
        told.append(event)
        if len(told) == 1 + number:  # the first is that the connection stands
            raise Exit

    client = RelayClient(relay.loop, relay.server.address, ("127.0.0.1", 5001), report=report)
    for say in (client.connect, client.pause, client.resume):
        say()
    orders = run_on(relay.loop, 20)
    assert [type(event).__name__ for event in told] == ["Connected"] + ["Replied"] * 3
    client.disconnect()
    assert orders + run_on(relay.loop, 20) == 1
    assert [type(event).__name__ for event in told[4:]] == ["Replied", "Disconnected"]


# -- 217: never reached is not lost ----------------------------------------------------------


def test_row_217_a_server_that_was_never_reached_is_not_called_lost(loop: EventLoop) -> None:
    events: list[ClientEvent] = []
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        RelayClient(loop, nobody.getsockname(), ("127.0.0.1", 5001), report=events.append)
        iterate_until(loop, lambda: events)
    assert str(events[0]).startswith("the server could not be reached: ")


def test_row_217_a_good_bye_that_waits_for_no_answer_is_no_error(relay: Studio) -> None:
    client, _ = relay.viewer()
    client.say(b"INTERRUMPIR\nDESCONECTAR\n")
    stream = relay.stream_of(client)
    iterate_until(relay.loop, lambda: stream.closing)
    client.reset()
    iterate_until(relay.loop, lambda: isinstance(relay.events[-1], ClientLeft))
    assert "left: " in str(relay.events[-1])
