"""Fills the pages with what stands in programs and recorded runs, or says which are stale.

python3 -m examples.course.pages                        # fill all of them
python3 -m examples.course.pages --check                # change nothing, list what is stale
python3 -m examples.course.pages --translated es/05.md  # this one now says the same as 05.md
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from .contents import ORIGINAL, Page, pages
from .directives import DirectiveError, check_figures, fill
from .filling import Filling
from .translation import is_in_step, put_in_step

__all__ = ["ROOT", "filled", "main", "stale"]

ROOT: Final = Path(__file__).parents[3]


def filled(page: Page, root: Path = ROOT) -> str:
    """What is to stand in its file. Raises ValueError, in one line with the place, if it can't."""
    text = _text(page, root)
    try:
        check_figures(text)
        return fill(text, Filling(page, root))
    except DirectiveError as exc:
        raise ValueError(f"{page.path.as_posix()}, line {exc.line}: {exc}") from None


def stale(root: Path = ROOT) -> Iterator[str]:
    """A sentence for each page that is not there, not filled, or not in step."""
    for page in pages():
        path = page.path.as_posix()
        if not (root / path).exists():
            yield f"{path} is missing"
            continue
        try:
            if filled(page, root) != _text(page, root):
                yield f"{path} is stale: python3 -m examples.course.pages"
            if not _says_the_same(page, root):
                original = page.in_language(ORIGINAL).path.as_posix()
                yield f"{path} does not say what {original} says now"
        except ValueError as exc:
            yield str(exc)


def _says_the_same(page: Page, root: Path) -> bool:
    """As its original, if that is there and another page."""
    original = page.in_language(ORIGINAL)
    if page == original or not (root / original.path).exists():
        return True
    return is_in_step(_text(page, root), page.name, _text(original, root))


def _fill_all(root: Path) -> Iterator[str]:
    """Write what is stale; a sentence for each page that can't be filled."""
    for page in pages():
        if not (root / page.path).exists():
            continue
        try:
            text = filled(page, root)
        except ValueError as exc:
            yield str(exc)
            continue
        if text != _text(page, root):
            _write(page, root, text)
            print(page.path.as_posix())


def _translated(names: Sequence[str], root: Path) -> Iterator[str]:
    """Put these in step; a sentence for each that is no translation."""
    translations = {page.path.as_posix(): page for page in pages() if page.language != ORIGINAL}
    for name in names:
        path = name if name in translations else f"docs/course/{name}"
        page = translations.get(path)
        if page is None or not (root / page.path).exists():
            yield f"{name} is no translation that there is"
            continue
        original = _text(page.in_language(ORIGINAL), root)
        _write(page, root, put_in_step(_text(page, root), page.name, original))
        print(path)


def _text(page: Page, root: Path) -> str:
    return (root / page.path).read_text("utf-8")


def _write(page: Page, root: Path, text: str) -> None:
    (root / page.path).write_text(text, "utf-8", newline="\n")


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python3 -m examples.course.pages", description="Fill the pages of the course."
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--check", action="store_true", help="change nothing, list what is stale")
    what.add_argument(
        "--translated", nargs="+", metavar="PAGE", default=[],
        help="these translations, es/05.md for example, now say what their originals say",
    )  # fmt: skip
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """The exit status: 1 if anything is stale, or could not be done."""
    options = _parse(arguments)
    if options.check:
        wrong = stale(root)
    elif options.translated:
        wrong = _translated(options.translated, root)
    else:
        wrong = _fill_all(root)
    sentences = list(wrong)
    for sentence in sentences:
        print(sentence, file=sys.stderr)
    return int(bool(sentences))


if __name__ == "__main__":
    sys.exit(main())
