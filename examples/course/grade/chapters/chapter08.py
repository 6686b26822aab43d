"""Chapter 8: does the video come out as it went in, all of it, while commands are answered?

Behind what is filmed there always is a mark. When the mark has come out, what was filmed before it
is out as well, or lost: nobody has to guess how long to wait.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Final

from ..client import LIMIT, Client
from ..diagnosis import Diagnosis, Figure
from ..exam import Exam
from ..loopback import can_carry, room_for
from ..screen import Screen
from ..transcript import shown

__all__ = ["examine"]

_PACKET: Final = 1316
"""Bytes of most datagrams of a video: seven packets of MPEG-TS, of 188 bytes each."""
_SIZES: Final = (_PACKET, 0, 1, 9000, 65_507)
_CROWD: Final = 12
_AWAY: Final = 0.2
"""Seconds in which a stream fills a socket that asked for nothing: who looks away longer, loses."""
_LASTS: Final = 1.6
"""Seconds of a stream: whoever stalls once a second does so in the midst of it."""
_FASTEST: Final = 2_000
"""Datagrams a second that can be filmed evenly."""
_SOON: Final = 0.5
_MANY: Final = 10_000


def examine(exam: Exam) -> Mapping[str, Figure]:
    viewer, screen = exam.viewer("A")
    viewer.ask_error(exam.wrong_word())
    way = _Way(exam, viewer, screen)
    way.expect_any()
    for size in (exam.chance.randrange(100, 900), *_SIZES):  # a small one first: the control
        if can_carry(size):
            way.expect(_datagrams(exam, [size]))
    way.expect(_datagrams(exam, exam.chance.sample(range(_PACKET), _CROWD)))
    other = exam.client("B")
    other.ask_to_watch(exam.some_port())
    return _film_streams(exam, way, other)


def _datagrams(exam: Exam, sizes: Sequence[int]) -> list[bytes]:
    return [exam.chance.randbytes(size) for size in sizes]


class _Way:
    """From the camera through the program to a screen."""

    def __init__(self, exam: Exam, viewer: Client, screen: Screen) -> None:
        self._exam = exam
        self._viewer = viewer
        self._screen = screen
        self._camera = exam.camera()
        self._marks: set[bytes] = set()

    def film(self, datagram: bytes) -> None:
        self._camera.film(datagram)

    def look(self, within: float) -> list[bytes]:
        """What comes out in so many seconds, without marks."""
        return self._without_marks(self._screen.take(_MANY, within))

    def expect_any(self) -> None:
        """Raises Diagnosis if no datagram ever comes out."""
        deadline = time.monotonic() + LIMIT
        while time.monotonic() < deadline:
            self._film_mark()
            if self._screen.take(1, _SOON):
                return
        self._check_viewer_is_heard()
        raise Diagnosis("E00-NO-VIDEO", who=self._viewer.name)

    def expect(self, datagrams: Sequence[bytes]) -> None:
        """Film these at once. Raises Diagnosis unless they come out, once each, in this order."""
        transcript, sent = self._exam.transcript, _sizes(datagrams, datagrams)
        transcript.did("films_sizes", sizes=sent)
        came = self._carry(datagrams)
        transcript.saw("watches_sizes", who=self._viewer.name, sizes=_sizes(came, datagrams))
        if came == datagrams:
            return
        self._check_viewer_is_heard()
        if len(came) == len(datagrams) == 1 and datagrams[0].startswith(came[0]):
            whole, part = len(datagrams[0]), len(came[0])
            raise Diagnosis("E08-TRUNCATED", sent=whole, came=part, lost=whole - part)
        raise Diagnosis("E08-CHANGED", sent=sent, came=_sizes(came, datagrams))

    def _carry(self, datagrams: Sequence[bytes]) -> list[bytes]:
        """What comes out of these until the mark behind them does."""
        with self._exam.program.held_up():  # so that all of them wait for it
            for datagram in datagrams:
                self.film(datagram)
        mark, came = self._film_mark(), list[bytes]()
        while mark not in came or len(came) <= len(datagrams):
            more = self._screen.take(1, _SOON if mark in came else LIMIT)
            if not more:
                break
            came += more
        return self._without_marks(came)

    def take_rest(self) -> list[bytes]:
        """What was filmed and is still to come out. Marks are filmed until one does."""
        came: list[bytes] = []
        deadline = time.monotonic() + 2 * LIMIT
        while time.monotonic() < deadline:
            mark = self._film_mark()
            came += self._screen.take(1, _SOON)
            came += self._screen.take(_MANY, 0)
            if mark in came:
                break
        return self._without_marks(came)

    def _film_mark(self) -> bytes:
        mark = b"mark %08x" % self._exam.chance.getrandbits(32)
        self._marks.add(mark)
        self.film(mark)
        return mark

    def _without_marks(self, datagrams: Sequence[bytes]) -> list[bytes]:
        return [datagram for datagram in datagrams if datagram not in self._marks]

    def _check_viewer_is_heard(self) -> None:
        """Raises Diagnosis, one of the E00s, if more is wrong than the video."""
        self._viewer.ask_ok(b"INTERRUMPIR")


def _sizes(datagrams: Sequence[bytes], sent: Sequence[bytes]) -> str:
    """In bytes; with a `*` where the content is none that was sent; a dash if there is none.

    >>> _sizes([b"one", b"four"], sent=[b"one", b"five"])
    '3 4*'
    """
    starts = [any(whole.startswith(each) for whole in sent) for each in datagrams]
    sizes = [
        f"{len(each)}{'' if is_start else '*'}"
        for each, is_start in zip(datagrams, starts, strict=True)
    ]
    return " ".join(sizes) or "-"


def _film_streams(exam: Exam, way: _Way, other: Client) -> Mapping[str, Figure]:
    """A machine may be busy for a moment: only who loses of both streams is accused."""
    room = room_for(_PACKET)
    rate = min(_FASTEST, round(room / _AWAY))
    count = round(_LASTS * rate)
    figures: dict[str, Figure] = {"room": room, "rate": rate, "size": _PACKET}
    tries: list[tuple[int, int]] = []
    for command in (b"INTERRUMPIR", b"CONTINUAR"):
        exam.transcript.did("films_stream", count=count, **figures)
        stream = _Stream(way, rate, at_once=max(1, room // 4))
        _ask_meanwhile(exam, stream, count, other, command)
        exam.transcript.saw("watches_stream", who="A", came=stream.sent - stream.lost)
        if not stream.lost:
            return figures | {"count": stream.sent}
        tries.append((stream.lost, stream.sent))
        way.expect_any()  # the control: whoever has ended the viewer's video has lost nothing
    lost, sent = min(tries)
    raise Diagnosis("E08-OVERFLOW", lost=lost, count=sent, **figures)


class _Stream:
    """Datagrams of one size, `rate` a second, evenly. What could not be filmed in time is made
    up for, but never so much at once that it fills a socket."""

    def __init__(self, way: _Way, rate: int, at_once: int) -> None:
        self.rate = rate
        self.sent = 0
        self._way = way
        self._at_once = at_once
        self._came: set[bytes] = set()

    @property
    def lost(self) -> int:
        """Once it has ended."""
        return self.sent - len(self._came)

    def go_on(self, until: int) -> None:
        """Until so many are sent in all."""
        next_at = time.monotonic()
        while self.sent < until:
            due = 1 + int((time.monotonic() - next_at) * self.rate)
            for _ in range(min(due, self._at_once)):
                self._way.film(b"%016d" % self.sent + bytes(_PACKET - 16))
                self.sent += 1
            next_at = max(next_at + due / self.rate, time.monotonic())
            self._came.update(self._way.look(max(0.0, next_at - time.monotonic())))

    def end(self) -> None:
        self._came.update(self._way.take_rest())


def _ask_meanwhile(exam: Exam, stream: _Stream, least: int, other: Client, command: bytes) -> None:
    """The stream goes on until `other` is answered, who speaks in the midst of it; then it ends.

    Raises Diagnosis if only the end of it brings the answer.
    """
    stream.go_on(until=least // 8)
    asked_at = time.monotonic()
    other.send(command + b"\n")
    stream.go_on(until=least)
    while not (is_answered := other.is_answered()) and time.monotonic() < asked_at + LIMIT:
        stream.go_on(until=stream.sent + 1)
    seconds = round(time.monotonic() - asked_at, 1)
    if not is_answered:
        exam.transcript.saw("hears_nothing", who=other.name)
        exam.transcript.did("films_no_more")
    stream.end()
    other.expect(other.hear(), shown(command), "OK")
    if not is_answered:
        figures = {"who": other.name, "command": shown(command)}
        raise Diagnosis("E08-COMMANDS-STARVE", seconds=seconds, rate=stream.rate, **figures)
