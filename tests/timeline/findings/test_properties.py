"""What holds of the findings of all runs: no cut, no busy machine and no delay adds one."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reactor.timeline.findings.diagnosis import diagnose
from reactor.timeline.findings.finding import Id
from reactor.timeline.run.events import Again, Event, Select
from reactor.timeline.run.run import TIMERS, Run, read
from tests.timeline.findings.test_diagnosis import FAULTS, quiet
from tests.timeline.strategies import few, line_of, run_of, runs
from tests.timeline.tape import Tape


def events_with(cause: Id) -> list[Event]:
    """A run in which this goes wrong, up to where its record is cut."""
    tape = Tape()
    quiet(tape, 1)
    FAULTS[cause](tape)
    tape.turn(slept=1.0)
    return tape.events


def ids(run: Run) -> set[Id]:
    return {finding.id for finding in diagnose(run)}


def later(event: Event, seconds: float) -> Event:
    if isinstance(event, Again):
        event = replace(event, until=event.until + seconds)
    return replace(event, time=event.time + seconds)


@pytest.mark.thorough
@few
@given(run=runs())
def test_each_finding_is_about_a_lane_of_the_run(run: Run) -> None:
    assert all(f.serial in run.lanes or f.serial == TIMERS for f in diagnose(run))


@given(cause=st.sampled_from(Id), cut=st.floats(0, 1))
def test_a_record_that_is_cut_shows_nothing_that_the_whole_does_not(cause: Id, cut: float) -> None:
    text = "\n".join(map(line_of, events_with(cause)))
    assert ids(read(text[: round(cut * len(text))].splitlines())) <= {cause}


@given(cause=st.sampled_from(Id), missed=st.floats(0, 0.3))
def test_a_machine_that_was_busy_adds_no_finding(cause: Id, missed: float) -> None:
    happened = [
        replace(event, missed=missed) if isinstance(event, Select) else event
        for event in events_with(cause)
    ]
    assert ids(run_of(*happened)) <= {cause}


@pytest.mark.parametrize("cause", [Id.SPIN_UNSERVED, Id.SPIN_WRITE_INTEREST, Id.BUSY_POLL])
def test_a_signal_that_ends_a_spin_does_not_excuse_it(cause: Id) -> None:
    tape = Tape()
    FAULTS[cause](tape)
    tape.wait(1e-5)
    tape.number += 1
    tape.io(9, "send", 1)  # the bell is rung, as the next turn begins
    tape.number -= 1
    tape.turn((1, "r"))
    assert ids(tape.run()) == {cause}


@pytest.mark.parametrize("cause", [Id.SPIN_UNSERVED, Id.SPIN_WRITE_INTEREST])
@pytest.mark.parametrize("later", [0, 1])
def test_what_is_closed_as_a_spin_ends_does_not_excuse_it(cause: Id, later: int) -> None:
    tape = Tape()
    FAULTS[cause](tape)
    tape.again(1000, 0.1)
    tape.number += later  # a signal comes in the last turn that was counted, or behind it
    tape.watch(1, "")
    tape.watch(2, "")
    tape.close(2)
    assert ids(tape.run()) == {cause}


@given(cause=st.sampled_from(Id), seconds=st.floats(0, 1000))
def test_it_does_not_matter_when_the_program_was_started(cause: Id, seconds: float) -> None:
    happened = events_with(cause)
    assert ids(run_of(*(later(event, seconds) for event in happened))) == ids(run_of(*happened))
