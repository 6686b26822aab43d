"""Chapter 5: does the program sleep while nobody speaks, also after clients have left?"""

from collections.abc import Mapping
from typing import Final

from ..client import LIMIT
from ..diagnosis import Diagnosis, Figure
from ..exam import Exam

__all__ = ["examine"]

_CROWD: Final = 100
_IS_SERVED_WITHIN: Final = 5 * LIMIT
"""Seconds: a crowd takes a while where each gets a process of his own."""
_SAID_AND_NOT_FINISHED: Final = b"CONECTAR 50"
_SAID_AND_NOT_WAITED_FOR: Final = b"CONECTAR 50000\nINTERRUMPIR\n"


def examine(exam: Exam) -> Mapping[str, Figure]:
    first = exam.client("A")
    first.ask_to_watch(exam.some_port())
    before = exam.idle_share()
    if exam.is_busy(before):
        raise Diagnosis("E04-BUSY-POLL", share=round(before, 2))
    first.hang_up()
    _expect_sleep(exam, exam.idle_share(), before)
    # The control: whoever dies of these would die of the others, too, and not of their resets.
    with exam.transcript.summed_up("polite_crowd", count=_CROWD):
        for _ in range(_CROWD):
            _come_and_go(exam)
    _expect_to_survive_resets(exam)
    share = exam.idle_share()
    _expect_sleep(exam, share, before)
    return {"share": round(share, 2), "count": 2 * _CROWD}


def _expect_sleep(exam: Exam, share: float, before: float) -> None:
    if exam.is_busy(share):
        raise Diagnosis("E05-EOF-SPIN", share=round(share, 2), before=round(before, 2))


def _come_and_go(exam: Exam) -> None:
    """One who waits for all that it asked for, and hangs up."""
    client = exam.client("C")
    match exam.chance.randrange(3):
        case 1:
            client.send(_SAID_AND_NOT_FINISHED)
        case 2:
            client.ask_to_watch(exam.some_port())
    client.hang_up()


def _expect_to_survive_resets(exam: Exam) -> None:
    came = 0
    try:
        with exam.transcript.summed_up("rude_crowd", count=_CROWD):
            while came < _CROWD:
                _come_and_break_off(exam)
                came += 1
            _wait_for_an_answer(exam)
        last = exam.client("B")
        last.ask_to_watch(exam.some_port())
        last.ask_error(exam.wrong_word())
        last.hang_up()
    except Diagnosis as diagnosis:
        if diagnosis.id != "E00-DIED":
            raise
        figures = diagnosis.figures | {"clients": came}
        raise Diagnosis("E05-DIES-OF-A-RESET", **figures) from None


def _wait_for_an_answer(exam: Exam) -> None:
    """Whoever is answered stood behind all that came before, which may still have been waiting."""
    client = exam.client("C")
    client.send(b"CONECTAR %d\n" % exam.some_port(), shown_as="CONECTAR <port>↵")
    client.is_answered(_IS_SERVED_WITHIN)
    client.expect(client.hear(), "CONECTAR <port>", "OK")
    client.hang_up()


def _come_and_break_off(exam: Exam) -> None:
    client = exam.client("C")
    said = exam.chance.choice([b"", _SAID_AND_NOT_FINISHED, _SAID_AND_NOT_WAITED_FOR])
    if said:
        client.send(said)
    client.reset()
