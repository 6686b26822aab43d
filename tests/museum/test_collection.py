"""The museum is complete: no row without a test and a bug, no bug that can't be put in.

Whether each bug is seen takes minutes: that is what `python3 -m tests.museum` is for.
"""

import re
from collections import Counter
from pathlib import Path

import pytest

from tests.museum.__main__ import verdict
from tests.museum.mutation import ROOT, Mutation, Row, prefix_of_tests, read_mutations, read_rows

ROWS = read_rows()
MUTATIONS = read_mutations()
TESTS = [
    name
    for path in sorted(Path(__file__).parent.glob("test_*.py"))
    for name in re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE)
]

each_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row.id))
each_mutation = pytest.mark.parametrize(
    "mutation", MUTATIONS, ids=lambda mutation: f"{mutation.row}-{mutation.bug}"
)


def test_no_row_is_there_twice() -> None:
    assert max(Counter(row.id for row in ROWS).values()) == 1


def test_each_test_belongs_to_a_row() -> None:
    rows = {row.id for row in ROWS}
    numbers = [int(number) for name in TESTS for number in re.findall(r"^test_row_(\d+)_", name)]
    assert set(numbers) <= rows


@each_row
def test_a_row_has_a_test(row: Row) -> None:
    assert any(name.startswith(prefix_of_tests(row.id)) for name in TESTS)


@each_row
def test_a_row_has_a_bug_to_put_in(row: Row) -> None:
    assert any(mutation.row == row.id for mutation in MUTATIONS)


@each_mutation
def test_a_bug_belongs_to_a_row(mutation: Mutation) -> None:
    assert any(row.id == mutation.row for row in ROWS)


@each_mutation
def test_a_bug_is_written_in_the_table_of_its_room(mutation: Mutation) -> None:
    room = Path(mutation.file.removeprefix("reactor/")).with_suffix("")
    assert mutation.table == "_".join(room.parts)


@each_mutation
def test_a_bug_is_an_edit_that_compiles(mutation: Mutation) -> None:
    original = (ROOT / mutation.file).read_text()
    mutated = mutation.applied_to(original)
    assert mutated != original
    compile(mutated, mutation.file, "exec", dont_inherit=True)


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


def test_a_bug_that_fits_nowhere_or_in_two_places_is_refused() -> None:
    mutation = Mutation(1, "a bug", "reactor/x.py", old="a", new="b", table="x")
    for text in ("c", "a a"):
        with pytest.raises(ValueError, match=r"reactor/x\.py"):
            mutation.applied_to(text)
