"""Text in several looks: what a story is made of, whoever shows it in whichever way."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from string import Formatter
from typing import TypeAlias

__all__ = ["Line", "Span", "Style", "fill", "joined", "listed"]


class Style(Enum):
    """How a span looks."""

    PLAIN = "plain"
    CODE = "code"
    STRONG = "strong"
    BAD = "bad"
    SMALL = "small"


@dataclass(frozen=True, slots=True)
class Span:
    """Text of one look: safe to look at, not yet escaped for any output."""

    text: str
    style: Style = Style.PLAIN


Line: TypeAlias = tuple[Span, ...]


def fill(template: str, style: Style = Style.PLAIN, **parts: Iterable[Span]) -> list[Span]:
    """A sentence with its blanks filled in, each in its own style.

    >>> print(*fill("from {whom}.", whom=[Span("client A", Style.STRONG)]), sep="\\n")
    Span(text='from ', style=<Style.PLAIN: 'plain'>)
    Span(text='client A', style=<Style.STRONG: 'strong'>)
    Span(text='.', style=<Style.PLAIN: 'plain'>)
    """
    spans: list[Span] = []
    for text, name, _, _ in Formatter().parse(template):
        if text:
            spans.append(Span(text, style))
        if name is not None:
            spans += parts[name]
    return spans


def listed(things: Iterable[Span], separator: str = ", ") -> list[Span]:
    """The things in a row, with plain text between them."""
    spans: list[Span] = []
    for thing in things:
        spans += [Span(separator), thing] if spans else [thing]
    return spans


def joined(spans: Iterable[Span]) -> Line:
    """A line of them: neighbours of one style are one span, and none is empty."""
    line: list[Span] = []
    for span in spans:
        if line and line[-1].style is span.style:
            line[-1] = Span(line[-1].text + span.text, span.style)
        elif span.text:
            line.append(span)
    return tuple(line)
