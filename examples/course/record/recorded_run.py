"""A graded run as a file: what was found, in no language, so that it can be told in each."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from ..grade.diagnosis import Figure
from ..grade.result import Result
from ..grade.sentences import LANGUAGES
from ..grade.transcript import Entry, Kind

__all__ = ["RUNS", "RecordedRun", "dump", "load", "picture_file", "run_named"]

RUNS: Final = Path("docs/course/runs")
"""Where they lie, from the root of the project."""


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """What the grader said of `program`, a path from the root; and what its picture counts."""

    program: str
    result: Result
    counted: Mapping[str, Figure] = field(default_factory=dict)

    @property
    def figures(self) -> Mapping[str, Figure]:
        """All that can stand on a page."""
        return {**self.counted, **self.result.figures, "seconds": self.result.seconds}


def dump(run: RecordedRun) -> str:
    """The text of the file."""
    return json.dumps(asdict(run), indent=1, ensure_ascii=False) + "\n"


def load(text: str) -> RecordedRun:
    """What `dump` wrote.

    >>> run = RecordedRun("broken.py", Result("05", 1, "E05-EOF-SPIN", {"share": 0.99}, 1.9))
    >>> load(dump(run)) == run
    True
    """
    data = json.loads(text)
    transcript = tuple(
        Entry(Kind(entry["kind"]), entry["key"], entry["figures"])
        for entry in data["result"].pop("transcript")
    )
    result = Result(**data["result"], transcript=transcript)
    return RecordedRun(data["program"], result, data["counted"])


def run_named(name: str, root: Path) -> RecordedRun:
    """Raises ValueError if nobody has recorded it."""
    path = root / RUNS / f"{name}.json"
    try:
        return load(path.read_text("utf-8"))
    except FileNotFoundError:
        raise ValueError(f"no run is called {name!r}: there is no {RUNS / path.name}") from None


def picture_file(name: str, language: str) -> str:
    """What the picture of a run is called, with the words of that language.

    >>> picture_file("05-broken", "en"), picture_file("05-broken", "es")
    ('05-broken.svg', '05-broken.es.svg')
    """
    return f"{name}.svg" if language == LANGUAGES[0] else f"{name}.{language}.svg"
