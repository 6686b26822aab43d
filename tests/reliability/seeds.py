"""Small programs in the simulated system, each seed another fate: half gentle, half harsh."""

from collections.abc import Sequence
from typing import Final

from reactor.testing import Faults, SimulationFailed, simulate

from .outcome import Outcome, Plan
from .scenarios import SCENARIOS
from .workers import divide

__all__ = ["run"]

_SEEDS: Final = 500
_LONG_SEEDS: Final = 1_000_000


def run(plan: Plan, seeds: int | None = None) -> Outcome:
    """Run each scenario with each seed, from `plan.seed` on."""
    count = seeds or (_LONG_SEEDS if plan.long else _SEEDS)
    outcome = Outcome(figures={"seeds": count, "scenarios": len(SCENARIOS), "simulated runs": 0})
    runs = 0
    for done, failures in divide(run_seeds, range(plan.seed, plan.seed + count)):
        runs += done
        outcome.failures += failures
    outcome.figures["simulated runs"] = runs
    return outcome


def run_seeds(seeds: Sequence[int]) -> tuple[int, list[str]]:
    """How many runs there were, and what failed."""
    runs, failures = 0, []
    for seed in seeds:
        faults = Faults.harsh if seed % 2 else Faults.gentle
        for name, scenario in SCENARIOS.items():
            try:
                runs += simulate(scenario, [seed], faults=faults)
            except SimulationFailed as exc:
                failures.append(f"scenario {name}, {exc}")
    return runs, failures
