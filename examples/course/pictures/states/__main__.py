"""python3 -m examples.course.pictures.states RECORD PROGRAM PORT INGEST"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from .exploration import explore
from .moves import dump

__all__ = ["main"]


def main(arguments: Sequence[str]) -> None:
    """Explore the program at ports of its own, then become the program at those that are given."""
    record, program, *ports = arguments
    Path(record).write_text(dump(explore([sys.executable, program])), "utf-8")
    os.execv(sys.executable, [sys.executable, program, *ports])


if __name__ == "__main__":
    main(sys.argv[1:])
