"""The museum's rows: what went wrong elsewhere, as a table that needs no Python to be read."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ROOT", "Row", "files_with_tests", "prefix_of_tests", "read_rows"]

ROOT = Path(__file__).resolve().parents[2]
_MUSEUM = ROOT / "tests" / "museum"


@dataclass(frozen=True)
class Row:
    """A defect that somebody else had."""

    id: int
    defect: str
    seen: str
    promise: str


def read_rows() -> list[Row]:
    """Every row of the museum, by id."""
    table = tomllib.loads((_MUSEUM / "rows.toml").read_text())["row"]
    return sorted((Row(**row) for row in table), key=lambda row: row.id)


def prefix_of_tests(row: int) -> str:
    """How the names of a row's tests begin; the last underscore keeps 10 apart from 101."""
    return f"test_row_{row:02}_"


def files_with_tests(row: int) -> list[str]:
    """The files in which a row has tests, relative to the project."""
    definition = f"\ndef {prefix_of_tests(row)}"
    paths = sorted(_MUSEUM.glob("test_*.py"))
    return [str(path.relative_to(ROOT)) for path in paths if definition in path.read_text()]
