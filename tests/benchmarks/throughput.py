"""How many lines a second a server answers, with few and with many under way, and at what cost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .bench import Bench
from .cores import Effort, Reading
from .processes import Program
from .relays import HOST, OURS
from .tables import Ratio, percent, show


@dataclass(frozen=True)
class Load:
    """How many connections, and how many requests under way on each."""

    connections: int
    in_flight: int

    def __str__(self) -> str:
        connections = "connection" if self.connections == 1 else "connections"
        return f"{self.in_flight} in flight, {self.connections} {connections}"


@dataclass(frozen=True)
class Plan:
    """Which loads, for how long each."""

    loads: tuple[Load, ...]
    warm_up: float
    seconds: float


@dataclass(frozen=True)
class Throughput:
    """What a server did under a load."""

    per_second: float
    mismatches: int
    cost: float
    """Microseconds of the server's CPU for each request."""
    busy: float
    """Share of its time that the server was on the core: below 1, it waited for the load."""


@dataclass(frozen=True)
class Comparison:
    """Ours beside another under one load; a ratio above 1 is in our favour."""

    cost: Ratio
    """Theirs / ours: microseconds of CPU for a request."""
    rate: Ratio
    """Ours / theirs: requests a second."""


Series = Mapping[str, Sequence[Throughput]]
"""By the name of the server, a Throughput for each round."""


def measure(
    bench: Bench, plan: Plan, load: Load, kind: str, program: Program, port: int
) -> Throughput:
    """Have `program`, an "echo" or a "relay" that listens at `port`, answer all it can."""
    command = bench.tools.traffic(
        "requests", kind, HOST, port, load.connections, load.in_flight, plan.warm_up, plan.seconds
    )
    with bench.start_load(command) as requests:
        requests.wait_for("^began")
        before = Reading.take(program.pid, bench.cores.relay)
        report = requests.wait_for_report()
        effort = Effort.between(before, Reading.take(program.pid, bench.cores.relay))
    return Throughput(
        per_second=report["requests"] / report["seconds"],
        mismatches=report["mismatches"],
        cost=effort.process / max(1, report["requests"]) * 1e6,
        busy=effort.process / effort.elapsed,
    )


def compare(series: Series) -> dict[str, Comparison]:
    """Ours beside each, ourselves included."""
    ours = series[OURS]
    return {
        name: Comparison(
            cost=Ratio.of([r.cost for r in rounds], [r.cost for r in ours]),
            rate=Ratio.of([r.per_second for r in ours], [r.per_second for r in rounds]),
        )
        for name, rounds in series.items()
    }


def show_series(title: str, series: Series) -> None:
    """Print a table: the last round, and the median of all ratios (lowest to highest)."""
    comparisons = compare(series)
    show(
        title,
        ["", "per second", "us of CPU each", "server on the core", "wrong",
         "CPU each, theirs / ours", "per second, ours / theirs"],
        [
            [
                name,
                f"{rounds[-1].per_second:,.0f}",
                f"{rounds[-1].cost:.2f}",
                percent(rounds[-1].busy),
                sum(round_.mismatches for round_ in rounds),
                comparisons[name].cost,
                comparisons[name].rate,
            ]
            for name, rounds in series.items()
        ],
    )  # fmt: skip


def as_json(load: Load, series: Series) -> dict[str, Any]:
    """All figures."""
    comparisons = compare(series)
    return {
        "connections": load.connections,
        "in_flight": load.in_flight,
        "per_second": {name: [r.per_second for r in rounds] for name, rounds in series.items()},
        "us_per_request": {name: [r.cost for r in rounds] for name, rounds in series.items()},
        "busy": {name: [r.busy for r in rounds] for name, rounds in series.items()},
        "mismatches": sum(r.mismatches for rounds in series.values() for r in rounds),
        "cost_of_theirs_divided_by_ours": {
            name: comparison.cost.as_json() for name, comparison in comparisons.items()
        },
        "per_second_of_ours_divided_by_theirs": {
            name: comparison.rate.as_json() for name, comparison in comparisons.items()
        },
    }
