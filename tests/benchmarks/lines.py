"""A line echo server: how many requests a second, with few and with many under way."""

from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

from .bench import Bench
from .cores import Effort, Reading
from .echoes import RunningEcho, echoes, joined_echoes
from .relays import HOST, OURS
from .tables import Outcome, Ratio, Verdict, percent, show


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


FULL: Final = Plan((Load(50, 16), Load(1, 1), Load(50, 1), Load(500, 1)), 0.3, 1.2)
QUICK: Final = Plan((Load(4, 16), Load(8, 1)), 0.1, 0.3)

# Requests per second, ours divided by theirs: at least so much.
_TARGETS: Final = {
    Load(50, 16): {"asyncio": 7.0, "uvloop": 7.0},
    Load(1, 1): {"uvloop": 1.0},
    Load(50, 1): {"uvloop": 1.0},
    Load(500, 1): {"uvloop": 1.0, "asyncio": 1.3},
}


@dataclass(frozen=True)
class Throughput:
    """What a server did under a load."""

    per_second: float
    mismatches: int
    cost: float
    """Microseconds of the server's CPU for each request."""
    busy: float
    """Share of its time that the server was on the core."""


Series = dict[tuple[Load, str], list[Throughput]]


def run(bench: Bench) -> Outcome:
    plan = QUICK if bench.quick else FULL
    names = [echo.name for echo in [*echoes(bench), *joined_echoes(bench)]]
    series: Series = {(load, name): [] for load in plan.loads for name in names}
    for _ in range(bench.repeat):
        with ExitStack() as programs:
            servers = [echo.start(bench) for echo in [*echoes(bench), *joined_echoes(bench)]]
            for server in servers:
                programs.enter_context(server.program)
            for load in plan.loads:
                for server in servers:
                    series[load, server.name].append(_measure(bench, plan, server, load))
    outcome = Outcome()
    for load in plan.loads:
        _report(bench, load, {name: series[load, name] for name in names}, outcome)
    return outcome


def _measure(bench: Bench, plan: Plan, server: RunningEcho, load: Load) -> Throughput:
    command = bench.tools.traffic(
        "requests", HOST, server.port, load.connections, load.in_flight, plan.warm_up, plan.seconds
    )
    with bench.start_load(command) as requests:
        requests.wait_for("^began")
        before = Reading.take(server.program.pid, bench.cores.relay)
        report = requests.wait_for_report()
        effort = Effort.between(before, Reading.take(server.program.pid, bench.cores.relay))
    return Throughput(
        per_second=report["requests"] / report["seconds"],
        mismatches=report["mismatches"],
        cost=effort.process / max(1, report["requests"]) * 1e6,
        busy=effort.process / effort.elapsed,
    )


def _report(
    bench: Bench, load: Load, measured: dict[str, list[Throughput]], outcome: Outcome
) -> None:
    rates = {name: [round_.per_second for round_ in rounds] for name, rounds in measured.items()}
    ratios = {name: Ratio.of(rates[OURS], rate) for name, rate in rates.items()}
    mismatches = sum(round_.mismatches for rounds in measured.values() for round_ in rounds)
    show(
        f"line echo, {load}: requests per second, round {bench.repeat} of {bench.repeat}; "
        "ours / theirs is the median (lowest to highest)",
        ["", "per second", "us of CPU each", "server on the core", "wrong", "ours / theirs"],
        [
            [
                name,
                f"{rounds[-1].per_second:,.0f}",
                f"{rounds[-1].cost:.2f}",
                percent(rounds[-1].busy),
                sum(round_.mismatches for round_ in rounds),
                ratios[name],
            ]
            for name, rounds in measured.items()
        ],
    )
    outcome.figures[str(load)] = {
        "connections": load.connections,
        "in_flight": load.in_flight,
        "per_second": rates,
        "us_per_request": {name: [r.cost for r in rounds] for name, rounds in measured.items()},
        "busy": {name: [r.busy for r in rounds] for name, rounds in measured.items()},
        "mismatches": mismatches,
        "ours_divided_by": {name: ratio.as_json() for name, ratio in ratios.items()},
    }
    for name, least in _TARGETS.get(load, {}).items():
        title = f"line echo, {load}, against {name}"
        target = f"at least {least:g} x the requests per second"
        if not bench.tools.compiles:
            why = "the load in Python is slower than the servers"
            outcome.verdicts.append(Verdict.missing(title, target, why))
        elif name not in ratios:
            outcome.verdicts.append(Verdict.missing(title, target, f"no {name} here"))
        else:
            met = ratios[name].median >= least and not mismatches
            outcome.verdicts.append(Verdict.of(title, target, f"{ratios[name]} x", met))
