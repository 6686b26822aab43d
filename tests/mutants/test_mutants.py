"""The sampler makes what it says it makes, and what it lists as known is there."""

import ast
import subprocess
import sys
from textwrap import dedent

import pytest

from tests.museum.row import ROOT

from .__main__ import all_others, draw, named_after, verdict
from .mutant import all_mutants, known_as_equal
from .mutation import alternatives


@pytest.mark.parametrize(
    ("line", "changed"),
    [
        ("a < b", ["a <= b"]),
        ("a == b", ["a != b"]),
        ("a is not b", ["a is b"]),
        ("a and b", ["a or b"]),
        ("1", ["2"]),
        ("True", ["False"]),
        ("'text'", []),
        ("a + b", []),
    ],
)
def test_an_expression_and_what_may_stand_instead(line: str, changed: list[str]) -> None:
    node = ast.parse(line, mode="eval").body
    assert [ast.unparse(alternative) for alternative in alternatives(node)] == changed


@pytest.mark.parametrize(
    ("line", "changed"),
    [
        ("if a:\n    b", ["if not a:\n    b"]),
        ("while a:\n    b", ["while not a:\n    b"]),
        ("a.b()", ["pass"]),
        ("a += b", ["a -= b"]),
        ("a -= b", ["a += b"]),
        ("a *= b", []),
        ("return a", []),
    ],
)
def test_a_statement_and_what_may_stand_instead(line: str, changed: list[str]) -> None:
    node = ast.parse(line).body[0]
    assert [ast.unparse(alternative) for alternative in alternatives(node)] == changed


@pytest.mark.thorough
def test_each_mutant_that_is_known_as_equal_is_one() -> None:
    assert known_as_equal().keys() <= {mutant.place for mutant in all_mutants()}


def test_each_room_has_tests_that_are_tried_first() -> None:
    rooms = {mutant.room for mutant in all_mutants()}
    assert [room for room in rooms if not named_after(room)] == []


def test_no_test_of_a_room_is_run_twice() -> None:
    for room in {mutant.room for mutant in all_mutants()}:
        files = [*named_after(room), *all_others(room)]
        assert len(files) == len(set(files))


def test_a_seed_draws_the_same_again_and_another_others() -> None:
    assert draw(1, 20) == draw(1, 20) != draw(2, 20)


def test_a_smaller_sample_is_part_of_a_larger_one() -> None:
    assert set(draw(1, 20)) < set(draw(1, 40))


@pytest.mark.parametrize(("left", "status"), [(0, 0), (2, 0), (3, 1), (40, 1)])
def test_more_than_one_unnoticed_of_twenty_is_a_failure(left: int, status: int) -> None:
    mutants = all_mutants()[:40]
    assert verdict(mutants, mutants[:left]) == status


def test_who_survives_is_told_by_place(capsys: pytest.CaptureFixture[str]) -> None:
    verdict(all_mutants()[:40], all_mutants()[:1])
    assert f"SURVIVED {all_mutants()[0]}: " in capsys.readouterr().out


# In a process of its own: each mutant is a fork of it, and of no run of pytest.
LOOK = """
    from tests.mutants.__main__ import survivors
    from tests.mutants.mutant import UNCHANGED, all_mutants

    silenced = [mutant for mutant in all_mutants() if mutant.change == "step() -> pass"]
    for tests in ("tests/test_steps.py", "tests/relay/test_token_bucket.py"):
        left = list(survivors([*silenced, UNCHANGED], lambda room: [tests], jobs=2))
        print("LEFT", *sorted(mutant.change for mutant in left), sep=", ")
"""


@pytest.mark.thorough
def test_a_mutant_survives_exactly_the_tests_that_do_not_look_at_it() -> None:
    done = subprocess.run(
        [sys.executable, "-c", dedent(LOOK)], cwd=ROOT, capture_output=True, text=True
    )
    left = [line for line in done.stdout.splitlines() if line.startswith("LEFT")]
    assert left == ["LEFT, unchanged", "LEFT, step() -> pass, unchanged"], done.stderr
