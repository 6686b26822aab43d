"""How much of a processor a program asks for, also on a busy machine.

Time that it ran is not enough: on a busy machine a program that spins gets only a part. What it
ran *and what it stood in the queue for a processor* is all of the time, whatever else runs.
"""

import os
from collections.abc import Iterable
from pathlib import Path

__all__ = ["demand", "family"]


def family(process: int) -> list[int]:
    """The numbers of a process and all its descendants; where the system doesn't tell, its own."""
    found, left = [], [process]
    while left:
        found.append(left.pop())
        for task in _listed(Path(f"/proc/{found[-1]}/task")):
            try:
                left += map(int, (task / "children").read_text().split())
            except OSError:
                pass
    return found


def demand(processes: Iterable[int]) -> float:
    """Seconds that their threads ran or waited for a processor until now.

    proc_pid_schedstat: nanoseconds on a processor, nanoseconds on a run queue, time slices.
    """
    total = 0
    for process in processes:
        for task in _listed(Path(f"/proc/{process}/task")):
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
