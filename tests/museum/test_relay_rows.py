"""Other people's bugs with clients that mean harm: slow ones, liars, and those who aim at others.

Each is met by the whole relay, over real sockets; where time matters it is the test's own.
"""

import io
import socket
import weakref
from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest

from reactor import EventLoop, Listener
from reactor.relay import RateLimitedReport, RelayServer
from reactor.relay.events import (
    BadInput,
    ClientJoined,
    ClientLeft,
    EventsLeftOut,
    IngestFailed,
    ServerEvent,
)
from reactor.testing import ManualClock
from tests.doubles.controller import Controller
from tests.doubles.studio import Studio, studio
from tests.museum.scenes import (
    code_of,
    end_by_endless_line,
    end_by_good_bye,
    iterate_until,
    let_wait,
)

MAX_CLIENTS = 20


@pytest.fixture
def slow_relay(loop: EventLoop, clock: ManualClock) -> Iterator[Studio]:
    """A relay in virtual time, where a command may take ten seconds."""
    with studio(loop, command_timeout=10, max_clients=MAX_CLIENTS, coalesce=0.0) as relay:
        yield relay


def settle(loop: EventLoop) -> None:
    """Let the relay do what is due: timers, and the calls that follow from them."""
    for _ in range(5):
        loop.run_once(0)


# -- 35: a byte at a time --------------------------------------------------------------------


def drip(relay: Studio, clock: ManualClock, clients: list[Controller]) -> None:
    """Ten bytes from each client, with seven eighths of a second after each."""
    for number, letter in enumerate(b"CONECTAR 5", 1):
        for client in clients:
            client.say(bytes([letter]))
        let_wait(relay, number * len(clients))
        clock.advance(7 / 8)


def too_slow(relay: Studio) -> int:
    """How many clients were told that their command has taken too long."""
    settle(relay.loop)
    reasons = [event.reason for event in relay.events if isinstance(event, BadInput)]
    return reasons.count("INCOMPLETO")


def test_row_35_the_deadline_counts_from_the_first_byte_of_a_command(
    slow_relay: Studio, clock: ManualClock
) -> None:
    client = slow_relay.controller()
    drip(slow_relay, clock, [client])
    clock.advance(1)
    assert (clock(), too_slow(slow_relay)) == (9.75, 0)
    clock.advance(1 / 4)
    assert (clock(), too_slow(slow_relay)) == (10, 1)
    assert code_of(client.hear_the_end()) == "INCOMPLETO"


def test_row_35_slow_clients_lose_their_places_to_whoever_speaks(
    slow_relay: Studio, clock: ManualClock
) -> None:
    slow = [slow_relay.controller() for _ in range(MAX_CLIENTS)]
    drip(slow_relay, clock, slow)
    clock.advance(10 - clock())
    assert too_slow(slow_relay) == MAX_CLIENTS
    assert slow_relay.controller().ask(b"CONECTAR 5000") == b"OK"
    clock.advance(1)  # that long the relay waits for them to hear it
    settle(slow_relay.loop)
    assert len(slow_relay.server.connections) == 1


def test_row_35_a_viewer_may_be_slow_again_and_again_and_keeps_its_video(
    slow_relay: Studio, clock: ManualClock
) -> None:
    client, player = slow_relay.viewer()
    for times in (1, 2):
        client.say(b"INTERR")
        let_wait(slow_relay, 6)
        clock.advance(10)
        assert code_of(client.hear()[0]) == "INCOMPLETO"
        slow_relay.stream(b"video")
        assert len(player.wait_for(times)) == times
    assert client.ask(b"INTERRUMPIR") == b"OK"


# -- 36: what is logged ----------------------------------------------------------------------

BAD_UTF8 = [
    b"\xc0\x8a",  # a line feed, overlong
    b"\xed\xa0\x80",  # a surrogate
    b"\xe2\x82",  # a character cut short
    b"\xc2\x85",  # a line of its own in Unicode, and so are the next two
    b"\xe2\x80\xa8",
    b"\xe2\x80\xa9",
]
HOSTILE = [bytes(range(start, start + 32)).replace(b"\n", b"") for start in range(0, 256, 32)]
HOSTILE += [*BAD_UTF8, b"GET /\x1b[2J\rclient joined HTTP/1.1", b"x" * 250 + b"\r\x1b[2J"]


def test_row_36_each_event_is_one_printable_line_whatever_bytes_it_tells_of(relay: Studio) -> None:
    for line in HOSTILE:
        client = relay.controller()
        client.say(line + b"\n")
        client.sock.shutdown(socket.SHUT_WR)
        client.hear_the_end()
    log = io.StringIO()
    for event in relay.events:
        print(event, file=log)
    lines = log.getvalue().splitlines()
    assert sum(isinstance(event, BadInput) for event in relay.events) == len(HOSTILE)
    assert len(lines) == len(relay.events)
    assert all(line.isascii() and line.isprintable() for line in lines)


def test_row_36_an_error_with_lines_of_its_own_is_told_on_one() -> None:
    error = ValueError("\x1b[2J\nclient 192.0.2.9:5000 joined\u2028")
    for event in (ClientLeft(("192.0.2.1", 5000), error, 0, 0, 0), IngestFailed(error)):
        assert str(event).isprintable()


def test_row_36_a_client_that_sends_nothing_but_nonsense_is_told_of_once(relay: Studio) -> None:
    client, _ = relay.viewer()
    client.say(b"\x1b[2J\n" * 500)
    client.hear(500)
    assert sum(isinstance(event, BadInput) for event in relay.events) == 1


def test_row_36_a_flood_of_clients_is_a_bounded_number_of_lines_and_an_honest_count(
    loop: EventLoop, clock: ManualClock
) -> None:
    lines: list[ServerEvent | EventsLeftOut] = []
    report = RateLimitedReport(loop, lines.append)
    server = RelayServer(loop, ("127.0.0.1", 0), ingest=("127.0.0.1", 0), report=report)

    (door,) = [each for each in loop.state.resources if isinstance(each, Listener)]

    def let_come_and_go(clients: int) -> None:
        before = door.accepted
        for _ in range(clients):
            socket.create_connection(server.address).close()
        iterate_until(loop, lambda: door.accepted == before + clients)
        iterate_until(loop, lambda: not server.connections)

    let_come_and_go(150)
    assert len(lines) == 100
    server.fan_out.connection_lost(ValueError("a defect"))
    assert isinstance(lines[-1], IngestFailed)  # a flood hides nothing that is vital
    clock.advance(1)
    settle(loop)
    assert lines[101:] == [EventsLeftOut(200)]
    clock.advance(60)
    lines.clear()
    let_come_and_go(1)
    assert [type(line) for line in lines] == [ClientJoined, ClientLeft]


# -- 37: where datagrams go ------------------------------------------------------------------

NO_PORTS = [
    b"0", b"1", b"80", b"1023", b"0001023", b"65536", b"70536", b"99999", b"0065536",
    b"18446744073709556616", b"9" * 200,
    b"+5000", b"-5000", b"+9", b"1_0", b"5_000", b"5000.0", b"5e3", b"0x1388", b"5 000",
    "\u0665\u0660\u0660\u0660".encode(), "\uff15\uff10\uff10\uff10".encode(), b"\xb2\xb3\xb2\xb3",
    b"", b"<>", b"<5000", b"5000>", b"<<5000>>",
    b"127.0.0.2 5000", b"5000 127.0.0.2", b"5000,127.0.0.2",
]  # fmt: skip


def test_row_37_what_is_no_port_of_a_client_is_refused(relay: Studio) -> None:
    clients = {port: relay.controller() for port in NO_PORTS}
    for port, client in clients.items():
        client.say(b"CONECTAR " + port + b"\n")
    codes = {port: code_of(client.hear()[0]) for port, client in clients.items()}
    assert codes == dict.fromkeys(NO_PORTS, "PUERTO")
    for client in clients.values():
        client.say(b"INTERRUMPIR\n")
    assert {code_of(client.hear()[0]) for client in clients.values()} == {"NO_CONECTADO"}


@pytest.mark.parametrize("port", [b"1024", b"65535", b"0001024", b"<1024>"])
def test_row_37_the_first_and_the_last_port_of_a_client_are_granted(
    relay: Studio, port: bytes
) -> None:
    assert relay.controller().ask(b"CONECTAR " + port) == b"OK"


@pytest.mark.parametrize("ingest", ["127.0.0.1", "0.0.0.0"])
@pytest.mark.parametrize("spelling", [b"CONECTAR %d", b"conectar<%d>", b"CONECTAR 00000%d"])
def test_row_37_the_stream_can_not_be_sent_back_to_the_relay(
    loop: EventLoop, ingest: str, spelling: bytes
) -> None:
    with studio(loop, ingest=(ingest, 0)) as relay:
        _, player = relay.viewer()
        client = relay.controller()
        assert code_of(client.ask(spelling % relay.server.ingest_address[1])) == "PUERTO_SERVIDOR"
        relay.stream(b"once")
        assert player.wait_for(1) == [b"once"]
        assert relay.server.counters.active == 1


def test_row_37_datagrams_go_to_the_host_that_asked_and_to_no_other(relay: Studio) -> None:
    asker = relay.player("127.0.0.2")
    bystanders = [relay.player(host, asker.port) for host in ("127.0.0.1", "127.0.0.3")]
    assert relay.controller(source="127.0.0.2").ask(b"CONECTAR %d" % asker.port) == b"OK"
    relay.stream(b"one")
    assert asker.wait_for(1) == [b"one"]
    assert [player.datagrams() for player in bystanders] == [[], []]


def end_by_close(relay: Studio, client: Controller) -> None:
    client.sock.close()
    iterate_until(relay.loop, lambda: relay.server.admission.clients == 1)


def end_by_half_close(relay: Studio, client: Controller) -> None:
    client.sock.shutdown(socket.SHUT_WR)
    client.hear_the_end()


def end_by_reset(relay: Studio, client: Controller) -> None:
    client.reset()
    iterate_until(relay.loop, lambda: relay.server.admission.clients == 1)


@pytest.mark.parametrize(
    "end",
    [end_by_close, end_by_half_close, end_by_reset, end_by_good_bye, end_by_endless_line],
)
@pytest.mark.parametrize("interrupted", [False, True])
def test_row_37_nothing_is_sent_once_the_conversation_has_ended(
    relay: Studio, end: Callable[[Studio, Controller], None], interrupted: bool
) -> None:
    _, other = relay.viewer()
    client, player = relay.viewer()
    relay.stream(b"before")
    assert player.wait_for(1) == [b"before"]
    if interrupted:
        assert client.ask(b"INTERRUMPIR") == b"OK"
        assert client.ask(b"CONTINUAR") == b"OK"
    end(relay, client)
    relay.stream(b"after")
    assert other.wait_for(2) == [b"before", b"after"]
    assert player.datagrams() == [b"before"]


# -- 40: a client that keeps itself alive ----------------------------------------------------


def test_row_40_the_connection_of_a_client_that_left_is_freed(
    no_collector: None, relay: Studio
) -> None:
    client, _ = relay.viewer()
    (reference,) = map(weakref.ref, relay.server.connections)
    assert client.ask(b"DESCONECTAR") == b"OK"
    client.hear_the_end()
    client.sock.close()
    iterate_until(relay.loop, lambda: not relay.server.connections)
    settle(relay.loop)
    assert reference() is None


# -- 168: many who flood ---------------------------------------------------------------------


def test_row_168_a_flood_from_many_keeps_nobody_waiting_longer_than_a_flood_from_few(
    relay: Studio,
) -> None:
    flooders = [relay.controller() for _ in range(24)]
    iterate_until(relay.loop, lambda: len(relay.server.connections) == 24)
    for flooder in flooders:
        flooder.say(b"INTERRUMPIR\n" * 200)
    answered = [0]
    while answered[-1] < 24 * 200:
        relay.loop.run_once(0.1)
        answered.append(sum(each._errors for each in relay.server.connections))
    first, *others = (after - before for before, after in pairwise(answered))
    # Eight for each whose bytes have just come, and sixty-four of all that wait.
    assert first <= 24 * 8 + 64
    assert sorted(others)[len(others) // 2] <= 64
