"""What a simulation promises to whoever tests with it: seeds, time, and failures that repeat."""

import os
import random
import socket
import subprocess
import sys
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from reactor import (
    EVENT_READ,
    DatagramHandler,
    ReceiveBuffer,
    StreamHandler,
    bind_udp,
    connect,
    listen,
)
from reactor.relay import RelayClient, RelayServer
from reactor.testing import (
    Cut,
    Fault,
    Faults,
    Injection,
    Jump,
    RecordingHandler,
    Refusal,
    Scenario,
    Simulation,
    SimulationFailed,
    Violation,
    injections,
    simulate,
    stream_pair,
    torture,
)
from tests.size import thoroughly
from tests.testing.test_torture import Caller

ROOT = Path(__file__).parent.parent.parent
SERVER = ("127.0.0.1", 7000)
YEAR = 365 * 24 * 3600.0


# -- one seed, one run -----------------------------------------------------------------------


class Echo(RecordingHandler):
    """Sends everything back."""

    def data_received(self, buffer: ReceiveBuffer) -> None:
        assert self.stream is not None
        self.stream.write(buffer.take_all())


def town(simulation: Simulation) -> None:
    """A bit of everything: streams that are echoed, timers, datagrams, and a relay that is used."""
    loop, chance = simulation.loop, simulation.random
    listen(loop, Echo, *SERVER)
    for _ in range(3):
        left, right = stream_pair(loop, Echo(), RecordingHandler())
        loop.call_later(chance.random() * 3.0, left.close)
        right.write(chance.randbytes(100))
        connect(loop, RecordingHandler(), *SERVER, timeout=3.0)
    relay = RelayServer(loop, ("127.0.0.1", 0), ingest=("127.0.0.1", 0), report=lambda event: None)
    player = bind_udp(loop, DatagramHandler(), "127.0.0.1", 0)
    address = (relay.address[0], relay.address[1])
    viewer = RelayClient(loop, address, player.sockname, report=lambda event: None)
    source = bind_udp(loop, DatagramHandler(), "127.0.0.1", 0)
    loop.call_every(0.1, lambda: source.send(chance.randbytes(100), relay.ingest_address))
    for step in (viewer.connect, viewer.pause, viewer.resume, viewer.disconnect):
        loop.call_later(chance.random() * 5.0, step)
    simulation.run(10.0)


def story(seed: int) -> str:
    """How the town fares."""
    stories = []

    def remember(simulation: Simulation) -> None:
        simulation.loop.set_exception_handler(lambda message, exc: None)
        town(simulation)
        stories.append(simulation.transcript)

    simulate(remember, [seed], faults=Faults.harsh)
    return stories[0]


def test_the_town_is_lively_enough_to_tell_something() -> None:
    told = story(1)
    for word in ("accept", "send", "recv", "close", "100 bytes to", "call: town.<locals>.<lambda>"):
        assert word in told


@pytest.mark.parametrize("seed", range(5))
def test_the_same_seed_gives_the_same_transcript(seed: int) -> None:
    assert story(seed) == story(seed)


@pytest.mark.parametrize("hash_seed", ["1", thoroughly("2")])
def test_the_same_seed_gives_the_same_transcript_in_another_process(hash_seed: str) -> None:
    tell = (
        "from tests.testing.test_simulation import story; print(*map(story, range(3)), sep='\\n')"
    )
    told = subprocess.run(
        [sys.executable, "-c", tell],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    )
    assert told.stdout.splitlines() == "\n".join(map(story, range(3))).splitlines()


def test_different_seeds_give_different_transcripts() -> None:
    assert len({story(seed) for seed in range(10)}) == 10


def test_a_scenarios_own_chance_comes_from_the_seed() -> None:
    assert Simulation(1).random.random() == Simulation(1).random.random()
    assert Simulation(1).random.random() != Simulation(2).random.random()


def test_what_the_scenario_draws_changes_nothing_of_what_the_system_draws() -> None:
    simulation, other = Simulation(1), Simulation(1)
    simulation.random.random()
    assert simulation.kernel.chance.random() == other.kernel.chance.random()


# -- faults ----------------------------------------------------------------------------------


def test_faults_are_those_that_were_given() -> None:
    assert Simulation(faults=Faults(delay=0.25)).faults == Faults(delay=0.25)


def test_faults_may_be_drawn_anew_for_each_seed() -> None:
    assert Simulation(1, faults=Faults.harsh).faults == Simulation(1, faults=Faults.harsh).faults
    assert len({Simulation(seed, faults=Faults.harsh).faults for seed in range(10)}) == 10


def test_faults_hurt_nobody_unless_asked_to() -> None:
    assert all(Simulation(seed).faults.is_gentle for seed in range(100))


def test_nothing_goes_wrong_by_chance_while_a_scenario_is_set_up() -> None:
    def set_up(simulation: Simulation) -> None:
        assert simulation.faults.exhaustion == 1.0
        listen(simulation.loop, StreamHandler, *SERVER).close()

    assert simulate(set_up, 10, faults=Faults(exhaustion=1.0)) == 10


def test_things_go_wrong_while_the_loop_runs() -> None:
    visitor = RecordingHandler()
    with Simulation(faults=Faults(exhaustion=1.0)) as simulation:
        connect(simulation.loop, visitor, *SERVER)
        simulation.run(1.0)
    assert visitor.events == ["connection_failed"]


# -- simulate --------------------------------------------------------------------------------


def test_simulate_runs_each_seed_once_and_says_how_many_they_were() -> None:
    seeds: list[int] = []
    assert simulate(lambda simulation: seeds.append(simulation.seed), 5) == 5
    assert seeds == [0, 1, 2, 3, 4]


def test_simulate_runs_the_seeds_that_it_is_given() -> None:
    seeds: list[int] = []
    assert simulate(lambda simulation: seeds.append(simulation.seed), [7, 3]) == 2
    assert seeds == [7, 3]


def test_simulate_gives_the_faults_to_each_run() -> None:
    faults: list[Faults] = []
    draw = Faults.harsh
    simulate(lambda simulation: faults.append(simulation.faults), 3, faults=draw)
    assert faults == [draw(random.Random(f"{seed} faults")) for seed in range(3)]


def unlucky(simulation: Simulation) -> None:
    """Goes wrong with seed 3, after some time."""
    simulation.run(1.0)
    if simulation.seed == 3:
        raise ValueError("seed 3 is not mine")


def failure_of(scenario: Scenario, seeds: int = 100) -> SimulationFailed:
    with pytest.raises(SimulationFailed) as caught:
        simulate(scenario, seeds, faults=Faults(delay=0.5, reset=0.01))
    return caught.value


def test_simulate_ends_with_the_first_seed_that_fails() -> None:
    seeds: list[int] = []

    def scenario(simulation: Simulation) -> None:
        seeds.append(simulation.seed)
        unlucky(simulation)

    assert failure_of(scenario).seed == 3
    assert seeds == [0, 1, 2, 3]


def test_a_failure_says_with_which_seed_why_and_under_which_faults() -> None:
    first, second, *_ = str(failure_of(unlucky)).splitlines()
    assert first == "seed 3: ValueError: seed 3 is not mine"
    assert second == "faults: delay=0.5, reset=0.01"


def test_a_failure_says_again_at_the_end_what_a_reader_wants_first() -> None:
    *_, reason, _, again = str(failure_of(unlucky)).splitlines()
    assert reason == "seed 3: ValueError: seed 3 is not mine"
    assert again.startswith("run it again with: simulate(scenario, seeds=[3]")


def test_a_failure_has_what_was_raised_as_its_cause() -> None:
    assert isinstance(failure_of(unlucky).__cause__, ValueError)


def test_a_failure_shows_what_happened_last_and_has_all_of_it() -> None:
    def chatter(simulation: Simulation) -> None:
        simulation.loop.call_every(0.01, int)
        unlucky(simulation)

    failure = failure_of(chatter)
    lines = failure.transcript.splitlines()
    shown = str(failure).splitlines()[2:-3]
    assert len(shown) < len(lines)
    assert shown == [f"({len(lines) - len(shown) + 1} lines before)", *lines[1 - len(shown) :]]


def test_a_failure_of_a_short_run_shows_all_that_happened() -> None:
    failure = failure_of(unlucky)
    assert str(failure).splitlines()[2:-3] == failure.transcript.splitlines()


def test_a_failure_can_be_had_again_by_what_it_says() -> None:
    def scenario(simulation: Simulation) -> None:
        town(simulation)
        unlucky(simulation)

    with pytest.raises(SimulationFailed) as first:
        simulate(scenario)
    message = str(first.value)
    again = message.rpartition("run it again with: ")[2]
    with pytest.raises(SimulationFailed) as second:
        eval(again, {"simulate": simulate, "scenario": scenario})
    assert str(second.value) == message


def test_a_broken_promise_is_a_failure_too() -> None:
    failure = failure_of(lambda simulation: simulation.network.socket())
    assert str(failure).startswith("seed 0: Violation: 2 tcp unnamed was never closed\n")


def test_an_error_of_the_system_is_a_failure_if_it_was_not_put_in() -> None:
    def scenario(simulation: Simulation) -> None:
        raise OSError(24, "no more")

    assert "seed 0: OSError: [Errno 24] no more" in str(failure_of(scenario))


# -- run -------------------------------------------------------------------------------------


def test_run_ends_when_its_time_is_over() -> None:
    with Simulation() as simulation:
        simulation.loop.call_every(0.7, int)
        simulation.run(5.0)
        assert simulation.now == pytest.approx(5.0, abs=0.01)
        simulation.run(5.0)
        assert simulation.now == pytest.approx(10.0, abs=0.01)


def test_run_lasts_as_long_with_nothing_to_do() -> None:
    with Simulation() as simulation:
        simulation.run(5.0)
        assert simulation.now == pytest.approx(5.0, abs=0.01)


def test_run_lasts_as_long_with_something_to_wait_for_in_vain() -> None:
    with Simulation() as simulation:
        listen(simulation.loop, StreamHandler, *SERVER)
        simulation.run(5.0)
        assert simulation.now == pytest.approx(5.0, abs=0.01)


def test_run_ends_when_the_program_stops_its_loop_and_can_be_run_again() -> None:
    with Simulation() as simulation:
        simulation.loop.call_later(1.0, simulation.loop.stop)
        simulation.run(5.0)
        assert simulation.now == pytest.approx(1.0, abs=0.01)
        # The first one's end is forgotten.
        simulation.run(60.0)
        assert simulation.now == pytest.approx(61.0, abs=0.01)


def test_time_jumps_to_where_something_happens() -> None:
    happened: list[float] = []
    with Simulation() as simulation:
        simulation.loop.call_later(YEAR, lambda: happened.append(simulation.now))
        simulation.run(2 * YEAR)
        lines = simulation.transcript.splitlines()
    assert happened == [pytest.approx(YEAR, abs=1.0)]
    assert len(lines) < 100


def test_what_is_on_its_way_arrives_in_its_time() -> None:
    came: list[float] = []

    class Player(DatagramHandler):
        def datagrams_received(self, endpoint: object, batch: object) -> None:
            came.append(simulation.now)

    with Simulation(faults=Faults(delay=30.0)) as simulation:
        player = bind_udp(simulation.loop, Player(), "127.0.0.1", 0)
        player.send(b"hello", player.sockname)
        simulation.run(40.0)
    assert len(came) == 1
    assert 0.0 < came[0] < 31.0


# -- run_until -------------------------------------------------------------------------------


def test_run_until_ends_with_its_condition() -> None:
    visitor = RecordingHandler()
    with Simulation(faults=Faults(delay=1.0)) as simulation:
        listen(simulation.loop, StreamHandler, *SERVER)
        connect(simulation.loop, visitor, *SERVER)
        simulation.run_until(lambda: visitor.events)
        assert 0.0 < simulation.now < 5.0
    assert visitor.events[0] == "connection_made"


def test_run_until_does_not_turn_when_its_condition_is_true_already() -> None:
    with Simulation() as simulation:
        before = simulation.transcript, simulation.now
        simulation.run_until(lambda: True)
        assert (simulation.transcript, simulation.now) == before


def test_run_until_gives_up_after_its_time() -> None:
    with Simulation() as simulation:
        with pytest.raises(Violation, match=r"^still waiting after 5 simulated seconds$"):
            simulation.run_until(lambda: False, 5.0)
        assert simulation.now == pytest.approx(5.0, abs=0.01)


def test_run_until_looks_again_after_each_turn() -> None:
    looked: list[float] = []

    def condition() -> bool:
        looked.append(simulation.now)
        return len(looked) > 3

    with Simulation() as simulation:
        simulation.loop.call_every(1.0, int)
        simulation.run_until(condition)
    assert looked == [pytest.approx(second, abs=0.01) for second in range(4)]


# -- what ends a loop ------------------------------------------------------------------------


def test_an_exception_that_ends_the_loop_is_a_violation() -> None:
    def stumble() -> None:
        raise ValueError("stumbled")

    with Simulation() as simulation:
        simulation.loop.call_soon(stumble)
        with pytest.raises(
            Violation, match=r"^the loop was ended by ValueError\('stumbled'\)$"
        ) as caught:
            simulation.run(1.0)
    assert isinstance(caught.value.__cause__, ValueError)


def test_who_is_not_served_since_the_program_leaves_each_time_does_not_spin() -> None:
    exits = iter(range(9))

    def leave(events: int) -> None:
        if next(exits, None) is not None:
            raise SystemExit
        first.recv(1)

    with Simulation(faults=Faults()) as simulation:
        loop = simulation.loop
        first, first_peer = simulation.network.socketpair()
        second, second_peer = simulation.network.socketpair()
        with first, first_peer, second, second_peer:
            watchers = [
                loop.register(first, EVENT_READ, leave),
                loop.register(second, EVENT_READ, lambda events: second.recv(1)),
            ]
            first_peer.send(b"x")
            second_peer.send(b"x")
            for _ in range(9):
                with pytest.raises(SystemExit):
                    simulation.run(1.0)
            simulation.run(1.0)
            for watcher in watchers:
                watcher.close()
    assert next(exits, None) is None


def test_a_timer_that_waits_since_the_program_left_before_its_turn_is_not_late() -> None:
    def leave() -> None:
        raise SystemExit

    ran: list[int] = []
    with Simulation() as simulation:
        simulation.loop.call_later(1.0, leave)
        simulation.loop.call_later(1.0, ran.append, 1)
        with pytest.raises(SystemExit):
            simulation.run(5.0)
        assert ran == []
        simulation.run(5.0)
    assert ran == [1]


def test_an_exception_of_a_condition_is_a_violation() -> None:
    with Simulation() as simulation, pytest.raises(Violation, match="ZeroDivisionError"):
        simulation.run_until(lambda: 1 / 0)


def test_a_violation_that_the_program_finds_is_told_as_it_is() -> None:
    def find() -> None:
        raise Violation("found")

    with Simulation() as simulation:
        simulation.loop.call_soon(find)
        with pytest.raises(Violation, match=r"^found$"):
            simulation.run(1.0)


def test_a_program_that_would_block_is_told() -> None:
    with Simulation() as simulation:
        near, far = simulation.network.socketpair()
        with near, far:
            simulation.loop.call_soon(near.recv, 1)
            with pytest.raises(Violation, match="would block"):
                simulation.run(1.0)


def test_what_goes_wrong_in_the_last_turn_is_told_as_well() -> None:
    class Careless(StreamHandler):
        def eof_received(self) -> bool:
            simulation.loop.stop()
            raise ValueError("careless")

    with Simulation() as simulation:
        left, _ = stream_pair(simulation.loop, StreamHandler(), Careless())
        left.write_eof()
        with pytest.raises(Violation, match="careless"):
            simulation.run(1.0)


# -- the end of a simulation -----------------------------------------------------------------


def test_the_loop_is_closed_in_the_end_and_everybody_is_told() -> None:
    left, right = RecordingHandler(), RecordingHandler()
    with Simulation() as simulation:
        stream_pair(simulation.loop, left, right)
        simulation.run(1.0)
    assert left.events == right.events == ["connection_made", "connection_lost"]
    with pytest.raises(RuntimeError, match="closed"):
        simulation.loop.call_soon(int)


def test_an_error_of_the_scenario_is_not_hidden_by_what_it_left_open() -> None:
    def scenario() -> None:
        with Simulation() as simulation:
            simulation.network.socket()
            raise KeyError

    with pytest.raises(KeyError):
        scenario()


# -- refused ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "exc", "refused"),
    [
        (Refusal(24), OSError(24, "Too many open files"), True),
        (Refusal(24), OSError(23, "Too many open files in system"), False),
        (Refusal(24), ValueError(24), False),
        (Cut(24), OSError(24, "Too many open files"), False),
        (None, OSError(24, "Too many open files"), False),
    ],
)
def test_an_error_is_one_that_was_put_in_if_its_errno_says_so(
    fault: Fault | None, exc: Exception, refused: bool
) -> None:
    simulation = Simulation()
    if fault is not None:
        simulation.injection = Injection(0, "socket", "kernel", fault, False)
    assert simulation.refused(exc) == refused


# -- what a simulated system does not have ---------------------------------------------------


def test_there_are_no_sockets_of_other_kinds() -> None:
    with Simulation() as simulation, pytest.raises(OSError, match="Protocol not supported"):
        simulation.network.socket(socket.AF_INET, socket.SOCK_RAW)


def test_no_name_is_known_but_that_of_the_machine_itself() -> None:
    with Simulation() as simulation:
        with pytest.raises(OSError, match=r"cannot resolve 'example\.org'"):
            connect(simulation.loop, StreamHandler(), "example.org", 80)


def test_reading_can_not_be_shut_down() -> None:
    with Simulation() as simulation:
        near, far = simulation.network.socketpair()
        with near, far, pytest.raises(NotImplementedError, match="SHUT_WR"):
            near.shutdown(socket.SHUT_RD)


def test_a_socket_without_a_connection_has_nothing_to_observe() -> None:
    with Simulation() as simulation, simulation.network.socket() as sock:
        observed: Any = sock
        with pytest.raises(ValueError, match="no connection"):
            observed.observe(None)


def test_a_descriptor_that_is_detached_is_of_no_use() -> None:
    with Simulation() as simulation:
        sock = simulation.network.socket()
        number = sock.detach()
        assert number not in simulation.kernel.descriptors
        assert sock.fileno() == -1


def test_a_machine_of_its_own_address_is_spoken_to_from_there() -> None:
    with Simulation(faults=Faults()) as simulation:
        network = simulation.network
        with network.socket() as listener, network.socket() as caller:
            listener.bind(("192.0.2.1", 7000))
            listener.listen()
            caller.setblocking(False)
            caller.connect_ex(("192.0.2.1", 7000))
            with listener.accept()[0] as accepted:
                assert accepted.getpeername()[0] == "192.0.2.1"


def test_a_port_that_is_taken_is_given_to_nobody_else() -> None:
    with Simulation() as simulation, ExitStack() as cleanup:
        socks = [cleanup.enter_context(simulation.network.socket()) for _ in range(3)]
        socks[0].bind(("127.0.0.1", 0))
        next_free = socks[0].getsockname()[1] + 1
        socks[1].bind(("127.0.0.1", next_free))
        socks[2].bind(("127.0.0.1", 0))
        assert socks[2].getsockname()[1] == next_free + 1


def test_resets_that_cross_on_their_way_end_both_sides_once() -> None:
    ends: list[RecordingHandler] = [RecordingHandler(), RecordingHandler()]
    with Simulation(faults=Faults(delay=1.0)) as simulation:
        listen(simulation.loop, lambda: ends[0], *SERVER)
        connect(simulation.loop, ends[1], *SERVER)
        simulation.run_until(lambda: ends[0].stream and ends[1].stream)
        for end in ends:
            assert end.stream is not None
            end.stream.pause_reading()
            end.stream.write(b"never read")
        simulation.run(5.0)
        for end in ends:
            assert end.stream is not None
            end.stream.abort()
        simulation.run(5.0)
    assert [end.events for end in ends] == [["connection_made", "connection_lost"]] * 2


# -- other ways to run --------------------------------------------------------------------


def test_a_loop_that_would_wait_for_ever_ends_instead() -> None:
    with Simulation() as simulation:
        listen(simulation.loop, StreamHandler, *SERVER)
        simulation.loop.run()
        assert "nothing will ever happen again" in simulation.transcript


@pytest.mark.parametrize("faults", [Faults.harsh, Faults(delay=0.5, reset=0.5)])
def test_a_failure_under_other_faults_can_be_had_again_by_what_it_says(
    faults: Any,
) -> None:
    def scenario(simulation: Simulation) -> None:
        if not simulation.faults.is_gentle:
            raise ValueError("harmed")

    with pytest.raises(SimulationFailed) as first:
        simulate(scenario, faults=faults)
    message = str(first.value)
    again = message.rpartition("run it again with: ")[2]
    with pytest.raises(SimulationFailed) as second:
        eval(again, {"simulate": simulate, "scenario": scenario, "Faults": Faults})
    assert str(second.value) == message


def test_a_descriptor_may_be_watched_by_its_number() -> None:
    seen: list[int] = []
    with Simulation() as simulation:
        near, far = simulation.network.socketpair()
        with near, far:
            watcher = simulation.loop.register(
                near.fileno(), 1, lambda events: seen.append(len(near.recv(10)))
            )
            far.send(b"hello")
            simulation.run(1.0)
            watcher.close()
    assert seen[0] > 0


def test_a_process_that_was_not_run_for_an_hour_has_not_waited_in_vain() -> None:
    def wait(simulation: Simulation) -> None:
        caller = Caller()
        listen(simulation.loop, Echo, *SERVER)
        connect(simulation.loop, caller, *SERVER)
        ends = ["connection_lost"], ["connection_failed"]
        simulation.run_until(lambda: caller.events[-1:] in ends)

    jumps = [each for each in injections(wait) if isinstance(each.fault, Jump)]
    assert torture(wait, chosen=jumps) == len(jumps) > 0


def test_a_timer_may_be_armed_for_a_time_that_has_passed() -> None:
    done: list[int] = []
    with Simulation() as simulation:
        loop = simulation.loop
        loop.call_soon(loop.call_soon, loop.call_at, 0.0, done.append, 1)
        loop.call_later(1.0, loop.call_at, 0.5, done.append, 2)
        simulation.run(2.0)
    assert done == [1, 2]


def test_a_connected_datagram_socket_hears_its_peer_alone() -> None:
    with Simulation() as simulation:
        make = partial(simulation.network.socket, socket.AF_INET, socket.SOCK_DGRAM)
        with make() as near, make() as peer, make() as stranger:
            for sock in (near, peer, stranger):
                sock.setblocking(False)
                sock.bind(("127.0.0.1", 0))
            near.connect(peer.getsockname())
            stranger.sendto(b"stranger", near.getsockname())
            peer.sendto(b"peer", near.getsockname())
            simulation.run(1.0)
            assert near.recv(100) == b"peer"
            with pytest.raises(BlockingIOError):
                near.recv(100)
