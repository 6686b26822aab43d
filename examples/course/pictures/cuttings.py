"""Where the bytes of a client were cut, what the program made of it, and of all other cuttings."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from reactor.timeline.picture.markup import text
from reactor.timeline.run.events import Close, Event, Io, Start, parse

from ..grade.diagnosis import Figure
from ..grade.numbers import written
from . import grid
from .frame import framed
from .strip import Piece, Strip, Words, pieces
from .timeline import recorded

__all__ = ["cut", "draw", "recorded"]

_ROOT: Final = Path(__file__).parents[3]
_LEAST: Final = 700
_MARGIN: Final = 8
_TOP: Final = 40
_RING: Final = 7
_LOOK: Final = """
.cell{fill:var(--zebra);stroke:var(--quiet);stroke-width:.8}
.run .letter{font:12px ui-monospace,monospace;text-anchor:middle}
.run .hex{font-size:10px;fill:var(--end)}
.run .code{font-family:ui-monospace,monospace}
.cut{stroke:var(--bad);stroke-width:2;stroke-dasharray:3 2;fill:none}
.wedge{fill:var(--wedge)}
.right{stroke:var(--out)}.wrong{stroke:var(--bad);opacity:.38}
.ring{fill:none;stroke:var(--ink);stroke-width:2}
.head{font-size:13px;font-weight:700}
"""


@dataclass(frozen=True, slots=True)
class _Language:
    strip: Words
    all: Callable[[int, str], str]
    right: Callable[[int], str]
    wrong: Callable[[int], str]
    this: str
    first: str
    last: str


def _english_wrong(lines: int, answers: int) -> str:
    """
    >>> _english_wrong(0, 1), _english_wrong(3, 0), _spanish_wrong(1, 3)
    ('1 answer, and no ↵ yet', 'no answers, and 3 ↵', '3 respuestas, 1 ↵')
    """
    said = f"{answers or 'no'} answer{'s' * (answers != 1)}"
    return f"{said}, and {lines or 'no'} ↵{' yet' * (not lines)}"


def _spanish_wrong(lines: int, answers: int) -> str:
    said = f"{answers or 'ninguna'} respuesta{'s' * (answers > 1)}"
    return f"{said}, {lines or 'ningún'} ↵"


_LANGUAGES: Final = {
    "en": _Language(
        Words(
            says="A says",
            recv="recv",
            answers="answer",
            waits="no ↵ yet: it waits",
            closed="✕ closes the connection",
            count=lambda count: f"{count} byte{'s' * (count != 1)}",
            wrong=_english_wrong,
        ),
        all=lambda count, line: f"The same program, and all {count:,} ways to cut {line}",
        right=lambda count: f"{count:,} right: OK, once",
        wrong=lambda count: f"{count:,} wrong",
        this="this run",
        first="first: in one piece",
        last="last: byte by byte",
    ),
    "es": _Language(
        Words(
            says="A dice",
            recv="recv",
            answers="respuesta",
            waits="sin ↵ todavía: espera",
            closed="✕ cierra la conexión",
            count=lambda count: f"{count} byte{'s' * (count != 1)}",
            wrong=_spanish_wrong,
        ),
        all=lambda count, line: (
            f"El mismo programa, y las {written(count, ',', 'es')} formas de cortar {line}"
        ),
        right=lambda count: f"{written(count, ',', 'es')} bien: OK, una vez",
        wrong=lambda count: f"{written(count, ',', 'es')} mal",
        this="esta vez",
        first="el primero: entero",
        last="el último: byte a byte",
    ),
}


def cut(record: Path, settings: Mapping[str, Any]) -> Mapping[str, Figure]:
    """Leave the recvs from `first` to `last` of the client who spoke first, and what was answered.

    They are numbered as the items of a list. With `grid` are counted the `ways` to cut a line,
    and on how many of them the program `survives`.
    """
    lines = record.read_text("utf-8").splitlines()
    start = json.loads(lines[0])
    start["program"] = [start["program"][0], "PORT", "INGEST"]
    shown = _recvs(lines)[settings.get("first") : settings.get("last")]
    kept = [json.dumps(start), *(line for lines in shown for line in lines)]
    record.write_text("".join(f"{line}\n" for line in kept), "utf-8")
    if not settings.get("grid"):
        return {}
    right = _survived(_program(_events(record)))
    return {"ways": len(right), "survives": sum(right)}


def _recvs(lines: Iterable[str]) -> list[list[str]]:
    """Each with what was done for that client until the next one; without that of the end."""
    client, found = 0, list[list[str]]()
    for line in lines:
        event = parse(line)
        if isinstance(event, Io) and event.op == "recv":
            client = client or event.serial
            if event.serial == client:
                if not event.data:
                    break
                found.append([])
        if isinstance(event, Io | Close) and event.serial == client:
            found[-1].append(line)
    return found


def _events(record: Path) -> list[Event]:
    return [event for event in map(parse, record.read_text("utf-8").splitlines()) if event]


def _program(events: Sequence[Event]) -> Path:
    """Of the record's first line: a path from the root of the project."""
    return next(_ROOT / event.program[0] for event in events if isinstance(event, Start))


@cache
def _survived(program: Path) -> list[bool]:
    return grid.survived(program)


def draw(record: Path, language: str, settings: Mapping[str, Any]) -> str:
    """What came and what was answered; with `grid`, all cuttings of the same line below it."""
    events, words = _events(record), _LANGUAGES[language]
    shown, strip = pieces(events), Strip(words.strip)
    parts = [_at(_MARGIN, _TOP, strip.draw(shown))]
    width, height = max(_LEAST, strip.width + 2 * _MARGIN), _TOP + strip.height
    if settings.get("grid"):
        parts.append(_at(_MARGIN, height + 24, _grid(_survived(_program(events)), shown, words)))
        height += 24 + 12 + grid.HEIGHT + _MARGIN
    title = settings["title"][language]
    return framed("".join(parts), title, language, width, height, _LOOK)


def _at(x: int, y: int, inside: str) -> str:
    return f'<g transform="translate({x} {y})">{inside}</g>'


def _grid(right: Sequence[bool], shown: Sequence[Piece], words: _Language) -> str:
    """All cuttings, and a ring around that which was seen."""
    x, y = grid.middle(list(grid.cuttings(grid.LINE)).index([piece.data for piece in shown]))
    line = grid.LINE.decode().replace("\n", "↵")
    beside = grid.WIDTH + 2 * _MARGIN
    ring = f'<circle class="ring" cx="{x}" cy="{y}" r="{_RING}"/>'
    heads = [
        text("head", 0, 0, words.all(len(right), line)),
        grid.key(True, beside, 26, words.right(sum(right))),
        grid.key(False, beside, 46, words.wrong(len(right) - sum(right))),
        f'<circle class="ring" cx="{beside + 4}" cy="62" r="{_RING}"/>',
        text("finding", beside + 16, 66, words.this),
        text("sub", beside, grid.HEIGHT - 10, words.first),
        text("sub", beside, grid.HEIGHT + 6, words.last),
    ]
    return "".join(heads) + _at(0, 12, grid.squares(right) + ring)
