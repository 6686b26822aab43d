"""Chapter 6: does all of a long list arrive, and who waits while its reader doesn't read?

A asks for more than any send buffer holds, and does not read: the program stands before a socket
without room for as long as the grader likes.
"""

import time
from collections.abc import Mapping
from typing import Final

from ..client import LIMIT, Client, Silence, says
from ..diagnosis import Diagnosis, Figure
from ..exam import Exam
from ..listing import (
    ask_for_a_long_list,
    ask_for_a_short_list,
    expect_no_end_yet,
    listing,
    read_until_answered,
)
from ..transcript import shown

__all__ = ["examine"]

_IS_MADE_WITHIN: Final = 5 * LIMIT
"""Seconds: a million lines take a slow language a while."""
_IS_SENT_WITHIN: Final = 60.0
"""Seconds, for who sends it in very small pieces."""


def examine(exam: Exam) -> Mapping[str, Figure]:
    reader, other = exam.client("A"), exam.client("B")
    other.ask_to_watch(exam.some_port())
    other.ask_error(exam.wrong_word())
    ask_for_a_short_list(other)
    idle = exam.idle_share()
    count = ask_for_a_long_list(exam, reader)
    if exam.is_busy(idle):
        raise _why_never_idle(exam, other, reader, idle)
    _expect_not_to_wait(exam, other, reader)
    reader.wait_until_stuck()
    expect_no_end_yet(reader, count)
    stuck = exam.idle_share()
    whole = listing(count)
    came = _read_all(exam, reader, 2 * len(whole))
    rested = exam.idle_share()
    if exam.is_busy(stuck):
        raise _why_busy(exam, stuck, idle, rested)
    if came != whole:
        raise _why_not_whole(exam, reader, f"LISTA {count}", came, whole)
    if exam.is_busy(rested):
        raise Diagnosis("E06-ALWAYS-WATCHING-WRITE", share=round(rested, 2))
    reader.ask_to_watch(exam.some_port())
    return {"size": len(whole), "share": round(max(idle, stuck, rested), 2)}


# -- while A does not read ---------------------------------------------------------------------


def _expect_not_to_wait(exam: Exam, other: Client, reader: Client) -> None:
    other.send(b"INTERRUMPIR\n")
    _wait_while_it_works(exam, other)
    answer = other.hear(0)
    if answer is Silence.NOTHING:
        taken = read_until_answered(exam, reader, other)
        if says(other.hear(0), "OK"):
            raise Diagnosis("E06-BLOCKED-BY-A-READER", seconds=LIMIT, taken=taken)
    other.expect(answer, "INTERRUMPIR", "OK")


def _wait_while_it_works(exam: Exam, other: Client) -> None:
    """Who still makes the list is slow. Who does nothing and does not answer waits for A."""
    deadline = time.monotonic() + _IS_MADE_WITHIN
    while not other.is_answered(LIMIT) and time.monotonic() < deadline:
        if not exam.is_busy(exam.program.idle_share()):
            break


def _why_never_idle(exam: Exam, other: Client, reader: Client, idle: float) -> Diagnosis:
    """The intervention: the only client has no room. Does who watches for room sleep now?"""
    other.hang_up()
    reader.wait_until_stuck()
    if exam.is_busy(exam.idle_share()):
        return Diagnosis("E04-BUSY-POLL", share=round(idle, 2))
    return Diagnosis("E06-ALWAYS-WATCHING-WRITE", share=round(idle, 2))


def _why_busy(exam: Exam, stuck: float, idle: float, rested: float) -> Diagnosis:
    """The intervention was that A has read everything."""
    if exam.is_busy(rested):
        return Diagnosis("E04-BUSY-POLL", share=round(stuck, 2))
    figures = {"share": stuck, "before": idle, "after": rested}
    return Diagnosis("E06-WRITE-SPIN", **{name: round(x, 2) for name, x in figures.items()})


# -- what came ---------------------------------------------------------------------------------


def _read_all(exam: Exam, reader: Client, most: int) -> bytes:
    """A list to its OK, or as much of it as comes; the ends of lines may be those of Windows."""
    came, deadline = bytearray(), time.monotonic() + _IS_SENT_WITHIN
    while len(came) < most and time.monotonic() < deadline:
        came += (data := reader.read())
        if not data or came.endswith((b"\nOK\n", b"\nOK\r\n")):
            break
    exam.transcript.did("reads", who=reader.name, count=len(came))
    return bytes(came).replace(b"\r\n", b"\n")


def _why_not_whole(
    exam: Exam, reader: Client, command: str, came: bytes, whole: bytes
) -> Diagnosis:
    if len(came) >= len(whole):
        at = next((at for at, byte in enumerate(whole) if byte != came[at]), len(whole))
        return reader.complaint(came[at : at + 20], command, shown(whole[at : at + 20]))
    rest = whole[len(came) :].split(b"\n")[0]
    # The intervention: one who keeps the rest, and one who has lost it, say different things now.
    answer = reader.ask(b"CONECTAR %d" % exam.some_port(), shown_as="CONECTAR <port>")
    if isinstance(answer, Silence):
        return reader.complaint(answer, command, shown(rest))
    id = "E06-NEVER-WATCHES-WRITE" if answer == rest else "E06-SHORT-SEND"
    return Diagnosis(id, size=len(whole), came=len(came), lost=len(whole) - len(came))
