"""Where everything lies: nothing overlaps, nothing is cut, and true time stays true."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reactor.timeline.picture.columns import Column, Grade
from reactor.timeline.picture.layout import Layout, Strip, spans
from reactor.timeline.picture.measure import MONO, text_width
from reactor.timeline.run.events import Again, Close, Leave, Open, Queue, Ready, Select, Watch
from reactor.timeline.run.turns import Run
from reactor.timeline.words.languages import LANGUAGES
from tests.timeline.strategies import few, run_of, runs
from tests.timeline.tape import Tape

WIDTHS = st.sampled_from([320, 960, 1360])
ENGLISH = LANGUAGES["en"]


def strips_of(run: Run, width: int = 1360) -> list[Strip]:
    layout = Layout(run, ENGLISH)
    return layout.strips(layout.columns, width)


def quiet(tape: Tape, turns: int) -> Tape:
    for _ in range(turns):
        tape.turn(slept=0.01)
    return tape


@few
@given(runs(), WIDTHS)
def test_each_turn_has_one_column_in_order(run: Run, width: int) -> None:
    columns = [column for strip in strips_of(run, width) for column in strip.columns]
    assert [id(column.turn) for column in columns] == [id(turn) for turn in run.turns]


@pytest.mark.thorough
@few
@given(runs(), WIDTHS)
def test_columns_stand_side_by_side(run: Run, width: int) -> None:
    for strip in strips_of(run, width):
        assert strip.columns[0].x == strip.left
        assert all(one.right == other.x for one, other in pairwise(strip.columns))


@pytest.mark.thorough
@few
@given(runs(), WIDTHS)
def test_no_strip_is_wider_than_the_page_but_for_a_single_column(run: Run, width: int) -> None:
    for strip in strips_of(run, width):
        assert strip.right <= width or len(strip.columns) == 1


@pytest.mark.thorough
@few
@given(runs())
def test_a_column_is_as_wide_as_its_texts(run: Run) -> None:
    for strip in strips_of(run):
        for column in strip.columns:
            for cell in column.cells.values():
                widths = [text_width(line.text, 12, MONO) for line in cell.lines]
                assert max(widths, default=0) <= column.width


@pytest.mark.thorough
@few
@given(runs())
def test_lanes_lie_below_each_other_and_are_as_high_as_their_cells(run: Run) -> None:
    for strip in strips_of(run):
        assert all(one.bottom == other.y for one, other in pairwise(strip.rows))
        for row in strip.rows:
            cells = [column.cells.get(row.heading.serial) for column in strip.columns]
            assert all(cell.height < row.height for cell in cells if cell)


@pytest.mark.thorough
@few
@given(runs())
def test_anchors_are_unique(run: Run) -> None:
    anchors = [column.anchor for column in Layout(run, ENGLISH).columns]
    assert len(set(anchors)) == len(anchors)


@pytest.mark.thorough
@few
@given(runs())
def test_ticks_lie_within_the_ribbon_and_are_few(run: Run) -> None:
    for strip in strips_of(run):
        times = list(strip.ticks())
        assert len(times) <= 1 + (strip.right - strip.left) / 90 + 1
        places = [strip.at(strip.start + time) for time in times]
        assert all(strip.left <= place <= strip.right for place in places)


def test_strips_are_as_equal_as_possible() -> None:
    counts = [len(strip.columns) for strip in strips_of(quiet(Tape(), 24).run())]
    assert len(counts) > 1
    assert max(counts) - min(counts) <= 2


def test_a_strip_shows_its_own_piece_of_true_time() -> None:
    one, other, *_ = strips_of(quiet(Tape(), 24).run())
    assert one.ended <= other.began + 1e-9
    assert other.at(other.began) == other.left
    assert other.at(other.ended) == other.right


def test_time_that_stands_still_lies_at_the_left() -> None:
    (strip,) = strips_of(run_of(Select(turn=1), Ready(turn=1)))
    assert strip.at(0.0) == strip.left


def test_a_strip_leaves_out_who_is_not_there() -> None:
    tape = Tape()
    tape.client(2)
    quiet(tape, 24)
    tape.client(3)
    first, *_, last = strips_of(tape.run())
    assert [row.heading.serial for row in first.rows] == [1, 2]
    assert [row.heading.serial for row in last.rows] == [1, 2, 3]


def test_of_many_lanes_a_strip_shows_those_which_do_something() -> None:
    tape = Tape()
    for serial in range(2, 16):
        tape.client(serial)
    quiet(tape, 24)
    tape.turn((5, "r"))
    tape.recv(5, b"OK\n")
    last = strips_of(tape.run())[-1]
    assert [row.heading.serial for row in last.rows] == [5]


def lines_over(columns: list[Column], watched: str) -> list[tuple[int, int]]:
    return list(spans(columns, lambda turn: turn.watched.get(1) == watched))


def test_a_line_that_goes_on_is_one_span() -> None:
    run = run_of(
        Open(serial=1, kind="listener"),
        Watch(serial=1, after="r"),
        *(Select(turn=turn) for turn in (1, 2)),
        Watch(serial=1, turn=2, before="r"),
        Select(turn=3),
        Watch(serial=1, turn=3, after="r"),
        Select(turn=4),
    )
    ((_, one, two, three, four),) = [strip.columns for strip in strips_of(run)]
    assert lines_over([one, two, three, four], "r") == [(one.x, two.right), (four.x, four.right)]


def test_a_column_says_how_long_it_slept() -> None:
    run = run_of(Select(turn=1), Ready(turn=1, time=0.25), Select(turn=2, time=0.25))
    assert [column.notes for column in Layout(run, ENGLISH).columns] == [
        ["slept 250 ms"],
        ["did not sleep"],
    ]


def test_turns_that_do_nothing_without_sleep_spin() -> None:
    tape = Tape()
    tape.client(2)
    tape.turn((2, "r"))
    tape.recv(2)
    tape.again(1000, 0.5)
    *_, column = Layout(tape.run(), ENGLISH).columns
    assert (column.spins, column.grade) == (True, Grade.HEAVY)
    assert (column.title, column.notes) == ("× 1,000", ["nothing done", "2,000 a second"])


@pytest.mark.parametrize(("until", "slept"), [(0.0005, 0.0), (5.0, 4.9), (0.0, 0.0)])
def test_a_few_turns_or_turns_asleep_are_no_spin(until: float, slept: float) -> None:
    run = run_of(Select(turn=1), Ready(turn=1), Again(turn=2, last=9, until=until, slept=slept))
    assert not Layout(run, ENGLISH).columns[-1].spins


def test_before_and_after_the_loop_are_named() -> None:
    run = run_of(
        Open(serial=1, kind="listener"),
        Select(turn=1),
        Leave(turn=1, time=1),
        Close(serial=1, turn=1, time=1),
    )
    layout = Layout(run, ENGLISH)
    assert [column.title for column in layout.columns] == ["before the loop", "1", "after the loop"]
    assert [column.anchor for column in layout.columns] == ["turn-0", "turn-1", "turn-1-2"]


def test_turns_of_a_timer_that_ticks_are_asleep_like_any_other() -> None:
    tape = Tape()
    tape.turn(slept=0.1)
    tape.again(3, 0.3, slept=0.299)
    *_, column = Layout(tape.run(), ENGLISH).columns
    assert (column.title, column.notes, column.spins) == ("× 3", ["slept 299 ms"], False)


def test_who_is_served_has_its_places_and_its_time() -> None:
    tape = Tape()
    tape.client(2)
    tape.turn((2, "r"))
    for _ in range(2):
        tape.recv(2, b"a\n", took=0.004)
        tape.io(1, "accept", took=0.004)
    *_, column = Layout(tape.run(), ENGLISH).columns
    assert (column.cells[2].bar, column.cells[2].grade) == ("①③ 8.0 ms", Grade.LONG)


def test_many_places_are_told_as_the_first_and_the_last() -> None:
    tape = Tape()
    tape.client(2)
    tape.turn((2, "r"))
    for _ in range(11):
        tape.recv(2, b"a\n")
        tape.io(1, "accept")
    *_, column = Layout(tape.run(), ENGLISH).columns
    assert column.cells[2].bar.startswith("①③…(21)")


def test_a_victim_says_how_long_it_waited() -> None:
    tape = Tape()
    tape.client(2)
    tape.turn((1, "r"), (2, "r"), slept=0.01)
    tape.io(1, "accept", took=0.25)
    tape.recv(2, b"a\n")
    *_, column = Layout(tape.run(), ENGLISH).columns
    assert column.cells[2].waited == "waited 250 ms"


def test_a_queue_is_as_high_as_it_ever_was() -> None:
    tape = Tape()
    tape.client(2)
    for size in (3000, 1000, 0):
        tape.turn((2, "w"))
        tape.add(Queue(serial=2, size=size))
    ((_, row),) = [strip.rows for strip in strips_of(tape.run())]
    assert row.queue == 3000


def test_findings_flag_their_columns() -> None:
    tape = Tape()
    tape.client(2)
    tape.turn((2, "r"))
    tape.recv(2)
    tape.again(30_000, 0.5)
    layout = Layout(tape.run(), ENGLISH)
    assert [finding.id.value for finding in layout.findings] == ["spin-end-of-stream"]
    assert [column.flag for column in layout.columns if column.flag] == ["!1"]
