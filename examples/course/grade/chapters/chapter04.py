"""Chapter 4: does a program sleep while all are silent, and is silence no good-bye to it?"""

import time
from collections.abc import Mapping
from statistics import median
from typing import Final

from ..client import Client, Silence
from ..diagnosis import Diagnosis, Figure
from ..exam import Exam
from .chapter01 import ask_beside

__all__ = ["examine"]

_QUESTIONS: Final = 20


def examine(exam: Exam) -> Mapping[str, Figure]:
    first, second = exam.client("A"), exam.client("B")
    _be_silent(exam, first, second)
    first.ask_to_watch(exam.some_port())
    # Again, now that one of them has been answered.
    share = _be_silent(exam, first, second)
    ask_beside(exam, [first], second)
    second.ask_error(exam.wrong_word())
    second.hang_up()  # whose socket, closed and still in a list, is one that select() won't take
    with exam.transcript.summed_up("questions", who=first.name, count=_QUESTIONS):
        waits = [_ask(first, number) for number in range(_QUESTIONS)]
    return {"share": round(share, 2), "wait": round(1000 * median(waits), 2)}


def _be_silent(exam: Exam, *clients: Client) -> float:
    """For a second, at most. Returns the share of a core that was used meanwhile."""
    share = exam.idle_share()
    if exam.is_busy(share):
        raise Diagnosis("E04-BUSY-POLL", share=round(share, 2))
    for client in clients:
        if client.is_answered():
            raise _spoken_to(client, exam)
    return share


def _spoken_to(client: Client, exam: Exam) -> Diagnosis:
    """What to raise when something came to a client who had said nothing."""
    answer = client.hear()
    if answer is Silence.END and exam.program.is_alive():
        return Diagnosis("E04-EAGAIN-IS-NOT-CLOSE", who=client.name)
    return client.complaint(answer, "…", "…")


def _ask(client: Client, number: int) -> float:
    """Seconds until the answer was there."""
    began = time.monotonic()
    client.ask_ok(b"CONTINUAR" if number % 2 else b"INTERRUMPIR")
    return time.monotonic() - began
