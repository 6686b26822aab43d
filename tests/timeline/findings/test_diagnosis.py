"""What is a finding, what is none, and that neither depends on what else happened.

Runs are written by hand here; programs with these faults, and without, are in test_diagnosis.py.
"""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reactor.timeline.findings.diagnosis import diagnose
from reactor.timeline.findings.finding import Finding, Id
from reactor.timeline.run.events import Blocked, Callback, End, Io, Leave, Queue, Returned
from reactor.timeline.run.extract import part
from reactor.timeline.run.run import Run, read
from tests.timeline.strategies import few, line_of, runs
from tests.timeline.tape import Tape

DATA = b"".join(b"client %06d\n" % number for number in range(1000))


def only(run: Run) -> Finding:
    """The one finding of a run."""
    (finding,) = diagnose(run)
    return finding


# -- spins -----------------------------------------------------------------------------------


def end_read_again_and_again(tape: Tape) -> None:
    tape.client(2)
    tape.turn((2, "r"))
    tape.recv(2)
    tape.again(999, 0.25)


def room_without_a_word_to_say(tape: Tape) -> None:
    tape.client(2)
    tape.watch(2, "rw")
    tape.turn((2, "w"))
    tape.again(999, 0.1)


def nobody_serves(tape: Tape) -> None:
    tape.client(2)
    tape.turn((2, "r"))
    tape.again(999, 0.1)


def no_descriptor_left(tape: Tape) -> None:
    for _ in range(60):
        tape.turn((1, "r"))
        tape.io(1, "accept", error="EMFILE")


def asks_without_waiting(tape: Tape) -> None:
    tape.turn()
    tape.again(999, 0.1)


def test_an_end_that_is_read_again_and_again_is_one_finding_with_all_its_turns() -> None:
    tape = Tape()
    end_read_again_and_again(tape)
    tape.turn((2, "r"), (1, "r"))  # somebody else comes in between
    tape.recv(2)
    tape.io(1, "accept")
    tape.turn((2, "r"))
    tape.recv(2)
    tape.again(999, 0.25)
    finding = only(tape.run())
    assert (finding.id, finding.serial, finding.turn) == (Id.SPIN_END_OF_STREAM, 2, 2)
    assert (finding.times, finding.last) == (2001, 2002)
    assert finding.per_second == pytest.approx(4000, rel=0.01)


def test_an_end_may_be_read_again_and_again_in_a_single_turn() -> None:
    tape = Tape()
    tape.client(2)
    tape.turn((2, "r"))
    for _ in range(500):
        tape.recv(2)
    assert (only(tape.run()).id, only(tape.run()).times) == (Id.SPIN_END_OF_STREAM, 500)


def test_all_whose_end_is_read_again_and_again_are_one_finding() -> None:
    tape = Tape()
    for serial in (2, 3, 4):
        tape.client(serial)
    tape.turn((2, "r"), (3, "r"), (4, "r"))
    for serial in (2, 3, 4):
        tape.recv(serial)
    tape.again(99, 0.1)
    assert (only(tape.run()).serial, only(tape.run()).others) == (2, 2)


def test_to_read_an_end_is_no_fault_and_neither_are_empty_datagrams() -> None:
    tape = Tape()
    tape.open(2, "datagram")
    for _ in range(60):
        tape.turn((2, "r"))
        tape.recv(2)
    tape.client(3)
    tape.turn((3, "r"))
    tape.recv(3)
    tape.close(3)
    assert diagnose(tape.run()) == []


def test_room_is_not_to_be_waited_for_with_nothing_to_write() -> None:
    tape = Tape()
    room_without_a_word_to_say(tape)
    finding = only(tape.run())
    assert (finding.id, finding.serial, finding.times) == (Id.SPIN_WRITE_INTEREST, 2, 1000)


def test_of_many_who_spin_the_one_is_named_who_was_ready_first() -> None:
    tape = Tape()
    for serial in range(2, 22):
        tape.client(serial)
        tape.watch(serial, "rw")
    tape.turn(*((serial, "w") for serial in range(2, 22)))
    tape.again(999, 0.1)
    assert (only(tape.run()).serial, only(tape.run()).others) == (2, 19)


def test_room_that_is_used_may_be_waited_for() -> None:
    tape = Tape()
    tape.client(2)
    tape.watch(2, "rw")
    for _ in range(200):
        tape.turn((2, "w"))
        tape.send(2, b"video", 5)
    assert diagnose(tape.run()) == []


@pytest.mark.parametrize("error", ["", "EAGAIN"])
def test_who_is_ready_has_to_be_served(error: str) -> None:
    tape = Tape()
    tape.client(2)
    tape.turn((2, "r"))
    if error:  # what makes it ready is something else than bytes
        tape.recv(2, error=error)
    tape.again(999, 0.1)
    finding = only(tape.run())
    assert (finding.id, finding.serial, finding.times) == (Id.SPIN_UNSERVED, 2, 1000)


def test_who_waits_while_others_are_served_is_no_spin() -> None:
    tape = Tape()
    tape.client(2)
    tape.client(3)
    for _ in range(200):  # one at a time, and always the first that has something to say
        tape.turn((2, "r"), (3, "r"))
        tape.recv(2, b"x")
    assert diagnose(tape.run()) == []


@pytest.mark.parametrize("kind", ["other", "stream"])
def test_nothing_is_said_of_what_can_not_be_seen(kind: str) -> None:
    tape = Tape()
    tape.open(2, kind)  # a pipe, read by os.read; or a socket that TLS reads
    tape.io(2, "connect")
    tape.turn((2, "r"), (0, "r"))
    tape.again(999, 0.1)
    assert diagnose(tape.run()) == []


def test_an_accept_that_fails_for_want_of_a_descriptor_is_not_to_be_repeated_at_once() -> None:
    tape = Tape()
    no_descriptor_left(tape)
    finding = only(tape.run())
    assert (finding.id, finding.serial, finding.times) == (Id.SPIN_ACCEPT, 1, 60)


def test_an_accept_that_fails_may_be_repeated_after_a_pause() -> None:
    tape = Tape()
    for _ in range(100):
        tape.turn((1, "r"))
        tape.io(1, "accept", error="EMFILE")
        tape.watch(1, "")
        tape.turn(slept=0.1)
        tape.watch(1, "r")
    assert diagnose(tape.run()) == []


def test_to_ask_without_waiting_is_a_poll() -> None:
    tape = Tape()
    asks_without_waiting(tape)
    finding = only(tape.run())
    assert (finding.id, finding.name, finding.times) == (Id.BUSY_POLL, "select", 1000)


def test_to_wait_for_a_moment_between_two_looks_is_a_poll_too() -> None:
    tape = Tape()
    for _ in range(100):
        tape.turn(slept=0.001)
    assert only(tape.run()).id is Id.BUSY_POLL


@pytest.mark.parametrize("seconds", [0.02, 1.0])
def test_timers_that_leave_the_loop_time_to_sleep_are_no_poll(seconds: float) -> None:
    tape = Tape()
    for _ in range(500):
        tape.turn(slept=seconds)
        tape.callback("tick", 1e-5, "timer")
        tape.turn()
        tape.callback("Task.step", 1e-5, "call")  # as asyncio does it
    assert diagnose(tape.run()) == []


def test_to_compute_in_small_pieces_is_no_poll() -> None:
    tape = Tape()
    for _ in range(500):
        tape.turn()
        tape.callback("compute", 0.005, "call")
    assert diagnose(tape.run()) == []


@pytest.mark.parametrize(("op", "name"), [("send", "send"), ("recv", "recv"), ("accept", "recv")])
def test_a_poll_says_whom_it_asks_for_what(op: str, name: str) -> None:
    tape = Tape()
    tape.client(2)
    tape.client(3)
    tape.turn()
    tape.io(2, op, error="EAGAIN")
    tape.io(3, "send" if op == "send" else "recv", error="EWOULDBLOCK")
    tape.again(999, 0.1)
    finding = only(tape.run())
    assert (finding.id, finding.serial, finding.others) == (Id.BUSY_POLL, 2, 1)
    assert finding.name == name


# -- delays ----------------------------------------------------------------------------------


def slow_callback(tape: Tape) -> None:
    tape.turn((1, "r"))
    tape.callback("Server.work", 0.25)


def sleep_in_a_callback(tape: Tape) -> None:
    tape.turn((1, "r"))
    tape.add(Callback(name="Server.work"))
    tape.sleep(0.25)
    tape.add(Returned())


def timer_behind_a_callback(tape: Tape) -> None:
    tape.turn((1, "r"))
    tape.callback("Server.work", 0.06)
    tape.callback("Server.more_work", 0.05)
    tape.callback("Server.more_work", 0.06)
    tape.turn()
    tape.callback("tick", 0.001, "timer", late=0.17)


def test_a_slow_callback_is_one_finding_that_leads_to_its_worst_turn() -> None:
    tape = Tape()
    for seconds in (0.15, 0.3, 0.05, 0.2):
        tape.turn((1, "r"))
        tape.callback("Server.work", seconds)
    finding = only(tape.run())
    assert (finding.id, finding.name, finding.turn, finding.last) == (
        Id.SLOW_CALLBACK, "Server.work", 2, 4,
    )  # fmt: skip
    assert finding.times == 3
    assert finding.seconds == pytest.approx(0.3)


def test_what_a_busy_machine_does_to_a_callback_is_no_finding() -> None:
    tape = Tape()
    tape.turn((1, "r"))
    tape.callback("Server.work", 0.09)
    assert diagnose(tape.run()) == []


def test_a_slow_turn_of_a_loop_written_by_hand_is_found_by_who_was_served() -> None:
    tape = Tape()
    for serial in (2, 3):
        tape.client(serial)
    for serial in (2, 3):
        tape.turn((serial, "r"))
        tape.recv(serial, b"x")
        tape.wait(0.25)
        tape.send(serial, b"OK", 2)
    tape.turn()
    finding = only(tape.run())
    assert (finding.id, finding.serial, finding.name, finding.times) == (
        Id.SLOW_CALLBACK, 2, "", 2,
    )  # fmt: skip


def test_what_a_turn_missed_because_the_machine_was_busy_is_not_counted() -> None:
    tape = Tape()
    tape.turn((1, "r"))
    tape.callback("Server.work", 0.5)
    tape.turn(missed=0.48)
    tape.callback("tick", 0.001, "timer", late=0.5)
    tape.turn((1, "r"))
    tape.add(Io(serial=1, op="accept", took=0.5))
    tape.wait(0.5)
    tape.turn(missed=0.48)
    assert diagnose(tape.run()) == []


@pytest.mark.parametrize("is_served", [False, True])
def test_a_slow_turn_is_found_before_anybody_is_served(is_served: bool) -> None:
    tape = Tape()
    tape.turn((1, "r"))
    tape.wait(0.25)
    if is_served:
        tape.io(1, "accept")
    tape.turn()
    assert (only(tape.run()).id, only(tape.run()).turn) == (Id.SLOW_CALLBACK, 1)


@pytest.mark.parametrize("leaves", [False, True])
def test_what_a_program_does_after_its_loop_is_not_slow(leaves: bool) -> None:
    tape = Tape()
    tape.client(2)
    tape.turn((2, "r"))
    tape.recv(2, b"x")
    if leaves:
        tape.add(Leave())
    tape.close(1)
    tape.wait(1.0)
    tape.sleep(1.0)
    assert diagnose(tape.run()) == []


def test_the_last_turn_is_slow_up_to_the_last_that_was_served() -> None:
    tape = Tape()
    tape.client(2)
    tape.turn((2, "r"))
    tape.recv(2, b"x")
    tape.wait(0.25)
    tape.send(2, b"OK", 2)
    tape.wait(1.0)
    assert only(tape.run()).seconds == pytest.approx(0.25)


def test_who_prepares_himself_before_anybody_is_there_may_take_his_time() -> None:
    tape = Tape()
    tape.events.clear()
    tape.open(1, "wakeup")
    tape.watch(1, "r")
    tape.turn()
    tape.callback("main", 0.5, "call")
    tape.turn()
    assert diagnose(tape.run()) == []


def test_a_callback_that_the_record_ends_in_is_slow_too() -> None:
    tape = Tape()
    tape.turn((1, "r"))
    tape.add(Callback(name="Server.work"))
    tape.wait(0.5)
    assert only(tape.run()).id is Id.SLOW_CALLBACK


def test_a_sleep_in_a_callback_is_a_blocking_call_and_not_a_slow_callback() -> None:
    tape = Tape()
    sleep_in_a_callback(tape)
    finding = only(tape.run())
    assert (finding.id, finding.cause, finding.name) == (
        Id.BLOCKING_CALL, "time.sleep", "Server.work",
    )  # fmt: skip


def test_in_a_loop_written_by_hand_a_sleep_belongs_to_who_was_served_before() -> None:
    tape = Tape()
    tape.client(2)
    tape.turn((2, "r"))
    tape.recv(2, b"x")
    tape.sleep(0.05)
    tape.send(2, b"OK", 2)
    assert (only(tape.run()).id, only(tape.run()).serial) == (Id.BLOCKING_CALL, 2)


@pytest.mark.parametrize("op", ["accept", "connect", "recv", "send", "sendall"])
def test_an_operation_that_waits_is_a_blocking_call(op: str) -> None:
    tape = Tape()
    tape.client(2)
    tape.turn((2, "r"))
    tape.io(2, op, 1, asked=1, data=b"x", took=0.5)
    assert only(tape.run()).cause == f"socket.{op}"


@pytest.mark.parametrize(
    ("what", "about", "took", "is_found"),
    [
        ("socket.getaddrinfo", "localhost", 0.0002, True),
        ("socket.gethostbyname", "localhost", 0.0002, True),
        ("time.sleep", "0.05", 0.05, True),
        ("time.sleep", "0.001", 0.05, False),  # the machine was busy
        ("time.sleep", "a while", 0.05, True),
        ("threading.Lock.acquire", "", 0.05, False),
        ("threading.Lock.acquire", "", 0.5, True),
    ],
)
def test_a_call_blocks_from_when_on_it_matters(
    what: str, about: str, took: float, is_found: bool
) -> None:
    tape = Tape()
    tape.turn((1, "r"))
    tape.add(Callback(name="Server.work"))
    tape.add(Blocked(what=what, about=about, took=took))
    tape.wait(took)
    tape.add(Returned())
    assert [finding.id for finding in diagnose(tape.run())] == [Id.BLOCKING_CALL] * is_found


def test_what_another_thread_waits_for_keeps_nobody() -> None:
    tape = Tape()
    tape.turn((1, "r"))
    tape.add(Blocked(thread="worker", what="time.sleep", about="5", took=5.0))
    tape.add(Io(thread="worker", serial=2, op="recv", size=1, took=5.0))
    assert diagnose(tape.run()) == []


def test_a_timer_that_had_to_wait_for_a_callback_is_late_because_of_it() -> None:
    tape = Tape()
    timer_behind_a_callback(tape)
    finding = only(tape.run())
    assert (finding.id, finding.turn, finding.name, finding.cause) == (
        Id.LATE_TIMER, 2, "tick", "Server.more_work",
    )  # fmt: skip


def test_a_timer_that_is_late_while_the_machine_was_asleep_is_no_finding() -> None:
    tape = Tape()
    tape.turn((1, "r"))
    tape.callback("Server.work", 0.01)
    tape.turn(slept=30.0)
    tape.callback("tick", 0.001, "timer", late=29.9)
    assert diagnose(tape.run()) == []


# -- losses ----------------------------------------------------------------------------------


def goes_and_is_forgotten(tape: Tape) -> None:
    tape.client(2)
    tape.turn((2, "r"))
    tape.recv(2)
    tape.watch(2, "")
    tape.turn(slept=1.0)


def rest_is_forgotten(tape: Tape) -> None:
    tape.client(2)
    tape.turn((2, "r"))
    tape.recv(2, b"LIST\n")
    tape.send(2, DATA, 5000)
    tape.turn(slept=1.0)


@pytest.mark.parametrize("error", ["", "ECONNRESET"])
def test_who_has_gone_and_was_never_closed_is_a_leak(error: str) -> None:
    tape = Tape()
    for serial in (2, 3):
        tape.client(serial)
        tape.turn((serial, "r"))
        tape.recv(serial, error=error)
        tape.watch(serial, "")
    tape.turn(slept=1.0)
    finding = only(tape.run())
    assert (finding.id, finding.turn, finding.serial, finding.times) == (
        Id.DESCRIPTOR_LEAK, 2, 2, 2,
    )  # fmt: skip


def test_who_sends_no_more_may_be_owed_an_answer() -> None:
    tape = Tape()
    for serial in (2, 3, 4):
        tape.client(serial)
        tape.turn((serial, "r"))
        tape.recv(serial)
        tape.watch(serial, "")
    tape.send(2, DATA, 500)
    tape.watch(2, "w")
    tape.add(Queue(serial=3, size=500))
    tape.turn(slept=1.0)
    tape.send(4, b"sorry for the delay", 19)
    tape.turn()
    assert diagnose(tape.run()) == []


def test_a_socket_that_python_closes_while_the_loop_goes_on_is_a_leak() -> None:
    tape = Tape()
    tape.client(2)
    tape.close(2, "collected")
    tape.turn()
    finding = only(tape.run())
    assert (finding.id, finding.serial, finding.name) == (Id.DESCRIPTOR_LEAK, 2, "collected")


def test_what_python_closes_at_the_end_is_no_leak() -> None:
    tape = Tape()
    tape.client(2)
    tape.turn()
    tape.close(2, "collected")
    assert diagnose(tape.run()) == []


def test_what_the_system_did_not_take_has_to_come() -> None:
    tape = Tape()
    rest_is_forgotten(tape)
    finding = only(tape.run())
    assert (finding.id, finding.turn, finding.serial) == (Id.SHORT_WRITE, 2, 2)
    assert finding.size == len(DATA) - 5000


@pytest.mark.parametrize("then", ["other bytes", "close"])
def test_a_rest_is_lost_when_other_bytes_follow_or_the_socket_is_closed(then: str) -> None:
    tape = Tape()
    tape.client(2)
    tape.turn((2, "r"))
    tape.send(2, DATA, 5000)
    if then == "close":
        tape.close(2)
    else:
        tape.send(2, b"OK\n", 3)
    assert only(tape.run()).id is Id.SHORT_WRITE


def test_who_is_stopped_before_he_can_try_again_has_not_forgotten_the_rest() -> None:
    tape = Tape()
    tape.client(2)
    tape.turn()
    tape.send(2, DATA, 0, error="EAGAIN")
    tape.turn()
    assert diagnose(tape.run()) == []


def test_sendall_on_a_socket_that_does_not_block_loses_count() -> None:
    tape = Tape()
    tape.client(2)
    tape.turn((2, "r"))
    tape.io(2, "sendall", asked=len(DATA), error="EAGAIN")
    assert only(tape.run()).id is Id.SHORT_WRITE


def test_a_rest_that_comes_later_is_not_lost() -> None:
    tape = Tape()
    tape.client(2)
    tape.turn((2, "r"))
    tape.send(2, DATA, 5000)
    tape.turn()
    tape.send(2, DATA[5000:], 0, error="EAGAIN")
    tape.turn()
    tape.send(2, DATA[5000:5020], 20)  # in a piece that suits the program
    tape.send(2, DATA[5020:], len(DATA) - 5020)
    tape.turn()
    assert diagnose(tape.run()) == []


@pytest.mark.parametrize("how", ["interest", "queue", "interest before"])
def test_who_waits_for_room_has_not_forgotten_the_rest(how: str) -> None:
    tape = Tape()
    tape.client(2)
    tape.turn((2, "r"))
    if how == "interest before":
        tape.watch(2, "rw")
    tape.send(2, DATA, 5000)
    if how == "interest":
        tape.watch(2, "rw")
    elif how == "queue":
        tape.add(Queue(serial=2, size=len(DATA) - 5000))
    tape.turn(slept=5.0)
    tape.close(2)  # it was patient for long enough
    assert diagnose(tape.run()) == []


def test_nothing_is_owed_to_who_has_gone() -> None:
    tape = Tape()
    for serial, error in ((2, ""), (3, "ECONNRESET")):
        tape.client(serial)
        tape.turn((serial, "r"))
        tape.send(serial, DATA, 5000)
        tape.recv(serial, error=error)
        tape.close(serial)
    tape.client(4)
    tape.send(4, DATA, 0, error="EPIPE")
    tape.close(4)
    assert diagnose(tape.run()) == []


def test_a_descriptor_that_is_taken_out_of_its_socket_is_somebody_elses() -> None:
    tape = Tape()
    tape.client(2)
    tape.turn((2, "r"))
    tape.send(2, DATA, 5000)
    tape.close(2, "detached")
    assert diagnose(tape.run()) == []


def test_datagrams_and_bells_owe_nothing() -> None:
    tape = Tape()
    tape.open(2, "datagram")
    tape.open(3, "wakeup")
    tape.turn()
    tape.send(2, b"video", 0, error="EAGAIN")
    tape.send(3, b"!", 0, error="EAGAIN")
    tape.turn()
    assert diagnose(tape.run()) == []


def test_a_file_that_ends_early_leaves_no_rest() -> None:
    tape = Tape()
    tape.client(2)
    tape.turn((2, "r"))
    tape.io(2, "sendfile", 100, asked=1000)
    tape.send(2, DATA, 5000)
    tape.io(2, "sendfile", 100, asked=1000)
    tape.turn()
    assert diagnose(tape.run()) == []


# -- whatever else there is ------------------------------------------------------------------

Fault = Callable[[Tape], None]
FAULTS: dict[Id, Fault] = {
    Id.SPIN_END_OF_STREAM: end_read_again_and_again,
    Id.SPIN_WRITE_INTEREST: room_without_a_word_to_say,
    Id.SPIN_UNSERVED: nobody_serves,
    Id.SPIN_ACCEPT: no_descriptor_left,
    Id.BUSY_POLL: asks_without_waiting,
    Id.SLOW_CALLBACK: slow_callback,
    Id.BLOCKING_CALL: sleep_in_a_callback,
    Id.LATE_TIMER: timer_behind_a_callback,
    Id.DESCRIPTOR_LEAK: goes_and_is_forgotten,
    Id.SHORT_WRITE: rest_is_forgotten,
}


def quiet(tape: Tape, turns: int) -> None:
    """Somebody comes, is served, and goes; the loop sleeps in between."""
    for _ in range(turns):
        serial = tape.number + 100
        tape.client(serial)
        tape.turn((serial, "r"), slept=0.3)
        tape.recv(serial, b"hello\n")
        tape.send(serial, b"OK\n", 3)
        tape.turn((serial, "r"), slept=0.3)
        tape.recv(serial)
        tape.close(serial)


def test_each_id_has_a_fault_here() -> None:
    assert set(FAULTS) == set(Id)


def test_quiet_turns_are_no_finding() -> None:
    tape = Tape()
    quiet(tape, 100)
    assert diagnose(tape.run()) == []


@pytest.mark.parametrize("cause", Id)
@given(before=st.integers(0, 5), after=st.integers(0, 5))
def test_a_finding_does_not_depend_on_what_happened_before_and_after(
    cause: Id, before: int, after: int
) -> None:
    tape = Tape()
    quiet(tape, before)
    first = tape.number
    FAULTS[cause](tape)
    quiet(tape, after)
    finding = only(tape.run())
    assert finding.id is cause
    assert first < finding.turn <= finding.last


@pytest.mark.thorough
@few
@given(run=runs())
def test_each_finding_leads_to_a_turn_of_the_run(run: Run) -> None:
    numbers = {turn.number for turn in run.turns}
    for finding in diagnose(run):
        assert finding.turn in numbers
        assert finding.turn <= finding.last
        assert finding.times >= 1


@pytest.mark.parametrize("cause", [Id.DESCRIPTOR_LEAK, Id.SHORT_WRITE])
@pytest.mark.parametrize(
    "end", [Queue(serial=9), End(turns_left_out=1), End(events_left_out=1)], ids=repr
)
def test_a_record_without_its_end_tells_of_nothing_that_may_still_come(
    cause: Id, end: Queue | End
) -> None:
    tape = Tape()
    FAULTS[cause](tape)
    assert diagnose(tape.run(end)) == []


def test_a_record_with_lines_that_are_lost_tells_of_nothing_that_was_in_them() -> None:
    tape = Tape()
    tape.client(2)
    tape.turn((2, "r"))
    tape.send(2, DATA, 5000)
    tape.send(2, b"OK\n", 3)
    run = tape.run()
    run.unreadable = 1
    assert diagnose(run) == []


def test_a_part_of_a_run_accuses_nobody_of_what_the_others_did() -> None:
    tape = Tape()
    tape.client(2)
    tape.client(3)
    for number in range(200):
        tape.turn((2, "r"), (3, "r"))
        tape.recv(2, b"x")
        tape.wait(0.0005)
        if number % 100 == 50:
            tape.recv(3, b"y")
    whole = tape.run()
    assert diagnose(whole) == []
    for lanes in ([3], [1], [0, 1, 3]):
        assert diagnose(part(whole, lanes=lanes)) == []


@pytest.mark.parametrize("cause", Id)
def test_what_is_found_in_a_run_is_found_in_a_part_that_leaves_nobody_out(cause: Id) -> None:
    tape = Tape()
    quiet(tape, 3)
    first = tape.number
    FAULTS[cause](tape)
    tape.turn(slept=1.0)
    assert [finding.id for finding in diagnose(part(tape.run(), first))] == [cause]


@given(cut=st.floats(0, 1))
def test_a_record_that_is_cut_accuses_nobody_whom_the_whole_does_not(cut: float) -> None:
    tape = Tape()
    quiet(tape, 10)
    for serial in (2, 3):
        tape.client(serial)
        tape.turn((serial, "r"))
        tape.send(serial, DATA, 5000)
        tape.watch(serial, "rw")
        tape.turn((serial, "w"), slept=1.0)
        tape.send(serial, DATA[5000:], len(DATA) - 5000)
        tape.recv(serial)
        tape.turn(slept=1.0)
        tape.close(serial)
    text = "\n".join(map(line_of, tape.events))
    assert diagnose(read(text[: round(cut * len(text))].splitlines())) == []
