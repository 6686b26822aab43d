"""The museum's data: other people's bugs, and the changes that put each of them in here.

Both are tables that a reader can take in without Python: `rows*.toml` say what went wrong
elsewhere, `mutations/` says which edit of which file would make it go wrong here.
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "ROOT",
    "Mutation",
    "Row",
    "files_with_tests",
    "prefix_of_tests",
    "read_mutations",
    "read_rows",
]

ROOT = Path(__file__).resolve().parents[2]
_MUSEUM = ROOT / "tests" / "museum"


@dataclass(frozen=True)
class Row:
    """A defect that somebody else had."""

    id: int
    defect: str
    seen: str
    promise: str


@dataclass(frozen=True)
class Mutation:
    """An edit of one file that puts a row's defect in."""

    row: int
    bug: str
    file: str
    old: str
    new: str
    table: str
    """The stem of the file under `mutations/` in which it is written."""

    def apply(self, root: Path) -> None:
        """Edit the file below `root`. Raises ValueError unless `old` is there exactly once."""
        path = root / self.file
        mutated = self.applied_to(path.read_text())
        path.unlink()  # it may be a link, and the file another's too
        path.write_text(mutated)

    def applied_to(self, text: str) -> str:
        """`text` with the bug in it. Raises ValueError unless `old` is there exactly once."""
        if text.count(self.old) != 1:
            raise ValueError(f"{text.count(self.old)} places in {self.file} for: {self.bug}")
        return text.replace(self.old, self.new)


def read_rows() -> list[Row]:
    """Every row of the museum, by id."""
    found = []
    for path in sorted(_MUSEUM.glob("rows*.toml")):
        found += [Row(**row) for row in tomllib.loads(path.read_text())["row"]]
    return sorted(found, key=lambda row: row.id)


def read_mutations() -> list[Mutation]:
    """Every mutation, by row."""
    found = []
    for path in sorted((_MUSEUM / "mutations").glob("*.toml")):
        for entry in tomllib.loads(path.read_text())["mutation"]:
            found.append(Mutation(**entry, table=path.stem))
    return sorted(found, key=lambda mutation: mutation.row)


def prefix_of_tests(row: int) -> str:
    """How the names of a row's tests begin; the last underscore keeps 10 apart from 101."""
    return f"test_row_{row:02}_"


def files_with_tests(row: int) -> list[str]:
    """The files in which a row has tests, relative to the project."""
    definition = f"\ndef {prefix_of_tests(row)}"
    paths = sorted(_MUSEUM.glob("test_*.py"))
    return [str(path.relative_to(ROOT)) for path in paths if definition in path.read_text()]
