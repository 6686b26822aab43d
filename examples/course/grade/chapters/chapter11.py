"""Chapter 11: does a viewer whose VLC is not running cost anybody else a datagram?

A came before B and C behind, so that B is served behind one of them in whichever order.
"""

from collections.abc import Mapping
from typing import Final

from ..client import LIMIT
from ..diagnosis import Diagnosis, Figure
from ..exam import Exam

__all__ = ["examine"]

_COUNT: Final = 40
_PACE: Final = 0.05
"""Seconds that a datagram has before the next is sent; it may come later, too."""
_TRIES: Final = 20


def examine(exam: Exam) -> Mapping[str, Figure]:
    audience = _Audience(exam)
    if missing := audience.who_misses_all():
        raise Diagnosis("E00-NO-VIDEO", who=missing[0])
    audience.end_vlc_of("A", "C")
    filmed = {audience.film_for("B") for _ in range(_COUNT)}
    exam.transcript.did("films_many", count=_COUNT)
    audience.start_vlc_of("A", "C")
    missing = audience.who_misses_all()
    came = len(filmed & audience.seen["B"])
    exam.transcript.saw("watches_of", who="B", came=came, count=_COUNT)
    if came < _COUNT:
        last_line = exam.program.last_line
        raise Diagnosis("E11-ONE-VIEWER-KILLS-ALL", came=came, count=_COUNT, last_line=last_line)
    if missing:
        raise Diagnosis("E11-GIVEN-UP", who=missing[0])
    audience.leave()
    return {"count": _COUNT}


class _Audience:
    """A, B and C with their screens, and the camera: each of its datagrams is another number."""

    def __init__(self, exam: Exam) -> None:
        viewers = {who: exam.viewer(who) for who in "ABC"}
        viewers["B"][0].ask_error(exam.wrong_word())
        self._clients = [client for client, _ in viewers.values()]
        self._screens = {who: screen for who, (_, screen) in viewers.items()}
        self._camera = exam.camera()
        self._number = exam.chance.randrange(1_000, 9_000)
        self._transcript = exam.transcript
        self.seen: dict[str, set[bytes]] = {who: set() for who in viewers}

    def film_for(self, who: str) -> bytes:
        """The next datagram; who watches has a moment to see it."""
        datagram = self._film()
        self._sees(who, {datagram}, _PACE)
        return datagram

    def who_misses_all(self) -> list[str]:
        """Film until each has seen something of it, for LIMIT at most: who has not."""
        missing, filmed = list(self._screens), set[bytes]()
        for _ in range(_TRIES):
            filmed.add(self._film())
            within = LIMIT / _TRIES / len(missing)
            missing = [who for who in missing if not self._sees(who, filmed, within)]
            if not missing:
                break
        for who in self._screens:
            self._transcript.saw("misses" if who in missing else "sees", who=who)
        return missing

    def end_vlc_of(self, *names: str) -> None:
        for who in names:
            self._transcript.did("ends_vlc", who=who)
            self._screens[who].switch_off()

    def start_vlc_of(self, *names: str) -> None:
        for who in names:
            self._transcript.did("starts_vlc", who=who)
            self._screens[who].switch_on()

    def leave(self) -> None:
        """Raises Diagnosis if a good-bye is not answered OK."""
        for client in self._clients:
            client.ask_ok(b"DESCONECTAR")

    def _film(self) -> bytes:
        self._number += 1
        datagram = b"%d" % self._number
        self._camera.film(datagram)
        return datagram

    def _sees(self, who: str, filmed: set[bytes], within: float) -> bool:
        """Whether one of these has come, or comes before nothing does for so many seconds."""
        seen = self.seen[who]
        while not seen & filmed and (taken := self._screens[who].take(1, within)):
            seen.update(taken)
        return bool(seen & filmed)
