"""What every check is handed, and what it has to say: figures, and the promises it saw broken."""

from dataclasses import dataclass, field
from typing import Final, TypeAlias

__all__ = ["CI", "Figure", "Outcome", "Plan"]

Figure: TypeAlias = int | float | str

_MOST_FAILURES: Final = 10


@dataclass(frozen=True)
class Plan:
    """How thorough a run is to be, and the seed of all that is random in it."""

    long: bool = False
    """The size for a night instead of the size for every push."""
    seed: int = 1
    seconds: float | None = None
    """For checks that last as long as they are told to; None for their usual time."""

    def repeat(self, check: str) -> str:
        """The command that runs one check again in the same way."""
        words = ["python3 -m tests.reliability", check, f"--seed {self.seed}"]
        words += ["--long"] if self.long else []
        words += [] if self.seconds is None else [f"--seconds {self.seconds:g}"]
        return " ".join(words)


CI: Final = Plan()
"""What runs on every push."""


@dataclass
class Outcome:
    """What a check found; its promises held if there are no failures."""

    figures: dict[str, Figure] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    """One line for each promise that was broken: which, and where."""

    @property
    def hopeless(self) -> bool:
        """Whether so much is broken that more would tell nothing new."""
        return len(self.failures) >= _MOST_FAILURES

    def fail(self, line: str) -> None:
        """A promise was broken."""
        self.failures.append(line)

    def expect(self, held: object, line: str) -> None:
        """Note `line` as a failure unless the promise held."""
        if not held:
            self.fail(line)
