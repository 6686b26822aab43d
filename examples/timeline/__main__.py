"""Records the runs of the documents, and draws them.

python3 -m examples.timeline                    # all of them, into docs/timeline
python3 -m examples.timeline relay --out /tmp   # one, elsewhere
python3 -m examples.timeline --redraw           # the pictures only, from the records there
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from reactor.timeline.findings.diagnosis import diagnose
from reactor.timeline.picture import page, svg
from reactor.timeline.run.events import Io
from reactor.timeline.run.extract import part
from reactor.timeline.run.run import Run, read

from .runs import RUNS, DocumentedRun
from .stage import Stage

__all__ = ["draw", "main", "record"]

_DOCUMENTS: Final = Path(__file__).parents[2] / "docs" / "timeline"


def record(run: DocumentedRun, folder: Path) -> Path:
    """Run the program, let its clients talk to it, and return the record."""
    path = folder / f"{run.name}.jsonl"
    with Stage(path, *run.arguments) as stage:
        run.converse(stage)
    return path


def draw(run: DocumentedRun, folder: Path) -> dict[Path, str]:
    """What is drawn from the record in `folder`, by the file that it belongs into."""
    with (folder / f"{run.name}.jsonl").open() as lines:
        recorded = read(lines)
    title = run.captions["en"].title
    shown = _around(run.heart, recorded) if run.heart else recorded
    pictures = {
        f"{run.name}.svg": svg.draw(shown, language="en", title=title),
        f"{run.name}.html": _page(recorded, run, "en"),
        f"{run.name}.es.html": _page(recorded, run, "es"),
    }
    if run.at_a_glance:
        worst = diagnose(recorded)[0].turn
        glance = svg.draw(part(recorded, worst - 1, worst + 2), language="en", title=title)
        pictures[f"{run.name}.glance.svg"] = glance
    return {folder / name: picture for name, picture in pictures.items()}


def _around(command: bytes, recorded: Run) -> Run:
    """The turns before and after the one to which a command came."""
    number = next(
        turn.number
        for turn in recorded.turns
        for event in turn.events
        if isinstance(event, Io) and event.data.startswith(command)
    )
    return part(recorded, number - 3, number + 6)


def _page(recorded: Run, run: DocumentedRun, language: str) -> str:
    caption = run.captions[language]
    return page.draw(recorded, language=language, title=caption.title, lead=caption.lead)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python3 -m examples.timeline", description="Record the runs of the documents."
    )
    add = parser.add_argument
    add("names", metavar="NAME", nargs="*", help=f"one of {', '.join(RUNS)} (default: all)")
    add("--out", metavar="DIR", type=Path, default=_DOCUMENTS,
        help="where to (default docs/timeline)")  # fmt: skip
    add("--redraw", action="store_true", help="draw the records that are there, record nothing")
    options = parser.parse_args(arguments)
    for name in options.names:
        if name not in RUNS:
            parser.error(f"no run is called {name!r}: choose from {', '.join(RUNS)}")
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    for name in options.names or RUNS:
        if not options.redraw:
            record(RUNS[name], options.out)
        for path, text in draw(RUNS[name], options.out).items():
            path.write_text(text, encoding="utf-8")
            print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
