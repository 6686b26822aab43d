"""Bugs of timers and of the loop."""

from typing import Any

from reactor.testing import Simulation
from reactor.timers import TimerQueue
from tests.testing.simulated.bugs.bug import Patch, found
from tests.testing.simulated.bugs.programs import set_metronome, set_timers


def early(patch: Patch) -> None:
    expire, pop_expired = TimerQueue.expire, TimerQueue.pop_expired
    next_when = TimerQueue.next_when

    def too_early(queue: TimerQueue) -> float | None:
        when = next_when(queue)
        return None if when is None else when - 0.01

    patch.setattr(TimerQueue, "expire", lambda queue, now: expire(queue, now + 0.01))
    patch.setattr(TimerQueue, "pop_expired", lambda queue, now: pop_expired(queue, now + 0.01))
    patch.setattr(TimerQueue, "next_when", too_early)


@found(r"a timer that is due at [\d.]+ ran at 0\.99")
def a_timer_that_runs_early(simulation: Simulation, patch: Patch) -> None:
    early(patch)
    set_timers(simulation)


@found(r"a timer that is due at [\d.]+ ran at 2\.99")
def a_repeated_timer_that_runs_early(simulation: Simulation, patch: Patch) -> None:
    early(patch)
    set_metronome(simulation)


@found(r"a timer that is due at 6\.0\d* ran at 3\.")
def a_repeated_timer_that_loses_its_rhythm(simulation: Simulation, patch: Patch) -> None:
    add = TimerQueue.add

    def with_an_echo(queue: TimerQueue, when: float, *rest: Any) -> object:
        add(queue, when + 0.01, *rest)
        return add(queue, when, *rest)

    patch.setattr(TimerQueue, "add", with_an_echo)
    set_metronome(simulation)


@found(r"the loop is still busy: it turns and turns")
def a_loop_that_never_comes_to_rest(simulation: Simulation, patch: Patch) -> None:
    patch.setattr("reactor.testing.simulation._MAX_TURNS", 1000)

    def again() -> None:
        simulation.loop.call_soon(again)

    again()
    simulation.run(1.0)


@found(r"a timer that was due at 1\.0\d* has not run")
def a_timer_that_is_lost(simulation: Simulation, patch: Patch) -> None:
    patch.setattr(TimerQueue, "expire", lambda queue, now: None)
    set_timers(simulation)
