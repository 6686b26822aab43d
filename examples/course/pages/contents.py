"""Which pages there are, in which order, what they are called, and where they lie."""

import posixpath
import tomllib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Final, NamedTuple

from ..grade.sentences import LANGUAGES

__all__ = ["NAMES", "ORIGINAL", "TITLES", "Page", "neighbours", "pages"]

ORIGINAL: Final = LANGUAGES[0]
"""The language of which the others are translations."""
TITLES: Final[Mapping[str, Mapping[str, str]]] = tomllib.loads(
    files(__package__).joinpath("contents.toml").read_text("utf-8")
)
"""By name and language."""
NAMES: Final = tuple(TITLES)


class Page(NamedTuple):
    """One of NAMES in one of LANGUAGES.

    >>> Page("05", "es").path.as_posix(), Page("05", "es").title
    ('docs/course/es/05.md', '5. select, ¿y todavía 100 %?')
    """

    name: str
    language: str

    @property
    def path(self) -> Path:
        """From the root of the project."""
        folder = Path("docs/course")
        return (folder if self.language == ORIGINAL else folder / self.language) / f"{self.name}.md"

    @property
    def title(self) -> str:
        return TITLES[self.name][self.language]

    def in_language(self, language: str) -> "Page":
        """The same page, which may be this one."""
        return Page(self.name, language)

    def link_to(self, path: str) -> str:
        """What leads from this page to a path of the project.

        >>> Page("05", "es").link_to("reactor/stream.py")
        '../../../reactor/stream.py'
        """
        return posixpath.relpath(path, self.path.parent.as_posix())


def pages() -> list[Page]:
    """All there are to be: the originals first."""
    return [Page(name, language) for language in LANGUAGES for name in NAMES]


def neighbours(page: Page) -> tuple[Page | None, Page | None]:
    """The page before and the one behind, in the same language.

    >>> [each and each.name for each in neighbours(Page("11", "en"))]
    ['10', 'grading']
    """
    at = NAMES.index(page.name)
    before = Page(NAMES[at - 1], page.language) if at else None
    behind = Page(NAMES[at + 1], page.language) if at + 1 < len(NAMES) else None
    return before, behind
