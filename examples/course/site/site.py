"""All files of the site, as text: the pages, and what they lead to, and what that leads to."""

import posixpath
import re
from html import escape
from pathlib import Path
from typing import Final

from ..pages.contents import Page, pages
from .colours import coloured
from .html import Writer
from .layout import STYLE, Section, laid_out
from .links import Kind, Links, kind_of, location_of
from .markdown.blocks import parse
from .markdown.tree import Block, Heading, MarkdownError, plain
from .slugs import Slugs

__all__ = ["build", "sections"]

_NAVIGATION: Final = "\n<!-- navigation -->"
"""The ways on are part of the layout here."""
_FILE: Final = re.compile(r"(?:reactor|examples|tests|docs)/[\w/.]+")
"""What a page of the course leads to by naming it: other documents name the whole project."""
_LANGUAGES: Final = {".py": "python"}


def build(root: Path) -> dict[str, str]:
    """Each file by where it lies on the site.

    Raises ValueError, in one line, for what is not Markdown as we know it or leads nowhere.
    """
    files = {"style.css": STYLE}
    course = {page.path.as_posix(): page for page in pages()}
    left, seen = list(course), set(course)
    while left:
        path = left.pop()
        text = _read(root, path)
        location, links = location_of(path), Links(path)
        match kind_of(path):
            case Kind.DOCUMENT:
                files[location] = _document(text, course.get(path), links, root)
            case Kind.SOURCE:
                files[location] = _source(path, text)
                files[location.removesuffix(".html")] = text
            case Kind.COPY:
                files[location] = text
        for found in sorted(links.files - seen):
            if not (root / found).is_file():
                raise ValueError(f"{path} leads to {found}, which is no file")
            seen.add(found)
            left.append(found)
    return files


def _read(root: Path, path: str) -> str:
    try:
        return (root / path).read_text("utf-8")
    except FileNotFoundError:
        raise ValueError(f"{path} is missing") from None


def _document(text: str, page: Page | None, links: Links, root: Path) -> str:
    def named(code: str) -> str:
        is_file = page and _FILE.fullmatch(code) and (root / code).is_file()
        return links.address_of_file(code) if is_file else ""

    blocks = _parsed(text.partition(_NAVIGATION)[0] if page else text, links.path)
    body = Writer(links.address, named).blocks(blocks)
    title = page.title if page else posixpath.basename(links.path)
    second = [section for level, section in sections(blocks) if level == 2]
    return laid_out(location_of(links.path), title, body, second, page)


def _parsed(text: str, path: str) -> tuple[Block, ...]:
    try:
        return parse(text)
    except MarkdownError as exc:
        raise ValueError(f"{path}, line {exc.line}: {exc}") from None


def sections(blocks: tuple[Block, ...]) -> list[tuple[int, Section]]:
    """Each heading of a page, with its level."""
    slugs = Slugs()
    return [
        (block.level, Section(slugs.of(plain(block.inside)), plain(block.inside)))
        for block in blocks
        if isinstance(block, Heading)
    ]


def _source(path: str, text: str) -> str:
    """A program with numbered lines, each of which can be linked to."""
    name = posixpath.basename(path)
    count = text.count("\n") + (not text.endswith("\n"))
    numbers = "\n".join(f'<a id="L{n}" href="#L{n}">{n}</a>' for n in range(1, count + 1))
    code = coloured(text.rstrip("\n"), _LANGUAGES.get(Path(path).suffix, ""))
    body = (
        f'<h1>{escape(path)}</h1>\n<p><a href="{escape(name)}">{escape(name)}</a></p>\n'
        f'<div class="source"><pre class="numbers">{numbers}</pre>'
        f'<pre tabindex="0"><code>{code}</code></pre></div>\n'
    )
    return laid_out(location_of(path), path, body, (), None)
