"""The museum is complete: no row without a test and a bug, no bug that can't be put in.

Whether each bug is seen takes minutes: that is what `python3 -m tests.museum` is for.
"""

import re
from collections import Counter
from pathlib import Path

import pytest

from tests.museum.__main__ import verdict
from tests.museum.bug import Bug, instead_of, read_bugs
from tests.museum.edit import between
from tests.museum.row import ROOT, Row, prefix_of_tests, read_rows, shown_by

ROWS = read_rows()
BUGS = read_bugs()
ROOMS = {
    "_".join(path.relative_to(ROOT).with_suffix("").parts).removeprefix("reactor_")
    for folder in ("reactor", "reactor/relay", "examples")
    for path in (ROOT / folder).glob("*.py")
}
TESTS = [
    name
    for path in sorted(Path(__file__).parent.glob("test_*.py"))
    for name in re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE)
]

each_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row.id))
each_bug = pytest.mark.parametrize("bug", BUGS, ids=lambda bug: f"{bug.row}-{bug.story}")


def test_no_row_is_there_twice() -> None:
    assert max(Counter(row.id for row in ROWS).values()) == 1


def test_no_story_is_told_twice() -> None:
    assert max(Counter(bug.story for bug in BUGS).values()) == 1


def test_each_test_belongs_to_a_row() -> None:
    rows = {row.id for row in ROWS}
    numbers = [int(number) for name in TESTS for number in re.findall(r"^test_row_(\d+)_", name)]
    assert set(numbers) <= rows


@each_row
def test_a_row_has_a_test(row: Row) -> None:
    assert any(name.startswith(prefix_of_tests(row.id)) for name in TESTS)


@each_row
def test_the_tests_that_a_row_shares_are_there(row: Row) -> None:
    names = {test.partition("::")[2] for test in shown_by(row)}
    assert names.issuperset(row.also)


@each_row
def test_a_row_has_a_bug_to_put_in(row: Row) -> None:
    assert any(bug.row == row.id for bug in BUGS)


@each_bug
def test_a_bug_belongs_to_a_row(bug: Bug) -> None:
    assert any(row.id == bug.row for row in ROWS)


@each_bug
def test_a_bug_is_told_in_the_file_of_its_room(bug: Bug) -> None:
    assert bug.room in ROOMS


@pytest.mark.thorough
@each_bug
def test_there_is_a_place_for_a_bug(bug: Bug, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        bug.plant(patch)


# -- the verdict of the runner -----------------------------------------------------------


def test_a_bug_counts_as_seen_only_if_a_test_failed() -> None:
    output = "FAILED tests/museum/test_x.py::test_row_08_is_kept[poll] - assert 1 == 2\n1 failed\n"
    assert verdict(1, output) == (True, "test_row_08_is_kept")


@pytest.mark.parametrize(
    ("status", "output"),
    [
        pytest.param(0, "3 passed", id="the tests passed"),
        pytest.param(1, "ERROR tests/x.py::test_row_08_y\n1 error", id="only a fixture failed"),
        pytest.param(2, "ERROR tests/x.py\n1 error in 0.1s", id="the bug can't be imported"),
        pytest.param(5, "50 deselected", id="there was no test"),
        pytest.param(None, "", id="the tests hung"),
    ],
)
def test_whatever_else_happens_the_bug_survived(status: int | None, output: str) -> None:
    assert verdict(status, output)[0] is False


# -- the place of a bug ------------------------------------------------------------------


def test_a_bug_in_a_function_that_is_gone_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AttributeError):
        instead_of(monkeypatch, Row, "no_such_function")


def test_a_bug_in_a_call_that_is_gone_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(LookupError):
        between(monkeypatch, "reactor.errors", "no_such_function")(print)
