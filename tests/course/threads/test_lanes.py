"""A record becomes lanes in which nothing is made up, wherever it was cut."""

import json
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from examples.course.pictures.threads.lanes import Kind, Run, Span, read

from .tapes import LOCK, Event, tapes


def run_of(events: list[Event]) -> Run:
    return read(map(json.dumps, events))


@given(tapes())
def test_a_thread_is_at_one_thing_at_each_time(events: list[Event]) -> None:
    for lane in run_of(events).lanes.values():
        assert all(span.begin < span.end for span in lane.spans)
        assert all(left.end == right.begin for left, right in pairwise(lane.spans))


@given(tapes())
def test_a_lock_has_one_owner_at_a_time(events: list[Event]) -> None:
    holds = [hold for lane in run_of(events).lanes.values() for hold in lane.holds]
    assert all(hold.whom == LOCK for hold in holds)
    ordered = sorted(holds, key=lambda hold: (hold.begin, hold.end))
    assert all(left.end <= right.begin for left, right in pairwise(ordered))


@given(tapes())
def test_who_waits_for_a_lock_waits_while_another_has_it(events: list[Event]) -> None:
    run = run_of(events)
    for lane in run.lanes.values():
        for span in lane.spans:
            if span.kind is Kind.LOCK:
                assert span.whom != lane.thread
                assert any(
                    hold.begin <= span.begin and span.end <= hold.end
                    for hold in run.lanes[span.whom].holds
                )


@given(tapes(), st.data())
def test_a_record_that_was_cut_off_is_read_up_to_there(
    events: list[Event], data: st.DataObject
) -> None:
    text = "".join(json.dumps(event) + "\n" for event in events)
    read(text[: data.draw(st.integers(0, len(text)))].splitlines())


def test_what_was_not_over_lasts_until_the_record_ends() -> None:
    run = run_of(
        [
            {"t": 0.0, "thread": 1, "e": "starts", "name": "MainThread"},
            {"t": 0.1, "thread": 1, "e": "has", "lock": LOCK},
            {"t": 0.2, "thread": 2, "e": "starts", "name": "Thread-1 (serve)"},
            {"t": 0.3, "thread": 2, "e": "wants", "lock": LOCK},
            {
                "t": 0.9,
                "thread": 1,
                "e": "calls",
                "what": "sendall",
                "socket": 7,
                "n": 3,
                "data": "OK\n",
            },
        ]
    )
    assert run.lanes[1].holds == [Span(0.1, 0.9, Kind.LOCK, LOCK)]
    assert run.lanes[2].spans[-1] == Span(0.3, 0.9, Kind.LOCK, 1)
    assert run.lanes[1].client == 7


def test_only_a_send_that_takes_long_has_waited_for_room() -> None:
    run = run_of(
        [
            {"t": 0.0, "thread": 1, "e": "starts", "name": "MainThread"},
            {"t": 1.0, "thread": 1, "e": "calls", "what": "sendall", "n": 3, "data": "OK\n"},
            {"t": 1.00001, "thread": 1, "e": "returns"},
            {"t": 2.0, "thread": 1, "e": "calls", "what": "sendall", "n": 3, "data": "OK\n"},
            {"t": 5.0, "thread": 1, "e": "returns"},
        ]
    )
    assert run.lanes[1].spans == [Span(0.0, 2.0, Kind.WORK), Span(2.0, 5.0, Kind.SEND)]
