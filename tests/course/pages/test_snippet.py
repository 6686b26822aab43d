"""A part of a program is found by its name, and begins at the left."""

import pytest

from examples.course.pages.snippet import snippet

PROGRAM = '''\
"""A program."""


class Lines:
    @property
    def rest(self):
        return b""

    def feed(self, data):
        # region split
        lines = data.split(b"\\n")
        # endregion
        return lines


def main():
    # region loop
    while True:
        # region body
        pass
        # endregion
        break
    # endregion
'''


def test_a_function_is_found_by_its_name_and_the_marks_of_regions_are_left_out() -> None:
    assert (
        snippet(PROGRAM, "main").text == "def main():\n    while True:\n        pass\n        break"
    )


def test_a_method_is_found_with_its_decorators() -> None:
    found = snippet(PROGRAM, "Lines.rest")
    assert (found.line, found.text.splitlines()[0]) == (5, "@property")


def test_a_region_goes_to_its_own_end() -> None:
    assert snippet(PROGRAM, "loop").text == "while True:\n    pass\n    break"
    assert snippet(PROGRAM, "body").text == "pass"
    assert snippet(PROGRAM, "split").text == 'lines = data.split(b"\\n")'


def test_the_whole_of_a_program_has_no_marks() -> None:
    assert "region" not in snippet(PROGRAM).text


def test_a_program_that_is_not_python_has_regions_too() -> None:
    assert snippet("// region a\nint a;\n// endregion\n", "a").text == "int a;"


@pytest.mark.parametrize("name", ["Lines.nothing", "feed", "nowhere"])
def test_what_is_not_there_is_said(name: str) -> None:
    with pytest.raises(ValueError, match=f"has no region '{name}'"):
        snippet(PROGRAM, name)


def test_a_region_that_does_not_end_is_said() -> None:
    with pytest.raises(ValueError, match="has no end of region 'a'"):
        snippet("# region a\n", "a")
