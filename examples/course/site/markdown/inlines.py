"""What stands in the lines of a block: emphasis, code, links, images."""

import re
import string
import unicodedata
from typing import Final

from .tree import Code, Emphasis, Image, Inline, Link, MarkdownError, Strong, Text, plain

__all__ = ["DEEPEST", "parse_inlines"]

DEEPEST: Final = 12
"""How many can stand in each other."""
_COMMENT: Final = re.compile(r"<!--.*?-->", re.DOTALL)
_ADDRESS: Final = re.compile(r"<(https?://[^\s<>]+)>")
_TAG: Final = re.compile(r"<[A-Za-z/!?]")
_ENTITY: Final = re.compile(r"&(?:#\w+|[A-Za-z]\w*);")
_TARGET: Final = re.compile(r"\(([^()\s<>]*)\)")
_TICKS: Final = re.compile(r"`+")
_STARS: Final = re.compile(r"\*+")


def parse_inlines(text: str, line: int) -> tuple[Inline, ...]:
    """`line` is that of the first character. Raises MarkdownError.

    >>> parse_inlines("say *it* in `code`", 1)
    (Text(text='say '), Emphasis(inside=(Text(text='it'),)), Text(text=' in '), Code(text='code'))
    """
    return _Scanner(text, line).until("", 0)


class _Scanner:
    """Goes through the text once; what has been opened is read by a call within a call."""

    def __init__(self, text: str, line: int) -> None:
        self._text = text
        self._line = line
        self._at = 0
        self._links = 0

    def until(self, stop: str, depth: int) -> tuple[Inline, ...]:
        """All up to the sign that closes what was opened, or to the end if that is ""."""
        if depth > DEEPEST:
            raise self._wrong("too many stand in each other")
        begin, found = self._at, list[Inline]()
        while self._at < len(self._text):
            if stop and self._closes(stop):
                self._at += len(stop)
                return _joined(found)
            found += self._next(depth)
        if stop:
            self._at = begin
            raise self._wrong(f"{stop} is not closed or not opened; write \\{stop[0]} to show it")
        return _joined(found)

    def _next(self, depth: int) -> list[Inline]:
        """What begins here."""
        match self._text[self._at]:
            case "\\":
                return [Text(self._escaped())]
            case "`":
                return [self._code()]
            case "*":
                return self._stars(depth)
            case "_":
                self._refuse_emphasis_by_underscores()
            case "[":
                return self._brackets(depth)
            case "!" if self._text.startswith("![", self._at):
                return self._image(depth)
            case "<":
                return self._angle()
            case "&" if _ENTITY.match(self._text, self._at):
                raise self._wrong("write the sign itself, or `&` in code")
        return [self._letter()]

    def _letter(self) -> Text:
        self._at += 1
        return Text(self._text[self._at - 1])

    def _escaped(self) -> str:
        self._at += 1
        following = self._text[self._at : self._at + 1]
        if following in ("", "\n"):
            raise self._wrong("a line can't be broken by a backslash")
        if following not in string.punctuation:
            return "\\"
        self._at += 1
        return following

    def _code(self) -> Code:
        ticks = _TICKS.match(self._text, self._at)
        assert ticks is not None
        for closing in _TICKS.finditer(self._text, ticks.end()):
            if len(closing[0]) == len(ticks[0]):
                text = self._text[ticks.end() : closing.start()].replace("\n", " ")
                self._at = closing.end()
                has_padding = text.strip() and text[0] == text[-1] == " "
                return Code(text[1:-1] if has_padding else text)
        raise self._wrong(f"{ticks[0]} is not closed; write \\` to show one")

    # -- emphasis, by the rules of CommonMark 0.31 (6.2) ---------------------------------------

    def _stars(self, depth: int) -> list[Inline]:
        run = self._run()
        before, behind = self._around(len(run))
        if not _leans(before, behind):
            if before.isspace() and behind.isspace():
                return [self._letter()]
            raise self._wrong(f"{run} opens nothing and closes nothing; write \\* to show it")
        sign = run[:2]
        self._at += len(sign)
        inside = self.until(sign, depth + 1)
        return [Strong(inside) if len(sign) == 2 else Emphasis(inside)]

    def _closes(self, stop: str) -> bool:
        if stop == "]" or not self._text.startswith(stop, self._at):
            return self._text.startswith(stop, self._at)
        run = self._run()
        before, behind = self._around(len(run))
        is_of_another = stop == "*" and len(run) == 2
        return _leans(behind, before) and not is_of_another

    def _run(self) -> str:
        run = _STARS.match(self._text, self._at)
        return run[0] if run else ""

    def _around(self, length: int) -> tuple[str, str]:
        """The characters before and behind so many; a space where there is none."""
        behind = self._text[self._at + length : self._at + length + 1] or " "
        return self._text[self._at - 1] if self._at else " ", behind

    def _refuse_emphasis_by_underscores(self) -> None:
        before, behind = self._around(1)
        if _leans(before, behind) and (not _leans(behind, before) or _is_sign(before)):
            raise self._wrong("_ begins what may be emphasis: use *, or put names in backquotes")

    # -- links, images, and what is no text ----------------------------------------------------

    def _brackets(self, depth: int) -> list[Inline]:
        self._at += 1
        if self._text.startswith(("^", " ] ", "x] "), self._at):
            raise self._wrong("notes and tasks are not known")
        before, inside = self._links, self.until("]", depth + 1)
        if self._text.startswith(("[", ":"), self._at):
            raise self._wrong("a link has its target behind it: [text](target)")
        if not self._text.startswith("(", self._at):
            return [Text("["), *inside, Text("]")]
        if self._links > before:
            raise self._wrong("a link can't stand in another")
        self._links += 1
        return [Link(self._target(), inside)]

    def _image(self, depth: int) -> list[Inline]:
        self._at += 2
        text = plain(self.until("]", depth + 1))
        return [Image(self._target(), text)]

    def _target(self) -> str:
        match = _TARGET.match(self._text, self._at)
        if match is None:
            raise self._wrong("a target stands in (parentheses), and has no spaces in it")
        self._at = match.end()
        return match[1]

    def _angle(self) -> list[Inline]:
        if comment := _COMMENT.match(self._text, self._at):
            self._at = comment.end()
            return []
        if address := _ADDRESS.match(self._text, self._at):
            self._at = address.end()
            self._links += 1
            return [Link(address[1], (Text(address[1]),))]
        if _TAG.match(self._text, self._at):
            raise self._wrong("HTML is not known; write \\< to show the sign")
        return [self._letter()]

    def _wrong(self, message: str) -> MarkdownError:
        return MarkdownError(self._line + self._text.count("\n", 0, self._at), message)


def _leans(away: str, to: str) -> bool:
    """Whether a sign between the two belongs to the second."""
    return not to.isspace() and (not _is_sign(to) or away.isspace() or _is_sign(away))


def _is_sign(letter: str) -> bool:
    return unicodedata.category(letter)[0] in "PS"


def _joined(found: list[Inline]) -> tuple[Inline, ...]:
    """With neighbouring texts as one."""
    joined = list[Inline]()
    texts = list[str]()
    for each in [*found, None]:
        if isinstance(each, Text):
            texts.append(each.text)
            continue
        if texts:
            joined.append(Text("".join(texts)))
            texts.clear()
        if each is not None:
            joined.append(each)
    return tuple(joined)
