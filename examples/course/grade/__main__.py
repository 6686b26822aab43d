"""python3 -m examples.course.grade 05 -- python3 mine.py {port} {ingest}"""

import sys
from collections.abc import Sequence

from .report import tell
from .result import grade

__all__ = ["main"]


def main(arguments: Sequence[str]) -> int:
    chapter, _, *command = arguments
    result = grade(chapter, command, seed=1)
    print(tell(result, "en"), end="")
    return result.status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
