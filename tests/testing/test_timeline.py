"""The record of a simulated run: it changes nothing, and a failing seed can be looked at."""

import random
import shlex
from io import BytesIO
from pathlib import Path

import pytest

from reactor import connect, listen
from reactor.testing import (
    Faults,
    Injection,
    RecordingHandler,
    Refusal,
    Simulation,
    SimulationFailed,
    Violation,
    injections,
    simulate,
    torture,
)
from reactor.testing.simulated.recording import Timeline
from reactor.timeline.run.events import Io
from reactor.timeline.run.run import Run, read
from tests.size import thoroughly
from tests.testing.test_simulation import SERVER, Echo, town

DRAW = "python3 -m reactor.timeline --draw"


class Caller(RecordingHandler):
    """Says something, and then that this was all."""

    def connection_made(self, stream: object) -> None:
        super().connection_made(stream)  # type: ignore[arg-type]
        assert self.stream is not None
        self.stream.write(b"hello")
        self.stream.write_eof()


def call(simulation: Simulation) -> None:
    """One connection, from its beginning to its end."""
    caller = Caller()
    listen(simulation.loop, Echo, *SERVER)
    connect(simulation.loop, caller, *SERVER)
    ends = ["connection_lost"], ["connection_failed"]
    simulation.run_until(lambda: caller.events[-1:] in ends)


def fail(simulation: Simulation) -> None:
    """Goes wrong with the fourth seed."""
    call(simulation)
    if simulation.seed == 3:
        raise ValueError("seed 3 is not mine")


def run_in(file: BytesIO) -> Run:
    return read(file.getvalue().splitlines())


# -- it changes nothing ----------------------------------------------------------------------


def story(seed: int, timeline: Timeline | None) -> str:
    stories = []

    def remember(simulation: Simulation) -> None:
        simulation.loop.set_exception_handler(lambda message, exc: None)
        town(simulation)
        stories.append(simulation.transcript)

    simulate(remember, [seed], faults=Faults.harsh, timeline=timeline)
    return stories[0]


@pytest.mark.parametrize("seed", [0, thoroughly(1), thoroughly(2), thoroughly(3), thoroughly(4)])
def test_a_seed_does_the_same_with_a_timeline_and_without(seed: int) -> None:
    assert story(seed, BytesIO()) == story(seed, None)


@pytest.mark.parametrize("count", [30, thoroughly(300)])
def test_torture_does_the_same_with_a_timeline_and_without(count: int) -> None:
    stories: list[str] = []

    def remember(simulation: Simulation) -> None:
        simulation.loop.set_exception_handler(lambda message, exc: None)
        try:
            call(simulation)
        except Violation as exc:
            simulation.kernel.tell("scenario", "failed", str(exc))
        stories.append(simulation.transcript)

    chosen = random.Random(0).sample(list(injections(call)), count)
    torture(remember, chosen=chosen)
    torture(remember, chosen=chosen, timeline=BytesIO())
    assert stories[: len(stories) // 2] == stories[len(stories) // 2 :]


def test_a_long_wait_is_not_cut_in_two_for_the_sake_of_the_file() -> None:
    def wait(simulation: Simulation) -> None:
        call(simulation)
        simulation.loop.call_later(3600.0, int)
        simulation.run_until(lambda: simulation.now > 3600.0, 4000.0)

    file = BytesIO()
    simulate(wait, [0], faults=Faults(), timeline=file)
    assert max(turn.slept for turn in run_in(file).turns) == pytest.approx(3600.0, abs=0.01)


# -- what is in it -----------------------------------------------------------------------------


def test_the_record_is_whole_and_has_every_byte() -> None:
    file = BytesIO()
    simulate(call, [0], timeline=file)
    run = run_in(file)
    came = [event for turn in run.turns for event in turn.events if isinstance(event, Io)]
    by_both = sum(event.size for event in came if event.op == "recv")
    assert (run.is_whole, run.unreadable, by_both) == (True, 0, 2 * len(b"hello"))
    assert run.program == ("simulation", "seed=0")


def test_descriptors_have_the_numbers_that_they_have_in_the_transcript() -> None:
    file = BytesIO()
    with Simulation(faults=Faults(), timeline=file) as simulation:
        call(simulation)
    told = {(lane.fd, lane.peer) for lane in run_in(file).lanes.values() if lane.by}
    ((number, peer),) = told
    assert f"accept: {number} tcp 127.0.0.1:7000 to {peer}" in simulation.transcript


def test_what_peers_do_on_sockets_of_their_own_is_not_in_it() -> None:
    file = BytesIO()
    with Simulation(timeline=file) as simulation, simulation.network.socket():
        pass
    assert {lane.kind for lane in run_in(file).lanes.values()} == {"wakeup"}


def test_handlers_are_called_by_their_own_names_and_not_by_the_auditors() -> None:
    file = BytesIO()
    simulate(call, [0], timeline=file)
    names = {slot.name for turn in run_in(file).turns for slot in turn.slots}
    assert "Echo (Stream._on_ready)" in names
    assert not [name for name in names if "udit" in name]


def test_the_record_of_several_runs_is_that_of_the_last(tmp_path: Path) -> None:
    file, path = BytesIO(b"something older, " * 10_000), tmp_path / "run.jsonl"
    simulate(call, [3, 1, 2], timeline=file)
    simulate(call, [3, 1, 2], timeline=path)
    assert run_in(file).program == ("simulation", "seed=2")
    assert path.read_bytes() == file.getvalue()


# -- a failing seed can be looked at -----------------------------------------------------------


def told(timeline: Timeline | None) -> list[str]:
    with pytest.raises(SimulationFailed) as failure:
        simulate(fail, timeline=timeline)
    return str(failure.value).splitlines()


def test_a_failure_leaves_its_record_and_says_how_to_look_at_it(tmp_path: Path) -> None:
    path = tmp_path / "a run.jsonl"
    assert f"look at it with: {DRAW} {shlex.quote(str(path))}" in told(path)
    assert read(path.read_bytes().splitlines()).program == ("simulation", "seed=3")


@pytest.mark.parametrize("timeline", [None, BytesIO()])
def test_a_failure_without_a_file_says_how_to_get_one(timeline: Timeline | None) -> None:
    expected = f'look at it with: timeline="run.jsonl" as one more argument, then {DRAW} run.jsonl'
    assert expected in told(timeline)


def test_torture_leaves_the_record_of_the_run_that_failed() -> None:
    def despair(simulation: Simulation) -> None:
        call(simulation)
        if simulation.injection is not None:
            raise ValueError("something was put in")

    file = BytesIO()
    with pytest.raises(SimulationFailed, match="put in: call"):
        torture(despair, timeline=file)
    assert run_in(file).is_whole


def test_so_does_torture_if_the_run_fails_with_nothing_put_in() -> None:
    file = BytesIO()
    with pytest.raises(SimulationFailed, match="seed 3"):
        torture(fail, seed=3, timeline=file)
    assert run_in(file).is_whole


def test_a_loop_that_can_not_be_made_ends_the_record() -> None:
    file = BytesIO()
    (first,) = [
        each
        for each in injections(call)
        if each.index == 0 and each.fault == Refusal(24) and not each.lasting
    ]
    assert isinstance(first, Injection)
    assert torture(call, chosen=[first], timeline=file) == 1
    assert run_in(file).is_whole


def test_a_timeline_that_can_not_be_written_is_an_error_at_once(tmp_path: Path) -> None:
    with pytest.raises(SimulationFailed, match="FileNotFoundError"):
        simulate(call, timeline=tmp_path / "nowhere" / "run.jsonl")
