"""Which lanes a picture has, in which order, and what they are called.

Names are worked out over the whole run, so that client C is client C in every part of it.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from ..run.events import Close, Drop, Event, Io, Queue, Watch
from ..run.turns import TIMERS, Lane, Run, Turn
from .printable import clip, printable
from .words import Words

__all__ = ["MOST", "Heading", "Lanes", "left_alone"]

MOST: Final = 16
"""Of one kind, as many lanes are shown; if there are more, the last one stands for the rest."""

_TITLE: Final = 32
_RANKS: Final = {"listener": 0, "datagram": 1, "stream": 2, "other": 3, "wakeup": 4}


@dataclass(frozen=True, slots=True)
class Heading:
    """The head of a lane of the picture; of several lanes that share one, if there are many."""

    serials: tuple[int, ...]
    """What it stands for; (TIMERS,) for timers and calls."""
    title: str
    subtitle: str
    kind: str
    """listener, datagram, stream, other or wakeup; "" for timers and calls."""

    @property
    def serial(self) -> int:
        """The first one's, by which the heading is known."""
        return self.serials[0]


class Lanes:
    """The lanes of a run: `headings` from top to bottom, and the title of any of them."""

    def __init__(self, run: Run, words: Words) -> None:
        self._words = words
        self._lanes = run.lanes
        self._only = run.only
        self._senders, self._receivers = _directions(run.whole or run)
        self._watched = set[int]().union(*(turn.watched for turn in run.turns))
        used = _used(run) | self._watched
        self._titles = self._all_titles()
        self.headings = tuple(self._all_headings(used))
        self._heading_of = {
            serial: heading for heading in self.headings for serial in heading.serials
        }

    def title(self, serial: int) -> str:
        """What a lane is called, be it shown or not."""
        return self._titles.get(serial) or self._words.lane_other

    def kind(self, serial: int) -> str:
        """What a lane is: listener, datagram, stream, other, wakeup, or "" for timers."""
        return self._kind(self._lanes[serial]) if serial in self._lanes else ""

    def lane(self, serial: int) -> Lane | None:
        """Its life, if it has one."""
        return self._lanes.get(serial)

    def heading(self, serial: int) -> Heading | None:
        """Where it is shown; None if it is not."""
        return self._heading_of.get(serial)

    def _all_titles(self) -> dict[int, str]:
        letters = _letters()
        titles = {
            serial: clip(printable(lane.label) or self._own_title(lane, letters), _TITLE)
            for serial, lane in sorted(self._lanes.items())
        }
        often, seen = Counter(titles.values()), Counter[str]()
        for serial, title in titles.items():
            if often[title] > 1:
                seen[title] += 1
                titles[serial] = f"{title} {seen[title]}"
        return {**titles, TIMERS: self._words.lane_timers}

    def _own_title(self, lane: Lane, letters: Iterator[str]) -> str:
        words = self._words
        if lane.by:
            return words.lane_client.format(letter=next(letters))
        if lane.kind == "stream" and lane.peer:
            return words.lane_to.format(address=printable(lane.peer))
        if lane.kind == "datagram":
            return self._datagram_title(lane.serial)
        if lane.kind == "wakeup" and lane.serial not in self._watched:
            return words.lane_wakeup_rung_from
        return {
            "listener": words.lane_listener,
            "stream": words.lane_socket,
            "wakeup": words.lane_wakeup,
        }.get(lane.kind, words.lane_other)

    def _datagram_title(self, serial: int) -> str:
        words = self._words
        sends, receives = serial in self._senders, serial in self._receivers
        if sends == receives:
            return words.lane_udp
        return words.lane_udp_out if sends else words.lane_udp_in

    def _all_headings(self, used: set[int]) -> Iterator[Heading]:
        shown = [
            lane
            for lane in self._lanes.values()
            if (self._only is None or lane.serial in self._only)
            and (lane.by or self._is_seen(lane, used))
        ]
        shown.sort(key=lambda lane: (_RANKS[self._kind(lane)], lane.serial))
        sizes = Counter(map(self._kind, shown))
        for kind, size in sizes.items():
            alike = [lane for lane in shown if self._kind(lane) == kind]
            alone = size if size <= MOST else MOST - 1
            for lane in alike[:alone]:
                yield Heading((lane.serial,), self._titles[lane.serial], self._subtitle(lane), kind)
            if alike[alone:]:
                yield self._gathered([lane.serial for lane in alike[alone:]], kind)
        if TIMERS in used:
            yield Heading((TIMERS,), self._words.lane_timers, self._words.lane_timers_below, "")

    def _gathered(self, serials: list[int], kind: str) -> Heading:
        words = self._words
        title = words.lane_more.format(count=words.number(len(serials)))
        first, last = self._titles[serials[0]], self._titles[serials[-1]]
        return Heading(
            tuple(serials), title, words.lane_more_below.format(first=first, last=last), kind
        )

    def _subtitle(self, lane: Lane) -> str:
        words = self._words
        address = printable(lane.peer or lane.local)
        if lane.kind == "datagram" and lane.peer:
            address = words.lane_to.format(address=address)
        descriptor = f"fd {lane.fd}" if lane.fd >= 0 else ""
        return " · ".join(filter(None, [address, descriptor]))

    def _is_seen(self, lane: Lane, used: set[int]) -> bool:
        # A loop's bell is of interest when it rang; the end that others ring with never is.
        if lane.kind == "wakeup":
            return lane.serial in self._receivers
        return lane.serial in used

    def _kind(self, lane: Lane) -> str:
        return lane.kind if lane.kind in _RANKS else "other"


def left_alone(turn: Turn) -> list[int]:
    """Who was ready, and nothing was done with."""
    touched = {slot.serial for slot in turn.slots}
    events = (*turn.events, *turn.elsewhere)  # another thread may serve whom the loop has found
    touched.update(event.serial for event in events if isinstance(event, Io | Watch | Close))
    told = [serial for serial, _ in turn.ready if turn.only is None or serial in turn.only]
    return [serial for serial in told if serial not in touched]


def _letters() -> Iterator[str]:
    """A to Z, then AA, AB and so on, as columns of a spreadsheet are counted."""
    number = 0
    while True:
        number, rest, letters = number + 1, number + 1, ""
        while rest:
            rest, digit = divmod(rest - 1, 26)
            letters = chr(ord("A") + digit) + letters
        yield letters


def _events(run: Run) -> Iterator[Event]:
    for turn in run.turns:
        yield from turn.events
        yield from turn.elsewhere


def _directions(run: Run) -> tuple[set[int], set[int]]:
    """Who has sent, and who was ready or has received."""
    senders: set[int] = set()
    receivers = {serial for turn in run.turns for serial, _ in turn.ready}
    for event in _events(run):
        if isinstance(event, Io) and event.size:
            (receivers if event.op == "recv" else senders).add(event.serial)
    return senders, receivers


def _used(run: Run) -> set[int]:
    """All with whom anything was done, or who were waited for."""
    used: set[int] = set()
    for turn in run.turns:
        used.update(serial for serial, _ in turn.ready)
        used.update(slot.serial for slot in turn.slots if slot.name or slot.serial == TIMERS)
    used.update(_serials(_events(run)))
    return used


def _serials(events: Iterable[Event]) -> Iterator[int]:
    for event in events:
        if isinstance(event, Io | Watch | Queue | Drop):
            yield event.serial
