"""What is written has all of the text, and nothing of it that a browser would act on."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples.course.site.colours import coloured
from examples.course.site.html import Writer
from examples.course.site.markdown.blocks import parse
from examples.course.site.markdown.tree import (
    Block,
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
    Strong,
    Table,
    Text,
    plain,
)
from tests.course.site.reading import Reading
from tests.course.site.trees import TREES


def html_of(blocks: tuple[Block, ...]) -> str:
    return Writer(lambda target: target).blocks(blocks)


def texts(blocks: tuple[Block, ...]) -> Iterator[str]:
    """Those of a tree, in order; an image's is no text on the page."""
    for block in blocks:
        match block:
            case Heading(_, inside):
                yield f"{without_images(inside)}#"
            case Paragraph(inside):
                yield without_images(inside)
            case Fence(_, text):
                yield text
            case List(_, _, items):
                for item in items:
                    yield from texts(item)
            case Quote(inside):
                yield from texts(inside)
            case Table(_, head, rows):
                yield from (without_images(cell) for row in (head, *rows) for cell in row)
            case Details(summary, inside):
                yield without_images(summary)
                yield from texts(inside)


def without_images(inside: tuple[Inline, ...]) -> str:
    return plain(tuple(_without_images(inside)))


def _without_images(inside: tuple[Inline, ...]) -> Iterator[Inline]:
    for each in inside:
        if isinstance(each, Emphasis | Strong | Link):
            yield Strong(tuple(_without_images(each.inside)))
        elif not isinstance(each, Image):
            yield each


@given(TREES)
def test_the_page_has_the_text_of_the_tree_and_no_element_is_left_open(
    tree: tuple[Block, ...],
) -> None:
    page = "".join(Reading(html_of(tree)).text.split())
    assert page == "".join("".join(texts(tree)).split())


@given(st.text(), st.sampled_from(["python", "console", ""]))
def test_colours_change_no_letter(text: str, language: str) -> None:
    text = text.replace("\r", "").replace("\0", "")
    assert Reading(coloured(text, language)).text == text


@pytest.mark.parametrize(
    "attack",
    ["<script>alert(1)</script>", "\"'><img src=x onerror=a()>", "</pre></code><b>", "&lt;b&gt;"],
)
def test_what_looks_like_html_is_shown(attack: str) -> None:
    blocks = (Fence("python", attack), Fence("", attack), Heading(2, (Text(attack),)))
    page = html_of(blocks)
    assert Reading(page).text.count(attack) == 3
    assert "<script" not in page
    assert "<img" not in page


def test_a_picture_of_its_own_leads_to_itself() -> None:
    page = html_of(parse("![a \\< b](pictures/a.svg)"))
    assert '<figure tabindex="0"><a href="pictures/a.svg">' in page
    assert '<img src="pictures/a.svg" alt="a &lt; b">' in page


def test_headings_can_be_led_to_by_the_names_that_github_gives_them() -> None:
    page = html_of(
        parse("## E05-EOF-SPIN\n\n## ¿Por qué?\n\n## `recv` is a *hint*\n\n## ¿Por qué?")
    )
    assert Reading(page).ids == ["e05-eof-spin", "por-qué", "recv-is-a-hint", "por-qué-1"]


def test_paragraphs_of_a_tight_list_stand_close_together() -> None:
    assert "<li>one</li>\n<li>two</li>" in html_of(parse("- one\n- two"))
    assert "<li><p>one</p></li>" in html_of(parse("- one\n\n- two"))


def test_a_program_that_is_named_within_a_link_is_no_link_of_its_own() -> None:
    writer = Writer(lambda target: target, named=lambda code: "a.html")
    page = writer.blocks(parse("[see `a.py`](b.md) and `a.py`"))
    assert Reading(page).targets == ["b.md", "a.html"]


@pytest.mark.parametrize(
    ("language", "text", "marked"),
    [
        ("python", 'x = """a\n# b"""', 'x = <b class="string">&quot;&quot;&quot;a\n# b'),
        ("console", "$ a\nb $ c", '<b class="typed">$ a</b>\nb $ c'),
    ],
)
def test_a_mark_begins_and_ends_with_what_it_marks(language: str, text: str, marked: str) -> None:
    assert coloured(text, language).startswith(marked)
