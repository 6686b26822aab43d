"""A program's states are found out from outside, and drawn beside what they should be."""

import sys
from itertools import permutations
from xml.etree import ElementTree

import pytest

from examples.course.pictures.states.drawing import draw
from examples.course.pictures.states.exploration import TABLE, explore
from examples.course.pictures.states.moves import Move
from tests.doubles.program import ROOT

RIGHT = [Move(*row, *became, *became) for row, became in TABLE.items()]


def program(name: str) -> list[str]:
    return [sys.executable, str(ROOT / "examples" / "course" / "09" / name)]


def with_answer(word: str, following: str, answer: str) -> list[Move]:
    """What an active client should not get for `word`, and does."""
    return [
        Move(move.state, word, following, answer, move.due, move.due_answer)
        if (move.state, move.word) == ("active", word)
        else move
        for move in RIGHT
    ]


@pytest.mark.thorough
def test_the_fixed_program_does_what_stands_in_its_table() -> None:
    assert explore(program("fixed.py")) == RIGHT


@pytest.mark.thorough
def test_a_state_that_a_program_never_gets_into_is_told_apart_from_one_with_wrong_answers() -> None:
    moves = {(move.state, move.word): move for move in explore(program("broken_fed.py"))}
    interrupted = moves["active", "INTERRUMPIR"]
    assert (interrupted.following, interrupted.answer) == ("active", "OK")
    assert {move.following for move in moves.values() if move.state == "paused"} == {""}
    assert all(move.is_right for move in moves.values() if move.state == "new")


def test_what_is_right_is_not_drawn_as_wrong() -> None:
    assert 'wrong"' not in _without_style(draw(RIGHT, "en", "", {}))


@pytest.mark.parametrize(
    ("following", "answer", "shown"),
    [("active", "ERROR YA_CONECTADO", "DESCONECTAR: YA_CONECTADO"), ("new", "OK", "DESCONECTAR")],
)
def test_what_is_wrong_is_drawn_beside_what_is_due(following: str, answer: str, shown: str) -> None:
    picture = ElementTree.fromstring(
        draw(with_answer("DESCONECTAR", following, answer), "en", "", {})
    )
    words = {element.get("class", ""): element.text for element in picture.iter() if element.text}
    assert words["word mid wrong"] == shown
    assert "DESCONECTAR" in {words.get("word due"), words.get("word due far")}


def test_five_states_fit_beside_each_other() -> None:
    moves = [Move(one, "GO", other, "OK", other, "OK") for one, other in permutations("ABCDE", 2)]
    assert 'width="720"' in draw(moves, "es", "Todos", {"A": "el primero"})


def _without_style(svg: str) -> str:
    return svg[: svg.index("<style>")] + svg[svg.index("</style>") :]
