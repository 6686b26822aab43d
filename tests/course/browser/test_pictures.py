"""The kinds of pictures that only the course has can be read, where there is the most text."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.timeline.browser.sight import Text, faint, overlapping, texts_of

from .conftest import Student

if TYPE_CHECKING:
    from playwright.sync_api import FloatRect

pytestmark = pytest.mark.thorough

PICTURES = Path(__file__).parents[3] / "docs" / "course" / "pictures"


@pytest.mark.parametrize("name", ["02-broken.es", "03-broken.es", "03-broken_coalesced.es",
                                  "09-broken.es"])  # fmt: skip
def test_each_text_stands_out_and_alone_and_within_the_picture(student: Student, name: str) -> None:
    for scheme in ("light", "dark"):
        window = student.go("index.html", scheme=scheme)
        picture = (PICTURES / f"{name}.svg").read_text("utf-8")
        window.evaluate("(svg) => { document.body.outerHTML = `<body>${svg}` }", picture)
        box = window.locator("svg").bounding_box()
        assert box is not None
        texts = texts_of(window)
        assert overlapping(texts) == []
        assert faint(window) == []
        assert [each.text for each in texts if not _is_in(box, each)] == []


def _is_in(box: "FloatRect", text: Text) -> bool:
    return (
        box["x"] <= text.left
        and text.left + text.width <= box["x"] + box["width"]
        and box["y"] <= text.top
        and text.top + text.height <= box["y"] + box["height"]
    )
