"""Makes a folder of the course that any browser opens, from a disk or a server.

python3 -m examples.course.site OUT
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from .layout import GENERATOR
from .site import build

__all__ = ["main"]

_ROOT: Final = Path(__file__).parents[3]


def _is_ours(folder: Path) -> bool:
    """Whether nothing is lost there by a new site."""
    if not folder.exists() or not any(folder.iterdir()):
        return True
    index = folder / "index.html"
    return index.exists() and GENERATOR in index.read_text("utf-8", "replace")


def _write(files: Mapping[str, str], folder: Path) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8", newline="\n")


def main(arguments: Sequence[str] | None = None, root: Path = _ROOT) -> int:
    """The exit status: 1 if a page can't be shown, 2 if the folder is somebody else's."""
    parser = argparse.ArgumentParser(
        prog="python3 -m examples.course.site", description="Make a site of the course."
    )
    parser.add_argument("out", metavar="OUT", type=Path, help="a new folder, or a site to renew")
    folder: Path = parser.parse_args(arguments).out
    if folder.is_file() or not _is_ours(folder):
        print(f"{folder} is there, and is no site of the course", file=sys.stderr)
        return 2
    try:
        files = build(root)
    except ValueError as exc:
        print(exc, file=sys.stderr)
        return 1
    _write(files, folder)
    print(folder / "index.html")
    return 0


if __name__ == "__main__":
    sys.exit(main())
