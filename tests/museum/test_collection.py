"""The museum is complete: no row without a test and a bug, no bug that can't be put in.

Whether each bug is seen takes minutes: that is what `python3 -m tests.museum` is for.
"""

import re
from collections import Counter
from pathlib import Path

import pytest

from tests.museum.__main__ import verdict
from tests.museum.bug import instead_of, read_bugs
from tests.museum.edit import between
from tests.museum.row import ROOT, Row, prefix_of_tests, read_rows, shown_by

MUSEUM = Path(__file__).parent
ROOMS = sorted(path.stem for path in (MUSEUM / "bugs").glob("[!_]*.py"))
TESTS = [
    name
    for path in sorted(MUSEUM.glob("test_*.py"))
    for name in re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE)
]


def test_no_row_is_there_twice() -> None:
    assert max(Counter(row.id for row in read_rows()).values()) == 1


def test_no_story_is_told_twice() -> None:
    assert max(Counter(bug.story for bug in read_bugs()).values()) == 1


def test_each_test_belongs_to_a_row() -> None:
    numbers = {int(number) for name in TESTS for number in re.findall(r"^test_row_(\d+)_", name)}
    assert numbers - {row.id for row in read_rows()} == set()


def test_each_row_has_a_test() -> None:
    told = " ".join(TESTS)
    assert [row.id for row in read_rows() if prefix_of_tests(row.id) not in told] == []


def test_the_tests_that_rows_share_are_there() -> None:
    lost = [
        (row.id, name)
        for row in read_rows()
        for name in set(row.also) - {test.partition("::")[2] for test in shown_by(row)}
    ]
    assert lost == []


def test_each_row_has_a_bug_to_put_in_and_each_bug_a_row() -> None:
    assert {bug.row for bug in read_bugs()} ^ {row.id for row in read_rows()} == set()


def test_each_file_of_bugs_is_named_after_a_room() -> None:
    rooms = {
        "_".join(path.relative_to(ROOT).with_suffix("").parts).removeprefix("reactor_")
        for folder in ("reactor", "reactor/relay", "examples")
        for path in (ROOT / folder).glob("*.py")
    }
    assert set(ROOMS) - rooms == set()


@pytest.mark.thorough
@pytest.mark.parametrize("room", ROOMS)
def test_there_is_a_place_for_each_bug(room: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for bug in read_bugs():
        if bug.room == room:
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
