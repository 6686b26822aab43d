"""Any tree of our Markdown, and how it is written: what is read of that has to be the tree."""

import string
from collections.abc import Iterable

from hypothesis import strategies as st

from examples.course.site.markdown.tree import (
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
)

__all__ = ["TREES", "written"]

WORDS = st.sampled_from(
    ["a", "B1", "ñ", "✕", "*", "**a**", "_a_", "[a]", "](b)", "<b>", "<!--", "-->", "&amp;", "#",
     "|", "!", "\\", "~~~", "-", "+", "1.", ".", ":", "\"'", "{x}", "</details>", "```", "a|b"]
)  # fmt: skip
TARGETS = st.sampled_from(["a.md", "../b/c.py#L1", "#d", "https://e.f/?g=1&h=%20", "-"])


def spaced(
    inlines: st.SearchStrategy[Inline], most: int = 2
) -> st.SearchStrategy[tuple[Inline, ...]]:
    """Some of them, a space apart: neighbours of any kind are parted by one."""
    return st.lists(inlines, min_size=1, max_size=most).map(_joined)


def _joined(inlines: Iterable[Inline]) -> tuple[Inline, ...]:
    joined: list[Inline] = []
    for each in inlines:
        for part in [Text(" "), each] if joined else [each]:
            if joined and isinstance(part, Text) and isinstance(joined[-1], Text):
                part = Text(joined.pop().text + part.text)  # type: ignore[union-attr]
            joined.append(part)
    return tuple(joined)


TEXTS = st.builds(Text, WORDS)
CODES = st.builds(Code, WORDS.filter(lambda word: "`" not in word))
IMAGES = st.builds(Image, TARGETS, WORDS)
LEAVES: st.SearchStrategy[Inline] = st.one_of(TEXTS, CODES, IMAGES)
EMPHASES = st.builds(Emphasis, spaced(LEAVES))
STRONGS = st.builds(Strong, spaced(st.one_of(LEAVES, EMPHASES)))
LINKS = st.builds(Link, TARGETS, spaced(st.one_of(LEAVES, EMPHASES, STRONGS)))
INLINES = spaced(st.one_of(LEAVES, EMPHASES, STRONGS, LINKS), 3)

CODE = st.lists(st.sampled_from(["", "a = 1", "  # b", "| c |", "<d>", "> e"]), max_size=3)
FENCES = st.builds(Fence, st.sampled_from(["", "python", "console"]), CODE.map("\n".join))
PARAGRAPHS = st.builds(Paragraph, INLINES)


@st.composite
def tables(draw: st.DrawFn) -> Table:
    sides = draw(st.lists(st.sampled_from(["", "left", "right", "center"]), min_size=1, max_size=2))
    row = st.tuples(*[INLINES] * len(sides))
    return Table(tuple(sides), draw(row), tuple(draw(st.lists(row, max_size=2))))


SIMPLE: st.SearchStrategy[Block] = st.one_of(
    PARAGRAPHS,
    st.builds(Heading, st.integers(1, 6), INLINES),
    FENCES,
    tables(),
    st.just(Rule()),
)
STARTS = st.one_of(st.none(), st.integers(0, 12))
TIGHT_LISTS = st.builds(
    List,
    STARTS,
    st.just(True),
    st.lists(PARAGRAPHS.map(lambda each: (each,)), min_size=1, max_size=2).map(tuple),
)


def _containers(inside: st.SearchStrategy[Block]) -> st.SearchStrategy[Block]:
    some = st.lists(inside, min_size=1, max_size=2).map(_without_neighbouring_lists)
    # An item begins with a line of its own.
    items = st.tuples(PARAGRAPHS, some).map(
        lambda both: _without_neighbouring_lists([both[0], *both[1]])
    )
    return st.one_of(
        st.builds(Quote, some),
        st.builds(Details, INLINES, some),
        st.builds(List, STARTS, st.just(False), st.lists(items, min_size=2, max_size=2).map(tuple)),
    )


def _without_neighbouring_lists(blocks: Iterable[Block]) -> tuple[Block, ...]:
    """Two lists behind each other would be one."""
    kept: list[Block] = []
    for block in blocks:
        if not (kept and isinstance(block, List) and isinstance(kept[-1], List)):
            kept.append(block)
    return tuple(kept)


BLOCKS = st.recursive(st.one_of(SIMPLE, TIGHT_LISTS), _containers, max_leaves=3)
TREES = st.lists(BLOCKS, max_size=2).map(_without_neighbouring_lists)


# -- how it is written -------------------------------------------------------------------------


def written(blocks: Iterable[Block]) -> str:
    return "\n\n".join(map(_block, blocks)) + "\n"


def _block(block: Block) -> str:
    match block:
        case Heading(level, inside):
            return "#" * level + " " + _inlines(inside)
        case Paragraph(inside):
            return _inlines(inside)
        case Fence(language, text):
            return f"```{language}\n{text}\n```"
        case List():
            return _list(block)
        case Quote(inside):
            return "\n".join(f"> {line}".rstrip(" ") if not line else f"> {line}"
                             for line in written(inside).rstrip("\n").split("\n"))  # fmt: skip
        case Table(sides, head, rows):
            marks = {"": "---", "left": ":--", "right": "--:", "center": ":-:"}
            middle = "|".join(marks[side] for side in sides)
            return "\n".join([_row(head), f"|{middle}|", *map(_row, rows)])
        case Details(summary, inside):
            return (
                f"<details><summary>{_inlines(summary)}</summary>\n\n{written(inside)}\n</details>"
            )
        case Rule():
            return "---"


def _list(block: List) -> str:
    items = []
    for number, item in enumerate(block.items, block.start or 0):
        sign = "- " if block.start is None else f"{number}. "
        first, *others = written(item).rstrip("\n").split("\n")
        indented = [" " * len(sign) + line if line else "" for line in others]
        items.append("\n".join([sign + first, *indented]))
    return ("\n" if block.is_tight else "\n\n").join(items)


def _row(cells: tuple[tuple[Inline, ...], ...]) -> str:
    """In which every upright line that is no end of a cell has a backslash."""
    inside = (_inlines(cell).replace("\\|", "|").replace("|", "\\|") for cell in cells)
    return f"| {' | '.join(inside)} |"


def _inlines(inlines: Iterable[Inline]) -> str:
    return "".join(map(_inline, inlines))


def _inline(inline: Inline) -> str:
    match inline:
        case Text(text):
            return _escaped(text)
        case Code(text):
            return f"`{text}`"
        case Emphasis(inside):
            return f"*{_inlines(inside)}*"
        case Strong(inside):
            return f"**{_inlines(inside)}**"
        case Link(target, inside):
            return f"[{_inlines(inside)}]({target})"
        case Image(target, text):
            return f"![{_escaped(text)}]({target})"


def _escaped(text: str) -> str:
    return "".join(f"\\{each}" if each in string.punctuation else each for each in text)
