"""A real run, long or short, is read whole: no byte is lost, and memory is bounded."""

import random
from collections.abc import Callable

import pytest

from reactor.timeline.run.events import Io, parse
from reactor.timeline.run.run import Run, read
from tests.doubles.memory import memory_within
from tests.size import thoroughly
from tests.timeline.long_runs import chat, relay

Record = Callable[[int], list[bytes]]

RECORDS = pytest.mark.parametrize("record", [chat, relay])
TURNS = pytest.mark.parametrize("turns", [30, thoroughly(10_000)])


def bytes_of(run: Run) -> int:
    return sum(e.size for turn in run.turns for e in turn.events if isinstance(e, Io))


@RECORDS
@TURNS
def test_a_real_run_is_read_whole(record: Record, turns: int) -> None:
    lines = record(turns)
    run = read(lines)

    assert (run.unreadable, run.is_whole) == (0, True)
    assert sum(turn.times for turn in run.turns if turn.number) >= turns
    assert bytes_of(run) == sum(e.size for e in map(parse, lines) if isinstance(e, Io)) > 0
    assert all(lane.died is not None for lane in run.lanes.values())


@RECORDS
@pytest.mark.parametrize("seed", [0, *map(thoroughly, range(1, 100))])
def test_a_real_record_may_be_mutilated(record: Record, seed: int) -> None:
    chance = random.Random(seed)
    text = bytearray(b"\n".join(record(30)))
    for _ in range(chance.randrange(1, 200)):
        place = chance.randrange(len(text))
        text[place : place + chance.choice([0, 1, 1, 1, 300])] = chance.randbytes(1)

    run = read(bytes(text).split(b"\n"))

    assert all(turn.began <= turn.woke <= turn.ended for turn in run.turns)


@pytest.mark.thorough
def test_a_line_of_a_record_takes_half_a_kilobyte_of_memory() -> None:
    lines = chat(2_000)

    with memory_within(len(lines) * 512):
        read(lines)
