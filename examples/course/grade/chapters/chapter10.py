"""Chapter 10: does a viewer who has gone cost nothing more, also if he went without a word?"""

import time
from collections.abc import Callable, Mapping
from typing import Final

from ..client import LIMIT, Client
from ..diagnosis import Diagnosis, Figure
from ..exam import Exam
from ..witness import Witness, has_seen

__all__ = ["examine"]

_PICTURE: Final = 0.05
"""Seconds from one picture to the next."""
_AFTER_GOODBYE: Final = 10
"""Pictures: half a lease, so that it is not the lease that ends them."""
_WITHOUT_A_WORD: Final = 3.0
"""Seconds: three leases. Not pictures: on a busy machine, these take longer than a close does."""
_CROWD: Final = 300
_FEW: Final = 10
"""Descriptors that a program may open for itself while a crowd comes and goes."""


def examine(exam: Exam) -> Mapping[str, Figure]:
    one, another = exam.chance.sample((Client.hang_up, Client.reset), 2)
    first = _Viewer(exam, "A")
    witness = Witness(exam, "B")
    _stay(witness)
    witness.client.ask_error(exam.wrong_word())
    first.leave(witness, one)
    _Viewer(exam, "C").leave(witness, another)
    seconds = _fall_silent(exam, witness)
    _come_and_go(exam, witness)
    return {"lasted": seconds, "count": _CROWD}


def _stay(witness: Witness) -> None:
    witness.client.ask_ok(b"VIVO")


class _Viewer:
    """One whose lease has begun, and who is going to leave."""

    def __init__(self, exam: Exam, name: str) -> None:
        self.client, self.screen = exam.viewer(name)
        self._exam = exam
        self._name = name

    def watch(self, witness: Witness) -> None:
        """The control: the video comes. Raises Diagnosis if not."""
        if not witness.shares_with(self.screen, rightly=True):
            raise Diagnosis("E00-NO-VIDEO", who=self._name)
        self._exam.transcript.saw("both_watch", who=self._name)

    def leave(self, witness: Witness, way: Callable[[Client], None]) -> None:
        """Raises Diagnosis if pictures come to more than the witness."""
        self.watch(witness)
        way(self.client)
        began = time.monotonic()
        with self._exam.transcript.summed_up("films_on", who=self._name):
            for _ in range(_AFTER_GOODBYE):
                _stay(witness)
                if not has_seen(self.screen, witness.film()):
                    return
                time.sleep(_PICTURE)
        figures = {"datagrams": _AFTER_GOODBYE, "lasted": round(time.monotonic() - began, 1)}
        raise Diagnosis("E10-FED-AFTER-GOODBYE", who=self._name, **figures)


def _fall_silent(exam: Exam, witness: Witness) -> float:
    """How many seconds D was fed, from before its last word, while B says VIVO."""
    began = last = time.monotonic()
    mute = _Viewer(exam, "D")
    mute.watch(witness)
    with exam.transcript.summed_up("falls_silent"):
        datagrams = 0
        while last - began < _WITHOUT_A_WORD:
            if not has_seen(mute.screen, _film_for_who_stays(exam, witness)):
                return round(last - began, 1)
            last = time.monotonic()
            datagrams += 1
            time.sleep(_PICTURE)
    seconds = round(last - began, 1)
    raise Diagnosis("E10-FED-FOR-EVER", datagrams=datagrams, lasted=seconds)


def _film_for_who_stays(exam: Exam, witness: Witness) -> bytes:
    """A picture that B sees, since it has said VIVO. If not: does one who has come now see it?"""
    try:
        _stay(witness)
        return witness.film()
    except Diagnosis as diagnosis:
        if diagnosis.id not in ("E00-HANGS-UP", "E00-NO-VIDEO"):
            raise
    Witness(exam, "E").film()
    raise Diagnosis("E10-NOT-RENEWED")


def _come_and_go(exam: Exam, witness: Witness) -> None:
    port, before = exam.some_port(), exam.program.descriptors()
    if before is None:
        exam.transcript.saw("descriptors_unseen")
    with exam.transcript.summed_up("crowd", count=_CROWD):
        for _ in range(_CROWD):
            _visit(exam, port)
            _stay(witness)
        left = 0 if before is None else _left_open(exam, witness, before)
    if left > _FEW:
        raise Diagnosis("E10-FD-LEAK", count=_CROWD, left=left)


def _visit(exam: Exam, port: int) -> None:
    client = exam.client("E")
    if exam.chance.random() < 0.5:
        client.ask(b"CONECTAR %d" % port)
    exam.chance.choice((Client.hang_up, Client.reset))(client)


def _left_open(exam: Exam, witness: Witness, before: int) -> int:
    """How many descriptors more than before, when the last visitor has had time to be gone."""
    deadline = time.monotonic() + LIMIT
    while True:
        left = (exam.program.descriptors() or 0) - before
        if left <= _FEW or time.monotonic() > deadline:
            return left
        _stay(witness)
        time.sleep(_PICTURE)
