"""Markdown is read as GitHub reads it, or refused with its line: never shown as something else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples.course.site.markdown.blocks import parse
from examples.course.site.markdown.tree import (
    Block,
    Code,
    Details,
    Emphasis,
    Fence,
    Heading,
    Image,
    Link,
    List,
    MarkdownError,
    Paragraph,
    Quote,
    Rule,
    Strong,
    Table,
    Text,
)
from tests.course.site.trees import TREES, written


def paragraph(text: str) -> Paragraph:
    return Paragraph((Text(text),))


@given(TREES)
def test_what_is_written_of_a_tree_is_read_as_that_tree(tree: tuple[Block, ...]) -> None:
    assert parse(written(tree)) == tree


PIECES = st.sampled_from(
    [*"\n\n\n  *_`[]()<>!\\|#-+.:>1a&~\t", "```", "**", "<details>", "</details>", "<!--", "-->",
     "<summary>", "</summary>", "| a |", "|--|", "- ", "1. ", "    "]
)  # fmt: skip


@given(st.one_of(st.text(), st.lists(PIECES, max_size=60).map("".join)))
def test_any_text_is_read_or_refused_with_one_of_its_lines(text: str) -> None:
    line = 1
    try:
        parse(text)
    except MarkdownError as refusal:
        line = refusal.line
    assert 1 <= line <= text.count("\n") + 1


@pytest.mark.parametrize(
    "sign", ["[", "> ", "- ", "**", "*a ", "![", "`", "(", "<", "\\", "|", "```\n"]
)
def test_what_is_opened_without_end_ends(sign: str) -> None:
    try:
        parse(sign * 10_000)
    except MarkdownError:
        pass


def test_a_page_has_all_kinds_of_blocks() -> None:
    page = """\
# Title
<!-- a comment -->
A *line* and `code`,
and a [link](b.md#c).

```python
# no title
```

| a | b |
|---|--:|
| 1 | 2 |

> Quoted.

- one
- two
  still two

2. second

   and more
3. third

---
![text](a.svg)

<details><summary>Answers</summary>

1. Yes.

</details>
"""
    assert parse(page) == (
        Heading(1, (Text("Title"),)),
        Paragraph((
            Text("A "), Emphasis((Text("line"),)), Text(" and "), Code("code"),
            Text(",\nand a "), Link("b.md#c", (Text("link"),)), Text("."),
        )),
        Fence("python", "# no title"),
        Table(("", "right"), ((Text("a"),), (Text("b"),)), (((Text("1"),), (Text("2"),)),)),
        Quote((paragraph("Quoted."),)),
        List(None, True, ((paragraph("one"),), (paragraph("two\nstill two"),))),
        List(2, False, ((paragraph("second"), paragraph("and more")), (paragraph("third"),))),
        Rule(),
        Paragraph((Image("a.svg", "text"),)),
        Details((Text("Answers"),), (List(1, True, ((paragraph("Yes."),),)),)),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        ("**a *b***", (Strong((Text("a "), Emphasis((Text("b"),)))),)),
        ("*a**b**c*", (Emphasis((Text("a"), Strong((Text("b"),)), Text("c"))),)),
        ("***a* b**", (Strong((Emphasis((Text("a"),)), Text(" b"))),)),
        ("EVENT_WRITE and a_b_c", (Text("EVENT_WRITE and a_b_c"),)),
        ("2 * 3 * 4, a < b & c", (Text("2 * 3 * 4, a < b & c"),)),
        ("``a`b``, ` a `", (Code("a`b"), Text(", "), Code("a"))),
        (r"\*a\* \[b\] \d", (Text(r"*a* [b] \d"),)),
        ("[0, 1] and a[0]", (Text("[0, 1] and a[0]"),)),
        ("<https://a.b/c>", (Link("https://a.b/c", (Text("https://a.b/c"),)),)),
        ("it uses <!--=05-broken share-->99%<!--/-->.", (Text("it uses 99%."),)),
        ("in the year\n1999. And so on", (Text("in the year\n1999. And so on"),)),
        ("[![a](b)](c)", (Link("c", (Image("b", "a"),)),)),
    ],
)
def test_what_stands_in_lines_is_read_as_elsewhere(text: str, inside: object) -> None:
    (block,) = parse(text)
    assert block == Paragraph(inside)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\n\n<b>bold</b>", 3),
        ("say <port>", 1),
        ("a line\nwith &nbsp;", 2),
        ("a\n===", 2),
        ("a\n---", 2),
        ("    code", 1),
        ("a\n\n\tcode", 3),
        (" # title", 1),
        ("#title", 1),
        ("~~~\na\n~~~", 1),
        ("```\na", 1),
        ("``` python x\na\n```", 1),
        ("*a", 1),
        ("a* b", 1),
        ("_a_", 1),
        ("`a", 1),
        ("[a][b]", 1),
        ("[a]: b", 1),
        ("a[^1]", 1),
        ("- [ ] task", 1),
        ("[a](b c)", 1),
        ('[a](b "c")', 1),
        ("[a [b](c)](d)", 1),
        ("a  \nb", 1),
        ("a\\\nb", 1),
        ("a\n| b |\n|---|", 2),
        ("| a |", 1),
        ("| a |\n|---|\n| b | c |", 3),
        ("| a |\n|---|\n| b", 3),
        ("| a |\n|---|\nb", 3),
        ("> a\nb", 2),
        ("- a\nb", 2),
        ("-", 1),
        ("<details>\na\n</details>", 2),
        ("<details><summary>a</summary>\nb\n\n</details>", 2),
        ("<details><summary>a</summary>\n\nb", 1),
        ("<details><summary>a</summary>\n\nb\n\n</details>\nc", 6),
        ("<!--=05-broken share-->99%<!--/--> of a core", 1),
        ("<!-- a\nb -->", 1),
    ],
)
def test_what_is_not_known_is_refused_with_its_line(text: str, line: int) -> None:
    with pytest.raises(MarkdownError) as refusal:
        parse(text)
    assert refusal.value.line == line
