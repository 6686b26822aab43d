"""Tables as text, and what a scenario has to say in the end."""

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

MET: Final = "met"
NOT_MET: Final = "not met"


@dataclass(frozen=True)
class Verdict:
    """One row of the targets."""

    work: str
    target: str
    measured: str
    verdict: str
    """MET, NOT_MET, or "not measured: " and why."""

    @classmethod
    def of(cls, work: str, target: str, measured: str, met: bool) -> "Verdict":
        return cls(work, target, measured, MET if met else NOT_MET)

    @classmethod
    def missing(cls, work: str, target: str, why: str, measured: str = "-") -> "Verdict":
        return cls(work, target, measured, f"not measured: {why}")


@dataclass
class Outcome:
    """What a scenario found: verdicts to be printed, and all figures for a file."""

    verdicts: list[Verdict] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return {"targets": [asdict(verdict) for verdict in self.verdicts], **self.figures}


@dataclass(frozen=True)
class Ratio:
    """Ours divided by another's, measured in pairs: the median, and how far the pairs differ."""

    median: float
    lowest: float
    highest: float

    @classmethod
    def of(cls, ours: Sequence[float], theirs: Sequence[float]) -> "Ratio":
        pairs = [a / b for a, b in zip(ours, theirs, strict=True)]
        return cls(statistics.median(pairs), min(pairs), max(pairs))

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.lowest:.2f} to {self.highest:.2f})"

    def as_json(self) -> dict[str, float]:
        return asdict(self)


def show(title: str, headings: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table: the first column to the left, figures to the right."""
    table = [list(headings), *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in table) for column in range(len(headings))]
    print(f"\n{title}")
    for number, row in enumerate(table):
        first, *others = (
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        print("  " + "  ".join([first, *others]).rstrip())
        if number == 0:
            print("  " + "  ".join("-" * width for width in widths))
    print(end="", flush=True)


def show_verdicts(verdicts: Sequence[Verdict]) -> None:
    """Print the rows of the targets, one under the other: they are long."""
    print("\nTargets")
    for verdict in verdicts:
        print(f"  {verdict.work}")
        print(f"    target    {verdict.target}")
        print(f"    measured  {verdict.measured}")
        print(f"    {verdict.verdict}", flush=True)


def percent(share: float) -> str:
    return f"{share:.1%}"


def milliseconds(microseconds: float) -> str:
    return f"{microseconds / 1000:.2f}"
