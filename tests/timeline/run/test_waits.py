"""Who waited is known, and for how long at most; nobody has waited for himself."""

import pytest
from hypothesis import given

from reactor.timeline.run.events import Callback, Event, Io, Ready, Returned, Select, Watch
from reactor.timeline.run.run import TIMERS, Run, Stage, Wait
from reactor.timeline.run.waits import HEAVY
from tests.timeline.strategies import few, run_of, runs

A, B, C = 1, 2, 3
WATCHED = [Watch(serial=serial, after="r") for serial in (A, B, C)]


class Script:
    """Events with times: each method takes so many seconds, and adds what happened."""

    def __init__(self) -> None:
        self.now, self.turn = 0.0, 0
        self.events: list[Event] = list(WATCHED)

    def add(self, event: type[Event], **fields: object) -> None:
        self.events.append(event(time=self.now, turn=self.turn, **fields))  # type: ignore[arg-type]

    def wait(self, seconds: float, *ready: int, timeout: float | None = None) -> None:
        self.turn += 1
        self.add(Select, timeout=timeout)
        self.now += seconds
        self.add(Ready, ready=tuple((serial, "r") for serial in ready))

    def serve(self, serial: int, seconds: float, *, kind: str = "ready", late: float = 0.0) -> None:
        self.add(Callback, serial=serial, name="serve", kind=kind, late=late)
        self.now += seconds
        self.add(Returned)

    def by_hand(self, serial: int, op: str, seconds: float) -> None:
        self.add(Io, serial=serial, op=op, size=1)
        self.now += seconds

    def waited(self) -> list[dict[int, tuple[str, int]]]:
        """By lane, of each turn: exactly or up to, and how many milliseconds."""
        run = run_of(*self.events, Select(time=self.now, turn=self.turn + 1))
        return [
            {serial: in_words(wait) for serial, wait in turn.waited.items()}
            for turn in run.turns
            if turn.stage is Stage.TURN
        ][:-1]


def in_words(wait: Wait) -> tuple[str, int]:
    return ("exactly" if wait.exact else "up to", round(wait.seconds * 1000))


@pytest.fixture
def script() -> Script:
    return Script()


def test_who_was_ready_too_waited_since_the_loop_woke(script: Script) -> None:
    script.wait(1, A, B, C)
    script.serve(A, 0.25)
    script.serve(B, 0.001)
    script.serve(C, 0.001)

    assert script.waited() == [{B: ("exactly", 250), C: ("exactly", 251)}]


def test_who_waited_for_what_has_no_lane_knows_its_name(script: Script) -> None:
    script.wait(1, B)
    script.serve(TIMERS, 0.25, kind="call")
    script.serve(B, 0.001)
    wait = run_of(*script.events).turns[1].waited[B]
    assert (wait.behind, wait.callback) == (TIMERS, "serve")


def test_who_was_served_before_has_not_waited(script: Script) -> None:
    script.wait(1, B, A)
    script.serve(B, 0.001)
    script.serve(A, 0.25)

    assert script.waited() == [{}]


def test_who_is_ready_without_a_wait_became_so_meanwhile(script: Script) -> None:
    script.wait(1, A)
    script.serve(A, 0.25)
    script.wait(0, B)
    script.serve(B, 0.001)

    assert script.waited() == [{}, {B: ("up to", 250)}]


def test_who_became_ready_after_a_wait_has_not_waited(script: Script) -> None:
    script.wait(1, A)
    script.serve(A, 0.25)
    script.wait(0.1, B)
    script.serve(B, 0.001)

    assert script.waited() == [{}, {}]


def test_a_look_without_a_wait_is_none_however_long_it_took(script: Script) -> None:
    script.wait(1, A)
    script.serve(A, 0.25)
    script.wait(0.001, B, timeout=0)
    script.serve(B, 0.001)

    assert script.waited() == [{}, {B: ("up to", 251)}]


def test_who_was_served_meanwhile_became_ready_after_that(script: Script) -> None:
    script.wait(1, A, B)
    script.serve(A, 0.25)
    script.serve(B, 0.001)
    script.wait(0, B)
    script.serve(B, 0.001)

    assert script.waited() == [{B: ("exactly", 250)}, {}]


def test_who_is_new_has_waited_since_it_is_watched(script: Script) -> None:
    script.wait(1, A)
    script.serve(A, 0.25)
    script.add(Watch, serial=4, after="r")
    script.serve(B, 0.1, kind="call")
    script.wait(0, 4)
    script.serve(4, 0.001)

    assert script.waited()[-1] == {4: ("up to", 100)}


def test_a_timer_knows_how_late_it_is(script: Script) -> None:
    script.wait(1, A)
    script.serve(A, 0.25)
    script.serve(TIMERS, 0.001, kind="timer", late=0.2)

    assert script.waited() == [{TIMERS: ("exactly", 200)}]


def test_a_timer_that_does_not_say_so_is_late_by_the_turn_at_most(script: Script) -> None:
    script.wait(1, A)
    script.serve(A, 0.25)
    script.serve(TIMERS, 0.001, kind="timer")

    assert script.waited() == [{TIMERS: ("up to", 250)}]


def test_a_timer_waits_for_another(script: Script) -> None:
    script.wait(1)
    script.serve(TIMERS, 0.25, kind="timer")
    script.serve(TIMERS, 0.001, kind="timer", late=0.25)

    assert script.waited() == [{TIMERS: ("exactly", 250)}]


def test_a_timer_that_the_machine_made_late_has_waited_for_nobody(script: Script) -> None:
    script.wait(1)
    script.serve(TIMERS, 0.001, kind="timer", late=0.3)

    assert script.waited() == [{}]


def test_a_call_that_was_queued_waits_for_who_is_ready(script: Script) -> None:
    script.wait(0, A, timeout=0)
    script.serve(A, 0.25)
    script.serve(TIMERS, 0.001, kind="call")

    assert script.waited() == [{TIMERS: ("exactly", 250)}]


def test_what_was_written_leaves_late_if_another_is_served_first(script: Script) -> None:
    script.wait(1, B, A)
    script.serve(B, 0.001)
    script.serve(A, 0.25)
    script.serve(B, 0.001, kind="flush")
    script.serve(C, 0.001, kind="flush")

    assert script.waited() == [{B: ("exactly", 250)}]


def test_in_a_loop_written_by_hand_the_others_wait_too(script: Script) -> None:
    script.wait(1, A, B)
    script.by_hand(A, "recv", 0.25)
    script.by_hand(A, "send", 0.001)
    script.by_hand(B, "recv", 0.001)

    assert script.waited() == [{B: ("exactly", 251)}]


def test_being_sent_something_is_not_being_served(script: Script) -> None:
    script.wait(1, A, B)
    script.by_hand(A, "recv", 0.25)
    script.by_hand(B, "send", 0.25)
    script.by_hand(C, "send", 0.001)
    script.by_hand(B, "recv", 0.001)

    assert script.waited() == [{B: ("exactly", 501)}]


def test_of_two_waits_the_longer_is_told(script: Script) -> None:
    script.wait(1, B, A)
    script.serve(B, 0.001)
    script.serve(A, 0.25)
    script.serve(TIMERS, 0.1, kind="call")
    script.serve(TIMERS, 0.001, kind="timer", late=0.05)

    assert script.waited() == [{TIMERS: ("exactly", 251)}]


def test_it_is_the_slowest_behind_whom_somebody_waited() -> None:
    script = Script()
    script.wait(1, A, B, C)
    script.serve(A, 0.02)
    script.serve(B, 0.25)
    script.serve(C, 0.001)

    turn = run_of(*script.events).turns[-1]
    assert {serial: wait.behind for serial, wait in turn.waited.items()} == {B: A, C: B}


def test_what_is_over_soon_keeps_nobody_waiting(script: Script) -> None:
    script.wait(1, A, B)
    script.serve(A, HEAVY / 2)
    script.serve(B, 0.001)

    assert script.waited() == [{}]


@pytest.mark.thorough
@few
@given(runs())
def test_nobody_waited_longer_than_the_run(run: Run) -> None:
    for turn in run.turns:
        for wait in turn.waited.values():
            assert HEAVY <= wait.seconds <= turn.ended - run.turns[0].began


@few
@given(runs())
def test_whoever_waited_was_served_after_somebody_else(run: Run) -> None:
    before = None
    for turn in run.turns:
        slots = [*(before.slots if before is not None else ()), *turn.slots]
        for serial in turn.waited:
            guilty = [slot for slot in slots if slot.seconds >= HEAVY]
            assert any(slot.serial != serial or serial == TIMERS for slot in guilty)
        before = turn
