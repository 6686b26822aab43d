"""How much of a processor a program asks for, also on a busy machine.

Time that it ran is not enough: on a busy machine a program that spins gets only a part. Of the
time *that it did not stand in the queue for a processor*, it ran all, whatever else runs; and who
wakes up often, and is kept in that queue each time, ran next to nothing. Where only `ps` tells, it
is what it ran of all the time; where nobody does, that is said.
"""

import itertools
import os
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

__all__ = ["Spent", "family", "share", "spent", "wants_one"]

_PROCESSES: Final = Path("/proc")
_PS: Final = ("ps", "-A", "-o", "pid=,ppid=,time=")
_HUNDREDTHS: Final = re.compile(r"(?:(\d+)-)?(?:(\d+):)?(\d+):(\d+\.\d\d)")
"""What `ps` writes where it knows more than whole seconds: [[days-]hours:]minutes:seconds."""


class Spent(NamedTuple):
    """Seconds of one thread, until now."""

    ran: float
    waited: float


def spent(process: int, processes: Path = _PROCESSES) -> dict[str, Spent] | None:
    """By each thread of a process and of all its descendants; where only `ps` tells, by all of
    them in one.

    None where the system tells too little. `processes` is where proc(5) is, if anywhere.
    """
    if (processes / "self/schedstat").exists():
        found = (processes / str(each) for each in family(process, processes))
        return dict(entry for each in found for entry in _of_threads(each))
    ran = _of_ps(process, _listed_by_ps())
    return None if ran is None else {"": Spent(ran, 0)}


def share(before: Mapping[str, Spent], after: Mapping[str, Spent], seconds: float) -> float:
    """How much of a processor they asked for between the two, which are so many seconds apart.

    One that ran whenever it could, and one that slept, on a machine that was busy as long:

    >>> nothing = {"1": Spent(0, 0)}
    >>> share(nothing, {"1": Spent(0.25, 0.75)}, 1), share(nothing, {"1": Spent(0.01, 0.75)}, 1)
    (1.0, 0.04)
    """
    total = 0.0
    for thread, now in after.items():
        then = before.get(thread, Spent(0, 0))
        if (ran := now.ran - then.ran) > 0:
            total += ran / max(ran, seconds - (now.waited - then.waited))
    return total


def wants_one(process: int, processes: Path = _PROCESSES) -> bool:
    """Whether one of its threads, or of its descendants', runs or stands in the queue now.

    How long it has stood there is in no account yet: `spent` has a wait when it is over.
    """
    threads = [processes / str(each) / "task" for each in family(process, processes)]
    return any(map(_is_runnable, itertools.chain.from_iterable(map(_listed, threads))))


def _is_runnable(thread: Path) -> bool:
    """proc_pid_stat: the state stands behind the name, which may have any character in it."""
    try:
        return (thread / "stat").read_text().rpartition(") ")[2].startswith("R")
    except OSError:
        return False


def family(process: int, processes: Path = _PROCESSES) -> list[int]:
    """The numbers of a process and all its descendants; where the system doesn't tell, its own."""
    found, left = [], [process]
    while left:
        found.append(left.pop())
        for task in _listed(processes / str(found[-1]) / "task"):
            try:
                left += map(int, (task / "children").read_text().split())
            except OSError:
                pass
    return found


def _of_threads(process: Path) -> Iterator[tuple[str, Spent]]:
    """proc_pid_schedstat: nanoseconds on a processor, nanoseconds on a run queue, time slices."""
    for task in _listed(process / "task"):
        try:
            ran, waited, _ = map(int, (task / "schedstat").read_text().split())
        except (OSError, ValueError):  # it has ended
            continue
        yield task.name, Spent(ran / 1e9, waited / 1e9)


def _listed(folder: Path) -> list[Path]:
    try:
        return [folder / name for name in os.listdir(folder)]
    except OSError:
        return []


def _listed_by_ps() -> list[str]:
    try:
        return subprocess.run(_PS, capture_output=True, text=True).stdout.splitlines()
    except OSError:
        return []


def _of_ps(process: int, lines: Iterable[str]) -> float | None:
    """The sum over a process and its descendants; None if one of them can't be told.

    >>> _of_ps(7, ["1 0 9:00.00", "7 1 0:01.50", "8 7 1:00.25"]), _of_ps(7, ["7 1 00:00:01"])
    (61.75, None)
    """
    parents: dict[int, int] = {}
    times: dict[int, str] = {}
    for number, parent, time in (line.split() for line in lines):
        parents[int(number)], times[int(number)] = int(parent), time
    total, left = 0.0, [process]
    while left:
        one = left.pop()
        fields = _HUNDREDTHS.fullmatch(times.get(one, ""))
        if fields is None:
            return None
        days, hours, minutes, seconds = (float(field or 0) for field in fields.groups())
        total += ((days * 24 + hours) * 60 + minutes) * 60 + seconds
        left += [child for child, parent in parents.items() if parent == one]
    return total
