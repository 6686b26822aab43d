"""Places are for whoever uses them: what the server does at its limits, over real sockets."""

import errno
import socket
from collections.abc import Iterator

import pytest

from reactor import EventLoop
from reactor.relay import RelayClient
from reactor.relay.events import ClientJoined, ClientLeft, ClientRefused, Refused, Replied
from reactor.testing import ManualClock, run_until
from tests.doubles.controller import Controller
from tests.doubles.door import Door
from tests.doubles.exhaustion import no_descriptor_left
from tests.doubles.faulty_socket import FaultySocket, has_ipv6
from tests.doubles.studio import Studio, studio

PLACES = 3


@pytest.fixture
def relay(loop: EventLoop) -> Iterator[Studio]:
    with studio(loop, max_clients=PLACES) as made:
        yield made


def settle(relay: Studio) -> None:
    """Until the loop has looked at everybody's socket."""
    for _ in range(4):
        relay.loop.run_once(0)


def silent(relay: Studio, count: int) -> list[Controller]:
    """So many more who have come, in this order, and say nothing."""
    made = []
    for _ in range(count):
        made.append(relay.controller())
        settle(relay)
    return made


def code(said: bytes) -> bytes:
    """The code of the only line, which is an ERROR."""
    word, code, _ = said.split(b" ", 2)
    assert (word, said.count(b"\n")) == (b"ERROR", 1)
    return code


def test_the_oldest_silence_makes_room_for_a_newcomer(relay: Studio) -> None:
    oldest, *others = silent(relay, PLACES)
    assert relay.controller().ask(b"CONECTAR 5000") == b"OK"
    assert code(oldest.hear_the_end()) == b"CEDIDO"
    assert [other.ask(b"CONTINUAR").split()[1] for other in others] == [b"NO_CONECTADO"] * 2


def test_a_flood_of_silence_keeps_nobody_out_who_speaks(relay: Studio) -> None:
    for port in range(5000, 5000 + PLACES):
        silent(relay, 4 * PLACES)
        assert relay.controller().ask(b"CONECTAR %d" % port) == b"OK"
    assert relay.server.counters.active == PLACES


def test_whoever_was_granted_something_keeps_its_place(relay: Studio) -> None:
    viewers = [relay.viewer()[0] for _ in range(PLACES)]
    viewers[0].ask(b"INTERRUMPIR")
    assert code(relay.controller().hear_the_end()) == b"LLENO"
    assert [viewer.ask(b"DESCONECTAR") for viewer in viewers] == [b"OK"] * PLACES


def test_a_command_that_has_arrived_keeps_the_place(relay: Studio) -> None:
    # All of them are met in one turn of the loop, and not one has been listened to.
    clients = [relay.controller() for _ in range(PLACES + 5)]
    for number, client in enumerate(clients):
        client.say(b"CONECTAR %d\n" % (5000 + number))
    heard = [client.hear()[0] for client in clients]
    assert heard[:PLACES] == [b"OK"] * PLACES
    assert {code(line + b"\n") for line in heard[PLACES:]} == {b"LLENO"}


def test_a_place_is_free_once_the_conversation_has_ended_however_long_the_end_takes(
    relay: Studio,
) -> None:
    leaving = [relay.viewer()[0] for _ in range(PLACES)]
    for client in leaving:
        assert client.ask(b"DESCONECTAR") == b"OK"  # and is not closed by this side
    for _ in range(PLACES):
        relay.viewer()
    assert code(relay.controller().hear_the_end()) == b"LLENO"


def test_making_room_takes_no_time(loop: EventLoop, clock: ManualClock) -> None:
    with studio(loop, max_clients=1) as relay:
        silent(relay, 20)
        assert len(relay.server.connections) == 1  # of a clock that stands still


def test_who_makes_room_is_told_of_once_as_refused_and_once_as_gone(relay: Studio) -> None:
    silent(relay, PLACES + 1)
    kinds = [type(event) for event in relay.events]
    assert kinds == [ClientJoined] * (PLACES + 1) + [ClientRefused, ClientLeft]
    assert relay.events[-2].error.code == "CEDIDO"  # type: ignore[attr-defined]
    assert relay.events[-2].client == relay.events[0].client  # type: ignore[attr-defined]


def test_only_the_newcomers_own_host_makes_room_where_the_host_is_full(loop: EventLoop) -> None:
    with studio(loop, max_clients_per_host=1) as relay:
        other = relay.controller(source="127.0.0.2")
        settle(relay)
        (own,) = silent(relay, 1)
        assert relay.controller().ask(b"CONECTAR 5000") == b"OK"
        assert code(own.hear_the_end()) == b"CEDIDO"
        assert other.ask(b"CONECTAR 5000") == b"OK"
        assert code(relay.controller().hear_the_end()) == b"LLENO_EQUIPO"


def test_a_client_that_made_room_hears_that_it_was_refused(relay: Studio) -> None:
    events: list[object] = []
    RelayClient(relay.loop, relay.server.address, ("127.0.0.1", 5001), report=events.append)
    run_until(relay.loop, lambda: events)
    settle(relay)
    silent(relay, PLACES)
    run_until(relay.loop, lambda: isinstance(events[-1], Refused))
    assert "CEDIDO" in str(events[-1])


def test_a_client_that_speaks_at_once_is_let_in_whatever_the_crowd(relay: Studio) -> None:
    silent(relay, 3 * PLACES)
    events: list[object] = []
    client = RelayClient(
        relay.loop, relay.server.address, ("127.0.0.1", 5001), report=events.append
    )
    client.connect()
    run_until(relay.loop, lambda: isinstance(events[-1:][0] if events else None, Replied))
    assert str(events[-1]) == "OK"


@pytest.mark.skipif(not has_ipv6(), reason="needs IPv6")
def test_an_ipv4_host_is_one_host_by_either_socket(loop: EventLoop) -> None:
    with studio(loop, control=("::", 0), max_clients_per_host=1) as relay:
        port = relay.server.address[1]
        first = relay.controller(server=("127.0.0.1", port))
        assert first.ask(b"CONECTAR 5000") == b"OK"
        second = relay.controller(server=("::ffff:127.0.0.1", port))
        assert code(second.hear_the_end()) == b"LLENO_EQUIPO"
        # The unmapped host's silence is nobody's but its own.
        assert relay.controller(server=("::1", port)).ask(b"CONECTAR 5000") == b"OK"


def test_without_a_limit_silence_may_stay(loop: EventLoop) -> None:
    with studio(loop) as relay:
        clients = silent(relay, 20)
        assert relay.server.admission.clients == 20
        assert clients[0].ask(b"CONECTAR 5000") == b"OK"


# -- the system's limit ------------------------------------------------------------------


SEATS = 10


@pytest.fixture
def cramped(loop: EventLoop, network: Door) -> Iterator[Studio]:
    """A relay without a limit of its own, in a system that has so many descriptors for clients."""

    def places() -> Iterator[int | None]:
        while True:
            yield errno.EMFILE if len(made.server.connections) >= SEATS else None

    def make(family: socket.AddressFamily, kind: socket.SocketKind) -> socket.socket:
        if kind == socket.SOCK_DGRAM:
            return socket.socket(family, kind)
        door = FaultySocket(family, kind)
        door.script("accept", places())
        return door

    network.socket = make
    with studio(loop) as made:
        yield made


def test_silence_that_has_every_descriptor_keeps_nobody_out_who_speaks(cramped: Studio) -> None:
    crowd = [cramped.controller() for _ in range(3 * SEATS)]
    speaker = cramped.controller()
    assert speaker.ask(b"CONECTAR 5000") == b"OK"
    assert code(crowd[0].hear_the_end()) == b"CEDIDO"
    assert len(cramped.server.connections) <= SEATS


def test_who_watches_keeps_watching_when_every_descriptor_is_taken(cramped: Studio) -> None:
    viewers = [cramped.viewer() for _ in range(SEATS)]
    newcomer = cramped.controller()
    for _ in range(5):
        cramped.loop.run_once(0.01)
    assert [viewer.ask(b"INTERRUMPIR") for viewer, _ in viewers] == [b"OK"] * SEATS
    viewers[0][0].sock.close()
    assert newcomer.ask(b"CONECTAR 5000") == b"OK"


def test_who_speaks_gets_the_descriptors_of_the_silent_at_once(loop: EventLoop) -> None:
    with studio(loop) as relay:
        oldest, older, other = silent(relay, 3)
        speaker = relay.controller()
        settle(relay)
        with no_descriptor_left():
            assert speaker.ask(b"CONECTAR 5000") == b"OK"
        # There was no time for a word.
        assert oldest.hear_the_end() == older.hear_the_end() == b""
        assert other.ask(b"CONECTAR 5001") == b"OK"
        refused = [event for event in relay.events if isinstance(event, ClientRefused)]
        assert [event.error.code for event in refused] == ["CEDIDO"] * 2


def test_who_asks_does_not_make_room_for_itself(loop: EventLoop) -> None:
    with studio(loop) as relay:
        relay.viewer()
        (alone,) = silent(relay, 1)
        with no_descriptor_left():
            assert code(alone.ask(b"CONECTAR 5000") + b"\n") == b"NO_DISPONIBLE"
        assert alone.ask(b"CONECTAR 5000") == b"OK"


def test_nobody_makes_room_where_more_room_does_not_help(loop: EventLoop, network: Door) -> None:
    with studio(loop) as relay:
        other, speaker = silent(relay, 2)
        network.socket = refuse
        assert code(speaker.ask(b"CONECTAR 5000") + b"\n") == b"NO_DISPONIBLE"
        network.socket = socket.socket
        assert other.ask(b"CONECTAR 5000") == b"OK"


def refuse(*arguments: int) -> socket.socket:
    raise OSError(errno.EACCES, "Permission denied")
