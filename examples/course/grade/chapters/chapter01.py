"""Chapter 1: is a client answered while others are connected and silent?"""

from collections.abc import Mapping, Sequence
from typing import Final

from ..client import Client, Silence
from ..diagnosis import Diagnosis, Figure
from ..exam import Exam

__all__ = ["ask_beside", "examine"]

_FEWEST: Final = 20
_MOST: Final = 30
"""As many as a class has, and more than most ready-made pools of threads."""


def examine(exam: Exam) -> Mapping[str, Figure]:
    silent = [exam.client("A")]
    second = exam.client("B")
    ask_beside(exam, silent, second)
    count = exam.chance.randint(_FEWEST, _MOST)
    with exam.transcript.summed_up("crowd_comes", count=count):
        silent += [exam.client("") for _ in range(count)]
    ask_beside(exam, silent, exam.client("C"))
    second.ask_error(exam.wrong_word())
    # Whose turn it is has to be nobody's business: also the first is answered, after the others.
    silent[0].ask_to_watch(exam.some_port())
    return {"silent": len(silent)}


def ask_beside(exam: Exam, silent: Sequence[Client], client: Client) -> None:
    """Have a client say CONECTAR while all of `silent` say nothing.

    Raises Diagnosis: that of this chapter if he is answered as soon as they have hung up.
    """
    answer = client.ask(b"CONECTAR %d" % exam.some_port(), shown_as="CONECTAR <port>")
    if answer is Silence.NOTHING:
        _hang_up(exam, silent)
        answer = client.hear()
        if isinstance(answer, bytes):
            raise Diagnosis("E01-ONE-AT-A-TIME", who=client.name, silent=len(silent))
    if isinstance(answer, Silence) or not answer.startswith(b"OK"):
        raise client.complaint(answer, "CONECTAR <port>", "OK")


def _hang_up(exam: Exam, silent: Sequence[Client]) -> None:
    first, *others = silent
    first.hang_up()
    if others:
        with exam.transcript.summed_up("crowd_leaves", count=len(others)):
            for each in others:
                each.hang_up()
