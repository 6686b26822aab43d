"""Where on the site lies what a page leads to.

The pages of the course lie on top, as they do in `docs/course`. Whatever else they lead to is
below `files/`, under its own path: another document as a page, a program as one with numbered
lines, all else as it is.
"""

import posixpath
from enum import Enum
from pathlib import PurePosixPath
from typing import Final

__all__ = ["Kind", "Links", "kind_of", "location_of"]

COURSE: Final = "docs/course/"
FILES: Final = "files/"
_AS_THEY_ARE: Final = (".html", ".svg", ".png", ".json", ".jsonl")


class Kind(Enum):
    """How a file of the project is shown."""

    DOCUMENT = "document"
    SOURCE = "source"
    COPY = "copy"


def kind_of(path: str) -> Kind:
    """By what its name ends in."""
    suffix = PurePosixPath(path).suffix
    if suffix == ".md":
        return Kind.DOCUMENT
    return Kind.COPY if suffix in _AS_THEY_ARE else Kind.SOURCE


def location_of(path: str) -> str:
    """Of a file of the project on the site, both from the root.

    >>> location_of("docs/course/es/05.md"), location_of("docs/protocol.md")
    ('es/05.html', 'files/docs/protocol.html')
    >>> location_of("docs/course/pictures/05-broken.svg"), location_of("reactor/stream.py")
    ('pictures/05-broken.svg', 'files/reactor/stream.py.html')
    """
    place = path.removeprefix(COURSE) if path.startswith(COURSE) else FILES + path
    match kind_of(path):
        case Kind.DOCUMENT:
            return place.removesuffix(".md") + ".html"
        case Kind.SOURCE:
            return place + ".html"
        case Kind.COPY:
            return place


class Links:
    """Those of the page that is made of the file `path`."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.files: set[str] = set()
        """All that the page leads to within the project."""

    def address(self, target: str) -> str:
        """What stands in the HTML for a target in the text.

        >>> links = Links("docs/course/es/05.md")
        >>> links.address("../../../reactor/stream.py#L12"), links.address("../05.md#why")
        ('../files/reactor/stream.py.html#L12', '../05.html#why')
        >>> links.address("https://docs.python.org"), links.address("#why")
        ('https://docs.python.org', '#why')
        """
        name, mark, anchor = target.partition("#")
        if not name or ":" in name:
            return target
        path = posixpath.normpath(posixpath.join(posixpath.dirname(self.path), name))
        return self.address_of_file(path) + mark + anchor

    def address_of_file(self, path: str) -> str:
        """Of a file of the project, from its root."""
        self.files.add(path)
        here = posixpath.dirname(location_of(self.path))
        return posixpath.relpath(location_of(path), here or ".")
