"""What a report raises is the program's, not a client's: an Exception is told of and over, an
order to exit leaves run(), and the next run() goes on as if nothing had been raised.
"""

import errno
from collections import Counter
from collections.abc import Iterator

import pytest

from reactor import EventLoop
from reactor.relay import RateLimitedReport, RelayClient
from reactor.relay.events import (
    BadInput,
    ClientEvent,
    ClientJoined,
    ClientLeft,
    ClientRefused,
    Connected,
    Disconnected,
    EventsLeftOut,
    IngestDrops,
    Replied,
    ServerEvent,
    StateChanged,
)
from reactor.relay.ingest import Ingest
from reactor.testing import ManualClock, run_until
from tests.conftest import Reported
from tests.doubles.controller import Controller
from tests.doubles.exits import Exit, run_on
from tests.doubles.studio import Studio, studio

FULL_DISK = OSError(errno.ENOSPC, "No space left on device")


class Orders:
    """A report that gives an order to exit, or raises what else it is told to, once."""

    def __init__(self, kind: type, error: BaseException | None = None) -> None:
        self._kind = kind
        self._error = Exit() if error is None else error
        self.events: list[object] = []
        self.given = 0

    def __call__(self, event: object) -> None:
        self.events.append(event)
        if isinstance(event, self._kind) and not self.given:
            self.given += 1
            raise self._error


@pytest.fixture
def relay(loop: EventLoop) -> Iterator[Studio]:
    with studio(loop, max_clients=2) as made:
        yield made


def heard(client: Controller) -> list[bytes]:
    """OK or the code of the ERROR, of all lines until the end."""
    lines = client.hear_the_end().splitlines()
    return [line.removeprefix(b"ERROR ").split(b" ")[0] for line in lines]


def order_exit_at(relay: Studio, kind: type) -> Orders:
    orders = relay.report = Orders(kind)
    return orders


CONVERSATION = (
    b"CONECTAR 5000\n" + b"hola\nINTERRUMPIR\nCONTINUAR\n" * 30 + b"DESCONECTAR\nno more\n"
)
REPLIES = [b"OK", *[b"DESCONOCIDO", b"OK", b"OK"] * 30, b"OK"]


@pytest.mark.parametrize("kind", [StateChanged, BadInput, ClientLeft])
def test_an_order_to_exit_costs_no_client_a_reply(relay: Studio, kind: type[ServerEvent]) -> None:
    orders = order_exit_at(relay, kind)
    talker, other = relay.controller(), relay.controller()
    talker.say(CONVERSATION)
    other.say(CONVERSATION.replace(b"5000", b"5001"))
    found = run_on(relay.loop, 60)
    assert heard(talker) == heard(other) == REPLIES
    talker.sock.close()
    other.sock.close()
    found += run_on(relay.loop, 10)
    assert found == orders.given == 1
    assert (relay.server.connections, relay.server.admission.clients) == ({}, 0)
    assert [relay.controller().ask(b"CONECTAR %d" % port) for port in (5000, 5001)] == [b"OK"] * 2


@pytest.mark.parametrize("kind", [StateChanged, BadInput])
def test_an_order_to_exit_from_within_the_line_keeps_the_line_going(
    relay: Studio, kind: type[ServerEvent]
) -> None:
    clients = [relay.viewer()[0] for _ in range(2)]
    for client in clients:
        client.say(b"CONTINUAR\n" * 20)  # refused, which is no event
        client.say(b"hola\nINTERRUMPIR\nDESCONECTAR\n")
    order_exit_at(relay, kind)
    assert run_on(relay.loop, 20) == 1
    expected = [b"NO_INTERRUMPIDO"] * 20 + [b"DESCONOCIDO", b"OK", b"OK"]
    assert [heard(client) for client in clients] == [expected] * 2


def test_an_order_to_exit_while_a_half_closed_client_is_answered_answers_it(
    relay: Studio,
) -> None:
    order_exit_at(relay, BadInput)
    client, _ = relay.viewer()
    client.say(b"hola\n" * 30 + b"INTERR")
    client.sock.shutdown(1)
    assert run_on(relay.loop, 20) == 1
    assert heard(client) == [b"DESCONOCIDO"] * 30 + [b"INCOMPLETO"]


@pytest.mark.parametrize("how", ["full", "makes room"])
def test_an_order_to_exit_at_a_refusal_leaves_every_place_counted(relay: Studio, how: str) -> None:
    present = [relay.viewer()[0] if how == "full" else relay.controller() for _ in range(2)]
    run_on(relay.loop, 5)
    order_exit_at(relay, ClientRefused)
    newcomer = relay.controller()
    assert run_on(relay.loop, 10) == 1
    loser = newcomer if how == "full" else present[0]
    assert heard(loser) == [b"LLENO" if how == "full" else b"CEDIDO"]
    assert relay.server.admission.clients == len(relay.server.connections) == 2
    assert relay.viewer() if how == "makes room" else True


def test_an_order_to_exit_at_a_deadline_leaves_the_viewer_its_video(
    loop: EventLoop, clock: ManualClock
) -> None:
    with studio(loop, command_timeout=10, coalesce=0.0) as relay:
        client, player = relay.viewer()
        client.say(b"INTERR")
        run_on(loop, 5)
        order_exit_at(relay, BadInput)
        clock.advance(10)
        assert run_on(loop, 5) == 1
        assert client.hear()[0].startswith(b"ERROR INCOMPLETO")
        relay.stream(b"video")
        assert player.wait_for(1) == [b"video"]
        assert client.ask(b"INTERRUMPIR") == b"OK"


@pytest.mark.parametrize("command", [b"DESCONECTAR", b"INTERRUMPIR"])
def test_an_order_to_exit_at_what_the_system_dropped_costs_the_last_viewer_nothing(
    relay: Studio, monkeypatch: pytest.MonkeyPatch, command: bytes
) -> None:
    client, _ = relay.viewer()
    monkeypatch.setattr(Ingest, "lost", 5)
    orders = order_exit_at(relay, IngestDrops)
    client.say(command + b"\nDESCONECTAR\n")
    assert run_on(relay.loop, 10) == 1
    assert heard(client)[-1] == b"OK"
    client.sock.close()
    run_on(relay.loop, 10)
    told = [event.state.value for event in orders.events if isinstance(event, StateChanged)]
    assert told[-1] == "closed"
    assert type(orders.events[-1]) is ClientLeft
    assert relay.server.admission.clients == 0


def test_closing_calls_nobody_back_and_ends_everybody(
    relay: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    viewer, _ = relay.viewer()
    person = relay.controller()
    person.say(b"hola\n")
    run_on(relay.loop, 5)
    monkeypatch.setattr(Ingest, "lost", 5)
    orders = relay.report = Orders(object)
    relay.server.close()
    assert orders.events == []
    assert run_on(relay.loop, 10) == 1
    assert (heard(person), heard(viewer)) == ([b"DESCONOCIDO"], [])
    viewer.sock.close()
    person.sock.close()
    run_on(relay.loop, 10)
    assert (relay.server.connections, relay.server.admission.clients) == ({}, 0)
    kinds = Counter(type(event) for event in orders.events)
    assert kinds == {IngestDrops: 1, BadInput: 1, ClientLeft: 2}


def test_an_order_to_exit_at_a_line_that_was_not_answered_leaves_the_account_whole(
    relay: Studio,
) -> None:
    orders = order_exit_at(relay, BadInput)
    client = relay.controller()
    client.say(b"hola\n")
    run_on(relay.loop, 5)
    client.reset()
    assert run_on(relay.loop, 10) == 1
    assert [type(event) for event in orders.events] == [ClientJoined, BadInput, ClientLeft]
    assert relay.server.admission.clients == 0


def test_a_loop_that_closes_tells_all_though_the_first_word_is_an_order_to_exit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loop = EventLoop()
    with studio(loop) as relay:
        relay.viewer()
        monkeypatch.setattr(Ingest, "lost", 5)
        orders = order_exit_at(relay, IngestDrops)
        with pytest.raises(Exit):
            loop.close()
        assert [type(event) for event in orders.events] == [IngestDrops, ClientLeft]
        assert (relay.server.connections, relay.server.admission.clients) == ({}, 0)


# -- the client's ------------------------------------------------------------------------


def client_of(relay: Studio, report: Orders) -> RelayClient:
    player = relay.player()
    return RelayClient(relay.loop, relay.server.address, ("127.0.0.1", player.port), report=report)


STORY: list[type] = [Connected, Replied, Replied, Replied, Replied, Disconnected]


def tell_a_story(client: RelayClient) -> None:
    for say in (client.connect, client.pause, client.resume, client.disconnect):
        say()


@pytest.mark.parametrize("kind", [Replied, Disconnected])
def test_an_order_to_exit_costs_the_client_no_reply(relay: Studio, kind: type[ClientEvent]) -> None:
    orders = Orders(kind)
    tell_a_story(client_of(relay, orders))
    assert run_on(relay.loop, 30) == 1
    assert [type(event) for event in orders.events] == STORY


@pytest.mark.parametrize("kind", [Connected, Replied, Disconnected])
def test_a_report_that_raises_costs_the_client_no_reply(
    relay: Studio, reported: Reported, kind: type[ClientEvent]
) -> None:
    orders = Orders(kind, FULL_DISK)
    tell_a_story(client_of(relay, orders))
    run_until(relay.loop, lambda: len(orders.events) == len(STORY))
    assert [type(event) for event in orders.events] == STORY
    assert [exc for _, exc in reported] == [FULL_DISK]
    reported.clear()


# -- a summary ---------------------------------------------------------------------------


def test_a_summary_that_can_not_be_told_does_not_end_the_loop_and_counts_on(
    loop: EventLoop, clock: ManualClock, reported: Reported
) -> None:
    orders = Orders(EventsLeftOut, FULL_DISK)
    report = RateLimitedReport(loop, orders, burst=1, rate=0.1)
    event = ClientLeft(("192.0.2.1", 5000), None, 0, 0, 0)
    for _ in range(3):
        report(event)
    clock.advance(1)
    loop.run_once(0)
    assert [exc for _, exc in reported] == [FULL_DISK]
    reported.clear()
    report(event)
    clock.advance(1)
    loop.run_once(0)
    assert orders.events[-1] == EventsLeftOut(3)
