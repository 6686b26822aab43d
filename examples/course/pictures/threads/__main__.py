"""Record a program, or draw what was recorded.

python3 -m examples.course.pictures.threads RECORD.jsonl program.py ARGUMENTS
python3 -m examples.course.pictures.threads --draw RECORD.jsonl > picture.svg
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from reactor.timeline.command.program import Program
from reactor.timeline.picture.drawing import language_of

from . import draw
from .recorder import Record, stand_ins

__all__ = ["main"]


def main(arguments: Sequence[str]) -> None:
    """What the program raises is raised, as if Python itself had run it."""
    path, *command = arguments
    if path == "--draw":
        print(draw(Path(command[0]), language_of(os.environ), {}), end="")
        return
    for owner, name, substitute in stand_ins(Record(path)):
        setattr(owner, name, substitute)
    is_module = command[0] == "-m"
    name, *rest = command[is_module:]
    Program(name, tuple(rest), is_module).run()


if __name__ == "__main__":
    main(sys.argv[1:])
