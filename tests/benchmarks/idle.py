"""Connections on which nothing happens: what does each take of memory, and all of CPU?"""

import resource
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .bench import Bench
from .cores import Effort, Reading, wait_until_asleep
from .echoes import Echo, echoes
from .relays import HOST, OURS
from .tables import Outcome, Verdict, show
from .toolbox import python

_OPENING_SECONDS: Final = 120.0


@dataclass(frozen=True)
class Plan:
    """How many connections, watched for how long."""

    connections: int
    seconds: float


FULL: Final = Plan(10_000, 10)
QUICK: Final = Plan(100, 0.5)


@dataclass(frozen=True)
class Idleness:
    """What a server with idle connections takes; memory in bytes per connection."""

    proportional: float
    """Its share of physical memory (Pss)."""
    resident: float
    """VmRSS, as `ps` shows it."""
    effort: Effort


def run(bench: Bench) -> Outcome:
    plan = QUICK if bench.quick else FULL
    _raise_descriptor_limit()
    measured = {echo.name: _measure(bench, plan, echo) for echo in echoes(bench)}
    show(
        f"{plan.connections:,} idle connections, each used once, watched for {plan.seconds:g} s",
        ["", "bytes each (Pss)", "bytes each (RSS)", "CPU ms", "wake-ups"],
        [
            [
                name,
                f"{idleness.proportional:,.0f}",
                f"{idleness.resident:,.0f}",
                f"{idleness.effort.process * 1000:.2f}",
                idleness.effort.switches,
            ]
            for name, idleness in measured.items()
        ],
    )
    figures = {
        name: {
            "connections": plan.connections,
            "bytes_each_proportional": idleness.proportional,
            "bytes_each_resident": idleness.resident,
            "cpu_seconds": idleness.effort.process,
            "context_switches": idleness.effort.switches,
        }
        for name, idleness in measured.items()
    }
    return Outcome([_judge(plan, measured)], {"servers": figures})


def _judge(plan: Plan, measured: dict[str, Idleness]) -> Verdict:
    work = f"memory per idle connection, at {plan.connections:,} connections"
    target = "below uvloop's protocol API"
    here = f"{measured[OURS].proportional:,.0f} bytes"
    if "uvloop" not in measured:
        return Verdict.missing(work, target, "no uvloop here", here)
    theirs = measured["uvloop"].proportional
    return Verdict.of(
        work, target, f"{here}, uvloop {theirs:,.0f}", measured[OURS].proportional < theirs
    )


def _measure(bench: Bench, plan: Plan, echo: Echo) -> Idleness:
    server = echo.start(bench)
    with server.program as program:
        empty = _proportional(program.pid), _resident(program.pid)
        command = python("tests.benchmarks.traffic.idlers", HOST, server.port, plan.connections)
        with bench.start_load(command) as idlers:
            idlers.wait_for("^ready", _OPENING_SECONDS)
            wait_until_asleep(program.pid)
            before = Reading.take(program.pid, bench.cores.relay)
            time.sleep(plan.seconds)  # not for anything to happen: nothing should
            effort = Effort.between(before, Reading.take(program.pid, bench.cores.relay))
            full = _proportional(program.pid), _resident(program.pid)
            idlers.say("leave")
    return Idleness(
        (full[0] - empty[0]) / plan.connections, (full[1] - empty[1]) / plan.connections, effort
    )


def _raise_descriptor_limit() -> None:
    """As far as it goes: programs started later inherit it."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _proportional(pid: int) -> int:
    return _kilobytes(Path(f"/proc/{pid}/smaps_rollup"), "Pss:")


def _resident(pid: int) -> int:
    return _kilobytes(Path(f"/proc/{pid}/status"), "VmRSS:")


def _kilobytes(file: Path, name: str) -> int:
    """A line such as `VmRSS:  123 kB`, in bytes."""
    for line in file.read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) * 1024
    raise LookupError(f"no {name} in {file}")
