"""One chapter, graded: what was found, and how."""

import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path

from .chapters import examination
from .diagnosis import Diagnosis, Figure
from .exam import Exam
from .program import LAST_WORDS, NotStarted, Program
from .transcript import Entry, Transcript

__all__ = ["Result", "Status", "grade"]


class Status(IntEnum):
    """What the grader ends with."""

    PASSED = 0
    DIAGNOSIS = 1
    USAGE = 2
    NEVER_LISTENED = 3
    GRADER = 4


_STATUS = {
    "": Status.PASSED,
    "E00-NOT-STARTED": Status.USAGE,
    "E00-NOT-LISTENING": Status.NEVER_LISTENED,
    "E99-GRADER": Status.GRADER,
}


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

    @property
    def status(self) -> Status:
        return _STATUS.get(self.id, Status.DIAGNOSIS)


def grade(
    chapter: str,
    command: Sequence[str],
    seed: int,
    *,
    folder: Path | None = None,
    last_words: float = LAST_WORDS,
) -> Result:
    """Start the program, examine it, and end it: a result, whatever happens.

    It is run in `folder`, and has `last_words` seconds to end when it is told to.
    """
    began, transcript = time.monotonic(), Transcript()
    try:
        program = Program(command, folder=folder, last_words=last_words)
        with Exam(program, transcript, seed) as exam:
            id, figures = "", examination(chapter)(exam)
    except Diagnosis as diagnosis:
        id, figures = diagnosis.id, {"last_line": program.last_line, **diagnosis.figures}
    except NotStarted as exc:
        id, figures = "E00-NOT-STARTED", {"command": exc.command, "problem": exc.problem}
    except Exception as exc:  # ours, or the system's: no fault of the program's
        id, figures = "E99-GRADER", {"problem": _where_and_what(exc)}
    seconds = round(time.monotonic() - began, 2)
    return Result(chapter, seed, id, figures, seconds, tuple(transcript.entries))


def _where_and_what(exc: Exception) -> str:
    """One line: the innermost line of ours, and what was raised there."""
    ours = [
        frame
        for frame in traceback.extract_tb(exc.__traceback__)
        if Path(frame.filename).is_relative_to(Path(__file__).parent)
    ]
    what = traceback.format_exception_only(exc)[-1].strip()
    return f"{Path(ours[-1].filename).name}:{ours[-1].lineno}: {what}"
