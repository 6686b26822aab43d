"""Chapter 7: does one client's pause, or one client's mistake, cost the others anything?

DORMIR ms is answered OK that much later. What is looked at is the order of answers. A machine may
be so busy that an order comes about by chance: who is to be accused of it is asked twice.
"""

import time
from collections.abc import Mapping
from itertools import cycle
from typing import Final

from ..client import LIMIT, Client, Silence, says
from ..diagnosis import Diagnosis, Figure
from ..exam import Exam
from ..transcript import shown

__all__ = ["examine"]

_MISTAKES: Final = (b"DORMIR", b"DORMIR pronto", b"DORMIR ya mismo")
_SHORT: Final = 200
"""Milliseconds: less than any other pause that lasts at the same time."""
_LONG_ENOUGH: Final = 500
"""Milliseconds: to leave meanwhile, also where a machine is busy."""
_TRIES: Final = 2
_EARLY: Final = 0.95
"""Of a pause: clocks are coarse, and some count in whole milliseconds."""


def examine(exam: Exam) -> Mapping[str, Figure]:
    sleeper, other, third = exam.client("A"), _Other(exam.client("B")), exam.client("C")
    sleeper.ask_to_watch(exam.some_port())
    other.client.ask_to_watch(exam.some_port())
    other.client.ask_error(exam.wrong_word())
    _Pause(sleeper, _SHORT).hear_end(other)  # the control: nobody else wants anything
    waited, pause = _ask_beside_a_pause(exam, sleeper, other, third)
    _ask_for_more_meanwhile(exam, sleeper)
    _make_mistakes(exam, other)
    _leave_meanwhile(exam, sleeper, other)
    return {"pause": pause, "waited": waited}


class _Other:
    """B, who has slept never and done nothing wrong, and wants to be answered."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self._commands = cycle((b"INTERRUMPIR", b"CONTINUAR"))

    def ask(self) -> bytes:
        """Send the next command, and return it."""
        command = next(self._commands)
        self.client.send(command + b"\n")
        return command

    def ask_ok(self) -> None:
        self.client.ask_ok(next(self._commands))

    def is_deaf(self) -> bool:
        """Whether the next command is followed by nothing, or by the end."""
        return isinstance(self.client.ask(next(self._commands)), Silence)


class _Pause:
    """A DORMIR that was sent, and whose answer is due `length` milliseconds later at least."""

    def __init__(self, client: Client, length: int) -> None:
        self.client, self.length = client, length
        self._began = time.monotonic()
        client.send(b"DORMIR %d\n" % length)

    @property
    def elapsed(self) -> float:
        """Milliseconds since it was asked for."""
        return (time.monotonic() - self._began) * 1000

    def has_ended(self, within: float = 0.0) -> bool:
        """Whether it is answered. Raises Diagnosis if that is before its time."""
        is_answered = self.client.is_answered(within)
        took = self.elapsed
        if is_answered and took < self.length * _EARLY:
            self._hear_ok()
            raise self._at("E07-TIMER-TOO-EARLY", took)
        return is_answered

    def hear_end(self, other: _Other) -> None:
        """Hear the OK. Raises Diagnosis if it comes early, or not before `other` speaks."""
        if not self.has_ended(max(0.0, self.length - self.elapsed) / 1000 + LIMIT):
            self.client.hear(0)
            other.ask_ok()
            self._hear_ok()
            raise self.late(other.client)
        self._hear_ok()

    def late(self, other: Client) -> Diagnosis:
        """Answered only now, when `other` was."""
        return self._at("E07-TIMER-TOO-LATE", self.elapsed, other=other.name)

    def _at(self, id: str, took: float, **figures: Figure) -> Diagnosis:
        return Diagnosis(id, who=self.client.name, pause=self.length, took=round(took), **figures)

    def _hear_ok(self) -> None:
        self.client.expect(self.client.hear(), f"DORMIR {self.length}", "OK")


def _ask_beside_a_pause(
    exam: Exam, sleeper: Client, other: _Other, third: Client
) -> tuple[float, int]:
    """How long B waited, and how long A's pause was, both in milliseconds."""
    accusations: list[Diagnosis] = []
    while len(accusations) < _TRIES:
        length = 100 * exam.chance.randrange(13, 18)
        found = _beside(exam, _Pause(sleeper, length), other, third)
        if not isinstance(found, Diagnosis):
            return found, length
        accusations.append(found)
    raise accusations[-1]


def _beside(exam: Exam, long: _Pause, other: _Other, third: Client) -> float | Diagnosis:
    """B's and C's questions during A's pause: are they answered before A is?

    Returns how many milliseconds B waited, or what seems to be wrong when all is answered.
    """
    long.client.wait_until_read()
    asked = long.elapsed
    command = other.ask()
    other.client.is_answered(long.length / 1000 + LIMIT)
    waited = round(long.elapsed - asked, 1)
    if long.has_ended():
        long.hear_end(other)
        other.client.expect(other.client.hear(), shown(command), "OK")
        return Diagnosis(
            "E07-SLEEP-IN-CALLBACK",
            who=other.client.name,
            command=shown(command),
            waited=waited,
            sleeper=long.client.name,
            pause=long.length,
        )
    other.client.expect(other.client.hear(), shown(command), "OK")
    short = _Pause(third, _SHORT)
    short.has_ended(long.length / 1000 + LIMIT)
    late = short.late(long.client) if long.has_ended() else None
    short.hear_end(other)
    # One look, for A's pause has to outlast it.
    share = 0.0 if late else exam.idle_share(looks=1)
    if exam.is_busy(share):
        raise Diagnosis("E04-BUSY-POLL", share=round(share, 2))
    long.hear_end(other)
    return late or waited


def _ask_for_more_meanwhile(exam: Exam, sleeper: Client) -> None:
    """Two lines of one client are answered in their order, also if the first takes longer."""
    word = exam.wrong_word()
    sleeper.send(b"DORMIR %d\n%s\n" % (_SHORT, word))
    first, second = sleeper.hear(), sleeper.hear()
    if isinstance(first, bytes) and says(first, "ERROR") and says(second, "OK"):
        figures = {"who": sleeper.name, "word": shown(word), "first": shown(first)}
        raise Diagnosis("E07-OUT-OF-ORDER", pause=_SHORT, second="OK", **figures)
    said = f"DORMIR {_SHORT}↵{shown(word)}"
    sleeper.expect(first, said, "OK")
    sleeper.expect(second, said, "ERROR")


def _make_mistakes(exam: Exam, other: _Other) -> None:
    for command in exam.chance.sample(_MISTAKES, len(_MISTAKES)):
        client = exam.client("D")
        answer = client.ask(command)
        if other.is_deaf():
            raise _all_are_deaf(exam, client, command)
        if answer is not Silence.END:
            client.expect(answer, shown(command), "ERROR")
        client.hang_up()


def _leave_meanwhile(exam: Exam, sleeper: Client, other: _Other) -> None:
    """Two who do not wait for their answers: when their time has come, nobody is there.

    A asks after them, for longer: once A is answered, their time has come for certain.
    """
    polite, rude = exam.client("E"), exam.client("F")
    for client in (polite, rude):
        _Pause(client, _LONG_ENOUGH)
        client.wait_until_read()
    polite.hang_up()
    rude.reset()
    pause = _Pause(sleeper, _LONG_ENOUGH + _SHORT)
    sleeper.is_answered(pause.length / 1000 + LIMIT)
    if other.is_deaf():
        raise _all_are_deaf(exam, polite, b"DORMIR %d" % _LONG_ENOUGH)
    pause.hear_end(other)


def _all_are_deaf(exam: Exam, client: Client, command: bytes) -> Diagnosis:
    exam.program.is_alive()  # or about to die: then its last line is still to come
    figures = {"who": client.name, "command": shown(command)}
    return Diagnosis("E07-ONE-HANDLER-KILLS-ALL", last_line=exam.program.last_line, **figures)
