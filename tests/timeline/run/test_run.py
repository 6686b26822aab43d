"""Any record is a run: turns in order, slots that do not overlap, and no byte lost."""

from collections import Counter
from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reactor.timeline.run.events import (
    Again,
    Blocked,
    Callback,
    Close,
    End,
    Event,
    Io,
    Label,
    Leave,
    Named,
    Open,
    Queue,
    Ready,
    Returned,
    Select,
    Start,
    Watch,
    parse,
)
from reactor.timeline.run.run import TIMERS, Run, Stage, Turn, read
from tests.timeline.strategies import events, few, line_of, records, run_of, runs

PING = [
    Start(version=1, program=("server.py", "5000"), python="3.11"),
    Open(time=0.1, serial=1, fd=4, kind="stream"),
    Named(time=0.1, serial=1, kind="listener", local="127.0.0.1:5000"),
    Watch(time=0.2, serial=1, after="r"),
    Select(time=1, turn=1),
    Ready(time=2, turn=1, ready=((1, "r"),)),
    Callback(time=2.1, turn=1, serial=1, name="Listener", kind="ready"),
    Io(time=2.1, turn=1, serial=1, op="accept"),
    Open(time=2.2, turn=1, serial=2, fd=5, kind="stream", peer="127.0.0.1:6000", by=1),
    Watch(time=2.2, turn=1, serial=2, after="r"),
    Returned(time=2.3, turn=1),
    Select(time=2.4, turn=2),
    Ready(time=3, turn=2, ready=((2, "r"),)),
    Callback(time=3.1, turn=2, serial=2, name="Ping", kind="ready"),
    Io(time=3.2, turn=2, serial=2, op="recv", size=5, asked=100, data=b"ping\n", took=0.1),
    Returned(time=3.4, turn=2),
    Callback(time=3.5, turn=2, name="Stream", kind="flush"),
    Io(time=3.5, turn=2, serial=2, op="send", size=5, asked=5, data=b"pong\n", took=0.1),
    Returned(time=3.7, turn=2),
    Select(time=3.8, turn=3),
    End(time=5, turn=3),
]
"""A client connects, says ping, and hears pong."""


def bytes_by_lane(happened: Iterable[Event]) -> Counter[tuple[int, str]]:
    moved = Counter[tuple[int, str]]()
    for event in happened:
        if isinstance(event, Io) and event.size:
            moved[event.serial, event.op] += event.size
    return moved


def events_of(run: Run) -> Iterable[Event]:
    for turn in run.turns:
        yield from turn.events
        yield from turn.elsewhere


def lanes_mentioned(turn: Turn) -> set[int]:
    mentioned = {slot.serial for slot in turn.slots} | {serial for serial, _ in turn.ready}
    mentioned.update(turn.watched, turn.queues, turn.kept, turn.waited)
    mentioned.update(getattr(event, "serial", TIMERS) for event in turn.events)
    return mentioned


# -- any record ----------------------------------------------------------------------


@few
@given(records())
def test_no_byte_is_lost(lines: list[str]) -> None:
    happened = [event for line in lines if (event := parse(line)) is not None]

    assert bytes_by_lane(events_of(read(lines))) == bytes_by_lane(happened)


@pytest.mark.thorough
@few
@given(runs())
def test_turns_are_in_order(run: Run) -> None:
    for turn in run.turns:
        assert turn.began <= turn.woke <= turn.ended
        assert 0 <= turn.slept <= turn.ended - turn.began
        assert turn.times >= 1
    for earlier, later in pairwise(run.turns):
        assert earlier.ended <= later.began
        assert earlier.last < later.number or later.stage is Stage.AFTER


@pytest.mark.thorough
@few
@given(runs())
def test_one_slot_is_over_before_the_next_begins(run: Run) -> None:
    for turn in run.turns:
        if turn.times == 1:
            moments = [at for slot in turn.slots for at in (slot.began, slot.ended)]
            assert moments == sorted(moments)
            assert all(turn.began <= at <= turn.ended for at in moments)


@few
@given(runs())
def test_whoever_is_mentioned_has_a_lane(run: Run) -> None:
    for turn in run.turns:
        assert lanes_mentioned(turn) - {TIMERS} <= run.lanes.keys()
    assert TIMERS not in run.lanes
    assert {lane.by for lane in run.lanes.values()} - {TIMERS} <= run.lanes.keys()


@few
@given(events(), st.data())
def test_a_record_may_be_cut_anywhere(happened: list[Event], drawn: st.DataObject) -> None:
    record = "\n".join(map(line_of, happened)).encode()
    cut = drawn.draw(st.integers(0, len(record)))

    run = read(record[:cut].split(b"\n"))

    assert run.unreadable <= 1


@pytest.mark.thorough
def test_every_prefix_of_a_record_is_a_run() -> None:
    record = "\n".join(map(line_of, PING)).encode()
    whole = read(record.split(b"\n"))

    for cut in range(len(record)):
        run = read(record[:cut].split(b"\n"))
        assert [turn.slots for turn in run.turns[:-1]] == [
            turn.slots for turn in whole.turns[: max(0, len(run.turns) - 1)]
        ]
        assert not run.is_whole


@pytest.mark.thorough
@given(st.data())
def test_lines_may_be_missing(drawn: st.DataObject) -> None:
    kept = [event for event in PING if drawn.draw(st.booleans())]

    run = run_of(*kept)

    assert bytes_by_lane(events_of(run)) == bytes_by_lane(kept)


def test_what_cannot_be_read_is_counted() -> None:
    run = read(["not JSON", "", " \n", '{"e": "earthquake"}', line_of(End())])

    assert (run.unreadable, run.is_whole) == (2, True)


def test_nothing_is_an_empty_run() -> None:
    run = read([])

    assert (run.turns, run.lanes, run.is_whole) == ([], {}, False)


# -- turns ---------------------------------------------------------------------------


def test_a_column_stands_for_what_comes_before_the_loop_and_for_each_turn() -> None:
    run = run_of(*PING)

    assert [(turn.stage, turn.number) for turn in run.turns] == [
        (Stage.BEFORE, 0), (Stage.TURN, 1), (Stage.TURN, 2), (Stage.TURN, 3),
    ]  # fmt: skip
    assert (run.program, run.python, run.is_whole) == (("server.py", "5000"), "3.11", True)


def test_a_wait_is_over_when_somebody_is_ready() -> None:
    turn = run_of(*PING).turns[1]

    assert (turn.began, turn.woke, turn.ended) == (1, 2, 2.4)
    assert turn.slept == 1
    assert turn.busy == pytest.approx(0.4)


def test_who_is_still_waiting_at_the_end_has_slept_until_then() -> None:
    turn = run_of(*PING).turns[-1]

    assert (turn.began, turn.ended) == (3.8, 5)
    assert turn.slept == pytest.approx(1.2)


def test_a_wait_that_is_broken_off_ends_with_what_follows() -> None:
    run = run_of(Select(turn=1), Close(time=4, turn=1, serial=3), End(time=6, turn=1))

    assert (run.turns[0].slept, run.turns[0].busy) == (4, 2)


def test_a_signal_handler_within_a_wait_does_not_end_it() -> None:
    run = run_of(
        Select(turn=1),
        Io(time=3, turn=1, serial=2, op="send", size=1),
        Ready(time=3, turn=1, ready=((1, "r"),)),
        End(time=4),
    )

    (turn,) = run.turns
    assert (turn.slept, turn.ready) == (3, ((1, "r"),))


def test_what_is_ready_has_a_turn_if_the_line_before_it_is_lost() -> None:
    run = run_of(Select(turn=1), Ready(time=1, turn=1), Ready(time=2, turn=2, ready=((1, "r"),)))

    assert [(turn.number, turn.ready) for turn in run.turns] == [(1, ()), (2, ((1, "r"),))]


def test_a_turn_knows_for_how_long_the_system_ran_others() -> None:
    run = run_of(Select(turn=1), Select(time=1, turn=2, missed=0.25))

    assert [turn.missed for turn in run.turns] == [0.25, 0]


def test_time_does_not_go_back() -> None:
    run = run_of(Select(time=5, turn=7), Select(time=3, turn=2), End(time=4))

    assert [(turn.number, turn.began, turn.ended) for turn in run.turns] == [(7, 5, 5), (8, 5, 5)]


def test_an_operation_that_took_long_is_over_before_what_follows() -> None:
    run = run_of(Select(turn=1), Ready(turn=1), Io(time=1, turn=1, serial=3, op="send", took=4))

    assert run.turns[0].ended == run.turns[0].slots[0].ended == 5


def test_between_two_loops_is_a_column_if_something_was_done_there() -> None:
    run = run_of(
        Select(turn=1),
        Leave(time=1, turn=1),
        Select(time=2, turn=2),
        Leave(time=3, turn=2),
        Close(time=4, turn=2, serial=5),
    )

    assert [(turn.stage, turn.number) for turn in run.turns] == [
        (Stage.TURN, 1), (Stage.TURN, 2), (Stage.AFTER, 2),
    ]  # fmt: skip


def test_turns_know_what_was_watched_when_they_began() -> None:
    run = run_of(*PING)

    assert [turn.watched for turn in run.turns] == [
        {}, {1: "r"}, {1: "r", 2: "r"}, {1: "r", 2: "r"},
    ]  # fmt: skip


def test_what_was_closed_is_neither_watched_nor_queued() -> None:
    run = run_of(
        Watch(serial=3, after="rw"),
        Queue(serial=3, size=100),
        Close(serial=3),
        Select(turn=1),
    )

    assert (run.turns[1].watched, run.turns[1].queues) == ({}, {})


def test_who_is_watched_no_more_is_left_out() -> None:
    run = run_of(Watch(serial=3, after="r"), Watch(serial=3, before="r"), Select(turn=1))

    assert run.turns[1].watched == {}


# -- folded turns --------------------------------------------------------------------

SPIN = [
    Select(turn=1),
    Ready(time=1, turn=1, ready=((2, "r"),)),
    Io(time=1, turn=1, serial=2, op="recv"),
]


def test_folded_turns_are_as_the_one_before_them() -> None:
    run = run_of(*SPIN, Again(time=2, turn=2, last=901, until=5), Select(time=5, turn=902))

    turn = run.turns[1]
    assert (turn.number, turn.last, turn.times) == (2, 901, 900)
    assert (turn.began, turn.ended, turn.busy) == (2, 5, 3)
    assert turn.ready == ((2, "r"),)
    assert list(turn.events) == list(run.turns[0].events)


def test_folded_turns_that_each_woke_at_once_have_not_slept() -> None:
    run = run_of(*SPIN, Again(time=2, turn=2, last=901, until=5, slept=0.3))

    assert run.turns[1].slept == 0


def test_folded_turns_that_slept_say_how_long() -> None:
    run = run_of(*SPIN, Again(time=2, turn=2, last=4, until=5, slept=2.5))

    assert (run.turns[1].slept, run.turns[1].busy) == (2.5, 0.5)


def test_turns_that_were_folded_in_pieces_are_folded_into_one() -> None:
    pieces = (
        Again(time=2, turn=2, last=2, until=3, slept=0.5),
        Again(time=3, turn=3, last=9, until=5, slept=1.5),
    )
    run = run_of(*SPIN, *pieces, Select(time=5, turn=10))
    folded = run.turns[-2]
    assert (folded.number, folded.last, folded.times) == (2, 9, 8)
    assert (folded.began, folded.ended, folded.slept) == (2, 5, 2.0)


def test_folded_turns_without_one_before_them_have_an_empty_one() -> None:
    run = run_of(Again(time=2, turn=2, last=4, until=5))

    assert (run.turns[0].times, run.turns[0].slots, run.turns[0].ready) == (3, [], ())


@pytest.mark.parametrize(
    "event",
    [
        Io(op="accept"),
        Io(op="recv", size=1),
        Io(op="recv", error="ECONNRESET"),
        Open(serial=4),
        Blocked(what="time.sleep"),
    ],
)
def test_a_turn_in_which_something_was_done_has_done_it_once(event: Event) -> None:
    run = run_of(*SPIN[:2], event, Again(time=2, turn=2, last=4, until=5))

    assert not run.turns[0].did_nothing
    assert list(run.turns[1].events) == []


@pytest.mark.parametrize(
    "event",
    [
        Io(op="accept", error="EMFILE"),
        Io(op="recv"),
        Io(op="send", error="EWOULDBLOCK"),
        Queue(size=3),
    ],
)
def test_what_changed_nothing_was_nothing(event: Event) -> None:
    assert run_of(*SPIN[:2], event).turns[0].did_nothing


def test_an_exception_is_something() -> None:
    run = run_of(Select(turn=1), Callback(turn=1), Returned(turn=1, raised="ValueError"))

    assert run.turns[0].slots[0].raised == "ValueError"
    assert not run.turns[0].did_nothing


# -- slots ---------------------------------------------------------------------------


def test_what_happens_in_a_callback_is_its_slot() -> None:
    served, flushed = run_of(*PING).turns[2].slots

    assert (served.name, served.serial, served.began, served.ended) == ("Ping", 2, 3.1, 3.4)
    assert [type(event) for event in served.events] == [Io]
    assert flushed.kind == "flush"


@pytest.mark.parametrize(
    ("kind", "used", "lane"),
    [
        ("flush", [2], 2),
        ("call", [2, 2], 2),
        ("call", [2, 3], TIMERS),
        ("call", [], TIMERS),
        ("timer", [2], TIMERS),
    ],
)
def test_a_callback_without_a_descriptor_belongs_to_the_only_one_that_it_used(
    kind: str, used: list[int], lane: int
) -> None:
    operations = [Io(turn=1, serial=serial, op="send", size=1) for serial in used]
    run = run_of(Select(turn=1), Ready(turn=1), Callback(kind=kind), *operations, Returned())

    assert run.turns[0].slots[0].serial == lane


def test_a_callback_that_never_returned_is_not_finished() -> None:
    run = run_of(*PING[:8])

    (slot,) = run.turns[1].slots
    assert not slot.finished
    assert slot.ended == run.turns[1].ended == 2.1


def test_a_loop_within_a_callback_is_a_part_of_it() -> None:
    run = run_of(
        Select(turn=1),
        Ready(time=1, turn=1, ready=((2, "r"),)),
        Callback(time=1, turn=1, serial=2, name="Outer"),
        Select(time=2, turn=2),
        Ready(time=3, turn=2),
        Callback(time=3, turn=2, serial=9, name="Inner"),
        Io(time=3, turn=2, serial=9, op="recv", size=7),
        Returned(time=4, turn=2),
        Again(time=4, turn=3, last=8, until=5),
        Leave(time=5, turn=8),
        Returned(time=6, turn=8),
        Select(time=7, turn=9),
    )

    (slot,) = run.turns[0].slots
    assert (slot.name, slot.serial, slot.seconds, slot.finished) == ("Outer", 2, 5, True)
    assert sum(event.size for event in slot.events if isinstance(event, Io)) == 7
    assert [(turn.number, turn.began) for turn in run.turns] == [(1, 0), (9, 7)]


@pytest.mark.parametrize("lost", [Returned, Callback])
def test_a_line_that_is_lost_does_not_make_one_callback_of_all_that_follow(
    lost: type[Event],
) -> None:
    gone = next(event for event in PING if isinstance(event, lost))
    run = run_of(*(event for event in PING if event is not gone))

    assert [len(turn.slots) for turn in run.turns] == [1, 1, 2, 0]


def test_a_lost_end_is_where_the_next_callback_begins() -> None:
    run = run_of(
        Select(turn=1),
        Callback(time=1, turn=1, name="A", serial=1),
        Callback(time=2, turn=1, name="B", serial=2),
        Returned(time=3, turn=1),
    )

    assert [(slot.name, slot.seconds, slot.finished) for slot in run.turns[0].slots] == [
        ("A", 1, False), ("B", 1, True),
    ]  # fmt: skip


def test_in_a_loop_written_by_hand_operations_in_a_row_are_one_slot() -> None:
    run = run_of(
        Select(turn=1),
        Ready(time=1, turn=1, ready=((2, "r"), (3, "r"))),
        Io(time=1, turn=1, serial=2, op="recv", size=5),
        Blocked(time=2, turn=1, what="time.sleep", took=3),
        Io(time=5, turn=1, serial=2, op="send", size=3),
        Io(time=6, turn=1, serial=3, op="recv"),
        Watch(time=6, turn=1, serial=3, before="r"),
        Close(time=6, turn=1, serial=3),
        Select(time=8, turn=2),
    )

    assert [(slot.serial, slot.began, slot.ended) for slot in run.turns[0].slots] == [
        (2, 1, 6), (3, 6, 8),
    ]  # fmt: skip


@pytest.mark.parametrize("goodbye", [Watch(turn=1, serial=2), Close(turn=1, serial=2)])
@pytest.mark.parametrize(("is_ready", "slots"), [(True, [1, 2, 3]), (False, [1, 3])])
def test_in_a_loop_written_by_hand_who_is_sent_away_unheard_has_had_his_turn(
    goodbye: Event, is_ready: bool, slots: list[int]
) -> None:
    ready = ((1, "r"), (2, "r"), (3, "r")) if is_ready else ((1, "r"), (3, "r"))
    turn = run_of(
        *(Open(serial=serial, by=9) for serial in (1, 2, 3)),
        Select(turn=1),
        Ready(turn=1, ready=ready),
        Io(turn=1, serial=1, op="recv", size=1),
        Watch(turn=1, serial=1, after="rw"),
        goodbye,
        Io(turn=1, serial=3, op="recv"),
        Watch(turn=1, serial=1),  # who has been served already
    ).turns[1]
    assert [slot.serial for slot in turn.slots] == slots


def test_what_a_listener_accepts_and_the_program_opens() -> None:
    run = run_of(
        Select(turn=1),
        Io(turn=1, serial=1, op="accept"),
        Open(turn=1, serial=2, by=1),
        Label(turn=1, serial=2, label="client"),
        Open(turn=1, serial=3),
    )

    assert [slot.serial for slot in run.turns[0].slots] == [1, 3]


# -- lanes ---------------------------------------------------------------------------


def test_a_lane_is_what_its_lines_say() -> None:
    run = run_of(
        *PING, Label(turn=3, serial=2, label="Ana"), Close(turn=3, serial=2, how="detached")
    )

    listener, client = run.lanes[1], run.lanes[2]
    assert (listener.kind, listener.local, listener.born) == ("listener", "127.0.0.1:5000", 0)
    assert (client.label, client.peer, client.by, client.fd) == ("Ana", "127.0.0.1:6000", 1, 5)
    assert (client.born, client.died, client.how) == (1, 3, "detached")


def test_a_lane_is_there_if_its_birth_is_not() -> None:
    run = run_of(Named(serial=4, kind="listener"), Label(serial=5, label="Ana"), Close(serial=6))

    assert [run.lanes[serial].kind for serial in (4, 5, 6)] == ["listener", "other", "other"]


# -- other threads -------------------------------------------------------------------


def test_what_other_threads_do_belongs_to_no_slot() -> None:
    run = run_of(
        Select(turn=1),
        Ready(turn=1),
        Callback(turn=1, serial=2),
        Io(turn=1, serial=3, op="send", size=9, thread="worker"),
        Returned(turn=1),
    )

    (turn,) = run.turns
    assert list(turn.events) == []
    assert [type(event) for event in turn.elsewhere] == [Io]


def test_a_loop_in_another_thread_makes_no_turns() -> None:
    run = run_of(
        Select(turn=1),
        Watch(turn=1, serial=8, after="r", thread="other"),
        Select(turn=1, thread="other"),
        Callback(turn=1, thread="other"),
        Select(turn=2),
    )

    assert [turn.number for turn in run.turns] == [1, 2]
    assert run.turns[1].watched == {}
