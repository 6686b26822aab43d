"""Which core does what, and how busy it was: the relay has one for itself.

The time of the core is what it did not idle: that includes the kernel's work for the
loopback, which may be charged to no process, and whatever else ran there.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_TICKS_PER_SECOND: Final = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Cores:
    """Numbers of the two cores used."""

    relay: int
    load: int

    @classmethod
    def choose(cls) -> "Cores":
        """The last core this process may use for the relay, the first for all else."""
        usable = sorted(os.sched_getaffinity(0))
        return cls(relay=usable[-1], load=usable[0])

    @property
    def shared(self) -> bool:
        """Whether there is but one core, which makes every figure doubtful."""
        return self.relay == self.load


@contextmanager
def pinned_to(core: int) -> Iterator[None]:
    """Run this thread, and start processes, on one core."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def wait_until_asleep(pid: int, patience: float = 5.0) -> None:
    """Return once a process that said it is ready has really gone to wait.

    Raises TimeoutError.
    """
    deadline = time.monotonic() + patience
    while _state(pid) != "S":
        if time.monotonic() > deadline:
            raise TimeoutError(f"process {pid} does not sleep")
        time.sleep(0.005)


@dataclass(frozen=True)
class Reading:
    """How much work a process and its core had done at some moment, in seconds."""

    at: float
    process: float
    process_ticks: float
    """As utime + stime tell it: coarser, and comparable with the core's."""
    core_processes: float
    """user + nice + system of the core: the work of all its processes."""
    core_softirq: float
    """irq + softirq of the core, which the loopback needs and may be charged to no process."""
    core_idle: float
    switches: int
    """Voluntary and involuntary context switches: how often it was woken or interrupted."""

    @classmethod
    def take(cls, pid: int, core: int) -> "Reading":
        user, nice, system, idle, iowait, irq, softirq, stolen = _core_times(core)
        return cls(
            at=time.monotonic(),
            process=_process_seconds(pid),
            process_ticks=_process_ticks(pid),
            core_processes=user + nice + system,
            core_softirq=irq + softirq,
            core_idle=idle + iowait + stolen,
            switches=_switches(pid),
        )


@dataclass(frozen=True)
class Effort:
    """What a process cost between two readings, in seconds."""

    elapsed: float
    process: float
    core: float
    """How long the core did not idle, whoever kept it from that."""
    core_softirq: float
    foreign: float
    """How much of `core` was the work of other processes, as the kernel samples it."""
    switches: int

    @classmethod
    def between(cls, before: Reading, after: Reading) -> "Effort":
        elapsed = after.at - before.at
        core = max(0.0, elapsed - (after.core_idle - before.core_idle))
        process = after.process - before.process
        all_processes = after.core_processes - before.core_processes
        own_ticks = after.process_ticks - before.process_ticks
        return cls(
            elapsed=elapsed,
            process=process,
            core=core,
            core_softirq=after.core_softirq - before.core_softirq,
            foreign=max(0.0, min(core - process, all_processes - own_ticks)),
            switches=after.switches - before.switches,
        )

    @property
    def cpu(self) -> float:
        """The larger of what the process used, and what its core was busy but for others."""
        return max(self.process, self.core - self.foreign)


def _core_times(core: int) -> list[float]:
    for line in Path("/proc/stat").read_text().splitlines():
        name, *fields = line.split()
        if name == f"cpu{core}":
            return [int(field) / _TICKS_PER_SECOND for field in fields[:8]]
    raise LookupError(f"no core {core} in /proc/stat")


def _process_seconds(pid: int) -> float:
    """Time on a core of all threads, to the nanosecond where the kernel tells."""
    times = [_first_number(file) for file in Path(f"/proc/{pid}/task").glob("*/schedstat")]
    return sum(times) / 1e9 if times else _process_ticks(pid)


def _first_number(file: Path) -> int:
    try:
        return int(file.read_text().split()[0])
    except OSError:  # a thread that has just ended
        return 0


def _state(pid: int) -> str:
    return _stat_fields(pid)[0]


def _stat_fields(pid: int) -> list[str]:
    # The name, in parentheses, may hold spaces: count from behind it. proc(5).
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _process_ticks(pid: int) -> float:
    fields = _stat_fields(pid)
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_SECOND


def _switches(pid: int) -> int:
    total = 0
    for file in Path(f"/proc/{pid}/task").glob("*/status"):
        for line in file.read_text().splitlines():
            if "ctxt_switches" in line:
                total += int(line.split()[1])
    return total
