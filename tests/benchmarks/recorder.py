"""The line echo server with all that it does recorded, beside the same without: what is the price?

One client that waits for each answer tells what a round trip is longer by; many under way at
once tell what all of it costs, for there is nobody's time in which it could be done.
"""

from contextlib import ExitStack
from typing import Final

from .bench import Bench
from .echoes import Echo
from .relays import HOST
from .tables import Outcome, Ratio, Verdict, show
from .throughput import Load, Plan, Throughput, measure
from .toolbox import python

_ALONE: Final = Load(1, 1)
FULL: Final = Plan((_ALONE, Load(50, 1), Load(50, 16)), warm_up=0.1, seconds=0.25)
QUICK: Final = Plan((_ALONE, Load(4, 16)), 0.05, 0.1)
_MOST: Final = 1.6
"""Times a round trip without the recorder."""

Pairs = list[tuple[Throughput, Throughput]]
"""Without the recorder, and with it, measured one after the other."""


def run(bench: Bench) -> Outcome:
    plan = QUICK if bench.quick else FULL
    pairs: dict[Load, Pairs] = {load: [] for load in plan.loads}
    for _ in range(bench.repeat):
        with ExitStack() as programs:
            servers = [echo.start(bench) for echo in _echoes(bench)]
            for server in servers:
                programs.enter_context(server.program)
            for load in plan.loads:
                without, recorded = (
                    measure(bench, plan, load, "echo", server.program, server.port)
                    for server in servers
                )
                pairs[load].append((without, recorded))
    outcome = Outcome()
    for load, rounds in pairs.items():
        trips, costs = _ratios(rounds)
        _show(load, rounds, trips, costs)
        outcome.figures[str(load)] = {
            "round_trips_with_divided_by_without": trips.as_json(),
            "cpu_with_divided_by_without": costs.as_json(),
            "mismatches": sum(each.mismatches for pair in rounds for each in pair),
        }
        if load == _ALONE:
            wanted = f"with the recorder / without: at most {_MOST:g}"
            met = trips.median <= _MOST
            outcome.verdicts.append(Verdict.of("round trip of an echo", wanted, f"{trips}", met))
    return outcome


def _echoes(bench: Bench) -> list[Echo]:
    return [
        Echo("without", python("examples.echo", HOST, 0)),
        Echo("recorded", bench.tools.contender("recorded_echo", HOST, 0)),
    ]


def _ratios(pairs: Pairs) -> tuple[Ratio, Ratio]:
    """Of the time, and of the CPU, that a request takes."""
    trips = Ratio.of([a.per_second for a, _ in pairs], [b.per_second for _, b in pairs])
    costs = Ratio.of([b.cost for _, b in pairs], [a.cost for a, _ in pairs])
    return trips, costs


def _show(load: Load, pairs: Pairs, trips: Ratio, costs: Ratio) -> None:
    rows = [
        [name, f"{1e6 / each.per_second:.1f}", f"{each.cost:.1f}"]
        for name, each in zip(("without", "recorded"), pairs[-1], strict=True)
    ]
    show(
        f"recorded echo, {load}, round {len(pairs)} of {len(pairs)}",
        ["", "us a request", "us of CPU each"],
        [*rows, ["recorded / without, all rounds", trips, costs]],
    )
