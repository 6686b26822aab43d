"""A loop with nothing but timers and deferred calls, which do to each other what they can.

Time and selector are simulated; the plain model says who must be called next.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import inf, nan
from typing import Any, Final

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from reactor import EventLoop, Instrument, Timer
from reactor.testing import Faults
from reactor.testing.kernel import Kernel
from reactor.testing.network import SimulatedNetwork
from reactor.testing.selector import SimulatedSelector
from tests.model import machine_settings
from tests.model.machine import Raised
from tests.model.timer_model import TimerModel

# A callback that arms others, which do the same, would make a run as long as one likes.
_MOST_TIMERS: Final = 60
# What a look at the clock and falling asleep take in simulated seconds, many times over.
_MOMENT: Final = 1e-3
_ROUNDING: Final = 1e-9


@dataclass(frozen=True)
class Arm:
    """One more timer or call; when it is called it does what stands in that script."""

    how: str
    delay: float
    script: int


@dataclass(frozen=True)
class Cancel:
    """Cancel one of the timers there ever were."""

    which: int


@dataclass(frozen=True)
class Work:
    """Keep the loop for so many seconds."""

    seconds: float


@dataclass(frozen=True)
class Misuse:
    """Ask for what can't be had."""

    which: int


@dataclass(frozen=True)
class Stop:
    """Stop the loop."""


@dataclass(frozen=True)
class Raise:
    """Raise an exception; what would follow in the script does not."""


Action = Arm | Cancel | Work | Misuse | Stop | Raise

NUMBERS = st.integers(0, 20)
DELAYS = st.sampled_from([0.0, 0.1, 0.25, 0.5, 1.0, 3.0, -1.0])
ACTIONS: st.SearchStrategy[Action] = st.one_of(
    st.builds(Arm, st.sampled_from(["soon", "threadsafe"]), st.just(0.0), NUMBERS),
    st.builds(Arm, st.just("later"), DELAYS, NUMBERS),
    st.builds(Arm, st.just("at"), DELAYS, NUMBERS),
    st.builds(Arm, st.just("every"), DELAYS, NUMBERS),
    st.builds(Cancel, NUMBERS),
    st.builds(Work, st.sampled_from([0.1, 0.7, 5.0])),
    st.builds(Misuse, NUMBERS),
    st.just(Stop()),
    st.just(Raise()),
)
SCRIPTS = st.lists(ACTIONS, max_size=4)


class Passes(Instrument):
    """Tells the machine where a pass of the loop ends."""

    def __init__(self, passed: Callable[[float | None, int, int], None]) -> None:
        self._passed = passed

    def select_started(self, timeout: float | None, timers: int, calls: int) -> None:
        self._passed(timeout, timers, calls)


class TimerMachine(RuleBasedStateMachine):
    """Whatever is called is asked of the model first; whatever it says has to be called."""

    @initialize(
        seed=st.integers(0, 999),
        lies=st.sampled_from([0.0, 0.5]),
        scripts=st.lists(SCRIPTS, min_size=1, max_size=6),
    )
    def open(self, seed: int, lies: float, scripts: list[list[Action]]) -> None:
        self.scripts = scripts
        self.kernel = Kernel(seed, Faults(false_readiness=lies))
        self.model = TimerModel()
        self.timers: dict[int, Timer] = {}
        self.firsts: dict[int, float] = {}
        self.names = 0
        self.ends: set[int] = set()
        self.pass_begins = False
        self.pass_began = 0.0
        self.limit: float | None = None
        self.stopping = self.stopped = self.inside = False
        self.raised: Raised | None = None
        self.loop = EventLoop(
            selector=SimulatedSelector(self.kernel, self.sleeps_for_ever),
            clock=self.read_clock,
            network=SimulatedNetwork(self.kernel),
            instrument=Passes(self.pass_ended),
        )

    # -- rules -----------------------------------------------------------------------

    @rule(
        script=st.lists(ACTIONS, min_size=1, max_size=8),
        timeout=st.sampled_from([None, 0.0, 0.25, 1.0, 10.0]),
    )
    def act_and_run_once(self, script: list[Action], timeout: float | None) -> None:
        self.act_from_outside(script)
        self.enter(partial(self.loop.run_once, timeout), timeout)

    @rule(
        script=st.lists(ACTIONS, min_size=1, max_size=8), seconds=st.sampled_from([0.0, 0.5, 2.0])
    )
    def act_and_run(self, script: list[Action], seconds: float) -> None:
        self.act_from_outside(script)
        self.ends.add(self.names)
        self.arm("later", seconds, [Stop()])
        self.enter(self.loop.run, None)
        assert self.stopped or self.raised or not self.model.timers + self.model.calls

    def act_from_outside(self, script: list[Action]) -> None:
        for action in script:
            if not isinstance(action, Raise):
                self.act(action)

    @invariant()
    def a_timer_is_active_as_long_as_a_call_is_to_come(self) -> None:
        for name, timer in self.timers.items():
            assert timer.active == self.model.is_alive(name)

    def teardown(self) -> None:
        if hasattr(self, "loop"):
            self.loop.close()
            assert not self.kernel.descriptors

    # -- what the loop does ----------------------------------------------------------

    def enter(self, run: Callable[[], None], limit: float | None) -> None:
        self.pass_begins, self.limit = True, limit
        self.stopped, self.raised = False, None
        try:
            run()
        except Raised as exc:
            if exc is not self.raised:
                raise
        else:
            assert self.raised is None
        self.pass_begins = self.stopping = False

    def read_clock(self) -> float:
        now = self.kernel.clock()
        # A loop with timers looks at the clock first of all.
        if self.pass_begins and self.model.timers:
            self.pass_begins, self.pass_began = False, now
            self.model.begin(now)
        return now

    def run_callback(self, name: int, script: list[Action]) -> None:
        assert not self.inside, "a method called back before it returned"
        assert not self.stopped, "called after the last iteration"
        if self.pass_begins:
            self.pass_begins = False
            self.model.begin(None)
        assert name == self.model.next()
        self.model.called(self.next_beat(name))
        for action in script:
            self.act(action)

    def next_beat(self, name: int) -> float | None:
        """When a repeating timer is due again: the first beat of its rhythm from now on."""
        timer = self.timers.get(name)
        if timer is None or timer.interval is None:
            return None
        rounding = _ROUNDING * max(1.0, timer.when)
        beats = (timer.when - self.firsts[name]) / timer.interval
        assert abs(beats - round(beats)) * timer.interval <= rounding
        assert 0.0 < timer.when - self.pass_began <= timer.interval + rounding
        return timer.when

    def pass_ended(self, timeout: float | None, timers: int, calls: int) -> None:
        if self.pass_begins:
            assert not self.model.timers
            self.model.begin(None)
        assert self.model.next() is None, "somebody was due, and was not called"
        assert (timers, calls) == (self.model.timers, self.model.calls)
        self.check_timeout(timeout)
        self.stopped = self.stopping
        self.pass_begins = True

    def check_timeout(self, timeout: float | None) -> None:
        assert timeout is not None, "a loop without watchers never waits without limit"
        when = self.model.next_when()
        idle = when is None and self.limit is None
        if self.model.calls or self.stopping or idle:
            assert timeout == 0.0
            return
        longest = min(
            inf if when is None else max(0.0, when - self.kernel.now),
            inf if self.limit is None else self.limit,
        )
        assert timeout == pytest.approx(longest, abs=_MOMENT)

    def sleeps_for_ever(self) -> None:
        pytest.fail("the loop sleeps, and nobody will wake it")

    # -- what the program does -------------------------------------------------------

    def act(self, action: Action) -> None:
        self.inside = True
        match action:
            case Arm(how, delay, script):
                if self.names < _MOST_TIMERS:
                    self.arm(how, delay, self.scripts[script % len(self.scripts)])
            case Cancel(which):
                self.cancel(which)
            case Work(seconds):
                self.kernel.now += seconds
            case Misuse(which):
                self.misuse(which)
            case Stop():
                self.stopping = True
                self.loop.stop()
            case Raise():
                self.raised = Raised()
        self.inside = False
        if isinstance(action, Raise):
            assert self.raised is not None
            raise self.raised

    def arm(self, how: str, delay: float, script: list[Action]) -> None:
        name, loop = self.names, self.loop
        self.names += 1
        call = partial(self.run_callback, name, script)
        match how:
            case "soon" | "threadsafe":
                queue = loop.call_soon if how == "soon" else loop.call_soon_threadsafe
                queue(call)
                self.model.call_soon(name)
            case "every" if delay <= 0.0:
                self.expect_refusal(ValueError, loop.call_every, delay, call)
            case "later" | "every":
                earliest = self.kernel.now + delay
                timer = (loop.call_later if how == "later" else loop.call_every)(delay, call)
                assert earliest <= timer.when <= self.kernel.now + delay
                self.keep(name, timer)
            case "at":
                # Many timers for one moment: these keep the order in which they were armed.
                when = round(self.kernel.now) + delay
                timer = loop.call_at(when, call)
                assert timer.when == when
                self.keep(name, timer)

    def keep(self, name: int, timer: Timer) -> None:
        self.timers[name] = timer
        self.firsts[name] = timer.when
        self.model.arm(name, timer.when, timer.interval)

    def cancel(self, which: int) -> None:
        # Without its end, a run with a repeating timer would have none.
        names = sorted(self.timers.keys() - self.ends)
        if names:
            name = names[which % len(names)]
            self.timers[name].cancel()
            self.model.cancel(name)

    def misuse(self, which: int) -> None:
        loop = self.loop
        cases: list[tuple[type[Exception], Callable[..., Any], tuple[Any, ...]]] = [
            (ValueError, loop.call_later, (nan, pytest.fail)),
            (ValueError, loop.call_at, (inf, pytest.fail)),
            (ValueError, loop.call_every, (inf, pytest.fail)),
            (ValueError, loop.register, (99, 4, pytest.fail)),
        ]
        if loop.running:
            cases += [
                (RuntimeError, loop.run, ()),
                (RuntimeError, loop.run_once, (0.0,)),
                (RuntimeError, loop.close, ()),
            ]
        kind, call, args = cases[which % len(cases)]
        self.expect_refusal(kind, call, *args)

    def expect_refusal(self, kind: type[Exception], call: Callable[..., Any], *args: Any) -> None:
        with pytest.raises(kind):
            call(*args)


TimerMachine.TestCase.settings = machine_settings(examples=150, steps=30)
test_timers_and_calls_do_what_the_model_says = TimerMachine.TestCase
