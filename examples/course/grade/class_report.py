"""What became of a class: a table for the eye, a spreadsheet, and JSON for programs."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from .command_words import command_words
from .report import to_json
from .result import Result
from .sentences import sentences

__all__ = ["Marks", "as_csv", "as_json", "heading", "row"]

Marks = Mapping[str, Sequence[Result]]
"""The results of each student, by name, in the order of the chapters."""

_NAME: Final = 16
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_DELIMITER: Final = {"en": ",", "es": ";"}
"""A spreadsheet takes for one what its language does not have in numbers."""


def heading(names: Iterable[str]) -> int:
    """How wide the column of names is."""
    return max([_NAME, *map(len, names)])


def row(name: str, results: Sequence[Result], width: int, language: str) -> str:
    """A student's line: what was found in each chapter, and the seconds that it took."""
    marks = "  ".join(f"{result.chapter} {_mark(result, language)}" for result in results)
    passed = sum(result.passed for result in results)
    seconds = sum(result.seconds for result in results)
    return f"{name:{width}}  {passed:2}/{len(results)}  {seconds:5.0f} s  {marks}"


def _mark(result: Result, language: str) -> str:
    return result.id or sentences(result.chapter, language).label("passed")


def as_csv(marks: Marks, chapters: Sequence[str], language: str) -> str:
    """A line for each student, the chapters as columns; opens in a spreadsheet of the language."""
    written = io.StringIO()
    lines = csv.writer(written, delimiter=_DELIMITER[language], lineterminator="\r\n")
    said = command_words(language).said
    lines.writerow([said["student"], *chapters, said["passed"], said["seconds"]])
    for name, results in marks.items():
        passed = sum(result.passed for result in results)
        seconds = round(sum(result.seconds for result in results))
        found = [_mark(result, language) for result in results]
        missing = [""] * (len(chapters) - len(found))
        lines.writerow([_harmless(name), *found, *missing, passed, seconds])
    return written.getvalue()


def _harmless(name: str) -> str:
    """A cell that begins like a formula would be one."""
    return f"'{name}" if name.startswith(_FORMULA) else name


def as_json(marks: Marks, chapters: Sequence[str], seed: int, language: str) -> str:
    """One object: each result as the grader writes it."""
    told = {
        "chapters": list(chapters),
        "seed": seed,
        "language": language,
        "students": {
            name: [json.loads(to_json(result, language)) for result in results]
            for name, results in marks.items()
        },
    }
    return json.dumps(told, ensure_ascii=False, indent=1) + "\n"
