"""Strangers meet the whole server over real sockets; how long an answer takes is up to the test."""

import socket
from collections.abc import Iterator

import pytest

from reactor import EventLoop
from reactor.relay.events import BadInput, ClientLeft, StateChanged
from reactor.testing import ManualClock, run_until
from tests.doubles.controller import Controller
from tests.doubles.strangers import STRANGERS, WAITING_FOR_A_GREETING
from tests.doubles.studio import Studio, studio
from tests.size import thoroughly

ALL = STRANGERS | WAITING_FOR_A_GREETING
READING_TIME = 0.25


@pytest.fixture
def relay(loop: EventLoop, clock: ManualClock) -> Iterator[Studio]:
    with studio(loop) as made:
        yield made


def settle(relay: Studio) -> None:
    for _ in range(4):
        relay.loop.run_once(0)


def codes(said: bytes) -> list[bytes]:
    """OK, or the code of the ERROR, of each line."""
    return [line.removeprefix(b"ERROR ").split(b" ")[0] for line in said.splitlines()]


def try_a_line(relay: Studio, clock: ManualClock, client: Controller, line: bytes) -> bytes:
    """Say it, and wait for the answer as a person does."""
    client.say(line + b"\n")
    settle(relay)
    clock.advance(READING_TIME)
    return codes(client.hear()[0])[0]


@pytest.mark.parametrize("said", ALL.values(), ids=ALL)
def test_a_stranger_hears_one_line_and_the_end(relay: Studio, said: bytes) -> None:
    client = relay.controller()
    client.say(said)
    assert codes(client.hear_the_end()) in ([b"EXTRANO"], [b"LARGO"])
    assert not any(isinstance(event, StateChanged) for event in relay.events)


@pytest.mark.parametrize("size", [thoroughly(1), thoroughly(2), 7])
@pytest.mark.parametrize("said", ALL.values(), ids=ALL)
def test_a_stranger_whose_bytes_come_one_by_one_hears_no_more(
    relay: Studio, said: bytes, size: int
) -> None:
    client = relay.controller()
    try:
        for start in range(0, len(said), size):
            client.say(said[start : start + size])
            settle(relay)
    except (BrokenPipeError, ConnectionResetError):
        pass  # the relay has had enough of it, and told so
    settle(relay)
    assert not any(isinstance(event, StateChanged) for event in relay.events)
    assert relay.server.admission.clients == 0


def test_a_person_who_slips_hears_why_and_may_try_again(relay: Studio, clock: ManualClock) -> None:
    client = relay.controller()
    slips = [b"hola", b"\x1b[A\x1b[Bayuda", b"CONECTRA 5000", b"CONECTAR 80"]
    heard = [try_a_line(relay, clock, client, slip) for slip in slips]
    assert heard == [b"DESCONOCIDO"] * 3 + [b"PUERTO"]
    assert client.ask(b"CONECTAR 5000") == b"OK"


def test_the_fifth_slip_is_the_last(relay: Studio, clock: ManualClock) -> None:
    client = relay.controller()
    for _ in range(4):
        assert try_a_line(relay, clock, client, b"hola") == b"DESCONOCIDO"
    client.say(b"hola\n")
    assert codes(client.hear_the_end()) == [b"EXTRANO"]


def test_who_goes_on_before_the_answer_can_have_been_read_is_a_stranger(
    relay: Studio, clock: ManualClock
) -> None:
    client = relay.controller()
    client.say(b"hola\n")
    settle(relay)
    clock.advance(READING_TIME / 2)
    client.say(b"CONECTAR 5000\n")
    assert codes(client.hear_the_end()) == [b"EXTRANO"]


def test_what_came_before_the_answer_is_heard_before_it_however_late_the_answer_is(
    relay: Studio, clock: ManualClock
) -> None:
    client = relay.controller()
    client.say(b"hola\n")
    settle(relay)
    client.say(b"CONECTAR 5000\n")
    clock.advance(60)  # the process is stopped
    assert codes(client.hear_the_end()) == [b"EXTRANO"]


def test_whoever_will_send_no_more_is_answered_at_once(relay: Studio) -> None:
    client = relay.controller()
    client.say(b"hola\n")
    settle(relay)
    client.sock.shutdown(socket.SHUT_WR)
    assert codes(client.hear_the_end()) == [b"DESCONOCIDO"]


def test_a_server_that_closes_answers_the_line_that_waits(relay: Studio) -> None:
    client = relay.controller()
    client.say(b"hola\n")
    settle(relay)
    relay.server.close()
    assert codes(client.hear_the_end()) == [b"DESCONOCIDO"]


def test_who_leaves_before_it_is_answered_is_told_of_and_counted(
    relay: Studio, clock: ManualClock
) -> None:
    client = relay.controller()
    client.say(b"hola\n")
    settle(relay)
    client.reset()
    run_until(relay.loop, lambda: isinstance(relay.events[-1], ClientLeft))
    clock.advance(READING_TIME)
    settle(relay)
    bad, left = relay.events[1:]
    assert isinstance(bad, BadInput)
    assert (bad.line, bad.reason) == (b"hola", "DESCONOCIDO")
    assert isinstance(left, ClientLeft)
    assert left.errors == 1


def test_commands_out_of_place_make_nobody_a_stranger(relay: Studio) -> None:
    client = relay.controller()
    client.say(b"CONTINUAR\nINTERRUMPIR\n" * 10 + b"CONECTAR 5000\n")
    assert codes(b"\n".join(client.hear(21))) == [b"NO_CONECTADO"] * 20 + [b"OK"]


def test_ports_that_are_taken_make_nobody_a_stranger(relay: Studio) -> None:
    relay.controller().ask(b"CONECTAR 5000")
    client = relay.controller()
    client.say(b"CONECTAR 5000\n" * 10 + b"CONECTAR 5001\n")
    assert codes(b"\n".join(client.hear(11))) == [b"PUERTO_OCUPADO"] * 10 + [b"OK"]


def test_after_the_first_grant_no_line_is_one_too_many(relay: Studio) -> None:
    client = relay.controller()
    client.say(b"CONECTAR 5000\n" + b"GET / HTTP/1.1\r\n\0\n" * 10 + b"INTERRUMPIR\n")
    assert codes(b"\n".join(client.hear(22))) == [b"OK", *[b"DESCONOCIDO"] * 20, b"OK"]


def test_the_line_that_gave_a_stranger_away_is_an_event(relay: Studio) -> None:
    client = relay.controller()
    client.say(STRANGERS["Redis"])
    client.hear_the_end()
    told = [(event.line, event.reason) for event in relay.events if isinstance(event, BadInput)]
    assert told == [(b"*2", "EXTRANO")]
