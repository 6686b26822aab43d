"""What is drawn of a record: which kind of picture, of which part, in which language."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final

from ..findings import advice
from ..findings.diagnosis import diagnose
from ..run.extract import part
from ..run.run import TIMERS, Run, read
from ..telling import text
from ..words.lanes import Lanes
from ..words.languages import LANGUAGES
from ..words.words import Words
from . import page, sequence, svg

__all__ = ["Drawing", "Kind", "language_of", "read_record"]


class Kind(Enum):
    """Each with what the name of its file ends in."""

    PAGE = ".html"
    SVG = ".svg"
    SEQUENCE = "-sequence.svg"
    TEXT = ".txt"


@dataclass(frozen=True, slots=True)
class Drawing:
    """What is asked for."""

    kind: Kind = Kind.PAGE
    language: str = "en"
    title: str = ""
    lead: str = ""
    first: int = 0
    last: int | None = None
    """The turns to draw, both included; None is the run's last."""
    only: tuple[str, ...] = ()
    """The names or addresses of the lanes to draw; all if empty."""

    @property
    def words(self) -> Words:
        """Those of the language."""
        return LANGUAGES[self.language]

    def of(self, run: Run) -> str:
        """The picture. Raises ValueError for a lane that the run does not have."""
        lanes = _serials(run, self.only, self.language) if self.only else None
        if self.first or self.last is not None or lanes is not None:
            run = part(run, self.first, self.last, lanes)
        look = {"language": self.language, "title": self.title}
        if self.kind in (Kind.PAGE, Kind.SVG):
            look["lead"] = self.lead
        return _DRAW[self.kind](run, **look)

    def findings(self, run: Run) -> list[str]:
        """What is wrong with the whole of a run, a sentence for each cause."""
        return [advice.sentence(finding, run, self.language) for finding in diagnose(run)]


_DRAW: Final[Mapping[Kind, Callable[..., str]]] = {
    Kind.PAGE: page.draw,
    Kind.SVG: svg.draw,
    Kind.SEQUENCE: sequence.draw,
    Kind.TEXT: text.draw,
}


def read_record(path: Path) -> Run:
    """The run that a file tells of. Raises OSError, and ValueError for what is no record."""
    with path.open("rb") as lines:
        run = read(lines)
    if not (run.python or run.turns):
        raise ValueError("is not the record of a run" if run.unreadable else "is empty")
    return run


def language_of(environment: Mapping[str, str]) -> str:
    """The code of the language that somebody has chosen for all programs; gettext(1).

    >>> language_of({"LANG": "es_UY.UTF-8"}), language_of({"LC_ALL": "C", "LANG": "es_UY"})
    ('es', 'en')
    """
    chosen = (environment.get(name) for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"))
    code = next(filter(None, chosen), "")[:2]
    return code if code in LANGUAGES else "en"


def _serials(run: Run, names: tuple[str, ...], language: str) -> set[int]:
    """The lanes that go by these names: as they are drawn, or their addresses."""
    lanes = Lanes(run, LANGUAGES[language])
    known: dict[str, set[int]] = {}
    for serial in (TIMERS, *run.lanes):
        lane = lanes.lane(serial)
        addresses = (lane.local, lane.peer) if lane else ()
        for name in filter(None, (lanes.title(serial), *addresses)):
            known.setdefault(name.casefold(), set()).add(serial)
    if missing := [name for name in names if name.casefold() not in known]:
        shown = ", ".join(heading.title for heading in lanes.headings)
        raise ValueError(f"no lane is called {missing[0]!r}; there are: {shown}")
    return set[int]().union(*(known[name.casefold()] for name in names))
