"""One chapter, graded: what was found, and how."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .chapters import examination
from .diagnosis import Diagnosis, Figure
from .exam import Exam
from .program import Program
from .transcript import Entry, Transcript

__all__ = ["Result", "grade"]


@dataclass(frozen=True, slots=True)
class Result:
    """`id` is '' if it passed; `figures` belong into the sentences about it."""

    chapter: str
    seed: int
    id: str
    figures: Mapping[str, Figure]
    seconds: float
    transcript: Sequence[Entry] = field(default_factory=tuple)

    @property
    def passed(self) -> bool:
        return not self.id


def grade(chapter: str, command: Sequence[str], seed: int) -> Result:
    """Start the program, examine it, and end it. Raises OSError if it can't be started."""
    began, transcript = time.monotonic(), Transcript()
    with Exam(Program(command), transcript, seed) as exam:
        try:
            id, figures = "", examination(chapter)(exam)
        except Diagnosis as diagnosis:
            id, figures = diagnosis.id, diagnosis.figures
    seconds = round(time.monotonic() - began, 2)
    return Result(chapter, seed, id, figures, seconds, tuple(transcript.entries))
