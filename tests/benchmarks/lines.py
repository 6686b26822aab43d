"""A line echo server, beside the same on asyncio and uvloop: what does a line cost?"""

from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

from .bench import Bench
from .echoes import echoes, joined_echoes
from .tables import Outcome, Verdict
from .throughput import Load, Plan, Series, Throughput, as_json, compare, measure, show_series

FULL: Final = Plan(
    (Load(1, 1), Load(50, 1), Load(500, 1), Load(50, 16), Load(500, 16)), warm_up=0.1, seconds=0.25
)
QUICK: Final = Plan((Load(4, 16), Load(8, 1)), 0.1, 0.3)


@dataclass(frozen=True)
class Target:
    """Against uvloop, which answers each line by itself: at least so many times as good."""

    cost: float
    rate: float | None = None


_TARGETS: Final = {
    Load(1, 1): Target(0.9),
    Load(50, 1): Target(0.9),
    Load(500, 1): Target(0.9),
    Load(50, 16): Target(9, 7),
    Load(500, 16): Target(9, 7),
}


def run(bench: Bench) -> Outcome:
    plan = QUICK if bench.quick else FULL
    contenders = [*echoes(bench), *joined_echoes(bench)]
    rounds: dict[Load, dict[str, list[Throughput]]] = {
        load: {echo.name: [] for echo in contenders} for load in plan.loads
    }
    for _ in range(bench.repeat):
        with ExitStack() as programs:
            servers = [echo.start(bench) for echo in contenders]
            for server in servers:
                programs.enter_context(server.program)
            for load in plan.loads:
                for server in servers:
                    found = measure(bench, plan, load, "echo", server.program, server.port)
                    rounds[load][server.name].append(found)
    outcome = Outcome()
    for load, series in rounds.items():
        show_series(f"line echo, {load}, round {bench.repeat} of {bench.repeat}", series)
        outcome.figures[str(load)] = as_json(load, series)
        outcome.verdicts += _judge(bench, load, series)
    return outcome


def _judge(bench: Bench, load: Load, series: Series) -> list[Verdict]:
    target = _TARGETS.get(load)
    if target is None:
        return []
    work = f"line echo, {load}, against uvloop"
    if "uvloop" not in series or not bench.tools.compiles:
        return [Verdict.missing(work, "CPU for a line", "no uvloop or no C compiler here")]
    found = compare(series)["uvloop"]
    right = not any(round_.mismatches for rounds in series.values() for round_ in rounds)
    wanted = f"CPU for a line, theirs / ours: at least {target.cost:g}"
    verdicts = [
        Verdict.of(work, wanted, f"{found.cost}", right and found.cost.median >= target.cost)
    ]
    if target.rate is not None:
        wanted = f"lines a second, ours / theirs: at least {target.rate:g}"
        met = right and found.rate.median >= target.rate
        verdicts.append(Verdict.of(work, wanted, f"{found.rate}", met))
    return verdicts
