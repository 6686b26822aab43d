"""One command makes a folder in which every way leads somewhere, and harms no other folder."""

import posixpath
from pathlib import Path

import pytest

from examples.course.pages.contents import pages
from examples.course.site.__main__ import main
from examples.course.site.site import build
from tests.course.site.reading import Reading


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project whose pages have a title each, and chapter 5 all that there is."""
    root = tmp_path / "project"
    files = {page.path.as_posix(): f"# {page.title}\n\n## One\n\nText.\n" for page in pages()}
    files["docs/course/05.md"] += (
        "![the spin](pictures/05-broken.svg)\n\n[its program](../../examples/broken.py#L2),\n"
        "[the protocol](../protocol.md#words) and [chapter 4](04.md#one). Begin with\n"
        "`examples/skeleton.py`, not with `examples/nothing.py`.\n\n"
        "```console\n$ python3 examples/broken.py {port}\n```\n\n"
        "<!-- navigation -->\n[another way](06.md)\n<!-- end -->\n"
    )
    files |= {
        "docs/course/pictures/05-broken.svg": "<svg/>",
        "docs/protocol.md": "# Protocol\n\n## Words\n\n[back](course/05.md) `tests/a.py`\n",
        "examples/skeleton.py": "pass\n",
        "tests/a.py": "pass\n",
        "examples/broken.py": '"""A <program>."""\nimport socket\n',
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def test_every_way_on_the_site_leads_somewhere(root: Path) -> None:
    assert_whole(build(root))


def assert_whole(files: dict[str, str]) -> None:
    """Each target of each page is a file of the site, and each anchor is there."""
    read = {name: Reading(text) for name, text in files.items() if name.endswith(".html")}
    for name, page in read.items():
        assert len(set(page.ids)) == len(page.ids)
        for target in page.targets:
            if not target.startswith(("https:", "http:", "data:")):
                path, _, anchor = target.partition("#")
                there = posixpath.normpath(posixpath.join(posixpath.dirname(name), path))
                there = there if path else name
                assert there in files, (name, target)
                assert not anchor or anchor in read[there].ids, (name, target)


def test_what_a_page_leads_to_lies_beside_it(root: Path) -> None:
    files = build(root)
    page = files["05.html"]
    assert '<img src="pictures/05-broken.svg" alt="the spin">' in page
    assert '<a href="files/examples/broken.py.html#L2">its program</a>' in page
    assert '<a href="files/docs/protocol.html#words">the protocol</a>' in page
    assert '<a href="../../05.html">back</a>' in files["files/docs/protocol.html"]
    assert files["files/examples/broken.py"] == '"""A <program>."""\nimport socket\n'
    assert "A &lt;program&gt;." in files["files/examples/broken.py.html"]


def test_a_program_that_is_named_can_be_looked_at(root: Path) -> None:
    page = build(root)["05.html"]
    skeleton = '<a href="files/examples/skeleton.py.html"><code>examples/skeleton.py</code></a>'
    assert skeleton in page
    assert "with <code>examples/nothing.py</code>" in page
    assert "files/tests/a.py.html" not in build(root)
    assert 'python3 <a href="files/examples/broken.py.html">examples/broken.py</a> {port}' in page


def test_a_page_has_its_language_its_translation_and_its_neighbours(root: Path) -> None:
    page = build(root)["es/05.html"]
    assert '<html lang="es">' in page
    assert '<a href="../05.html" lang="en" hreflang="en">English</a>' in page
    assert '<a href="04.html" rel="prev">← 4. No bloquea, y el ventilador aúlla</a>' in page
    assert '<a href="06.html" rel="next">6. Mi lista llega cortada →</a>' in page
    assert '<a href="05.html" aria-current="page">5. select, ¿y todavía 100 %?</a>' in page


def test_the_ways_on_are_those_of_the_layout(root: Path) -> None:
    assert "another way" not in build(root)["05.html"]


def test_nothing_is_asked_of_anybody_else(root: Path) -> None:
    for name, text in build(root).items():
        if name.endswith((".html", ".css")):
            assert "//" not in text.replace("https://docs.python.org", "")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("# 5\n\n<b>bold</b>\n", "docs/course/05.md, line 3: HTML is not known"),
        ("# 5\n\n[a](b.md)\n", "docs/course/05.md leads to docs/course/b.md, which is no file"),
    ],
)
def test_what_cannot_be_shown_is_told_with_its_place(
    root: Path, capsys: pytest.CaptureFixture[str], text: str, complaint: str
) -> None:
    (root / "docs/course/05.md").write_text(text)
    assert main([str(root / "site")], root) == 1
    assert complaint in capsys.readouterr().err
    assert not (root / "site").exists()


def test_a_page_that_is_missing_is_told(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "docs/course/es/05.md").unlink()
    assert main([str(root / "site")], root) == 1
    assert capsys.readouterr().err == "docs/course/es/05.md is missing\n"


def test_a_site_is_made_and_made_anew(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = root / "site"
    assert main([str(folder)], root) == 0
    assert capsys.readouterr().out == f"{folder / 'index.html'}\n"
    before = (folder / "es" / "05.html").read_text()
    (folder / "es" / "05.html").write_text("")
    assert main([str(folder)], root) == 0
    assert (folder / "es" / "05.html").read_text() == before


def test_a_folder_that_is_no_site_is_left_alone(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = root / "somebody's"
    folder.mkdir()
    (folder / "index.html").write_text("<p>mine</p>")
    assert main([str(folder)], root) == 2
    assert main([str(root / "docs" / "protocol.md")], root) == 2
    assert [path.name for path in folder.iterdir()] == ["index.html"]
    assert "is no site of the course" in capsys.readouterr().err
