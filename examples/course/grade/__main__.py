"""python3 -m examples.course.grade 05 -- python3 mine.py {port} {ingest}"""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from typing import Final

from .command_words import command_words
from .options import parse
from .program import LAST_WORDS
from .report import table, tell, to_json
from .result import Result, Status, grade

__all__ = ["main"]

_INTERRUPTED: Final = 128 + signal.SIGINT
_TO_DRAW: Final = 60.0


def main(arguments: Sequence[str]) -> int:
    """The exit status: that of the worst result."""
    options = parse(arguments)
    # Whoever ends us by a signal, as a grader of many does, ends the program, too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return max(result.status for result in _results(options))
    except KeyboardInterrupt:
        sys.stderr.write(command_words(options.lang).said["interrupted"] + "\n")
        return _INTERRUPTED
    except BrokenPipeError:  # who reads has seen enough; nor will the interpreter say the rest
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _INTERRUPTED


def _results(options: argparse.Namespace) -> list[Result]:
    """Each is told as soon as it is there. Who never listens does not in the next chapter."""
    results: list[Result] = []
    for chapter in options.chapters:
        result = _result(chapter, options)
        results.append(result)
        written = f"{to_json(result, options.lang)}\n" if options.json else _told(result, options)
        print(written, end="", flush=True)
        if result.status in (Status.USAGE, Status.NEVER_LISTENED):
            break
    if options.all and not options.json:
        print(f"\n{table(results, options.lang)}", end="")
    return results


def _result(chapter: str, options: argparse.Namespace) -> Result:
    last_words = LAST_WORDS
    if options.timeline:
        options.timeline.unlink(missing_ok=True)
        last_words = _TO_DRAW
    return grade(
        chapter, options.command, options.seed, folder=options.folder, last_words=last_words
    )


def _told(result: Result, options: argparse.Namespace) -> str:
    told = tell(result, options.lang)
    if options.timeline:
        said = command_words(options.lang).said
        told += said["picture" if options.timeline.exists() else "no_picture"].format(
            file=options.timeline
        )
        told += "\n"
    return told


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
