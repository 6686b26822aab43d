"""A result as a person reads it: what was done, what was found, and which page to read."""

from collections.abc import Iterator

from .result import Result
from .sentences import chapter_of, sentences

__all__ = ["page", "tell"]

_PARTS = ("sent", "expected", "came", "usually")


def tell(result: Result, language: str) -> str:
    return "\n".join(_lines(result, language)) + "\n"


def _lines(result: Result, language: str) -> Iterator[str]:
    words = sentences(result.chapter, language)
    for entry in result.transcript:
        yield "   " + words.of_entry(entry)
    if result.passed:
        yield f"PASS {result.chapter}"
        yield words.of_success(result.figures)
        return
    yield f"FAIL {result.id}"
    for part in _PARTS:
        yield f"   {part}: {words.of_diagnosis(result.id, part, result.figures)}"
    yield f"   read: {page(result, language)}"


def page(result: Result, language: str) -> str:
    """Where the page about it is, and the heading there."""
    folder = "docs/course" if language == "en" else f"docs/course/{language}"
    chapter = chapter_of(result.id)
    name = "grading" if chapter == "00" else chapter
    return f"{folder}/{name}.md#{result.id.lower()}"
