"""Chapter 5: does the program sleep while nobody speaks, also after clients have left?"""

from collections.abc import Mapping
from typing import Final

from ..client import Client
from ..diagnosis import Diagnosis, Figure
from ..exam import Exam

__all__ = ["examine"]

_CROWD: Final = 200


def examine(exam: Exam) -> Mapping[str, Figure]:
    first = exam.client("A")
    first.ask_to_watch(exam.some_port())
    before = exam.idle_share()
    first.hang_up()
    share = exam.idle_share()
    if exam.is_busy(share) and not exam.is_busy(before):
        raise Diagnosis("E05-EOF-SPIN", share=round(share, 2), before=round(before, 2))
    with exam.transcript.summed_up("crowd", count=_CROWD):
        for number in range(_CROWD):
            _visit(exam, number)
    last = exam.client("B")
    last.ask_error(b"CONECTARSE 1")
    last.ask_to_watch(exam.some_port())
    return {"share": round(share, 2), "count": _CROWD}


def _visit(exam: Exam, number: int) -> None:
    """One who comes, says something or nothing or half of it, and leaves politely or rudely."""
    try:
        client = exam.client("C")
    except Diagnosis as diagnosis:
        raise Diagnosis("E05-DIES-OF-A-RESET", clients=number, **diagnosis.figures) from None
    _say_something(client, exam)
    if number % 2:
        client.hang_up()
    else:
        client.reset()


def _say_something(client: Client, exam: Exam) -> None:
    said = exam.chance.choice([b"", b"CONECTAR 50", b"CONECTAR 50000\nINTERRUMPIR\n"])
    if said:
        client.send(said)
