"""A run for a terminal, a mail or a test: a line for each who was served, in their order.

Equal runs give equal texts, to the byte: what differs from one machine to the next, such as
the version of Python, is left to the page.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Final, TypeAlias

from ..findings.advice import sentence
from ..findings.diagnosis import diagnose
from ..run.turns import Run, Slot, Stage, Turn
from ..run.waits import HEAVY
from ..words.lanes import Heading, Lanes, left_alone
from ..words.languages import LANGUAGES
from ..words.printable import clip, isolated, printable, width
from ..words.words import Words
from .cells import joined
from .notes import CellLine, Ink, Notes
from .story import AWAKE, NAMED, tell_end

__all__ = ["COLUMNS", "draw"]

COLUMNS: Final = 96
_NAME: Final = 28
_DATA: Final = 44

_Note: TypeAlias = tuple[str, CellLine]
"""The title of a lane, and a line for it."""


def draw(run: Run, *, language: str = "en", title: str = "") -> str:
    """The run as lines of at most COLUMNS; its title is the command, unless another is given."""
    words = LANGUAGES[language]
    lanes = Lanes(run, words)
    name = max((width(heading.title) for heading in lanes.headings), default=0)
    paper = _Paper(min(_NAME, name))
    findings = [
        line
        for finding in diagnose(run)
        for line in _flowed("  ", _words_of(sentence(finding, run, language)), " " * 5)
    ]
    parts = [
        [clip(printable(title or " ".join(run.program)), COLUMNS)],
        paper.headings(lanes.headings),
        *(_Turn(turn, lanes, words, paper).lines() for turn in run.turns),
        ["".join(span.text for span in line) for line in tell_end(run, words)],
        [words.page_findings, *findings] if findings else [],
    ]
    texts = ["\n".join(line.rstrip() for line in part) for part in parts]
    return isolated("\n\n".join(filter(None, texts))) + "\n"


class _Paper:
    """Lines with margins: a number, a name, a duration, and what there is to say."""

    def __init__(self, name: int) -> None:
        self._name = name

    def headings(self, headings: Iterable[Heading]) -> list[str]:
        """What the lanes are called, and what they are."""
        return [
            clip(f"     {self._fixed(heading.title)}  {heading.subtitle}", COLUMNS)
            for heading in headings
        ]

    def rows(self, number: str, name: str, took: str, notes: Iterable[str]) -> Iterator[str]:
        """The notes side by side, in as many lines as they need."""
        start = f"{number:>3}  {self._fixed(name)}{took:>10}"
        yield from _flowed(start, (f"  {note}" for note in notes), " " * (len(start) + 2))

    def below(self, pieces: Iterable[str]) -> Iterator[str]:
        """Pieces of a sentence below the notes, in as many lines as they need."""
        indent = " " * (len(self._fixed("")) + 17)
        yield from _flowed(indent, pieces, indent)

    def _fixed(self, text: str) -> str:
        text = clip(text, self._name)
        return text + " " * (self._name - width(text))


class _Turn:
    """The lines of one turn."""

    def __init__(self, turn: Turn, lanes: Lanes, words: Words, paper: _Paper) -> None:
        self._turn, self._lanes, self._words, self._paper = turn, lanes, words, paper
        self._notes = Notes(turn, lanes, words, _DATA)
        self._waiting = dict(turn.waited)

    def lines(self) -> list[str]:
        """Its head, then who was served, what threads did, and who is left waiting."""
        head = _flowed("", self._head(), " " * 5)
        return [*head, *self._served(), *self._elsewhere(), *self._left()]

    def _head(self) -> Iterator[str]:
        words, turn = self._words, self._turn
        if turn.stage is not Stage.TURN:
            yield words.before if turn.stage is Stage.BEFORE else words.after
            return
        first, last = words.number(turn.number), words.number(turn.last)
        has_slept = turn.timeout != 0 and turn.slept >= AWAKE * turn.times
        if turn.times == 1:
            yield words.turn.format(number=first)
        else:
            yield words.turns_from_to.format(first=first, last=last)
            yield f" · {words.times.format(count=words.number(turn.times))}"
            yield from () if has_slept else self._in_vain()
        if has_slept:
            yield f" · {words.slept.format(time=words.duration(turn.slept))}"
        elif turn.times == 1:
            yield f" · {words.did_not_sleep}"
        if not turn.has_no_selector:  # else nobody said who is ready
            yield from self._ready()

    def _in_vain(self) -> Iterator[str]:
        words, turn = self._words, self._turn
        yield f" · {words.nothing_done}"
        if turn.ended > turn.began:
            rate = words.number(round(turn.times / (turn.ended - turn.began)))
            yield f" · {words.per_second.format(rate=rate)}"

    def _ready(self) -> Iterator[str]:
        """Pieces of a sentence, between which a line may end."""
        words, ready = self._words, self._turn.ready
        names = [
            clip(self._lanes.title(serial), _NAME) + (f" ({events})" if events != "r" else "")
            for serial, events in ready
        ]
        if len(names) > NAMED + 1:
            names[NAMED:] = [words.told_more.format(count=len(names) - NAMED)]
        names[:-1] = [f"{name}," for name in names[:-1]]
        who = words.text_ready[len(ready) != 1].format(who=names[0]) if names else words.text_nobody
        yield f" · {who}"
        yield from (f" {name}" for name in names[1:])

    def _served(self) -> Iterator[str]:
        """Slots in their order; neighbours of whom the same is noted share a line."""
        for notes, alike in groupby(self._turn.slots, key=self._noted):
            slots = list(alike)
            if notes:
                yield from self._slots(slots, notes)

    def _noted(self, slot: Slot) -> list[_Note]:
        """What is noted of a slot: of its own lane first, if only who it was that was called."""
        own = self._home(slot.serial)
        notes = [(self._home(serial), line) for serial, line in self._notes.of_slot(slot)]
        if slot.name and all(lane != own for lane, _ in notes):
            notes.append((own, CellLine(clip(printable(slot.name), _DATA), Ink.QUIET)))
        notes.sort(key=lambda note: note[0] != own)
        return [(lane, line) for lane, line in notes if lane]

    def _slots(self, slots: list[Slot], notes: list[_Note]) -> Iterator[str]:
        words, turn, number = self._words, self._turn, str(slots[0].place)
        longest = max(slot.seconds for slot in slots)
        took = words.duration(sum(slot.seconds for slot in slots))
        if turn.stage is not Stage.TURN or turn.times > 1:
            number = took = ""
        texts = [words.times.format(count=len(slots))] if slots[1:] else []
        texts += [self._waited(serial) for serial in {slot.serial: 0 for slot in slots}]
        yield from self._rows(number, took, notes, list(filter(None, texts)))
        if took and longest >= HEAVY:
            name = clip(printable(slots[0].name), _DATA)
            alone = words.told_alone.format(time=words.duration(longest))
            yield from self._paper.below([*_words_of(alone), f"  {name}"])

    def _waited(self, serial: int) -> str:
        words, wait = self._words, self._waiting.pop(serial, None)
        if wait is None:
            return ""
        template = words.waited if wait.exact else words.waited_up_to
        return template.format(time=words.duration(wait.seconds))

    def _elsewhere(self) -> Iterator[str]:
        for thread, events in groupby(self._turn.elsewhere, key=lambda event: event.thread):
            pairs = ((getattr(e, "serial", 0), line) for e in events for line in self._notes.of(e))
            notes = [(self._home(serial), line) for serial, line in pairs if self._home(serial)]
            yield from self._rows("", "", notes, [f"[{clip(printable(thread), _NAME)}]"])

    def _left(self) -> Iterator[str]:
        words, queues = self._words, Counter[str]()
        alone = CellLine(words.cell_not_served, Ink.QUIET)
        notes = [(self._home(serial), alone) for serial in left_alone(self._turn)]
        for serial, size in sorted(self._turn.queues.items()):
            queues[self._home(serial)] += size
        for lane, size in queues.items():
            text = words.text_queue.format(size=words.size(size))
            notes.append((lane, CellLine(text, Ink.ROOM)))
        yield from self._rows("", "", [note for note in notes if note[0]], [])

    def _home(self, serial: int) -> str:
        """Under which title a lane is shown; "" if it is not."""
        heading = self._lanes.heading(serial)
        return heading.title if heading else ""

    def _rows(self, number: str, took: str, notes: list[_Note], texts: list[str]) -> Iterator[str]:
        """A row for each lane; the number and the duration are those of the first."""
        lanes: dict[str, list[CellLine]] = {}
        for lane, line in notes:
            lanes.setdefault(lane, []).append(line)
        for lane, lines in lanes.items():
            texts += [line.text for line in joined(lines)]
            yield from self._paper.rows(number, lane, took, texts)
            number, took, texts = "", "", []


def _flowed(start: str, pieces: Iterable[str], indent: str) -> Iterator[str]:
    """The pieces behind each other, each with its own gap before it, in lines of COLUMNS."""
    line = start
    for piece in pieces:
        if line != start and width(line + piece) > COLUMNS:
            yield line
            line = indent + piece.lstrip(" ·")
        else:
            line += piece
    yield line


def _words_of(text: str) -> Iterator[str]:
    """Pieces of a sentence; one that has no room in a line is cut short."""
    for place, word in enumerate(text.split(" ")):
        yield clip(f" {word}" if place else word, COLUMNS - 5)
