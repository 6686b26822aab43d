"""The turns of a run as columns, or as a sequence diagram: what `reactor.timeline` draws."""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from reactor.timeline.picture.drawing import Drawing, Kind, read_record
from reactor.timeline.run.events import Io
from reactor.timeline.run.run import Run, Turn

from ..grade.diagnosis import Figure

__all__ = ["cut", "draw", "recorded"]

_KINDS: Final = {"timeline": Kind.SVG, "sequence": Kind.SEQUENCE}


def recorded(arguments: list[str], record: Path) -> list[str]:
    return [sys.executable, "-m", "reactor.timeline", "-o", str(record), *arguments]


def draw(record: Path, language: str, settings: Mapping[str, Any]) -> str:
    """The turns from `first` to `last`, of the lanes that `only` names in this language.

    Both are numbers. If `around` names what happens, commands or callbacks, they are counted
    from the turn of the first of those, and from that of the last.
    """
    run = read_record(record)
    drawing = Drawing(
        _KINDS[settings["kind"]],
        language,
        settings["title"][language],
        settings.get("lead", {}).get(language, ""),
        *_turns(run, settings),
        tuple(settings.get("only", {}).get(language, ())),
    )
    return drawing.of(run)


def cut(record: Path, settings: Mapping[str, Any]) -> Mapping[str, Figure]:
    """Leave out what comes behind the last turn that is drawn, and name no path of this machine.

    Of the whole are counted `turns`, and for that turn which stands for the most of them
    `spin`, how many, and `spin_rate`, how many a second.
    """
    run = read_record(record)
    longest = max(run.turns, key=lambda turn: turn.times)
    spent = longest.ended - longest.began
    kept = _until(_turns(run, settings)[1], record.read_text("utf-8").splitlines())
    record.write_text("".join(map(_line, kept)), "utf-8")
    return {
        "turns": sum(turn.times for turn in run.turns if turn.number),
        "spin": longest.times,
        "spin_rate": round(longest.times / spent) if spent else 0,
    }


def _turns(run: Run, settings: Mapping[str, Any]) -> tuple[int, int | None]:
    """The first and the last that are drawn; None is the run's last."""
    first, last = settings.get("first", 0), settings.get("last")
    if "around" not in settings:
        return first, last
    turns = iter(run.turns)
    found = [next(turn.number for turn in turns if _has(turn, it)) for it in settings["around"]]
    return found[0] + first, found[-1] + (last or 0)


def _has(turn: Turn, what: str) -> bool:
    return any(
        slot.name == what
        or any(isinstance(it, Io) and it.data.startswith(what.encode()) for it in slot.events)
        for slot in turn.slots
    )


def _until(last: int | None, lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """The events up to the end of that turn, also if that was counted in pieces."""
    is_again = False
    for event in map(json.loads, lines):
        is_again = event["e"] == "again" and (is_again or last is None or event["i"] <= last)
        if last is None or event["i"] <= last or is_again:
            yield event


def _line(event: dict[str, Any]) -> str:
    if event["e"] == "start":
        event["program"] = [Path(event["program"][0]).name, "PORT", "INGEST"]
    return json.dumps(event) + "\n"
