"""A whole program in a simulated system: sockets, selector and time all come from one seed.

What would take a thousand evenings on a bad network takes seconds here, and whatever goes
wrong goes wrong again with the same seed.
"""

import random
import shlex
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeAlias

from ..addresses import Network
from ..instruments import Instrument
from ..loop import EventLoop
from .faults import Faults, Injection, Refusal
from .simulated.audited_loop import AuditedLoop
from .simulated.auditor import Auditor, Violation
from .simulated.kernel import Injector, Kernel
from .simulated.network import SimulatedNetwork
from .simulated.recording import Recording, Timeline
from .simulated.selector import SimulatedSelector

__all__ = ["Scenario", "Simulation", "SimulationFailed", "simulate"]

_MAX_TURNS: Final = 100_000
_SHOWN_LINES: Final = 60


class Simulation:
    """One simulated system with one event loop in it.

    `faults` is a Faults, or a function that draws one; `injector` is asked at each call of
    the system whether something is to go wrong with it. `timeline` is where the record of the
    run is put, by path or as a binary file: docs/timeline.md says how to look at it.

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
        timeline: Timeline | None = None,
    ) -> None:
        self.seed = seed
        self.timeline = timeline
        """Where the record of the run is put, if anywhere."""
        self.random = random.Random(f"{seed} scenario")
        """For whatever the scenario leaves to chance."""
        if not isinstance(faults, Faults):
            faults = faults(random.Random(f"{seed} faults"))
        self.kernel = Kernel(seed, faults, injector)
        self.network = SimulatedNetwork(self.kernel)
        """Makes sockets like the `socket` module, for peers that are no streams."""
        self.injection: Injection | None = None
        """What `torture` puts into this run."""
        self.loop: EventLoop
        """The loop: give it to the program."""
        self._auditor = Auditor(self.kernel)
        self._recording: Recording | None = None

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

    def run_until(self, condition: Callable[[], object], seconds: float = 60.0) -> None:
        """Run until `condition()` is true. Raises Violation if it is not in that time."""
        # Time in which the program was not run is not its fault.
        kernel = self.kernel
        began = kernel.now - kernel.skipped
        with self._rough():
            while not condition():
                left = began + seconds - (kernel.now - kernel.skipped)
                if left <= 0:
                    raise Violation(f"still waiting after {seconds:g} simulated seconds")
                self.loop.run_once(left)

    def refused(self, exc: Exception) -> bool:
        """Whether an error that was raised at once is just what was put in."""
        injection = self.injection
        return (
            injection is not None
            and isinstance(injection.fault, Refusal)
            and getattr(exc, "errno", None) == injection.fault.errno
        )

    def check_nothing_is_left(self) -> None:
        """Raise Violation if a descriptor is open, or an end was not told."""
        self._auditor.finish()

    def __enter__(self) -> "Simulation":
        """Make the loop. Raises OSError if it can't be, or the timeline can't be written."""
        auditor = self._auditor
        auditor.selector = SimulatedSelector(self.kernel, self._on_idle)
        network, instrument = self._watched()
        try:
            auditor.loop = self.loop = AuditedLoop(
                auditor,
                selector=auditor.selector,
                clock=self.kernel.clock,
                network=network,
                instrument=instrument,
            )
        except BaseException:
            self._end_record()
            raise
        self.loop.set_exception_handler(auditor.note_exception)
        auditor.allow(_MAX_TURNS)
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        """Close the loop. Raises Violation if anything is left open, or was never told."""
        try:
            self.loop.close()
        finally:
            self._end_record()
        if kind is None:
            self.check_nothing_is_left()

    def _watched(self) -> tuple[Network, Instrument]:
        """The network and the instrument for the loop: recorded, if there is a timeline."""
        if self.timeline is None:
            return self.network, self._auditor
        recording = Recording(self.timeline, self.kernel, f"seed={self.seed}")
        recording.watch(self._auditor.selector)
        self._recording = recording
        return recording.network(self.network), recording.listen_with(self._auditor)

    def _end_record(self) -> None:
        if self._recording is not None:
            self._recording.close()

    @contextmanager
    def _rough(self) -> Iterator[None]:
        """While the loop runs, things go wrong."""
        self._auditor.allow(_MAX_TURNS)
        self.kernel.calm = False
        try:
            yield
        except Violation:
            raise
        except Exception as exc:
            raise Violation(f"the loop was ended by {exc!r}") from exc
        except BaseException:
            self._auditor.excuse()
            raise
        finally:
            self.kernel.calm = True
        self._auditor.check()

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
        injected = "" if simulation.injection is None else f"put in: {simulation.injection}\n"
        super().__init__(
            f"seed {self.seed}: {reason}\n"
            f"faults: {simulation.faults}\n"
            f"{injected}"
            f"{simulation.kernel.transcript.tail(_SHOWN_LINES)}\n"
            f"seed {self.seed}: {reason}\n"
            f"look at it with: {_looking(simulation.timeline)}\n"
            f"run it again with: {again}"
        )


def _looking(timeline: Timeline | None) -> str:
    """How to look at a run that was recorded there."""
    draw = "python3 -m reactor.timeline --draw"
    if isinstance(timeline, str | Path):
        return f"{draw} {shlex.quote(str(timeline))}"
    return f'timeline="run.jsonl" as one more argument, then {draw} run.jsonl'


def simulate(
    scenario: Scenario,
    seeds: int | Iterable[int] = 100,
    *,
    faults: "Faults | Callable[[random.Random], Faults]" = Faults.gentle,
    timeline: Timeline | None = None,
) -> int:
    """Run `scenario` once for each seed (0 to `seeds` - 1); return how often.

    `timeline` has the record of the last run in the end: of the one that failed, if one did.
    Raises SimulationFailed at the first that fails: a broken promise of the library, or
    whatever `scenario` raises.
    """
    count = 0
    for seed in range(seeds) if isinstance(seeds, int) else seeds:
        again = f"simulate(scenario, seeds=[{seed}]{_as_argument(faults)})"
        run_scenario(Simulation(seed, faults=faults, timeline=timeline), scenario, again)
        count += 1
    return count


def _as_argument(faults: "Faults | Callable[[random.Random], Faults]") -> str:
    if faults == Faults.gentle:
        return ""
    return f", faults={getattr(faults, '__qualname__', repr(faults))}"


def run_scenario(simulation: Simulation, scenario: Scenario, again: str) -> None:
    """Run `scenario` to its end. Raises SimulationFailed.

    A fault that was put in may stop the program from starting at all: it is told by an
    OSError, and has left nothing behind.
    """
    try:
        try:
            with simulation:
                scenario(simulation)
        except OSError as exc:
            if not simulation.refused(exc):
                raise
            simulation.check_nothing_is_left()
    except Exception as exc:
        raise SimulationFailed(simulation, exc, again) from exc
