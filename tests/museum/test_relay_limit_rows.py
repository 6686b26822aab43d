"""Rows about a relay that has no descriptor left, or a report that ends the program."""

from collections.abc import Callable

import pytest

from reactor import EventLoop
from reactor.relay.events import BadInput, ClientLeft, IngestDrops, ServerEvent
from reactor.relay.ingest import Ingest
from tests.doubles.controller import Controller
from tests.doubles.exhaustion import no_descriptor_left
from tests.doubles.faulty_socket import has_ipv6
from tests.doubles.studio import Studio, studio
from tests.museum.scenes import iterate_until


def settle(loop: EventLoop) -> None:
    for _ in range(4):
        loop.run_once(0)


# -- 215: descriptors that nobody uses -------------------------------------------------------


def test_row_215_the_descriptors_of_the_silent_are_for_who_asks_for_video(loop: EventLoop) -> None:
    with studio(loop) as relay:
        speaker = relay.controller()  # has waited longest of all
        settle(loop)
        silent = [relay.controller() for _ in range(3)]
        settle(loop)
        with no_descriptor_left():
            assert speaker.ask(b"CONECTAR 5000") == b"OK"
            assert speaker.ask(b"DESCONECTAR") == b"OK"
        assert silent[2].ask(b"CONECTAR 5000") == b"OK"


# -- 203: a report that ends the program -----------------------------------------------------


class Order(BaseException):
    """To end the program."""


def order_at(relay: Studio, kind: type[ServerEvent]) -> list[ServerEvent]:
    """Have the first event of that kind end the program; all that are told of."""
    told: list[ServerEvent] = []

    def report(event: ServerEvent) -> None:
        told.append(event)
        if isinstance(event, kind) and sum(isinstance(each, kind) for each in told) == 1:
            raise Order

    relay.report = report
    return told


def run_through(loop: EventLoop) -> int:
    """Run again after each order; how many came."""
    orders = 0
    for _ in range(12):
        try:
            loop.run_once(0)
        except Order:
            orders += 1
    return orders


def say_good_bye(relay: Studio, viewer: Controller) -> None:
    viewer.say(b"DESCONECTAR\n")


def close_the_server(relay: Studio, viewer: Controller) -> None:
    relay.server.close()


@pytest.mark.parametrize("end", [say_good_bye, close_the_server])
def test_row_203_an_order_to_exit_while_the_last_viewer_goes_leaves_nothing_half_ended(
    relay: Studio, monkeypatch: pytest.MonkeyPatch, end: Callable[[Studio, Controller], None]
) -> None:
    viewer, _ = relay.viewer()
    monkeypatch.setattr(Ingest, "lost", 7)
    told = order_at(relay, IngestDrops)
    end(relay, viewer)
    assert run_through(relay.loop) == 1
    viewer.hear_the_end()
    viewer.sock.close()
    iterate_until(relay.loop, lambda: not relay.server.connections)
    assert isinstance(told[-1], ClientLeft)
    assert relay.server.admission.clients == 0


def test_row_203_a_server_that_closes_ends_all_before_it_tells_of_the_first(
    relay: Studio,
) -> None:
    clients = [relay.controller() for _ in range(3)]
    for client in clients:
        client.say(b"hola\n")
    settle(relay.loop)
    told = order_at(relay, BadInput)
    relay.server.close()
    assert told == []
    assert run_through(relay.loop) == 1
    assert [client.hear_the_end().split()[1] for client in clients] == [b"DESCONOCIDO"] * 3


def test_row_203_a_loop_that_closes_tells_of_the_end_of_who_was_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loop = EventLoop()
    with studio(loop) as relay:
        relay.viewer()
        monkeypatch.setattr(Ingest, "lost", 7)
        told = order_at(relay, IngestDrops)
        with pytest.raises(Order):
            loop.close()
        assert [type(event) for event in told] == [IngestDrops, ClientLeft]


# -- 217: accepted, and then useless ---------------------------------------------------------


@pytest.mark.skipif(not has_ipv6(), reason="needs IPv6")
@pytest.mark.parametrize(
    "host", ["::", "0::0", "0:0:0:0:0:0:0:0"], ids=["shortest", "shorter", "long"]
)
def test_row_217_every_address_is_every_address_in_every_spelling(
    loop: EventLoop, host: str
) -> None:
    with studio(loop, control=(host, 0)) as relay:
        for family in ("127.0.0.1", "::1"):
            controller = relay.controller(server=(family, relay.server.address[1]))
            assert controller.ask(b"CONTINUAR").startswith(b"ERROR NO_CONECTADO")
