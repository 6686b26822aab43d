"""A thread that had no processor is told from one that worked."""

import builtins
import time
from io import BytesIO, StringIO
from itertools import count

import pytest

from reactor.timeline.processor import Processor
from reactor.timeline.record import Record
from reactor.timeline.run import read


@pytest.mark.parametrize(
    ("texts", "missed"),
    [
        (["5000 1000000000 7\n", "6000 1250000000 9\n"], 0.25),
        (["5000 1000000000 7\n", "10 20 1\n"], 0.0),  # asked by another thread
        (["?", "?"], 0.0),
        (["5", "5"], 0.0),
    ],
)
def test_what_was_missed_is_told_since_it_was_asked_last(
    texts: list[str], missed: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(builtins, "open", lambda path: StringIO(texts.pop(0)))
    assert Processor().missed() == pytest.approx(missed)


def test_where_nothing_is_known_nothing_was_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str) -> StringIO:
        raise FileNotFoundError(path)

    monkeypatch.setattr(builtins, "open", refuse)
    assert Processor().missed() == 0.0


def test_a_record_tells_of_a_long_turn_what_it_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Processor, "missed", lambda processor: 0.01)
    file = BytesIO()
    record = Record(file)
    record.select(None)
    record.ready([])
    time.sleep(0.03)
    record.select(None)
    record.close()
    run = read(file.getvalue().splitlines())
    assert [turn.missed for turn in run.turns] == [0.01, 0.0]


def test_on_a_clock_of_its_own_no_turn_misses_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Processor, "missed", lambda processor: 0.01)
    file = BytesIO()
    times = count()
    record = Record(file, clock=lambda: float(next(times)))
    for _ in range(3):
        record.select(None)
        record.ready([])
    record.close()
    run = read(file.getvalue().splitlines())
    assert [turn.missed for turn in run.turns] == [0.0, 0.0, 0.0]
