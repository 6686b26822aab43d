"""Puts each bug of the museum in, one at a time, and expects the tests of its row to fail.

A test that has never been seen to fail shows nothing. Each bug is put into a process of its
own, so nothing here is ever changed.
"""

import argparse
import os
import re
import sys
from functools import partial
from itertools import groupby
from typing import Final

from .bug import Bug, read_bugs
from .inheritance import bequeath
from .row import Row, read_rows, shown_by
from .trial import Trial, conduct

_ALL_WERE_GREEN: Final = 0
_SOME_WERE_RED: Final = 1


def verdict(status: int | None, output: str) -> tuple[bool, str]:
    """Whether a test saw the bug, and which one, or else what happened instead."""
    if status == _ALL_WERE_GREEN:
        return False, "all tests passed"
    failed = re.search(r"^FAILED \S+?::(\w+)", output, re.MULTILINE)
    if status == _SOME_WERE_RED and failed is not None:
        return True, failed[1]
    last = output.strip().rpartition("\n")[2]
    return False, f"exit status {status}, no test failed: {last}"


def is_green_without_bugs(rows: list[Row], jobs: int) -> bool:
    """Whether the museum passes as it is; if not, its output is printed."""
    tests = sorted({test for row in rows for test in shown_by(row)})
    files = groupby(tests, lambda test: test.partition("::")[0])
    starts = [partial(Trial, file, lambda patch: None, ["--all", *tests]) for file, tests in files]
    green = True
    for trial in conduct(starts, jobs):
        status, output, seconds = trial.result()
        print(f"without a bug: {trial.subject}  ({seconds:.1f} s)", flush=True)
        if status != _ALL_WERE_GREEN:
            green = False
            print(output, "the museum is not green without a bug", sep="\n", file=sys.stderr)
    return green


def put_in(bug: Bug, row: Row) -> Trial:
    """Start the tests of the bug's row with the bug."""
    return Trial(bug, partial(bequeath, bug), ["--all", *shown_by(row), "--tb=no"])


def survivors(rows: list[Row], jobs: int) -> int:
    """Say of each bug what came of it; how many were not seen by any test."""
    count = 0
    by_id = {row.id: row for row in rows}
    bugs = [bug for bug in read_bugs() if bug.row in by_id]
    starts = [partial(put_in, bug, by_id[bug.row]) for bug in bugs]
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
    rows = read_rows()
    wanted = set(arguments.row or [row.id for row in rows])
    if unknown := wanted - {row.id for row in rows}:
        parser.error(f"no such row: {', '.join(map(str, sorted(unknown)))}")
    rows = [row for row in rows if row.id in wanted]
    if not is_green_without_bugs(rows, arguments.jobs):
        return 1
    return 1 if survivors(rows, arguments.jobs) else 0


if __name__ == "__main__":
    sys.exit(main())
