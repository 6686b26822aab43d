"""Rows about the viewers of a relay: whose port it is, who gets what, and who is first."""

import errno
import itertools
import random
from collections.abc import Callable

import pytest

from reactor import EventLoop
from reactor.relay.events import ServerEvent, StateChanged
from reactor.testing import ManualClock
from tests.conftest import Reported
from tests.doubles.controller import Controller
from tests.doubles.faulty_socket import FaultySocket, script_all
from tests.doubles.peer import wait_for
from tests.doubles.player import Player
from tests.doubles.studio import Studio, studio
from tests.museum.scenes import (
    code_of,
    end_by_endless_line,
    end_by_good_bye,
    iterate_until,
    let_wait,
)

# -- 141: a log that can't be written --------------------------------------------------------


def test_row_141_a_log_on_a_full_disk_costs_no_client_and_no_datagram(
    loop: EventLoop, made: list[FaultySocket], reported: Reported
) -> None:
    full = OSError(errno.ENOSPC, "No space left on device")

    def write(event: ServerEvent) -> None:
        raise full

    with studio(loop, segmentation=True) as relay:
        relay.report = write
        clients = [relay.viewer() for _ in range(2)]
        script_all(made[1:], "send", [errno.EIO])  # runs are refused, which is an event
        for number in range(1, 4):
            relay.stream(b"again" * number, b"again" * number)
            for _, player in clients:
                player.wait_for(2 * number)
        for client, _ in clients:
            assert client.ask(b"DESCONECTAR") == b"OK"
            client.sock.close()
        iterate_until(loop, lambda: not relay.server.connections)
    # Each client joined, became active, said good-bye and left; one refused runs.
    assert [exc for _, exc in reported] == [full] * 9
    reported.clear()


# -- 142: an address that outlives its session -----------------------------------------------


@pytest.mark.parametrize("end", [end_by_good_bye, end_by_endless_line])
def test_row_142_a_port_is_free_although_the_old_connection_lingers(
    relay: Studio, end: Callable[[Studio, Controller], None]
) -> None:
    relay.viewer()
    old, player = relay.viewer()
    end(relay, old)
    again = relay.controller()
    assert again.ask(b"CONECTAR %d" % player.port) == b"OK"
    old.sock.close()
    iterate_until(relay.loop, lambda: relay.server.admission.clients == 2)
    relay.stream(b"for the new session")
    assert player.wait_for(1) == [b"for the new session"]
    # The old one's end gave nothing away that is not its own any more.
    assert code_of(relay.controller().ask(b"CONECTAR %d" % player.port)) == "PUERTO_OCUPADO"


@pytest.mark.parametrize("reset", [False, True])
def test_row_142_who_comes_back_in_the_same_moment_gets_its_port_again(
    relay: Studio, reset: bool
) -> None:
    client, player = relay.viewer()
    end = relay.socket_of(client)
    if reset:
        client.reset()
    else:
        client.sock.close()
    wait_for(end)  # the end has arrived, but was not dealt with
    assert relay.controller().ask(b"CONECTAR %d" % player.port) == b"OK"


# -- 143: a deadline that hits the next command ----------------------------------------------


def test_row_143_a_deadline_does_not_hit_the_commands_behind_its_own(
    loop: EventLoop, clock: ManualClock
) -> None:
    with studio(loop, command_timeout=10) as relay:
        client = relay.controller()
        client.say(b"CONECTAR 50")
        let_wait(relay, 11)
        # More than one turn takes: when the deadline comes, most of it waits in the parser.
        client.say(b"00\n" + b"INTERRUMPIR\nCONTINUAR\n" * 100)
        iterate_until(loop, lambda: any(isinstance(event, StateChanged) for event in relay.events))
        clock.advance(10)
        assert client.hear(201) == [b"OK"] * 201


# -- 144: old video --------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_row_144_a_viewer_sees_what_was_streamed_while_it_was_active_and_nothing_else(
    relay: Studio, made: list[FaultySocket], seed: int
) -> None:
    chance = random.Random(seed)
    ingest = made[0]
    viewers = [relay.viewer() for _ in range(2)]
    active = [True, True]
    due: list[list[bytes]] = [[], []]
    for number in range(40):
        which = chance.randrange(2)
        if chance.random() < 0.5:
            word = b"INTERRUMPIR" if active[which] else b"CONTINUAR"
            assert viewers[which][0].ask(word) == b"OK"
            active[which] = not active[which]
            continue
        datagram = b"%d" % number
        relay.stream(datagram)
        for (_, player), is_active, seen in zip(viewers, active, due, strict=True):
            if is_active:
                seen.append(datagram)
                player.wait_for(len(seen))
        if not any(active):
            wait_for(ingest)  # old video it can only become once it is there
    assert [player.datagrams() for _, player in viewers] == due


# -- 145 and 167: who is always last ---------------------------------------------------------


def stream_with_room_for_one(
    relay: Studio, outlets: list[FaultySocket], players: list[Player]
) -> list[int]:
    """How many datagrams each player gets if of each only the first copy can be sent."""
    turns = 2 * len(players)
    room = itertools.cycle([None] + [errno.EAGAIN] * (len(players) - 1))
    for outlet in outlets:
        outlet.script("send", room)
    for number in range(1, turns + 1):
        relay.stream(b"%d" % number)
        iterate_until(relay.loop, lambda: relay.server.counters.sent == number)  # noqa: B023
    iterate_until(relay.loop, lambda: sum(len(one.datagrams()) for one in players) == turns)
    return [len(player.datagrams()) for player in players]


def test_row_145_when_there_is_room_for_one_it_is_another_one_each_time(
    loop: EventLoop, made: list[FaultySocket]
) -> None:
    with studio(loop, segmentation=False) as relay:
        players = [relay.viewer()[1] for _ in range(3)]
        assert stream_with_room_for_one(relay, made[1:], players) == [2, 2, 2]


def test_row_167_the_addresses_of_the_server_take_turns_as_well(
    loop: EventLoop, made: list[FaultySocket]
) -> None:
    with studio(loop, control=("0.0.0.0", 0), segmentation=False) as relay:
        players = [relay.viewer(server_host=f"127.0.0.{number}")[1] for number in (2, 3)]
        assert stream_with_room_for_one(relay, made[1:], players) == [2, 2]


# -- 163: an address of the server that nobody uses any more ---------------------------------


def test_row_163_an_outlet_is_closed_with_its_last_viewer_and_its_books_are_kept(
    loop: EventLoop, made: list[FaultySocket]
) -> None:
    with studio(loop, control=("0.0.0.0", 0)) as relay:
        for number in (2, 3, 4):
            clients = [relay.viewer(server_host=f"127.0.0.{number}") for _ in range(2)]
            relay.stream(b"for two")
            for _, player in clients:
                player.wait_for(1)
            assert clients[0][0].ask(b"DESCONECTAR") == b"OK"
            relay.stream(b"for one")
            clients[1][1].wait_for(2)
            assert clients[1][0].ask(b"DESCONECTAR") == b"OK"
        # For each address one, and one for each viewer.
        assert [outlet.fileno() for outlet in made[1:]] == [-1] * 9
        assert relay.server.counters.sent == 9
