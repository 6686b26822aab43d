"""Chapter 1: is a client answered while others are connected and silent?"""

from collections.abc import Mapping, Sequence
from typing import Final

from ..client import Client, Silence
from ..diagnosis import Diagnosis, Figure
from ..exam import Exam
from ..transcript import shown

__all__ = ["ask_beside", "examine", "say_beside"]

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
    ask_beside(exam, [*silent, second], exam.client("C"))
    second.ask_error(exam.wrong_word())
    # Whose turn it is has to be nobody's business: also the first is answered, after the others.
    silent[0].ask_to_watch(exam.some_port())
    return {"silent": len(silent)}


def ask_beside(exam: Exam, silent: Sequence[Client], client: Client) -> None:
    """CONECTAR, while all of `silent` say nothing. Raises Diagnosis as `say_beside` does."""
    command = b"CONECTAR %d" % exam.some_port()
    say_beside(exam, silent, client, command, shown_as="CONECTAR <port>")


def say_beside(
    exam: Exam,
    silent: Sequence[Client],
    client: Client,
    command: bytes,
    *,
    shown_as: str = "",
    expected: str = "OK",
) -> None:
    """Have a client say what is answered OK, or ERROR, while all of `silent` say nothing.

    Raises Diagnosis: that of this chapter if he is answered as soon as they have hung up.
    """
    answer, said = client.ask(command, shown_as=shown_as), shown_as or shown(command)
    if answer is Silence.NOTHING:
        _hang_up(exam, silent)
        answer = client.hear()
        if isinstance(answer, bytes):
            client.hang_up()
            _expect_to_be_answered_alone(exam.client(chr(ord(client.name) + 1)), exam)
            figures = {"who": client.name, "command": said, "expected": expected}
            raise Diagnosis("E01-ONE-AT-A-TIME", silent=len(silent), **figures)
    client.expect(answer, said, expected)


def _expect_to_be_answered_alone(client: Client, exam: Exam) -> None:
    """The control: a program that is late also where nobody else is there waits for nobody.

    Raises Diagnosis if so.
    """
    word = exam.wrong_word()
    answer = client.ask(word)
    if isinstance(answer, Silence):
        raise client.complaint(answer, shown(word), "ERROR")


def _hang_up(exam: Exam, silent: Sequence[Client]) -> None:
    crowd = [each for each in silent if not each.name]
    for each in silent:
        if each.name:
            each.hang_up()
    if crowd:
        with exam.transcript.summed_up("crowd_leaves", count=len(crowd)):
            for each in crowd:
                each.hang_up()
