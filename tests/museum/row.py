"""The museum's rows: what went wrong elsewhere, as a table that needs no Python to be read."""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

__all__ = ["ROOT", "Row", "prefix_of_tests", "read_rows", "shown_by"]

ROOT = Path(__file__).resolve().parents[2]
_MUSEUM = ROOT / "tests" / "museum"


@dataclass(frozen=True)
class Row:
    """A defect that somebody else had."""

    id: int
    defect: str
    seen: str
    promise: str
    also: Sequence[str] = ()
    """Tests of the library's own that would be told here in the same words."""


def read_rows() -> list[Row]:
    """Every row of the museum, by id."""
    table = tomllib.loads((_MUSEUM / "rows.toml").read_text())["row"]
    return sorted((Row(**row) for row in table), key=lambda row: row.id)


def shown_by(row: Row) -> list[str]:
    """The tests of a row, as pytest calls them: its own, and those elsewhere that show the same."""
    return [
        f"{file}::{name}"
        for file, name in _tests()
        if name.startswith(prefix_of_tests(row.id)) or name in row.also
    ]


def prefix_of_tests(row: int) -> str:
    """How the names of a row's own tests begin; the last underscore keeps 10 apart from 101."""
    return f"test_row_{row:02}_"


@cache
def _tests() -> list[tuple[str, str]]:
    """All tests, by file and name."""
    found = []
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        names = re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE)
        found += [(str(path.relative_to(ROOT)), name) for name in names]
    return found
