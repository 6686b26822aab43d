"""Puts each bug of the museum in, one at a time, and expects the tests of its row to fail.

A test that has never been seen to fail shows nothing. Each bug is put into a process of its
own, so nothing here is ever changed.
"""

import argparse
import os
import re
import sys
from collections.abc import Callable, Collection
from functools import partial
from typing import Final

from .bug import Bug, read_bugs
from .inheritance import bequeath
from .row import files_with_tests, prefix_of_tests, read_rows
from .trial import Trial, conduct

_ALL_WERE_GREEN: Final = 0
_SOME_WERE_RED: Final = 1


def verdict(status: int | None, output: str) -> tuple[bool, str]:
    """Whether a test saw the bug, and which one, or else what happened instead."""
    if status == _ALL_WERE_GREEN:
        return False, "all tests passed"
    failed = re.search(r"^FAILED \S+::(\w+)", output, re.MULTILINE)
    if status == _SOME_WERE_RED and failed is not None:
        return True, failed[1]
    last = output.strip().rpartition("\n")[2]
    return False, f"exit status {status}, no test failed: {last}"


def selection(rows: Collection[int]) -> list[str]:
    """What tells pytest to run the tests of `rows` and no others."""
    return ["-k", " or ".join(prefix_of_tests(row) for row in rows)]


def is_green_without_bugs(rows: Collection[int], jobs: int) -> bool:
    """Whether the museum passes as it is; if not, its output is printed."""
    files = sorted({file for row in rows for file in files_with_tests(row)})
    starts = [partial(Trial, file, lambda patch: None, [file, *selection(rows)]) for file in files]
    green = True
    for trial in conduct(starts, jobs):
        status, output, seconds = trial.result()
        print(f"without a bug: {trial.subject}  ({seconds:.1f} s)", flush=True)
        if status != _ALL_WERE_GREEN:
            green = False
            print(output, "the museum is not green without a bug", sep="\n", file=sys.stderr)
    return green


def put_in(bug: Bug) -> Trial:
    """Start the tests of the bug's row with the bug."""
    arguments = [*files_with_tests(bug.row), *selection([bug.row]), "--tb=no"]
    return Trial(bug, partial(bequeath, bug), arguments)


def survivors(bugs: list[Bug], jobs: int) -> int:
    """Say of each bug what came of it; how many were not seen by any test."""
    count = 0
    starts: list[Callable[[], Trial]] = [partial(put_in, bug) for bug in bugs]
    for trial in conduct(starts, jobs):
        status, output, seconds = trial.result()
        bug = trial.subject
        red, what = verdict(status, output)
        count += not red
        word = "red     " if red else "SURVIVED"
        print(f"{word} row {bug.row:3}  {bug.story}  ({what}, {seconds:.1f} s)", flush=True)
    print(f"{len(bugs)} bugs were put in, {len(bugs) - count} went red")
    return count


def main() -> int:
    parser = argparse.ArgumentParser(prog="python3 -m tests.museum", description=__doc__)
    parser.add_argument(
        "--row", type=int, action="extend", nargs="+", help="only these rows (all)", metavar="ID"
    )
    # A test that misses something waits for it, and leaves the processor to another.
    jobs = 2 * (os.cpu_count() or 1)
    parser.add_argument("--jobs", type=int, default=jobs, help="at a time (%(default)s)")
    arguments = parser.parse_args()
    known = [row.id for row in read_rows()]
    rows = arguments.row or known
    if unknown := set(rows) - set(known):
        parser.error(f"no such row: {', '.join(map(str, sorted(unknown)))}")
    bugs = [bug for bug in read_bugs() if bug.row in rows]
    if not is_green_without_bugs(rows, arguments.jobs):
        return 1
    return 1 if survivors(bugs, arguments.jobs) or not bugs else 0


if __name__ == "__main__":
    sys.exit(main())
