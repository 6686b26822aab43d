"""The sampler makes what it says it makes, and what it lists as known is there."""

import ast

import pytest

from .__main__ import named_after
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


def test_each_mutant_that_is_known_as_equal_is_one() -> None:
    assert known_as_equal().keys() <= {mutant.place for mutant in all_mutants()}


def test_each_room_has_tests_that_are_tried_first() -> None:
    assert [
        room for room in {mutant.room for mutant in all_mutants()} if not named_after(room)
    ] == []
