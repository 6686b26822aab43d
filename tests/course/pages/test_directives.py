"""Directives are filled, and nothing else of a page is touched, whatever stands in it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples.course.pages.directives import (
    FIGURE,
    Content,
    Directive,
    DirectiveError,
    check_figures,
    directives,
    emptied,
    fill,
)

LINES = st.sampled_from(
    [
        "", "# A title", "Prose.", "```", "```python", "<!-- end -->x", " <!-- end -->",
        "\x0b\u2028",
        "<!-- run 05-broken -->", "<!-- code a.py b -->", "<!-- navigation -->",
        "A <!--=05-broken share:.0%-->99%<!--/--> B <!--=05-fixed share--><!--/-->",
        "A <!--=05-broken share-->", "<!--/-->", "PASS",
    ]
)  # fmt: skip
PAGES = st.lists(LINES).map("\n".join)
BLOCKS = st.sampled_from(["", "PASS", "```console\n<!--=a b-->\n```", "one\n\n\ntwo"])


def with_blocks(block: str) -> Content:
    return lambda directive: "99%" if directive.word == FIGURE else block


FILLINGS = st.builds(with_blocks, BLOCKS)


@given(PAGES, FILLINGS)
def test_filling_twice_is_filling_once(page: str, filling: Content) -> None:
    once = fill(page, filling)
    assert fill(once, filling) == once


@given(PAGES, FILLINGS)
def test_what_is_emptied_again_is_as_if_it_had_never_been_filled(
    page: str, filling: Content
) -> None:
    assert emptied(fill(page, filling)) == emptied(page)


@given(PAGES, FILLINGS)
def test_the_directives_of_a_page_stay_what_they_are(page: str, filling: Content) -> None:
    def words(text: str) -> list[tuple[str, str]]:
        return [(directive.word, directive.argument) for directive in directives(text)]

    assert words(fill(page, filling)) == words(page)


@given(st.lists(st.sampled_from(["", "Prose.", "# A title", "`code`", "<!--/-->", "```"])))
def test_a_page_without_directives_is_left_as_it_is(lines: list[str]) -> None:
    page = "\n".join(lines)
    assert fill(page, lambda directive: "PASS") == page


def test_a_directive_has_its_line() -> None:
    found = directives("# 5\n\n<!-- run 05-broken -->\nPASS\n<!-- end -->\nof <!--=a b--><!--/-->")
    assert found == [Directive("run", "05-broken", 3), Directive("figure", "a b", 6)]


def test_what_is_shown_as_code_is_no_directive() -> None:
    page = "```\n<!-- run 05-broken -->\n<!--=a b-->?<!--/-->\n```\n"
    assert fill(page, lambda directive: "PASS") == page


def test_a_block_that_has_lost_its_end_does_not_eat_the_next() -> None:
    page = "<!-- run a -->\nProse.\n<!-- run b -->\nold\n<!-- end -->"
    filled = "<!-- run a -->\nPASS\n<!-- end -->\nProse.\n<!-- run b -->\nPASS\n<!-- end -->"
    assert fill(page, lambda directive: "PASS") == filled


@pytest.mark.parametrize("line", ["<!-- cod a.py -->", "<!-- end -->", "<!-- source: 05.md x -->"])
def test_a_directive_that_there_is_not_is_refused(line: str) -> None:
    with pytest.raises(DirectiveError, match="no directive is called") as refusal:
        fill(f"# 5\n{line}\n", lambda directive: "")
    assert refusal.value.line == 2


def test_what_is_not_there_is_told_with_its_line() -> None:
    def missing(directive: Directive) -> str:
        raise ValueError("there is no a.py")

    with pytest.raises(DirectiveError, match=r"there is no a\.py") as refusal:
        fill("\n\n<!-- code a.py -->", missing)
    assert refusal.value.line == 3


def test_what_would_be_a_directive_itself_is_not_filled_in() -> None:
    with pytest.raises(DirectiveError, match=r"a\.py is a directive"):
        fill("<!-- code a.py -->", lambda directive: "<!-- end -->")


@pytest.mark.parametrize("figure", ["one\ntwo", "<!--/-->"])
def test_a_figure_stays_within_its_line(figure: str) -> None:
    with pytest.raises(DirectiveError, match="is no figure"):
        fill("A <!--=a b--><!--/-->", lambda directive: figure)


def test_a_line_cannot_begin_with_a_figure_for_all_of_it_would_be_html() -> None:
    with pytest.raises(DirectiveError, match="can't begin with a figure") as refusal:
        check_figures("It uses\n<!--=05-broken share-->99%<!--/-->.")
    assert refusal.value.line == 2
