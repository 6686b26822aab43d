"""A whole program in a simulated system: sockets, selector and time all come from one seed.

What would take a thousand evenings on a bad network takes seconds here, and whatever goes
wrong goes wrong again with the same seed.
"""

import random
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Final, TypeAlias

from .audit import AuditedLoop, Auditor, Violation
from .faults import Faults
from .kernel import Injector, Kernel
from .network import SimulatedNetwork
from .selector import SimulatedSelector

__all__ = ["Scenario", "Simulation", "SimulationFailed", "simulate"]

_MAX_TURNS: Final = 100_000
_SHOWN_LINES: Final = 60


class Simulation:
    """One simulated system with one event loop in it.

    `faults` is a Faults, or a function that draws one; `injector` is asked at each call of
    the system whether something is to go wrong with it.

    >>> import reactor
    >>> from reactor.testing import RecordingHandler
    >>> with Simulation(seed=1) as simulation:
    ...     client = RecordingHandler()
    ...     listener = reactor.listen(simulation.loop, RecordingHandler, "127.0.0.1", 7000)
    ...     _ = reactor.connect(simulation.loop, client, "127.0.0.1", 7000)
    ...     simulation.run_until(lambda: client.events)
    >>> client.events
    ['connection_made', 'connection_lost']
    """

    def __init__(
        self,
        seed: int = 0,
        *,
        faults: "Faults | Callable[[random.Random], Faults]" = Faults.gentle,
        injector: Injector | None = None,
    ) -> None:
        self.seed = seed
        self.random = random.Random(f"{seed} scenario")
        """For whatever the scenario leaves to chance."""
        if not isinstance(faults, Faults):
            faults = faults(random.Random(f"{seed} faults"))
        self.kernel = Kernel(seed, faults, injector)
        self.network = SimulatedNetwork(self.kernel)
        """Makes sockets like the `socket` module, for peers that are no streams."""
        self._auditor = Auditor(self.kernel)
        self._selector = SimulatedSelector(self.kernel, self._on_idle)
        self._auditor.selector = self._selector
        self.loop = AuditedLoop(
            self._auditor,
            selector=self._selector,
            clock=self.kernel.clock,
            network=self.network,
            instrument=self._auditor,
        )
        """The loop: give it to the program."""
        self._auditor.loop = self.loop
        self.loop.set_exception_handler(self._auditor.note_exception)

    @property
    def now(self) -> float:
        """Simulated seconds since the beginning."""
        return self.kernel.now

    @property
    def faults(self) -> Faults:
        """What the system does to the program."""
        return self.kernel.faults

    @property
    def transcript(self) -> str:
        """The whole story so far."""
        return str(self.kernel.transcript)

    def run(self, seconds: float = 60.0) -> None:
        """Run for so much simulated time. Raises Violation when a promise is broken."""
        with self._rough():
            end = self.loop.call_later(seconds, self.loop.stop)
            self.loop.run()
            end.cancel()
        self._auditor.check()

    def run_until(self, condition: Callable[[], object], seconds: float = 60.0) -> None:
        """Run until `condition()` is true. Raises Violation if it is not in that time."""
        deadline = self.now + seconds
        with self._rough():
            while not condition():
                if self.now >= deadline:
                    raise Violation(f"still waiting after {seconds:g} simulated seconds")
                self.loop.run_once(deadline - self.now)
        self._auditor.check()

    def close(self) -> None:
        """Close the loop. Raises Violation if anything is left open, or was never told."""
        self.loop.close()
        self._auditor.finish()

    def __enter__(self) -> "Simulation":
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        if kind is None:
            self.close()
        else:
            self.loop.close()

    @contextmanager
    def _rough(self) -> Iterator[None]:
        """While the loop runs, things go wrong."""
        self._auditor.allow(_MAX_TURNS)
        self.kernel.calm = False
        try:
            yield
        finally:
            self.kernel.calm = True

    def _on_idle(self) -> None:
        self.kernel.tell("loop", "nothing will ever happen again")
        self.loop.stop()


Scenario: TypeAlias = Callable[[Simulation], object]
"""Sets up a program in a simulation, runs it, and asserts what must hold."""


class SimulationFailed(AssertionError):
    """A scenario failed; says with which seed, why, and what happened before."""

    def __init__(self, simulation: Simulation, error: Exception, again: str) -> None:
        self.seed = simulation.seed
        self.transcript = simulation.transcript
        """All of it; the message has the end of it."""
        reason = f"{type(error).__name__}: {error}".strip()
        super().__init__(
            f"seed {self.seed}: {reason}\n"
            f"faults: {simulation.faults}\n"
            f"{simulation.kernel.transcript.tail(_SHOWN_LINES)}\n"
            f"seed {self.seed}: {reason}\n"
            f"run it again with: {again}"
        )


def simulate(
    scenario: Scenario,
    seeds: int | Iterable[int] = 100,
    *,
    faults: "Faults | Callable[[random.Random], Faults]" = Faults.gentle,
) -> int:
    """Run `scenario` once for each seed (0 to `seeds` - 1); return how often.

    Raises SimulationFailed at the first that fails: a broken promise of the library, or
    whatever `scenario` raises.
    """
    count = 0
    for seed in range(seeds) if isinstance(seeds, int) else seeds:
        run_scenario(Simulation(seed, faults=faults), scenario, f"seeds=[{seed}]")
        count += 1
    return count


def run_scenario(simulation: Simulation, scenario: Scenario, again: str) -> None:
    """Run `scenario` to its end. Raises SimulationFailed."""
    try:
        with simulation:
            scenario(simulation)
    except Exception as exc:
        raise SimulationFailed(simulation, exc, again) from exc
