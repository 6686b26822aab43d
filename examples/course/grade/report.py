"""A result as a person reads it: what was done, what was found, and which page to read."""

import json
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any, Final

from .result import Result
from .sentences import Sentences, chapter_of, sentences
from .transcript import Entry, Kind

__all__ = ["from_json", "page", "table", "tell", "to_json"]

_PARTS: Final = ("sent", "expected", "came", "usually")
_SHOWN: Final = 30
"""Entries of a transcript; of one that is longer, the last ones."""
_WIDTH: Final = 79
_MARGIN: Final = "   "


def tell(result: Result, language: str) -> str:
    """For a terminal, each line with its line feed."""
    return "\n".join(_lines(result, language)) + "\n"


def _lines(result: Result, language: str) -> Iterator[str]:
    words = sentences(result.chapter, language)
    yield from _transcript(result, words)
    if result.passed:
        verdict = f"{words.label('passed')} {result.chapter}  "
        yield from _wrapped(verdict, words.of_success(result.figures), _MARGIN)
        yield from _labelled({"again": f"--seed {result.seed}"}, words)
        return
    yield f"{words.label('failed')} {result.id}"
    said = {part: words.of_diagnosis(result.id, part, result.figures) for part in _PARTS}
    printed = str(result.figures.get("last_line", ""))
    if printed and printed not in said["came"]:
        said["printed"] = printed
    said |= {"read": page(result, language), "again": f"--seed {result.seed}"}
    yield from _labelled(said, words)


def _transcript(result: Result, words: Sentences) -> Iterator[str]:
    left_out = max(0, len(result.transcript) - _SHOWN)
    if left_out:
        yield _MARGIN + words.label("before", count=left_out)
    for entry in result.transcript[left_out:]:
        yield from _wrapped(_MARGIN, words.of_entry(entry), _MARGIN * 2)


def _labelled(said: dict[str, str], words: Sentences) -> Iterator[str]:
    width = max(len(words.label(part)) for part in (*_PARTS, "printed", "read", "again")) + 2
    for part, sentence in said.items():
        label = _MARGIN + words.label(part).ljust(width)
        yield from _wrapped(label, sentence, " " * len(label))


def _wrapped(first: str, sentence: str, indent: str) -> list[str]:
    return textwrap.wrap(
        sentence,
        _WIDTH,
        initial_indent=first,
        subsequent_indent=indent,
        break_on_hyphens=False,
        replace_whitespace=False,
    )


def table(results: Sequence[Result], language: str) -> str:
    """A line for each chapter: whether it passed, the seconds that it took, and what was found."""
    lines = []
    for result in results:
        words = sentences(result.chapter, language)
        verdict = words.label("passed" if result.passed else "failed")
        seconds = words.label("seconds", seconds=result.seconds)
        lines.append(f"{result.chapter}  {verdict:5}  {seconds:>7}  {result.id}".rstrip())
    return "\n".join(lines) + "\n"


def page(result: Result, language: str) -> str:
    """Where the page about it is, and the heading there; '' if nothing was found."""
    if result.passed:
        return ""
    folder = "docs/course" if language == "en" else f"docs/course/{language}"
    chapter = chapter_of(result.id)
    name = "grading" if chapter == "00" else chapter
    return f"{folder}/{name}.md#{result.id.lower()}"


def to_json(result: Result, language: str) -> str:
    """One object in one line, with its sentences in the language, and what they are made of."""
    words = sentences(result.chapter, language)
    told: dict[str, Any] = {
        "chapter": result.chapter,
        "passed": result.passed,
        "id": result.id,
        "text": words.of_success(result.figures) if result.passed else "",
    }
    if not result.passed:
        said = {part: words.of_diagnosis(result.id, part, result.figures) for part in _PARTS}
        told |= {"text": said.pop("came"), **said}
    told |= {
        "page": page(result, language),
        "figures": dict(result.figures),
        "seconds": result.seconds,
        "seed": result.seed,
        "language": language,
        "transcript": [
            {entry.kind: words.of_entry(entry), "key": entry.key, "figures": dict(entry.figures)}
            for entry in result.transcript
        ],
    }
    return json.dumps(told, ensure_ascii=False)


def from_json(text: str) -> Result:
    """The result that `to_json` wrote, to be told in any language.

    Raises ValueError, KeyError or TypeError for what it did not write.
    """
    told = json.loads(text)
    transcript = tuple(
        Entry(next(kind for kind in Kind if kind in entry), entry["key"], entry["figures"])
        for entry in told["transcript"]
    )
    return Result(
        told["chapter"], told["seed"], told["id"], told["figures"], told["seconds"], transcript
    )
