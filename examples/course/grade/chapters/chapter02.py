"""Chapter 2: is a client answered while another one does not read what it asked for?

S asks for more than any send buffer holds, and does not read. Whoever sends it to him waits, for
as long as the grader likes; nobody else has to.
"""

from collections.abc import Mapping
from typing import Final

from ..client import LIMIT, Client, Silence, says
from ..diagnosis import Diagnosis, Figure
from ..exam import Exam
from ..listing import (
    ask_for_a_long_list,
    ask_for_a_short_list,
    expect_no_end_yet,
    read_until_answered,
)
from .chapter01 import ask_beside, say_beside

__all__ = ["examine"]

_NO: Final = "ERROR"
"""To who asks for a port that another client has: that is what the table is for."""
_BUFFER: Final = 65_536


def examine(exam: Exam) -> Mapping[str, Figure]:
    slow, other = exam.client("S", receive_buffer=_BUFFER), exam.client("B")
    # Whoever waits for one of them with the lock in his hand may do so for either, and give it
    # to the other after each command: one of these three is not answered.
    command = b"CONECTAR %d" % exam.some_port()
    say_beside(exam, [other], slow, command, shown_as="CONECTAR <port>")
    ask_beside(exam, [slow], other)
    third = exam.client("C")
    say_beside(exam, [slow, other], third, command, shown_as="CONECTAR <S.port>", expected=_NO)
    left = b"CONECTAR %d" % exam.some_port()
    say_beside(exam, [slow, other], third, left, shown_as="CONECTAR <port>")
    third.hang_up()
    other.ask_error(exam.wrong_word())
    ask_for_a_short_list(other, exam.chance.randint(2, 4))
    lines = ask_for_a_long_list(exam, slow)
    exam.transcript.did("does_not_read", who=slow.name)
    slow.wait_until_stuck()
    expect_no_end_yet(slow, lines)
    _expect_not_to_wait(exam, slow, other, b"INTERRUMPIR")
    # By now whoever gives back the ports of those who leave has long done so.
    newcomer = exam.client("D")
    _expect_not_to_wait(exam, slow, newcomer, left, shown_as="CONECTAR <C.port>")
    return {"lines": lines}


def _expect_not_to_wait(
    exam: Exam, slow: Client, other: Client, command: bytes, shown_as: str = ""
) -> None:
    answer, said = other.ask(command, shown_as=shown_as), shown_as or command.decode()
    if answer is Silence.NOTHING:
        taken = read_until_answered(exam, slow, other)
        answer = other.hear(0)
        if says(answer, "OK"):
            figures: dict[str, Figure] = {"who": other.name, "command": said, "taken": taken}
            raise Diagnosis("E02-LOCK-ACROSS-SEND", seconds=LIMIT, **figures)
    other.expect(answer, said, "OK")
