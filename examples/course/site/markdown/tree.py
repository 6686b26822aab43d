"""What a text in Markdown says: blocks, and what stands in their lines."""

from dataclasses import dataclass

__all__ = [
    "Block",
    "Code",
    "Details",
    "Emphasis",
    "Fence",
    "Heading",
    "Image",
    "Inline",
    "Link",
    "List",
    "MarkdownError",
    "Paragraph",
    "Quote",
    "Rule",
    "Strong",
    "Table",
    "Text",
    "plain",
]


class MarkdownError(ValueError):
    """A line, counted from 1, that is not of our subset."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


# -- what stands in lines ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Text:
    text: str


@dataclass(frozen=True, slots=True)
class Code:
    text: str


@dataclass(frozen=True, slots=True)
class Emphasis:
    inside: "tuple[Inline, ...]"


@dataclass(frozen=True, slots=True)
class Strong:
    inside: "tuple[Inline, ...]"


@dataclass(frozen=True, slots=True)
class Link:
    target: str
    inside: "tuple[Inline, ...]"


@dataclass(frozen=True, slots=True)
class Image:
    """`text` is for who can't see it."""

    target: str
    text: str


Inline = Text | Code | Emphasis | Strong | Link | Image


# -- blocks ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Heading:
    level: int
    inside: tuple[Inline, ...]


@dataclass(frozen=True, slots=True)
class Paragraph:
    inside: tuple[Inline, ...]


@dataclass(frozen=True, slots=True)
class Fence:
    """Lines of code; the last has no line feed."""

    language: str
    text: str


@dataclass(frozen=True, slots=True)
class List:
    """`start` is the number of the first item, None if they have signs. Paragraphs of a tight
    list stand close together."""

    start: int | None
    is_tight: bool
    items: "tuple[tuple[Block, ...], ...]"


@dataclass(frozen=True, slots=True)
class Quote:
    inside: "tuple[Block, ...]"


@dataclass(frozen=True, slots=True)
class Table:
    """Each row has as many cells as there are `sides`: "left", "right", "center" or ""."""

    sides: tuple[str, ...]
    head: tuple[tuple[Inline, ...], ...]
    rows: tuple[tuple[tuple[Inline, ...], ...], ...]


@dataclass(frozen=True, slots=True)
class Details:
    """What is folded away below a summary."""

    summary: tuple[Inline, ...]
    inside: "tuple[Block, ...]"


@dataclass(frozen=True, slots=True)
class Rule:
    """A line across the page."""


Block = Heading | Paragraph | Fence | List | Quote | Table | Details | Rule


def plain(inside: tuple[Inline, ...]) -> str:
    """The letters without what they look like; of an image, its text.

    >>> plain((Text("a "), Strong((Code("b"), Text("!")))))
    'a b!'
    """
    parts = []
    for each in inside:
        match each:
            case Text(text) | Code(text) | Image(_, text):
                parts.append(text)
            case Emphasis(inner) | Strong(inner) | Link(_, inner):
                parts.append(plain(inner))
    return "".join(parts)
