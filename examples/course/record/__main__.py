"""Grades the programs of the course for its pages, and draws what is to be seen of that.

python3 -m examples.course.record             # all runs of all chapters
python3 -m examples.course.record 05-broken   # one
python3 -m examples.course.record --redraw    # the pictures only, from the records there
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from .. import pictures
from ..grade.result import Result, grade
from ..grade.sentences import LANGUAGES
from .recorded_run import RecordedRun, dump, picture_file
from .runs import PlannedRun, planned

__all__ = ["draw", "main", "record"]

_ROOT: Final = Path(__file__).parents[3]


def record(run: PlannedRun, folder: Path) -> RecordedRun:
    """Grade the program as it was planned, and write what was found into `folder`/runs.

    The working directory has to be the root of the project.
    """
    path = _record(run, folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    result = grade(run.chapter, [*_command(run, path), "{port}", "{ingest}"], run.seed)
    counted = pictures.cut(path, run.picture) if run.picture else {}
    recorded = RecordedRun(run.path, _of_the_program(result), counted)
    path.with_suffix(".json").write_text(dump(recorded), "utf-8")
    return recorded


def _of_the_program(result: Result) -> Result:
    """Without what the recorder printed last: it names a path of this machine."""
    figures = {
        name: "" if str(figure).startswith("reactor.timeline: ") else figure
        for name, figure in result.figures.items()
    }
    return replace(result, figures=figures)


def _command(run: PlannedRun, record: Path) -> list[str]:
    """What starts the program, recorded if its picture needs that."""
    recorded = pictures.recorded([run.path], record, run.picture) if run.picture else None
    return recorded or [sys.executable, run.path]


def draw(run: PlannedRun, folder: Path) -> dict[Path, str]:
    """What is drawn from the record in `folder`, by the file that it belongs into."""
    if run.picture is None:
        return {}
    drawn = {}
    for language in LANGUAGES:
        path = folder / "pictures" / picture_file(run.name, language)
        drawn[path] = pictures.draw(_record(run, folder), language, run.picture)
    return drawn


def _record(run: PlannedRun, folder: Path) -> Path:
    return folder / "runs" / f"{run.name}.jsonl"


def parse(arguments: Sequence[str] | None, runs: Mapping[str, PlannedRun]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python3 -m examples.course.record", description="Record the runs of the course."
    )
    add = parser.add_argument
    add("names", metavar="NAME", nargs="*", help="of a run, 05-broken for example (default: all)")
    add("--out", metavar="DIR", type=Path, default=_ROOT / "docs" / "course",
        help="where to (default docs/course)")  # fmt: skip
    add("--redraw", action="store_true", help="draw the records that are there, record nothing")
    options = parser.parse_args(arguments)
    for name in options.names:
        if name not in runs:
            parser.error(f"no run is called {name!r}: choose from {', '.join(runs)}")
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    runs = planned(_ROOT)
    options = parse(arguments, runs)
    for name in options.names or runs:
        if runs[name].program and not options.redraw:
            found = record(runs[name], options.out).result
            print(f"{name}: {found.id or 'passed'}, {found.seconds:.1f} s")
        for path, text in draw(runs[name], options.out).items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
            print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
