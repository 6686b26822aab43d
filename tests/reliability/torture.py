"""Every legal fault at every call of small programs in the simulated system."""

import random
from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias

from reactor.testing import Injection, SimulationFailed, injections, torture

from .outcome import Outcome, Plan
from .scenarios import TORTURED
from .workers import divide

__all__ = ["run"]

_RUNS: Final = 20_000
_LONG_RUNS: Final = 1_000_000

Attempt: TypeAlias = tuple[str, int, Injection]
"""The name of a scenario, its seed, and what is put in."""


def run(plan: Plan, runs: int | None = None) -> Outcome:
    """Torture each scenario: first with one seed, whole, then with more until there are enough."""
    wanted = runs or (_LONG_RUNS if plan.long else _RUNS)
    attempts = list(gather(plan.seed, wanted))
    outcome = Outcome(
        figures={
            "runs": len(attempts),
            "scenarios": len(TORTURED),
            "calls": len({(name, seed, put.index) for name, seed, put in attempts}),
            "kinds of call and fault": len({(put.call, str(put.fault)) for _, _, put in attempts}),
        }
    )
    # Some scenarios take longer: each processor gets its share of these.
    random.Random(plan.seed).shuffle(attempts)
    for failures in divide(try_all, attempts):
        outcome.failures += failures
    return outcome


def gather(seed: int, wanted: int) -> Iterator[Attempt]:
    """At least `wanted` attempts: all that can be put into the scenarios with seed after seed."""
    count = 0
    while count < wanted:
        for name, scenario in TORTURED.items():
            for injection in injections(scenario, seed):
                count += 1
                yield name, seed, injection
            if count >= wanted:
                return
        seed += 1


def try_all(attempts: Sequence[Attempt]) -> list[str]:
    """What failed."""
    failures = []
    for name, seed, injection in attempts:
        try:
            torture(TORTURED[name], seed, chosen=[injection])
        except SimulationFailed as exc:
            failures.append(f"scenario {name}, {exc}")
    return failures
