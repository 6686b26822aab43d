"""The blocks of a text, line by line; what stands in their lines is read by `inlines`."""

import re
from collections.abc import Callable
from typing import Final, NamedTuple

from .inlines import DEEPEST, parse_inlines
from .tree import (
    Block,
    Details,
    Fence,
    Heading,
    Inline,
    List,
    MarkdownError,
    Paragraph,
    Quote,
    Rule,
    Table,
)

__all__ = ["parse"]

_HEADING: Final = re.compile(r"(#{1,6}) +(\S.*)")
_FENCE: Final = re.compile(r"(`{3,})([\w+-]*)")
_ITEM: Final = re.compile(r"(?:(\d{1,9})([.)])|([-*+])) +(?=\S)")
_RULE: Final = re.compile(r"(?:- *){3,}|(?:\* *){3,}|(?:_ *){3,}")
_COMMENT: Final = re.compile(r"<!--(?:(?!-->).)*-->")
_DETAILS: Final = re.compile(r"<details>(?:<summary>(.+)</summary>)?")
_SUMMARY: Final = re.compile(r"<summary>(.+)</summary>")
_END_OF_DETAILS: Final = "</details>"
_UNDERLINE: Final = re.compile(r"=+|-+")
_SIDES: Final = re.compile(r"(:?)-+(:?)")
_SIDES_BY_COLONS: Final = {
    (False, False): "", (True, False): "left", (False, True): "right", (True, True): "center",
}  # fmt: skip
_CELL_END: Final = re.compile(r"(?<!\\)\|")
_LATER_NUMBER: Final = re.compile(r"(?!0*1[.)])\d+[.)] ")
_UNKNOWN: Final = (
    (re.compile(r" {4}|.*\t"), "code stands between ```, and is not set in"),
    (re.compile(r" "), "a block begins at the left"),
    (re.compile(r"~~~"), "code stands between ```"),
    (re.compile(r"\[[^]]*\]:"), "a link has its target behind it: [text](target)"),
    (re.compile(r"[-*+]$|\d+[.)]$"), "an item has a text in its first line"),
)


class _Line(NamedTuple):
    """Its number in the file stays with it when what is left of it is cut off."""

    number: int
    text: str


def parse(text: str) -> tuple[Block, ...]:
    r"""Raises MarkdownError for what is not of our subset.

    >>> parse("# Title\n\nA line,\nand another.\n")[1]
    Paragraph(inside=(Text(text='A line,\nand another.'),))
    """
    lines = [_Line(number, line.rstrip("\r")) for number, line in enumerate(text.split("\n"), 1)]
    return _Reader(lines, 0).blocks()


class _Reader:
    """Reads the lines of one container from top to bottom."""

    def __init__(self, lines: list[_Line], depth: int) -> None:
        self._lines = lines
        self._depth = depth
        self._at = 0
        if depth > DEEPEST:
            raise MarkdownError(lines[0].number, "too many blocks stand in each other")

    def blocks(self) -> tuple[Block, ...]:
        found = list[Block]()
        while self._at < len(self._lines):
            if self._is_blank() or _COMMENT.fullmatch(self._here):
                self._at += 1
            else:
                found.append(self._block())
        return tuple(found)

    @property
    def _here(self) -> str:
        """The line that is to be read next, '' at the end."""
        return self._lines[self._at].text if self._at < len(self._lines) else ""

    def _is_blank(self) -> bool:
        return not self._here.strip()

    def _block(self) -> Block:
        for unknown, message in _UNKNOWN:
            if unknown.match(self._here):
                raise self._wrong(message)
        for is_one, read in _KINDS:
            if is_one(self._here):
                return read(self)
        return self._paragraph()

    # -- blocks of lines -----------------------------------------------------------------------

    def _paragraph(self) -> Paragraph:
        begin = self._at
        self._at += 1
        while not self._is_blank() and not self._ends_paragraph():
            self._at += 1
        lines = self._lines[begin : self._at]
        for line in lines[:-1]:
            if line.text.endswith("  "):
                raise MarkdownError(line.number, "a line can't be broken by two spaces")
        text = "\n".join(line.text.strip() for line in lines)
        return Paragraph(parse_inlines(text, lines[0].number))

    def _ends_paragraph(self) -> bool:
        """Whether a block begins in the midst of one. Raises for what would be another there."""
        line = self._here.lstrip(" ")
        if _UNDERLINE.fullmatch(line.rstrip()):
            raise self._wrong("a heading begins with #")
        if line.startswith("|"):
            raise self._wrong("a table has a blank line above it")
        if _LATER_NUMBER.match(line):
            return False
        if line == self._here:
            return _begins_block(line)
        if _begins_block(line):
            raise self._wrong("a block begins at the left")
        return False

    def _heading(self) -> Heading:
        match = _HEADING.fullmatch(self._here)
        if match is None:
            raise self._wrong("a heading has a space behind its #, and a text")
        return Heading(len(match[1]), self._inlines(match[2].rstrip()))

    def _fence(self) -> Fence:
        begin = self._at
        match = _FENCE.fullmatch(self._here)
        if match is None:
            raise self._wrong("behind ``` stands the name of a language, and nothing else")
        self._at += 1
        while self._at < len(self._lines):
            self._at += 1
            if self._lines[self._at - 1].text.rstrip() == match[1]:
                lines = self._lines[begin + 1 : self._at - 1]
                return Fence(match[2], "\n".join(line.text for line in lines))
        self._at = begin
        raise self._wrong(f"{match[1]} has no end")

    def _rule(self) -> Rule:
        self._at += 1
        return Rule()

    def _table(self) -> Table:
        rows = list[tuple[tuple[Inline, ...], ...]]()
        sides: tuple[str, ...] = ()
        while self._here.startswith("|"):
            cells = self._cells()
            if len(rows) == 1 and not sides:
                sides = tuple(map(self._side, cells))
            else:
                rows.append(tuple(self._inlines_of(cell) for cell in cells))
            if len(cells) != len(sides or cells) or len(cells) != len(rows[0]):
                raise self._wrong(f"a row has {len(cells)} cells, its head {len(rows[0])}")
            self._at += 1
        if not sides:
            raise self._wrong("a table has a line |---|---| below its head")
        if not self._is_blank() and not self._ends_paragraph():
            raise self._wrong("a row begins with |")
        return Table(sides, rows[0], tuple(rows[1:]))

    def _cells(self) -> list[str]:
        line = self._here.rstrip()
        if not line.endswith("|") or len(line) < 2:
            raise self._wrong("a row ends with |")
        return [cell.strip().replace("\\|", "|") for cell in _CELL_END.split(line)[1:-1]]

    def _side(self, cell: str) -> str:
        match = _SIDES.fullmatch(cell)
        if match is None:
            raise self._wrong("a table has a line |---|---| below its head")
        return _SIDES_BY_COLONS[bool(match[1]), bool(match[2])]

    # -- blocks of blocks ----------------------------------------------------------------------

    def _quote(self) -> Quote:
        begin = self._at
        while self._here.startswith(">"):
            self._at += 1
        if not self._is_blank():
            raise self._wrong("each line of a quotation begins with >")
        lines = [
            _Line(line.number, line.text[1:].removeprefix(" "))
            for line in self._lines[begin : self._at]
        ]
        return Quote(_Reader(lines, self._depth + 1).blocks())

    def _list(self) -> List:
        first = _item(self._here)
        assert first is not None
        items = list[tuple[Block, ...]]()
        is_tight = True
        while (match := _item(self._here)) and _sign(match) == _sign(first):
            is_tight &= not items or not self._is_below_a_blank()
            lines = self._lines_of_item(match.end())
            is_tight &= all(line.text.strip() for line in lines)
            items.append(_Reader(lines, self._depth + 1).blocks())
            while self._at < len(self._lines) and self._is_blank():
                self._at += 1
        start = None if first[1] is None else int(first[1])
        return List(start, is_tight, tuple(items))

    def _is_below_a_blank(self) -> bool:
        return not self._lines[self._at - 1].text.strip()

    def _lines_of_item(self, indent: int) -> list[_Line]:
        """Without the sign and what they are set in by; blank ones at the end are left."""
        number, text = self._lines[self._at]
        lines, end = [_Line(number, text[indent:])], self._at + 1
        for at in range(self._at + 1, len(self._lines)):
            number, text = self._lines[at]
            is_blank = not text.strip()
            if not is_blank and not text.startswith(" " * indent):
                if self._lines[at - 1].text.strip() and not _begins_block(text):
                    self._at = at
                    raise self._wrong("what belongs to an item is set in below its text")
                break
            lines.append(_Line(number, text[indent:]))
            end = at + 1 if not is_blank else end
        del lines[end - self._at :]
        self._at = end
        return lines

    def _details(self) -> Details:
        begin = self._at
        match = _DETAILS.fullmatch(self._here)
        summary = match and match[1]
        if match and not summary:
            self._at += 1
            match = _SUMMARY.fullmatch(self._here)
            summary = match and match[1]
        if not summary:
            raise self._wrong("HTML is not known, but <details><summary>...</summary>")
        inside = self._inlines(summary)
        if not self._is_blank():
            raise self._wrong("a blank line stands below a summary")
        end = self._end_of_details(begin)
        lines, self._at = self._lines[self._at : end], end + 1
        if not self._is_blank():
            raise self._wrong("a blank line stands below </details>")
        return Details(inside, _Reader(lines, self._depth + 1).blocks())

    def _end_of_details(self, begin: int) -> int:
        depth = 1
        for at in range(self._at, len(self._lines)):
            line = self._lines[at].text.rstrip()
            depth += line.startswith("<details>") - (line == _END_OF_DETAILS)
            if depth == 0:
                return at
        self._at = begin
        raise self._wrong("<details> has no end")

    def _html(self) -> Block:
        raise self._wrong("HTML is not known here, and a line can't begin with a comment")

    # -- lines ---------------------------------------------------------------------------------

    def _inlines(self, text: str) -> tuple[Inline, ...]:
        """Of the line here, which has been read by that."""
        found = self._inlines_of(text)
        self._at += 1
        return found

    def _inlines_of(self, text: str) -> tuple[Inline, ...]:
        return parse_inlines(text, self._lines[self._at].number)

    def _wrong(self, message: str) -> MarkdownError:
        at = min(self._at, len(self._lines) - 1)
        return MarkdownError(self._lines[at].number, message)


def _begins_block(line: str) -> bool:
    """One that also ends a paragraph."""
    return any(is_one(line) for is_one, _ in _KINDS) or bool(_COMMENT.fullmatch(line))


def _item(line: str) -> re.Match[str] | None:
    return None if _RULE.fullmatch(line) else _ITEM.match(line)


def _sign(match: re.Match[str]) -> str:
    """What the items of one list have in common."""
    return match[2] or match[3]


_KINDS: Final[tuple[tuple[Callable[[str], object], Callable[[_Reader], Block]], ...]] = (
    (lambda line: line.startswith("#"), _Reader._heading),
    (lambda line: line.startswith("```"), _Reader._fence),
    (lambda line: _RULE.fullmatch(line), _Reader._rule),
    (lambda line: line.startswith("|"), _Reader._table),
    (lambda line: line.startswith(">"), _Reader._quote),
    (_item, _Reader._list),
    (lambda line: line.startswith("<details"), _Reader._details),
    (lambda line: re.match(r"<[A-Za-z/!?]", line) and not line.startswith("<http"), _Reader._html),
)
"""What a line looks like with which a block begins, and what reads it."""
