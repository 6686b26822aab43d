"""Which delays are the program's own doing, and whom they are put down to."""

import pytest

from reactor.timeline.findings.diagnosis import diagnose
from reactor.timeline.findings.finding import Id
from reactor.timeline.run.events import (
    Blocked,
    Callback,
    End,
    Event,
    Label,
    Leave,
    Returned,
    Select,
)
from reactor.timeline.run.run import TIMERS
from tests.timeline.tape import Tape


def asks(tape: Tape) -> None:
    """A client has said something, and waits for an answer."""
    tape.client(2)
    tape.turn((2, "r"))
    tape.recv(2, b"x")


def test_a_step_of_any_task_without_a_name_is_the_same_callback() -> None:
    tape = Tape()
    for number, seconds in enumerate([0.05, 0.1, 0.02]):
        tape.turn((1, "r"))
        tape.add(Callback(name=f"handle (Task-{number})"))
        tape.sleep(seconds)
        tape.add(Returned())
    (finding,) = diagnose(tape.run())
    assert (finding.times, finding.seconds, finding.name) == (3, 0.1, "handle (Task-1)")


def test_a_task_that_the_program_has_named_is_one_of_its_own() -> None:
    tape = Tape()
    for name in ("handle (ana)", "handle (eva)"):
        tape.turn((1, "r"))
        tape.callback(name, 0.25)
    assert [finding.name for finding in diagnose(tape.run())] == ["handle (ana)", "handle (eva)"]


def test_what_delays_timers_is_the_same_callback_too() -> None:
    tape = Tape()
    for number in range(3):
        tape.turn((1, "r"))
        tape.callback(f"handle (Task-{number})", 0.08)
        tape.callback(f"handle (Task-{number + 3})", 0.07)
        tape.turn()
        tape.callback("tick", 0.001, "timer", late=0.15)
    (finding,) = diagnose(tape.run())
    assert (finding.id, finding.times, finding.cause) == (Id.LATE_TIMER, 3, "handle")


@pytest.mark.parametrize(
    ("names", "missed"), [("abcdefghij", 0.0), ("aaaaaaaaaa", 0.35)], ids=["many", "busy machine"]
)
def test_nobody_is_to_blame_for_a_timer_that_many_have_delayed_or_the_machine(
    names: str, missed: float
) -> None:
    tape = Tape()
    tape.turn((1, "r"))
    for name in names:
        tape.callback(name, 0.04)
    tape.turn(missed=missed)
    tape.callback("tick", 0.001, "timer", late=0.4)
    assert diagnose(tape.run()) == []


@pytest.mark.parametrize("is_cut", [True, False])
def test_of_what_a_record_ends_in_that_was_cut_short_nobody_knows_whose_time_it_was(
    is_cut: bool,
) -> None:
    tape = Tape()
    tape.turn((1, "r"))
    tape.add(Callback(name="Server.work"))
    tape.recv(1, b"x")
    tape.wait(0.5)
    tape.recv(1, b"x")
    run = tape.run(Label(time=tape.now, turn=tape.number)) if is_cut else tape.run()
    assert [finding.id for finding in diagnose(run)] == [Id.SLOW_CALLBACK] * (not is_cut)


@pytest.mark.parametrize(
    "last", [[End(time=9, missed=0.48)], [Leave(time=0.6, missed=0.48), End(time=9)]]
)
def test_what_the_last_turn_missed_is_not_counted_either(last: list[Event]) -> None:
    tape = Tape()
    tape.turn((1, "r"))
    tape.callback("Server.work", 0.5)
    assert diagnose(tape.run(*last)) == []


def test_who_sleeps_before_he_answers_does_it_in_the_loop_even_if_nothing_follows() -> None:
    tape = Tape()
    asks(tape)
    tape.sleep(0.2)
    tape.sleep(1.5)
    (finding,) = diagnose(tape.run())
    assert (finding.id, finding.serial, finding.seconds) == (Id.BLOCKING_CALL, 2, 1.5)


@pytest.mark.parametrize("leaves", [True, False])
def test_who_sleeps_last_when_all_is_answered_may_have_left_the_loop(leaves: bool) -> None:
    tape = Tape()
    asks(tape)
    tape.send(2, b"OK", 2)
    tape.wait(1e-5)
    if leaves:
        tape.add(Leave())
    tape.sleep(1.5)
    assert diagnose(tape.run()) == []


def test_a_client_that_has_its_last_answer_may_sleep() -> None:
    tape = Tape()
    tape.open(2)
    tape.turn((2, "r"))
    tape.recv(2, b"OK")
    tape.wait(1e-5)
    tape.sleep(1.5)
    assert diagnose(tape.run()) == []


@pytest.mark.parametrize("op", ["accept", "recv", "send", "sendall"])
def test_what_waited_until_ctrl_c_is_a_blocking_call_and_nothing_else(op: str) -> None:
    tape = Tape()
    asks(tape)
    tape.io(2, op, asked=4096, error="EINTR", took=30.0)
    (finding,) = diagnose(tape.run())
    assert (finding.id, finding.cause) == (Id.BLOCKING_CALL, f"socket.{op}")


@pytest.mark.parametrize("seconds", [0.002, 0.009])
@pytest.mark.parametrize(
    ("name", "timeout", "is_found"),
    [("", None, True), ("", 0.5, True), ("", 0.0, False), ("serve", 0.0, True)],
)
def test_a_short_sleep_is_one_too_many_unless_it_is_the_only_wait(
    seconds: float, name: str, timeout: float | None, is_found: bool
) -> None:
    tape = Tape()
    tape.client(2)
    tape.turn((2, "r"))
    tape.events[-2] = Select(tape.now, tape.number, timeout=timeout)
    if name:
        tape.add(Callback(name=name))
    tape.recv(2, b"x")
    tape.sleep(seconds)
    tape.send(2, b"OK", 2)
    if name:
        tape.add(Returned())
    assert [finding.id for finding in diagnose(tape.run())] == [Id.BLOCKING_CALL] * is_found


@pytest.mark.parametrize(("is_next", "serial"), [(True, TIMERS), (False, 1)])
def test_what_follows_an_arrival_may_belong_to_who_is_served_next(
    is_next: bool, serial: int
) -> None:
    tape = Tape()
    tape.client(2)
    tape.turn((1, "r"), (2, "r"))
    tape.io(1, "accept")
    tape.wait(0.3)
    if is_next:
        tape.recv(2, b"x")
    tape.turn()
    (finding,) = diagnose(tape.run())
    assert (finding.id, finding.serial) == (Id.SLOW_CALLBACK, serial)


def test_a_wait_of_which_only_its_length_is_known_is_no_sleep() -> None:
    tape = Tape()
    asks(tape)
    tape.wait(1e-5)
    tape.add(Blocked(what="threading.Thread.join", about="worker", took=1.5))
    tape.wait(1.5)
    assert diagnose(tape.run()) == []
