"""A tree as HTML: each text is escaped at the moment at which it is written."""

import re
from collections.abc import Callable, Iterable
from html import escape
from typing import Final

from .colours import coloured
from .markdown.tree import (
    Block,
    Code,
    Details,
    Emphasis,
    Fence,
    Heading,
    Image,
    Inline,
    Link,
    List,
    Paragraph,
    Quote,
    Rule,
    Strong,
    Table,
    Text,
    plain,
)
from .slugs import Slugs

__all__ = ["Address", "Writer"]

Address = Callable[[str], str]
"""Where a target of the text lies on the site."""


_COMMANDS: Final = ("console", "sh")
_PROGRAM: Final = re.compile(r"[\w/]+\.py\b")


def _nowhere(text: str) -> str:
    return ""


class Writer:
    """Writes the blocks of one page, whose targets lie where `address` says.

    `named` says where lies what is named in code, a file of the project; "" if it is none.
    """

    def __init__(self, address: Address, named: Address = _nowhere) -> None:
        self._address = address
        self._named = named
        self._slugs = Slugs()

    def blocks(self, blocks: Iterable[Block]) -> str:
        """Each with its line feeds: in code they count, and elsewhere they do no harm."""
        return "".join(f"{self._block(block)}\n" for block in blocks)

    def _block(self, block: Block) -> str:
        match block:
            case Heading(level, inside):
                return self._heading(level, inside)
            case Paragraph((Image() as image,)):
                return self._figure(image)
            case Paragraph(inside):
                return f"<p>{self._inlines(inside)}</p>"
            case Fence(language, text):
                return f'<pre tabindex="0"><code>{self._code(language, text)}</code></pre>'
            case List():
                return self._list(block)
            case Quote(inside):
                return f"<blockquote>\n{self.blocks(inside)}</blockquote>"
            case Table():
                return self._table(block)
            case Details(summary, inside):
                head = f"<summary>{self._inlines(summary)}</summary>"
                return f"<details>{head}\n{self.blocks(inside)}</details>"
            case Rule():
                return "<hr>"

    def _heading(self, level: int, inside: tuple[Inline, ...]) -> str:
        slug = escape(self._slugs.of(plain(inside)))
        here = f'<a class="here" href="#{slug}" aria-label="{escape(plain(inside))}">#</a>'
        return f'<h{level} id="{slug}">{self._inlines(inside)} {here}</h{level}>'

    def _figure(self, image: Image) -> str:
        """A picture of its own, which can be had in its own size."""
        source = escape(self._address(image.target))
        return f'<figure tabindex="0"><a href="{source}">{self._image(image)}</a></figure>'

    def _code(self, language: str, text: str) -> str:
        """Commands lead to the programs that they start."""

        def program(match: re.Match[str]) -> str:
            place = self._named(match[0])
            return f'<a href="{escape(place)}">{match[0]}</a>' if place else match[0]

        code = coloured(text, language)
        return _PROGRAM.sub(program, code) if language in _COMMANDS else code

    def _list(self, block: List) -> str:
        name = "ul" if block.start is None else "ol"
        start = f' start="{block.start}"' if block.start not in (None, 1) else ""
        items = "".join(f"<li>{self._item(item, block.is_tight)}</li>\n" for item in block.items)
        return f"<{name}{start}>\n{items}</{name}>"

    def _item(self, blocks: tuple[Block, ...], is_tight: bool) -> str:
        return "\n".join(
            self._inlines(block.inside)
            if is_tight and isinstance(block, Paragraph)
            else self._block(block)
            for block in blocks
        )

    def _table(self, table: Table) -> str:
        """Each cell knows what stands above it, for a screen that has no room beside it."""

        def row(cells: tuple[tuple[Inline, ...], ...], names: Iterable[str]) -> str:
            return "".join(
                f"<{name}{_side(side)}>{self._inlines(cell)}</{name[:2]}>"
                for cell, side, name in zip(cells, table.sides, names, strict=True)
            )

        names = [f'td data-head="{escape(plain(cell))}"' for cell in table.head]
        rows = "".join(f"<tr>{row(cells, names)}</tr>\n" for cells in table.rows)
        head = f"<thead><tr>{row(table.head, ['th'] * len(names))}</tr></thead>"
        return (
            f'<div class="table" tabindex="0"><table>{head}\n<tbody>\n{rows}</tbody></table></div>'
        )

    def _inlines(self, inlines: Iterable[Inline], *, is_link: bool = False) -> str:
        """A link can't stand in another."""
        return "".join(self._inline(each, is_link) for each in inlines)

    def _inline(self, inline: Inline, is_link: bool) -> str:
        match inline:
            case Text(text):
                return escape(text, quote=False)
            case Code(text):
                code = f"<code>{escape(text, quote=False)}</code>"
                place = "" if is_link else self._named(text)
                return f'<a href="{escape(place)}">{code}</a>' if place else code
            case Emphasis(inside):
                return f"<em>{self._inlines(inside, is_link=is_link)}</em>"
            case Strong(inside):
                return f"<strong>{self._inlines(inside, is_link=is_link)}</strong>"
            case Link(target, inside):
                text = self._inlines(inside, is_link=True)
                return f'<a href="{escape(self._address(target))}">{text}</a>'
            case Image():
                return self._image(inline)

    def _image(self, image: Image) -> str:
        return f'<img src="{escape(self._address(image.target))}" alt="{escape(image.text)}">'


def _side(side: str) -> str:
    return f' class="{side}"' if side else ""
