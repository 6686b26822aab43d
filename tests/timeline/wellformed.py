"""What holds of each kind of picture, whatever was recorded: said once, for all tests."""

import re
from html.parser import HTMLParser
from typing import Final
from xml.etree import ElementTree

__all__ = ["check_page", "check_svg", "check_text"]

_UNSEEN: Final = (
    {*map(chr, range(32)), *map(chr, range(127, 160))} - {"\n"}
    | {*map(chr, range(0x202A, 0x202F)), *map(chr, range(0x2066, 0x206A))}
    | {"\u200e", "\u200f", "\ufeff"}
)  # fmt: skip
"""Control characters, and those that turn the direction of what follows or can't be seen."""

_SVG: Final = "{http://www.w3.org/2000/svg}"
_VOID: Final = {"br", "hr", "img", "input", "link", "meta"}


_ISOLATED: Final = re.compile("\u2068([^\u2066-\u2069\n]+)\u2069")


def check_text(drawn: str) -> None:
    """Each character is seen, and in its place; a file can hold them all."""
    seen = _ISOLATED.sub(r"\1", drawn)  # words that run from right to left, kept to themselves
    assert not _UNSEEN & set(seen)
    drawn.encode()


def check_svg(drawn: str) -> None:
    """An XML parser reads it, and nothing in it runs or comes from elsewhere."""
    check_text(drawn)
    for element in ElementTree.fromstring(drawn).iter():
        assert element.tag.startswith(_SVG)
        assert element.tag.removeprefix(_SVG) not in ("script", "foreignObject", "image")
        assert not any(name.startswith("on") for name in element.attrib)


def check_page(drawn: str) -> None:
    """Each element is closed where it was opened, and only the page's own script runs."""
    check_text(drawn)
    elements = _Elements()
    elements.feed(drawn)
    elements.close()
    assert elements.open == []
    assert elements.scripts == 1


class _Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.scripts = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert not any(name.startswith("on") for name, _ in attrs)
        self.scripts += tag == "script" and ("type", "text/plain") not in attrs
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag != "script"

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
