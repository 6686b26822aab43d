"""A part of a run is a run: what is left is as it was, and names and lives stay."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reactor.timeline.findings.diagnosis import diagnose
from reactor.timeline.run.events import (
    Again,
    Blocked,
    Callback,
    Close,
    Event,
    Io,
    Open,
    Queue,
    Ready,
    Returned,
    Select,
    Watch,
)
from reactor.timeline.run.extract import part
from reactor.timeline.run.run import TIMERS, Run
from reactor.timeline.words.lanes import left_alone
from tests.timeline.strategies import few, run_of, runs

A, B = 1, 2


def turns_of(run: Run) -> list[tuple[int, int]]:
    return [(turn.number, turn.last) for turn in run.turns]


@pytest.mark.thorough
@few
@given(runs())
def test_all_of_a_run_is_that_run(run: Run) -> None:
    whole = part(run)

    assert (whole.turns, whole.whole) == (run.turns, run)


@few
@given(runs(), st.integers(0, 20), st.integers(0, 20), st.none() | st.sets(st.integers(0, 6)))
def test_nothing_comes_into_a_part(run: Run, first: int, last: int, lanes: set[int] | None) -> None:
    some = part(run, first, last, lanes)

    assert set(turns_of(some)) <= set(turns_of(run))
    assert all(turn.last >= first and turn.number <= last for turn in some.turns)
    mentioned = {slot.serial for turn in some.turns for slot in turn.slots}
    mentioned.update(event.serial for turn in some.turns for event in turn.events
                     if isinstance(event, Io))  # fmt: skip
    assert lanes is None or mentioned <= lanes


@pytest.mark.thorough
@few
@given(runs(), st.sets(st.integers(0, 6)))
def test_of_the_lanes_asked_for_no_operation_is_lost(run: Run, lanes: set[int]) -> None:
    def operations(of: Run) -> list[Event]:
        return [
            event
            for turn in of.turns
            for event in turn.events
            if isinstance(event, Io) and event.serial in lanes - {TIMERS}
        ]

    alive = part(run).only or frozenset()
    if lanes <= alive:
        assert operations(part(run, lanes=lanes)) == operations(run)


RUN = run_of(
    Open(serial=A, kind="stream"),
    Watch(serial=A, after="r"),
    Select(turn=1),
    Ready(time=1, turn=1, ready=((A, "r"), (B, "w"))),
    Callback(time=1, turn=1, serial=A, name="serve"),
    Open(time=1, turn=1, serial=B, kind="stream"),
    Io(time=1, turn=1, serial=A, op="recv", size=3),
    Io(time=1, turn=1, serial=B, op="send", size=5),
    Queue(time=1, turn=1, serial=B, size=100),
    Blocked(time=1, turn=1, what="time.sleep", took=1),
    Io(time=2, turn=1, serial=B, op="recv", size=1, thread="worker"),
    Returned(time=2, turn=1),
    Select(time=3, turn=2),
    Ready(time=3, turn=2),
    Again(time=4, turn=3, last=10, until=6),
    Select(time=6, turn=11),
    Close(time=7, turn=11, serial=A),
    Select(time=8, turn=12),
)


def test_folded_turns_are_there_if_one_of_them_is() -> None:
    assert turns_of(part(RUN, 5, 11)) == [(3, 10), (11, 11)]


def test_a_part_knows_what_came_before_it() -> None:
    some = part(RUN, 11)

    assert some.lanes[B].born == 1
    assert some.turns[0].watched == {A: "r"}
    assert some.turns[0].queues == {B: 100}


def test_only_lanes_that_live_then_are_looked_at() -> None:
    assert part(RUN, 0, 0).only == frozenset({TIMERS, A})
    assert part(RUN, 2, 10).only == frozenset({TIMERS, A, B})
    assert part(RUN, 12).only == frozenset({TIMERS, B})
    assert part(RUN, 2, 10, {B, 99}).only == frozenset({B})


def test_a_part_knows_the_whole() -> None:
    assert part(part(RUN, 1), 3, 10).whole is RUN


def test_a_part_is_judged_by_the_whole() -> None:
    blocked, slow = diagnose(RUN)

    assert (blocked.turn, blocked.serial, slow.turn) == (1, A, 11)
    assert diagnose(part(RUN, 1, 10)) == diagnose(part(RUN, 1, 10, {A})) == [blocked]
    assert diagnose(part(RUN, 1, 10, {B})) == []
    assert diagnose(part(RUN, 11)) == [slow]


def test_a_lane_keeps_what_was_done_with_it_in_the_slot_of_another() -> None:
    (turn,) = part(RUN, 1, 1, {B}).turns

    (slot,) = turn.slots
    assert (slot.serial, slot.name) == (B, "serve")
    assert [type(event) for event in slot.events] == [Open, Io, Queue]
    assert (turn.queues, turn.watched) == ({B: 100}, {})
    assert len(turn.elsewhere) == 1


def test_why_the_loop_woke_is_known_whoever_is_looked_at() -> None:
    (turn,) = part(RUN, 1, 1, {B}).turns

    assert turn.ready == ((A, "r"), (B, "w"))


def test_nobody_who_is_not_looked_at_is_said_to_be_left_alone() -> None:
    run = run_of(
        Select(turn=1),
        Ready(turn=1, ready=((A, "r"), (B, "r"))),
        Io(turn=1, serial=A, op="recv"),
    )

    assert left_alone(part(run, lanes={A}).turns[-1]) == []
    assert left_alone(part(run, lanes={B}).turns[-1]) == [B]


def test_a_lane_keeps_what_blocked_its_slot() -> None:
    (turn,) = part(RUN, 1, 1, {A}).turns

    assert [type(event) for event in turn.slots[0].events] == [Io, Blocked]
    assert turn.elsewhere == []


def test_beyond_the_last_turn_is_nothing() -> None:
    some = part(RUN, 100)

    assert some.turns == []
    assert some.only == frozenset([TIMERS])
