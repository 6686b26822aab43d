"""The page around a text: its head, the contents beside it, and the ways on below it."""

import posixpath
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from typing import Final

from ..pages.contents import NAMES, ORIGINAL, TITLES, Page, neighbours
from .links import location_of

__all__ = ["GENERATOR", "STYLE", "Section", "laid_out"]

GENERATOR: Final = '<meta name="generator" content="examples.course.site">'
"""Stands in each page, so that a site is known as one."""
STYLE: Final = files(__package__).joinpath("style.css").read_text("utf-8")
_WORDS: Final = {
    "en": {"skip": "To the text", "contents": "Contents", "name": "English"},
    "es": {"skip": "Al texto", "contents": "Índice", "name": "Español"},
}


@dataclass(frozen=True, slots=True)
class Section:
    """A heading of the page, and how it is linked to."""

    slug: str
    title: str


def laid_out(
    location: str, title: str, body: str, sections: Iterable[Section], page: Page | None
) -> str:
    """The HTML of what lies at `location`; `page` is None for what is no page of the course."""
    layout = _Layout(location, page)
    return "\n".join(layout.lines(title, body, sections)) + "\n"


class _Layout:
    def __init__(self, location: str, page: Page | None) -> None:
        self._folder = posixpath.dirname(location) or "."
        self._page = page
        self._language = page.language if page else ORIGINAL
        self._words = _WORDS[self._language]

    def lines(self, title: str, body: str, sections: Iterable[Section]) -> Iterator[str]:
        course = TITLES["index"][self._language]
        whole = course if title == course else f"{title} · {course}"
        yield f'<!doctype html>\n<html lang="{self._language}">\n<head>\n<meta charset="utf-8">'
        yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
        yield GENERATOR
        yield '<meta name="color-scheme" content="light dark">\n<link rel="icon" href="data:,">'
        yield f'<link rel="stylesheet" href="{self._to("style.css")}">'
        yield f"<title>{escape(whole)}</title>\n</head>\n<body>"
        yield f'<a class="skip" href="#site:text">{self._words["skip"]}</a>'
        yield from self._head(course)
        yield f'<main id="site:text">\n{body}'
        yield from self._ways()
        yield "</main>"
        yield from self._contents(sections)
        yield "</body>\n</html>"

    def _head(self, course: str) -> Iterator[str]:
        yield f"<header>\n{self._link(Page('index', self._language), course)}"
        yield f'<a class="to-contents" href="#site:contents">{self._words["contents"]}</a>'
        for language, words in _WORDS.items():
            if self._page and language != self._language:
                other = self._page.in_language(language)
                more = f' lang="{language}" hreflang="{language}"'
                yield self._link(other, words["name"], more)
        yield "</header>"

    def _ways(self) -> Iterator[str]:
        before, behind = neighbours(self._page) if self._page else (None, None)
        yield '<nav class="ways">'
        if before:
            yield self._link(before, f"← {before.title}", ' rel="prev"')
        if behind:
            yield self._link(behind, f"{behind.title} →", ' rel="next"')
        yield "</nav>"

    def _contents(self, sections: Iterable[Section]) -> Iterator[str]:
        yield f'<nav class="contents" id="site:contents" aria-label="{self._words["contents"]}">'
        yield "<ul>"
        for page in (Page(name, self._language) for name in NAMES):
            if page != self._page:
                yield f"<li>{self._link(page, page.title)}</li>"
                continue
            here = self._link(page, page.title, ' aria-current="page"')
            yield f"<li>{here}\n<ul>"
            for each in sections:
                yield f'<li><a href="#{escape(each.slug)}">{escape(each.title)}</a></li>'
            yield "</ul></li>"
        yield "</ul>\n</nav>"

    def _link(self, page: Page, text: str, more: str = "") -> str:
        address = self._to(location_of(page.path.as_posix()))
        return f'<a href="{address}"{more}>{escape(text)}</a>'

    def _to(self, location: str) -> str:
        return posixpath.relpath(location, self._folder)
