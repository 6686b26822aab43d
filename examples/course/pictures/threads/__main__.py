"""python3 -m examples.course.pictures.threads RECORD.jsonl program.py ARGUMENTS"""

import sys
from collections.abc import Sequence

from reactor.timeline.command.program import Program

from .recorder import Record, stand_ins

__all__ = ["main"]


def main(arguments: Sequence[str]) -> None:
    """Run the program, recorded, as Python itself would run it. Raises what it raises."""
    path, *command = arguments
    for owner, name, substitute in stand_ins(Record(path)):
        setattr(owner, name, substitute)
    is_module = command[0] == "-m"
    name, *rest = command[is_module:]
    Program(name, tuple(rest), is_module).run()


if __name__ == "__main__":
    main(sys.argv[1:])
