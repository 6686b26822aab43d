"""Who reads no English is told on the page what is asked at each place of a skeleton."""

import ast

import pytest

from examples.course.pages.contents import ORIGINAL, Page
from tests.course.pages.existing import CHAPTERS, text_of
from tests.doubles.program import ROOT


@pytest.mark.parametrize("page", [page for page in CHAPTERS if page.language != ORIGINAL], ids=str)
def test_a_translation_names_each_function_of_the_skeleton_that_has_a_place(page: Page) -> None:
    skeleton = (ROOT / f"examples/course/{page.name}/skeleton.py").read_text("utf-8")
    asked = {
        each.name
        for each in ast.walk(ast.parse(skeleton))
        if isinstance(each, ast.FunctionDef)
        and "# Your turn" in str(ast.get_source_segment(skeleton, each))
    }
    assert [name for name in asked - {"main"} if f"`{name}`" not in text_of(page)] == []
