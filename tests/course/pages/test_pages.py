"""One command fills all pages, and says which are missing, stale, or not translated any more."""

from pathlib import Path

import pytest

from examples.course.grade.result import Result
from examples.course.pages.__main__ import main
from examples.course.pages.contents import Page, pages
from examples.course.record.recorded_run import RUNS, RecordedRun, dump

ENGLISH = """\
# 5. select, and still 100 %?
<!-- code examples/course/05/broken.py loop -->
<!-- code reactor/stream.py Stream.close -->
<!-- run 05-broken -->
<!-- picture 05-broken: the spin -->
It uses <!--=05-broken share:.0%--><!--/-->, <!--=05-broken spin:,--><!--/--> turns.
<!-- navigation -->
"""
BROKEN = RecordedRun(
    "examples/course/05/broken.py",
    Result("05", 1, "E05-EOF-SPIN", {"share": 0.99, "before": 0.0}, 1.9),
    {"spin": 31_486},
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with one page, in both languages, and what it shows."""
    files = {
        "docs/course/05.md": ENGLISH,
        "docs/course/es/05.md": ENGLISH,
        "examples/course/05/broken.py": "# region loop\nwhile True:\n    pass\n# endregion\n",
        "reactor/stream.py": "\nclass Stream:\n    def close(self):\n        pass\n",
        f"{RUNS}/05-broken.json": dump(BROKEN),
        "docs/course/pictures/05-broken.svg": "<svg/>",
        "docs/course/pictures/05-broken.es.svg": "<svg/>",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def shown(root: Path, language: str = "en") -> str:
    return (root / Page("05", language).path).read_text()


def wrong(root: Path, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """What --check says, but for pages that are missing: there is only one here."""
    capsys.readouterr()
    assert main(["--check"], root) == 1
    return [line for line in capsys.readouterr().err.splitlines() if "missing" not in line]


def test_a_page_is_filled(root: Path) -> None:
    assert main([], root) == 0
    page = shown(root)
    assert "```python\nwhile True:\n    pass\n```" in page
    assert "[`reactor/stream.py`, line 3](../../reactor/stream.py#L3):" in page
    assert "$ python3 -m examples.course.grade 05 -- python3 examples/course/05/broken.py" in page
    assert "E05-EOF-SPIN" in page
    assert "![the spin](pictures/05-broken.svg)" in page
    assert "It uses <!--=05-broken share:.0%-->99%<!--/-->" in page
    assert "[« 4. Non-blocking, and the fan howls](04.md) · [The course](index.md) · " in page


def test_in_spanish_numbers_words_and_ways_are_spanish(root: Path) -> None:
    main([], root)
    page = shown(root, "es")
    assert "[`reactor/stream.py`, línea 3](../../../reactor/stream.py#L3):" in page
    assert "--lang es --" in page
    assert "(../pictures/05-broken.es.svg)" in page
    assert "-->31.486<!--/--> turns" in page
    assert "[English](../05.md)" in page


def test_filling_a_second_time_changes_nothing(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main([], root)
    assert capsys.readouterr().out == "docs/course/05.md\ndocs/course/es/05.md\n"
    main([], root)
    assert capsys.readouterr().out == ""


def test_what_is_stale_is_told_until_it_is_filled(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "docs/course/05.md is stale: python3 -m examples.course.pages" in wrong(root, capsys)
    main([], root)
    main(["--translated", "es/05.md"], root)
    assert wrong(root, capsys) == []
    path = root / "examples/course/05/broken.py"
    path.write_text(path.read_text().replace("pass", "continue"))
    assert len(wrong(root, capsys)) == 2


def test_a_translation_is_in_step_until_its_original_says_something_else(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main([], root)
    main(["--translated", "es/05.md"], root)
    assert shown(root, "es").startswith("<!-- source: 05.md ")
    path = root / Page("05", "en").path
    path.write_text(shown(root) + "One more sentence.\n")
    assert wrong(root, capsys) == [
        "docs/course/es/05.md does not say what docs/course/05.md says now"
    ]
    main(["--translated", "docs/course/es/05.md"], root)
    assert wrong(root, capsys) == []


def test_a_new_recording_makes_no_translation_stale(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["--translated", "es/05.md"], root)
    record = root / RUNS / "05-broken.json"
    record.write_text(record.read_text().replace("31486", "44000"))
    main([], root)
    assert "-->44,000<!--/--> turns" in shown(root)
    assert wrong(root, capsys) == []


def test_each_page_that_is_missing_is_named(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check"], root) == 1
    missing = [line for line in capsys.readouterr().err.splitlines() if "missing" in line]
    assert len(missing) == len(pages()) - 2


@pytest.mark.parametrize(
    ("directive", "complaint"),
    [
        ("<!-- code examples/course/05/broken.py lop -->", "broken.py has no region 'lop'"),
        ("<!-- code examples/course/05/brken.py -->", "there is no examples/course/05/brken.py"),
        ("<!-- run 05-brken -->", "no run is called '05-brken'"),
        ("<!-- picture 05-brken: a spin -->", "there is no docs/course/pictures/05-brken.svg"),
        ("<!-- picture 05-broken -->", "needs a colon"),
        ("<!-- run 05-broken now -->", "too much or too little"),
        ("A <!--=05-broken shar--><!--/-->", "has no figure 'shar', but spin, share, before"),
        ("<!--=05-broken share--><!--/--> of it", "a line can't begin with a figure"),
        ("A <!--=05-broken share:,d--><!--/-->", "Unknown format code"),
    ],
)  # fmt: skip
def test_what_cannot_be_filled_is_told_with_its_place_and_left_as_it_was(
    root: Path, capsys: pytest.CaptureFixture[str], directive: str, complaint: str
) -> None:
    path = root / "docs/course/05.md"
    path.write_text(f"# 5\n\n{directive}\n")
    assert main([], root) == 1
    error = capsys.readouterr().err
    assert error.startswith("docs/course/05.md, line 3: ")
    assert complaint in error
    assert path.read_text() == f"# 5\n\n{directive}\n"


def test_what_is_no_translation_is_refused(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--translated", "05.md"], root) == 1
    assert capsys.readouterr().err == "05.md is no translation that there is\n"
