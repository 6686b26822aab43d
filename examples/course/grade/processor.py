"""How much of a processor a program asks for, also on a busy machine.

Time that it ran is not enough: on a busy machine a program that spins gets only a part. What it
ran *and what it stood in the queue for a processor* is all of the time, whatever else runs. Where
only `ps` tells, it is what it ran; where nobody does, that is said.
"""

import itertools
import os
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Final

__all__ = ["asked_for", "family", "wants_one"]

_PROCESSES: Final = Path("/proc")
_PS: Final = ("ps", "-A", "-o", "pid=,ppid=,time=")
_HUNDREDTHS: Final = re.compile(r"(?:(\d+)-)?(?:(\d+):)?(\d+):(\d+\.\d\d)")
"""What `ps` writes where it knows more than whole seconds: [[days-]hours:]minutes:seconds."""


def asked_for(process: int, processes: Path = _PROCESSES) -> float | None:
    """Seconds that a process and all its descendants ran, or waited for a processor, until now.

    None where the system tells too little. `processes` is where proc(5) is, if anywhere.
    """
    if (processes / "self/schedstat").exists():
        return sum(_ran_and_waited(processes / str(each)) for each in family(process, processes))
    return _of_ps(process, _listed_by_ps())


def wants_one(process: int, processes: Path = _PROCESSES) -> bool:
    """Whether one of its threads, or of its descendants', runs or waits for a processor now.

    How long it has waited so far is in no account yet: `asked_for` counts a wait when it is over.
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


def _ran_and_waited(process: Path) -> float:
    """proc_pid_schedstat: nanoseconds on a processor, nanoseconds on a run queue, time slices."""
    total = 0
    for task in _listed(process / "task"):
        try:
            total += sum(map(int, (task / "schedstat").read_text().split()[:2]))
        except OSError:
            pass
    return total / 1e9


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
