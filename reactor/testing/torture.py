"""Every fault at every call: a scenario is run again and again, each time with another one.

What is left to chance in a simulation is exhausted here: the error path that nobody ever
took is taken.
"""

from collections.abc import Iterable, Iterator

from .faults import Fault, Faults, Injection, legal_faults
from .simulated.recording import Timeline
from .simulation import Scenario, Simulation, run_scenario

__all__ = ["injections", "torture"]


class _Census:
    """Puts nothing in; writes down each call at which something could be."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []

    def __call__(self, call: str, who: str) -> None:
        self.calls.append((call, who))


class _Injector:
    """Puts one fault in."""

    def __init__(self, injection: Injection) -> None:
        self._injection = injection
        self._left = injection.times
        self._calls = 0

    def __call__(self, call: str, who: str) -> Fault | None:
        injection = self._injection
        struck = self._calls == injection.index or (
            self._calls > injection.index and (call, who) == (injection.call, injection.who)
        )
        self._calls += 1
        if not struck or self._left == 0:
            return None
        if self._left is not None:
            self._left -= 1
        return injection.fault


def injections(
    scenario: Scenario, seed: int = 0, *, timeline: Timeline | None = None
) -> Iterator[Injection]:
    """All that can be put into a run of `scenario`, once and for good.

    Raises SimulationFailed if it fails with nothing put in; `timeline` has the record then.
    """
    census = _Census()
    simulation = Simulation(seed, faults=Faults(), injector=census, timeline=timeline)
    run_scenario(simulation, scenario, f"torture(scenario, seed={seed})")
    for index, (call, who) in enumerate(census.calls):
        for fault in legal_faults(call):
            for lasting in (False, True):
                yield Injection(index, call, who, fault, lasting)


def torture(
    scenario: Scenario,
    seed: int = 0,
    *,
    chosen: Iterable[Injection] | None = None,
    timeline: Timeline | None = None,
) -> int:
    """Run `scenario` with each legal fault at each call; return how many runs that were.

    `chosen` restricts that to some of `injections(scenario, seed)`. The scenario learns
    from `Simulation.injection` what is put in, and asserts what must hold nevertheless.
    `timeline` has the record of the last run in the end, as `simulate` has it. Raises
    SimulationFailed at the first run that fails.
    """
    runs = 0
    if chosen is None:
        chosen = list(injections(scenario, seed, timeline=timeline))
    for injection in chosen:
        injector = _Injector(injection)
        simulation = Simulation(seed, faults=Faults(), injector=injector, timeline=timeline)
        simulation.injection = injection
        again = f"torture(scenario, seed={seed}, chosen=[{injection!r}])"
        run_scenario(simulation, scenario, again)
        runs += 1
    return runs
