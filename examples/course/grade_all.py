"""Grades a class: a folder for each student, one after the other, for the checks measure idleness.

python3 -m examples.course.grade_all FOLDER 01 02 05 --csv marks.csv > report.json
"""

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from .grade.chapters import NUMBERS
from .grade.class_report import as_csv, as_json, heading, row
from .grade.options import Parser
from .grade.result import Result, Status
from .grade.student import students

__all__ = ["main"]

_NAME: Final = "python3 -m examples.course.grade_all"
_USAGE: Final = f"{_NAME} FOLDER [CHAPTER ...] [OPTION ...]"
_INTERRUPTED: Final = 128 + signal.SIGINT
_PATIENCE: Final = 120.0


def main(arguments: Sequence[str]) -> int:
    """The exit status: marks are no reason for another than 0."""
    options = parse(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    marks: dict[str, list[Result]] = {}
    status = 0
    try:
        _grade(options, marks)
    except KeyboardInterrupt:  # what has been found until now is not lost
        status = _INTERRUPTED
    report = as_json(marks, options.chapters, options.seed, options.lang)
    if options.out:
        options.out.write_text(report, "utf-8")
    else:
        print(report, end="")
    if options.csv:
        # Some spreadsheets take for UTF-8 only what says so.
        written = as_csv(marks, options.chapters, options.lang)
        options.csv.write_text(written, "utf-8-sig", newline="")
    found = [result.status for results in marks.values() for result in results]
    return status or (Status.GRADER if Status.GRADER in found else 0)


def _grade(options: argparse.Namespace, marks: dict[str, list[Result]]) -> None:
    width = heading(student.name for student in options.students)
    for student in options.students:
        seed = student.own_seed(options.seed) if options.own_seeds else options.seed
        results = marks[student.name] = []
        for chapter in options.chapters:
            results.append(student.grade(chapter, seed, options.lang, options.limit))
        print(row(student.name, results, width, options.lang), file=sys.stderr, flush=True)


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """What is asked for: `students`, `chapters`, and the options by their names."""
    parser = Parser(_NAME, _USAGE, arguments)
    parser.add_argument("folder", nargs="?", type=parser.folder, help=argparse.SUPPRESS)
    parser.add_argument("chapters", nargs="*", type=parser.chapter, help=argparse.SUPPRESS)
    parser.option("--own-seeds", action="store_true")
    parser.option("--limit", metavar="S", type=parser.seconds, default=_PATIENCE)
    parser.option("--out", metavar="FILE", type=Path)
    parser.option("--csv", metavar="FILE", type=Path)
    options = parser.understand(arguments)
    if options.folder is None:
        parser.wrong("class")
    options.chapters = options.chapters or NUMBERS
    options.students = students(options.folder)
    if not options.students:
        parser.wrong("nobody", folder=repr(str(options.folder)))
    for path in filter(None, (options.out, options.csv)):
        try:  # before an hour of work, rather than behind it
            path.write_text("")
        except OSError as exc:
            parser.wrong("unwritten", file=path, problem=exc.strerror)
    return options


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
