"""Clients of a relay that say command upon command: what does one cost, beside asyncio's?"""

from contextlib import ExitStack, closing
from typing import Final

from .bench import Bench
from .relays import Relay, relays
from .tables import Outcome
from .throughput import Load, Plan, Throughput, as_json, measure, show_series

FULL: Final = Plan((Load(50, 1), Load(50, 16)), warm_up=0.1, seconds=0.25)
QUICK: Final = Plan((Load(4, 16), Load(4, 1)), 0.1, 0.3)
# A thread for each client is measured by what it does to the datagrams.
_LEFT_OUT: Final = "threads"


def run(bench: Bench) -> Outcome:
    plan = QUICK if bench.quick else FULL
    contenders = [
        relay for relay in relays(bench) if relay.takes_commands and relay.name != _LEFT_OUT
    ]
    outcome = Outcome()
    for load in plan.loads:
        series: dict[str, list[Throughput]] = {relay.name: [] for relay in contenders}
        for _ in range(bench.repeat):
            for relay in contenders:
                series[relay.name].append(_measure(bench, plan, load, relay))
        show_series(f"commands to a relay, {load}, round {bench.repeat} of {bench.repeat}", series)
        outcome.figures[str(load)] = as_json(load, series)
    return outcome


def _measure(bench: Bench, plan: Plan, load: Load, relay: Relay) -> Throughput:
    with ExitStack() as programs:
        running = programs.enter_context(closing(relay.start(bench, [])))
        assert running.control_port is not None
        return measure(bench, plan, load, "relay", running.program, running.control_port)
