"""A thread that had no processor is told from one that worked."""

import builtins
import errno
import time
from io import BytesIO, StringIO
from itertools import count
from threading import Thread, get_native_id

import pytest

from reactor.timeline.recording.processor import Processor
from reactor.timeline.recording.record import Record
from reactor.timeline.run.run import read

FIRST, LATER = "5000 1000000000 7\n", "6000 1250000000 9\n"
EARLIER = "10 20 1\n"


def say(texts: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """What the system tells, one after the other; "" if it can't be asked."""

    def answer(path: str) -> StringIO:
        text = texts.pop(0)
        if not text:
            raise OSError(errno.EMFILE, "no descriptor is left")
        return StringIO(text)

    monkeypatch.setattr(builtins, "open", answer)


@pytest.mark.parametrize(
    ("texts", "missed"),
    [
        ([FIRST, LATER], 250_000_000),
        ([FIRST, EARLIER], 0),  # asked by another thread
        (["?", "?"], 0),
        (["5", "5"], 0),
        (["", ""], 0),
    ],
)
def test_what_was_missed_is_told_since_it_was_asked_last(
    texts: list[str], missed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(texts, monkeypatch)
    assert Processor().missed() == missed


def test_when_it_can_not_be_asked_for_once_all_of_the_time_may_have_been_missed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    say([FIRST, "", LATER], monkeypatch)
    processor = Processor()
    assert processor.missed() > 0
    assert processor.missed() == 250_000_000


def test_a_record_tells_of_a_long_turn_what_it_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Processor, "missed", lambda processor: 10_000_000)
    file = BytesIO()
    record = Record(file)
    record.select(None)
    record.ready([])
    time.sleep(0.03)
    record.select(None)
    record.leave()
    record.close()
    run = read(file.getvalue().splitlines())
    assert [turn.missed for turn in run.turns] == [0.01, 0.0]


@pytest.mark.parametrize("leaves", [True, False])
def test_so_does_the_last_turn_of_a_loop(leaves: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Processor, "missed", lambda processor: 10_000_000)
    file = BytesIO()
    record = Record(file)
    record.select(None)
    record.ready([])
    time.sleep(0.03)
    if leaves:
        record.leave()
    record.close()
    (turn,) = read(file.getvalue().splitlines()).turns
    assert turn.missed == 0.01


def test_who_ends_a_record_from_another_thread_asks_about_that_of_the_loop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = BytesIO()
    record = Record(file)
    paths: list[str] = []

    def answer(path: str) -> StringIO:
        paths.append(path)
        return StringIO(LATER)

    monkeypatch.setattr(builtins, "open", answer)
    record.select(None)
    record.ready([])
    time.sleep(0.03)
    thread = Thread(target=record.close)
    thread.start()
    thread.join()
    assert paths == [f"/proc/self/task/{get_native_id()}/schedstat"]


def test_on_a_clock_of_its_own_no_turn_misses_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Processor, "missed", lambda processor: 10_000_000)
    file = BytesIO()
    times = count()
    record = Record(file, clock=lambda: float(next(times)))
    for _ in range(3):
        record.select(None)
        record.ready([])
    record.close()
    run = read(file.getvalue().splitlines())
    assert [turn.missed for turn in run.turns] == [0.0, 0.0, 0.0]
