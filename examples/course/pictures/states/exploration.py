"""Finds out the states of a program, in any language, from outside: each word in each state."""

import runpy
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from ...grade.client import Client, Silence
from ...grade.exam import Exam
from ...grade.program import Program
from ...grade.screen import Screen
from ...grade.transcript import Transcript
from ...grade.witness import MOMENT, Witness, has_seen
from .moves import Move

__all__ = ["TABLE", "Table", "explore"]

Table = Mapping[tuple[str, str], tuple[str, str]]
"""(state, word) -> (next state, answer)"""

_FIXED: Final = Path(__file__).parents[2] / "09" / "fixed.py"
TABLE: Final[Table] = runpy.run_path(str(_FIXED))["TABLE"]
"""Chapter 9's: what should be. Its first state is where a client begins."""
_PATHS: Final = {"new": (), "active": ("CONECTAR",), "paused": ("CONECTAR", "INTERRUMPIR")}
"""How to get into a state."""


def explore(command: Sequence[str], table: Table = TABLE) -> list[Move]:
    """One conversation for each row of the table. Raises Diagnosis if the program does not even
    answer.
    """
    with Exam(Program(command), Transcript(), seed=0) as exam:
        witness = Witness(exam, "B")
        return list(_moves(exam, witness, table))


def _moves(exam: Exam, witness: Witness, table: Table) -> Iterator[Move]:
    for (state, word), (due, due_answer) in table.items():
        client, screen = exam.client("A"), exam.screen()
        for step in _PATHS[state]:
            _say(client, screen, step)
        following = answer = ""
        if has_seen(screen, witness.film()) == (state == "active"):
            answer = _say(client, screen, word)
            following = _where(client, screen, witness)
        yield Move(state, word, following, answer, due, due_answer)
        client.hang_up()


def _say(client: Client, screen: Screen, word: str) -> str:
    argument = b" %d" % screen.port if word == "CONECTAR" else b""
    answer = client.ask(word.encode() + argument)
    return "" if isinstance(answer, Silence) else " ".join(answer.decode().split()[:2])


def _where(client: Client, screen: Screen, witness: Witness) -> str:
    """The state in which it is now, as far as can be seen: by its end, by the video, and in the
    last place by the one word that only a newcomer may say.
    """
    if client.hear(MOMENT) is Silence.END:
        return "closed"
    if has_seen(screen, witness.film()):
        return "active"
    return "new" if _say(client, screen, "CONECTAR") == "OK" else "paused"
