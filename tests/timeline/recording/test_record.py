"""A record tells all that happened, in the order in which it did, and folds what is the same."""

import os
import sys
import threading
import time
from collections.abc import Callable
from errno import ECONNRESET
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reactor.timeline.recording.processor import Processor
from reactor.timeline.recording.record import Record, error_name
from reactor.timeline.run.events import (
    Again,
    Blocked,
    Callback,
    Close,
    Drop,
    End,
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
)
from tests.timeline.tale import Tale, events_in


@pytest.fixture
def tale() -> Tale:
    return Tale()


# -- each event --------------------------------------------------------------------------


def test_the_first_line_tells_the_program_and_the_version(tale: Tale) -> None:
    assert tale.events == [Start(version=1, program=("server.py",), python=sys.version.split()[0])]


def test_the_command_is_that_of_the_process_unless_it_is_given(tale: Tale) -> None:
    tale.record = Record(tale.file)
    start = tale.all(Start)[-1]
    assert start.program == tuple(sys.argv)


def test_each_event_is_told_with_its_time_and_turn(tale: Tale) -> None:
    record = tale.record
    serial = record.open(5, "stream", local="a:1", peer="b:2", by=9)
    record.named(serial, kind="listener", local="c:3", peer="d:4")
    record.label(serial, 'the "first"')
    record.watch(serial, 0, 3)
    record.announce(2, 4)
    record.select(1.5)
    tale.clock.advance(1.0)
    record.ready([(serial, 1), (serial, 2)])
    record.callback(serial, "Echo", "ready")
    record.queue(serial, 7)
    record.drop(serial, 3, "ENOBUFS")
    record.returned("ValueError")
    record.timer("tick", 0.25)
    record.returned()
    record.died(serial, 5, "detached")
    record.leave()
    record.close()
    at: dict[str, Any] = {"time": 1.0, "turn": 1}
    assert tale.events[1:] == [
        Open(serial=1, fd=5, kind="stream", local="a:1", peer="b:2", by=9),
        Named(serial=1, kind="listener", local="c:3", peer="d:4"),
        Label(serial=1, label='the "first"'),
        Watch(serial=1, after="rw"),
        Select(turn=1, timeout=1.5, timers=2, calls=4),
        Ready(**at, ready=((1, "r"), (1, "w"))),
        Callback(**at, serial=1, name="Echo", kind="ready"),
        Queue(**at, serial=1, size=7),
        Drop(**at, serial=1, count=3, reason="ENOBUFS"),
        Returned(**at, raised="ValueError"),
        Callback(**at, name="tick", kind="timer", late=0.25),
        Returned(**at),
        Close(**at, serial=1, how="detached"),
        Leave(**at),
        End(**at),
    ]


def test_bytes_are_told_as_far_as_the_preview_goes(tale: Tale) -> None:
    data = bytes(range(200))
    tale.record.came(1, "recv", 0, 200, 4096, data)
    tale.record.went(1, "send", 0, 50, 200, data)
    tale.record.failed(1, "send", 0, "EAGAIN", 150, data[50:])
    tale.record.close()
    assert tale.all(Io) == [
        Io(serial=1, op="recv", size=200, asked=4096, data=data[:64]),
        Io(serial=1, op="send", size=50, asked=200, data=data[:50], rest=data[50:114]),
        Io(serial=1, op="send", error="EAGAIN", asked=150, rest=data[50:114]),
    ]


@given(st.lists(st.binary(max_size=40), max_size=5), st.data())
def test_several_buffers_are_told_as_one(buffers: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(buffers)
    size = data.draw(st.integers(0, len(whole)))
    tale = Tale()
    tale.record.went(1, "send", 0, size, len(whole), buffers, "b:2")
    tale.record.close()
    (io,) = tale.all(Io)
    assert (io.data, io.rest, io.to) == (whole[:size][:64], whole[size:][:64], "b:2")


@pytest.mark.parametrize("make", [bytearray, memoryview, lambda data: memoryview(data).cast("H")])
def test_bytes_of_any_kind_are_told(tale: Tale, make: Callable[[bytes], Any]) -> None:
    tale.record.came(1, "recv", 0, 3, 4, make(b"abcd"))
    tale.record.close()
    assert tale.all(Io)[0].data == b"abc"


def test_how_long_an_operation_took_is_told(tale: Tale) -> None:
    began = tale.record.now()
    tale.clock.advance(0.5)
    tale.record.done(1, "accept", began)
    tale.record.blocked("time.sleep", "0.5", began)
    tale.record.close()
    assert (tale.all(Io)[0].took, tale.all(Blocked)[0].took) == (0.5, 0.5)


def test_errors_have_the_names_of_their_numbers() -> None:
    errors = [OSError(ECONNRESET, "x"), OSError("x"), TimeoutError("timed out")]
    assert [*map(error_name, errors)] == ["ECONNRESET", "OSError", "TimeoutError"]


# -- serial numbers ----------------------------------------------------------------------


def test_serial_numbers_are_never_used_again(tale: Tale) -> None:
    first = tale.record.open(5, "stream")
    tale.record.died(first, 5)
    assert tale.record.serial_of(5) == 0
    second = tale.record.open(5, "stream")
    assert (second, tale.record.serial_of(5)) == (2, 2)


def test_who_had_a_number_before_must_be_closed(tale: Tale) -> None:
    tale.record.open(5, "other")
    tale.record.open(5, "stream")
    tale.record.close()
    assert [close.serial for close in tale.all(Close)] == [1]


def test_a_late_death_takes_nobodys_number(tale: Tale) -> None:
    first = tale.record.open(5, "stream")
    second = tale.record.open(5, "stream")
    tale.record.died(first, 5)
    assert tale.record.serial_of(5) == second


# -- folding -----------------------------------------------------------------------------


def test_equal_turns_in_which_nothing_was_done_are_one_line(tale: Tale) -> None:
    for _ in range(1000):
        tale.spin()
    tale.record.select(None)
    tale.record.close()
    (again,) = tale.all(Again)
    assert (again.turn, again.last) == (2, 1000)
    assert again.time == pytest.approx(1e-5)
    assert again.until == pytest.approx(1e-2)
    assert len(tale.all(Select)) == 2


def test_a_record_of_a_spin_takes_a_few_hundred_bytes(tale: Tale) -> None:
    for _ in range(31_000):
        tale.spin()
    tale.record.close()
    assert len(tale.file.getvalue()) < 1000


def test_folded_turns_tell_how_long_they_slept(tale: Tale) -> None:
    for _ in range(11):
        tale.turn(slept=0.5)
    tale.record.close()
    (again,) = tale.all(Again)
    assert again.slept == pytest.approx(4.5)


def test_a_turn_that_differs_is_told(tale: Tale) -> None:
    for serial in (1, 1, 2, 2, 2):
        tale.spin(serial)
    tale.record.close()
    assert [(again.turn, again.last) for again in tale.all(Again)] == [(2, 2), (4, 4)]


def test_a_turn_that_waits_as_another_did_but_asks_another_socket_is_told(tale: Tale) -> None:
    for serial in (1, 2):
        tale.turn((1, 1))
        tale.record.failed(serial, "recv", 0, "EAGAIN", 4096)
    tale.record.select(None)
    tale.record.close()
    assert not tale.all(Again)


def test_bytes_that_were_only_looked_at_are_nothing_done(tale: Tale) -> None:
    tale.record.loop = lambda: tale
    for _ in range(3):
        tale.turn((1, 1))
        tale.record.came(1, "peek", 0, 1, 9, b"x")
    tale.record.close()
    assert len(tale.all(Again)) == 1
    assert all(turn.did_nothing for turn in tale.run.turns)


@pytest.mark.parametrize("name", ["EAGAIN", "EWOULDBLOCK", "EINTR", "EMFILE"])
def test_a_socket_that_has_nothing_to_say_is_nothing_done(tale: Tale, name: str) -> None:
    tale.record.loop = lambda: tale
    for _ in range(3):
        tale.turn((1, 1))
        tale.record.failed(1, "recv", 0, name, 4096)
    tale.record.close()
    assert len(tale.all(Again)) == 1


def test_turns_in_which_something_was_done_are_told_one_by_one(tale: Tale) -> None:
    record = tale.record
    deeds: list[Callable[[], object]] = [
        lambda: record.came(1, "recv", 0, 1, 9, b"x"),
        lambda: record.went(1, "send", 0, 1, 1, b"x"),
        lambda: record.failed(1, "recv", 0, "ECONNRESET", 9),
        lambda: record.shut(1, 0, "w"),
        lambda: record.drop(1, 1, "ENOBUFS"),
        lambda: record.label(1, "x"),
        lambda: record.watch(1, 0, 1),
        lambda: record.blocked("time.sleep", "1", 0),
    ]
    for deed in deeds:
        for _ in range(3):
            tale.turn((1, 1))
            deed()
    record.close()
    assert len(tale.all(Select)) == 3 * len(deeds)
    assert not any(turn.did_nothing for turn in tale.run.turns)


def test_a_turn_that_took_long_is_told_though_nothing_was_done(tale: Tale) -> None:
    for seconds in (1e-5, 1e-5, 0.5, 1e-5, 1e-5):
        tale.turn((1, 1), seconds=seconds)
    tale.record.close()
    assert [(again.turn, again.last) for again in tale.all(Again)] == [(2, 2)]
    assert len(tale.all(Select)) == 4


@pytest.mark.parametrize(("seconds", "folds"), [(0.05, 1), (0.3, 0)])
def test_a_turn_that_the_machine_made_long_is_as_another(
    monkeypatch: pytest.MonkeyPatch, seconds: float, folds: int
) -> None:
    monkeypatch.setattr(Processor, "missed", lambda processor: int(seconds * 1e9))
    tale = Tale()
    monkeypatch.setattr(time, "perf_counter_ns", lambda: round(tale.clock() * 1e9))
    tale.record = Record(tale.file, patience=None)
    for _ in range(2):
        tale.turn((1, 1), seconds=1e-5)
    tale.turn((1, 1), seconds=seconds)
    tale.record.select(None)
    tale.record.close()
    assert [again.last for again in tale.all(Again)] == [2 + folds]


def test_folded_turns_are_those_that_a_run_finds_nothing_done_in(tale: Tale) -> None:
    for _ in range(3):
        tale.spin()
    tale.record.close()
    assert all(turn.did_nothing for turn in tale.run.turns)


def test_any_number_of_kinds_of_turns_is_told(tale: Tale) -> None:
    for count in range(600):
        tale.turn()
        for _ in range(count % 40):
            tale.record.returned()
        for _ in range(count // 40):
            tale.record.queue(1, 1)
    tale.record.close()
    assert len(tale.all(Select)) == 600


# -- where there is no loop --------------------------------------------------------------


def test_asking_the_same_socket_again_begins_a_turn(tale: Tale) -> None:
    for serial in (1, 2, 1, 2, 1, 2):
        tale.record.failed(serial, "recv", tale.record.now(), "EAGAIN", 4096)
    tale.record.close()
    assert [(turn.number, turn.times) for turn in tale.run.turns] == [(0, 1), (1, 1), (2, 1)]
    assert tale.all(Select)[0].timeout == 0.0


def test_a_sleep_between_asking_is_the_wait_of_a_turn(tale: Tale) -> None:
    tale.record.failed(1, "recv", 0, "EAGAIN", 4096)
    tale.clock.advance(0.5)
    tale.record.blocked("time.sleep", "0.5", 0)
    tale.record.failed(1, "recv", 0, "EAGAIN", 4096)
    tale.record.close()
    assert [(select.turn, select.timeout) for select in tale.all(Select)] == [(1, 0.5)]
    assert not tale.all(Blocked)


def test_each_sleep_of_a_program_that_asks_is_the_wait_of_a_turn(tale: Tale) -> None:
    tale.record.failed(1, "recv", 0, "EAGAIN", 4096)
    tale.record.blocked("time.sleep", "0.5", 0)
    tale.record.came(1, "recv", 0, 1, 4096, b"x")
    tale.record.blocked("time.sleep", "0.5", 0)
    tale.record.close()
    assert [select.turn for select in tale.all(Select)] == [1, 2]


def test_a_sleep_beside_a_loop_blocks(tale: Tale) -> None:
    tale.record.failed(1, "recv", 0, "EAGAIN", 4096)
    tale.turn((1, 1))
    tale.record.blocked("time.sleep", "0.5", 0)
    tale.record.close()
    assert len(tale.all(Blocked)) == 1


def test_who_has_the_number_of_what_was_closed_has_not_been_asked(tale: Tale) -> None:
    for _ in range(3):
        serial = tale.record.open(5, "stream")
        tale.record.failed(serial, "recv", 0, "EAGAIN", 4096)
        tale.record.died(serial, 5)
    tale.record.close()
    assert not tale.all(Select)


# -- other threads -----------------------------------------------------------------------


def in_thread(what: Callable[[], object]) -> None:
    thread = threading.Thread(target=what, name='a "thread"')
    thread.start()
    thread.join()


def tell_often(tale: Tale) -> None:
    for _ in range(1500):
        tale.record.queue(1, 5)


def test_what_another_thread_does_is_told_with_its_name(tale: Tale) -> None:
    in_thread(lambda: tale.record.came(1, "recv", 0, 3, 9, b"a@%"))
    tale.record.close()
    (io,) = tale.all(Io)
    assert (io.thread, io.data) == ('a "thread"', b"a@%")


def test_what_another_thread_made_is_told_before_the_loop_watches_it(tale: Tale) -> None:
    tale.turn()
    in_thread(lambda: tale.record.open(5, "stream"))
    tale.record.watch(1, 0, 1)
    tale.record.close()
    told = [type(event) for event in tale.events]
    assert told.index(Open) < told.index(Watch)


def test_a_turn_beside_which_another_thread_did_something_is_not_folded(tale: Tale) -> None:
    for _ in range(3):
        tale.spin()
        in_thread(lambda: tale.record.queue(2, 0))
    tale.record.select(None)
    tale.record.close()
    assert not tale.all(Again)


def test_asking_in_another_thread_makes_no_turn(tale: Tale) -> None:
    for _ in range(3):
        in_thread(lambda: tale.record.failed(1, "recv", 0, "EAGAIN", 4096))
    tale.record.close()
    assert not tale.all(Select)


def test_the_loops_thread_is_the_one_that_waits(tale: Tale) -> None:
    in_thread(tale.turn)
    tale.record.queue(1, 5)
    tale.record.close()
    assert [event.thread for event in tale.all(Queue)] == [threading.current_thread().name]


# -- written in time ---------------------------------------------------------------------


def test_the_file_holds_what_a_turn_did_once_patience_is_over() -> None:
    tale = Tale(patience=1.0)
    tale.turn((1, 1))
    tale.turn((2, 1))
    assert not tale.all(Ready)
    tale.clock.advance(1.0)
    tale.record.select(None)
    assert len(tale.all(Ready)) == 2


@pytest.mark.parametrize(("timeout", "limit"), [(None, 1.0), (2.0, 1.0), (0.5, None)])
def test_who_sleeps_long_is_to_write_before(timeout: float | None, limit: float | None) -> None:
    tale = Tale(patience=1.0)
    tale.turn((1, 1))
    tale.record.select(None)
    assert tale.record.limit_of_wait(timeout) == limit
    tale.record.flush()
    assert tale.record.limit_of_wait(timeout) is None


def test_a_record_without_patience_waits_for_nothing() -> None:
    tale = Tale(patience=None)
    tale.turn((1, 1))
    tale.record.select(None)
    assert tale.record.limit_of_wait(None) is None


def test_turns_that_are_only_counted_are_written_too_by_a_flush() -> None:
    tale = Tale(patience=1.0)
    for _ in range(4):
        tale.spin()
    assert tale.record.limit_of_wait(None) == 1.0
    tale.record.flush()
    assert [again.last for again in tale.all(Again)] == [3]


def test_a_turn_with_very_much_in_it_is_written_in_pieces() -> None:
    tale = Tale(patience=1.0)
    tale.turn()
    for _ in range(2500):
        tale.record.queue(1, 5)
    assert len(tale.all(Queue)) > 1900


@pytest.mark.parametrize("elsewhere", [False, True])
def test_without_turns_time_alone_tells_when_to_write(elsewhere: bool) -> None:
    tale = Tale(patience=1.0)

    def work() -> None:
        tale.record.queue(1, 5)
        assert not tale.all(Queue)
        tale.clock.advance(1.0)
        tale.record.queue(1, 6)

    in_thread(work) if elsewhere else work()
    assert [queue.size for queue in tale.all(Queue)] == [5, 6]


def test_what_other_threads_do_meanwhile_is_written_in_pieces() -> None:
    tale = Tale(patience=1.0)
    tale.turn()
    in_thread(lambda: tell_often(tale))
    assert len(tale.all(Queue)) >= 1000


# -- bounds ------------------------------------------------------------------------------


def test_after_the_limit_turns_and_events_are_counted() -> None:
    tale = Tale(limit=1500)
    for number in range(100):
        tale.turn((number, 1))
        tale.record.queue(number, 1)
    tale.record.close()
    end = tale.all(End)[-1]
    written = len(tale.events) - 2
    assert len(tale.file.getvalue()) < 2000
    assert written + end.events_left_out == 300
    assert len(tale.all(Select)) + end.turns_left_out == 100


def test_after_the_limit_what_other_threads_do_is_counted() -> None:
    tale = Tale(limit=1)
    in_thread(lambda: tell_often(tale))
    tale.record.close()
    assert tale.all(End)[-1].events_left_out == 1500


def test_closing_twice_is_harmless(tale: Tale) -> None:
    tale.record.close()
    tale.record.close()
    assert len(tale.all(End)) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_records_nothing(tmp_path: "os.PathLike[str]") -> None:
    path = os.path.join(tmp_path, "run.jsonl")
    record = Record(path, program=[])
    record.queue(1, 5)
    child = os.fork()
    if not child:  # pragma: no cover
        record.queue(2, 6)
        record.close()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    record.queue(3, 7)
    record.close()
    with open(path, "rb") as file:
        events = events_in(file.read())
    assert [event.serial for event in events if isinstance(event, Queue)] == [1, 3]


def test_what_is_done_after_the_end_is_not_kept(tale: Tale) -> None:
    tale.record.close()
    for _ in range(3000):
        tale.record.came(1, "recv", 0, 1, 9, b"x")
    assert tale.events[-1] == End()
