"""Chapter 3: are the answers the same, wherever the bytes of a client are cut?"""

import socket
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final

from ..client import Answer, Client, Silence, says
from ..diagnosis import Diagnosis, Figure
from ..exam import Exam
from ..transcript import shown, shown_pieces

__all__ = ["examine"]

_CUTTINGS: Final = 32
_IS_SLOW: Final = 16
"""The number of the cutting in which there is a pause before the last piece."""
_PAUSE: Final = 0.5
"""Seconds: whoever takes a silence for the end of a line has heard one."""
_ENDLESS: Final = 4_000_000
_PIECE: Final = 65_536
_NO_COMMANDS: Final = ("¿qué?", "señal", "adiós", "ñandú", "corazón")
"""Each has a letter that UTF-8 writes as two bytes."""


def examine(exam: Exam) -> Mapping[str, Figure]:
    client = exam.client("A")
    # What is not cut has to work first, or what follows would be blamed on the cutting.
    client.ask_to_watch(exam.some_port())
    client.ask_ok(b"INTERRUMPIR")
    client.ask_ok(b"CONTINUAR")
    client.ask_error(exam.wrong_word())
    _cut_anywhere(client, exam)
    _several_at_once(client)
    _cut_inside_a_letter(client, exam)
    _without_an_end(exam)
    client.ask_ok(b"INTERRUMPIR")
    return {"cuttings": _CUTTINGS, "bytes": _ENDLESS}


def _cut_anywhere(client: Client, exam: Exam) -> None:
    """The first cutting is told in the transcript, of the others how many there are."""
    _ask_cut(client, exam, 0)
    with exam.transcript.summed_up("cuttings", who=client.name, count=_CUTTINGS - 1):
        for number in range(1, _CUTTINGS):
            _ask_cut(client, exam, number)


def _ask_cut(client: Client, exam: Exam, number: int) -> None:
    """One OK for all pieces of a command. One too many is found in place of the next answer."""
    command = b"CONTINUAR\n" if number % 2 else b"INTERRUMPIR\n"
    pieces = _cut(command, _places(command, exam))
    client.send_in_pieces(pieces, pause=_PAUSE if number == _IS_SLOW else 0)
    answer = client.hear()
    if not says(answer, "OK"):
        figures = {"pieces": shown_pieces(pieces), "came": _shown(answer)}
        answers = isinstance(answer, bytes) + _answers_left(client, exam, len(pieces))
        raise Diagnosis(
            "E03-RECV-IS-NOT-A-MESSAGE", answers=answers, right=number, of=_CUTTINGS, **figures
        )


def _answers_left(client: Client, exam: Exam, most: int) -> int:
    """How many come until the program, which is told that there is no more to hear, hangs up."""
    exam.transcript.did("says_no_more", who=client.name)
    try:
        client.sock.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # it has hung up already
    count = 0
    while count < most and isinstance(client.hear(), bytes):
        count += 1
    return count


def _places(command: bytes, exam: Exam) -> list[int]:
    """At least one is inside the word: the answer to a piece of a word is no OK."""
    inside = len(command) - 1
    first = exam.chance.randrange(1, inside)
    others = exam.chance.sample(range(1, len(command)), exam.chance.randrange(inside))
    return sorted({first, *others})


def _cut(data: bytes, places: Sequence[int]) -> list[bytes]:
    return [data[begin:end] for begin, end in pairwise([0, *places, len(data)])]


def _several_at_once(client: Client) -> None:
    """Three lines and the beginning of a fourth; its end is sent when the three are answered."""
    client.send(b"INTERRUMPIR\nCONTINUAR\nINTERRUMPIR\nCONT")
    answers = _oks(client, 3)
    client.send(b"INUAR\n")
    in_all = answers + _oks(client, 4 - answers)
    if answers < 3 or in_all < 4:
        raise Diagnosis("E03-COALESCED", answers=answers, in_all=in_all)


def _oks(client: Client, most: int) -> int:
    count = 0
    while count < most and says(client.hear(), "OK"):
        count += 1
    return count


def _cut_inside_a_letter(client: Client, exam: Exam) -> None:
    """A word that is no command, whole first: whoever dies of that dies of no cutting."""
    word = exam.chance.choice(_NO_COMMANDS)
    line = word.encode()
    client.ask_error(line)
    inside = [place for place in range(len(line)) if line[place] & 0xC0 == 0x80]
    client.send_in_pieces(_cut(line + b"\n", [exam.chance.choice(inside)]))
    answer = client.hear()
    if not says(answer, "ERROR"):
        raise Diagnosis("E03-SPLIT-UTF8", word=word, last_line=_last_line(exam))


def _last_line(exam: Exam) -> str:
    """A thread's connection ends before it has said of what it died."""
    exam.program.is_alive()
    return exam.program.last_line


def _without_an_end(exam: Exam) -> None:
    """Any answer will do, and any end: of a connection that breaks, both may be heard."""
    client = exam.client("B")
    with exam.transcript.summed_up("endless", who=client.name, bytes=_ENDLESS):
        _pour(client)
        answer = client.hear()
    if answer is Silence.NOTHING:
        raise Diagnosis("E03-NO-LIMIT", bytes=_ENDLESS)
    exam.transcript.saw("answer_or_end", who=client.name)


def _pour(client: Client) -> None:
    """As much as the program takes, until it says something."""
    try:
        for begin in range(0, _ENDLESS, _PIECE):
            if client.is_answered():
                break
            client.sock.sendall(b"x" * min(_PIECE, _ENDLESS - begin))
    except OSError:
        pass  # it hung up, or takes no more


def _shown(answer: Answer) -> str:
    """In any language."""
    return shown(answer) if isinstance(answer, bytes) else "—"
