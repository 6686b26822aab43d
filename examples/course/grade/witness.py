"""A viewer who always watches, and the camera: what he has seen, the program is done with."""

import time
from typing import Final

from .client import LIMIT
from .diagnosis import Diagnosis
from .exam import Exam
from .screen import Screen

__all__ = ["MOMENT", "Witness", "has_seen"]

MOMENT: Final = 0.1
"""Seconds: what the witness has seen, others have seen by then, or it never comes."""


class Witness:
    """Joins as `name`. Whether somebody else was fed is asked when the witness has been."""

    def __init__(self, exam: Exam, name: str) -> None:
        self.client, self._screen = exam.viewer(name)
        self._exam = exam
        self._camera = exam.camera()
        self._filmed = 0

    def film(self) -> bytes:
        """One more picture, which is returned: the witness has it, and what came behind it.

        So whoever serves one viewer after the other has served all of them with the picture.
        Raises Diagnosis if the witness does not get both.
        """
        self._filmed += 1
        picture = b"%06d" % self._filmed
        for datagram in (picture, picture + b" is through"):
            if not any(self._sees(datagram, within) for within in (MOMENT, LIMIT)):
                raise self._complaint()
        return picture

    def _sees(self, datagram: bytes, within: float) -> bool:
        self._camera.film(datagram)
        return has_seen(self._screen, datagram, within)

    def shares_with(self, screen: Screen, *, rightly: bool, patience: float = MOMENT) -> bool:
        """Whether what the witness sees comes to that screen, too. If that is not as it should
        be, the next picture decides: an answer may come a moment before what it promises, here
        and where the witness has joined.
        """
        for within in (MOMENT, LIMIT) if rightly else (patience, MOMENT):
            if has_seen(screen, self.film(), within) == rightly:
                return rightly
            time.sleep(MOMENT)
        return not rightly

    def _complaint(self) -> Diagnosis:
        name = self.client.name
        self._exam.transcript.saw("watches_nothing", who=name)
        if self.client.is_answered():  # the end, at most: he has asked nothing
            return self.client.complaint(self.client.hear(), "CONECTAR <port>", "OK")
        return Diagnosis("E00-NO-VIDEO", who=name)


def has_seen(screen: Screen, picture: bytes, within: float = MOMENT) -> bool:
    """Whether the picture comes, the next one at most so many seconds behind the one before."""
    while taken := screen.take(1, within):
        if taken == [picture]:
            return True
    return False
