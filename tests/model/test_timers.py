"""A loop with timers, deferred calls and one socket, which do to each other what they can.

Time and selector are simulated; the plain model says who must be called next.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from functools import partial
from math import inf, nan
from typing import Any, Final

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from reactor import EVENT_READ, EventLoop, Instrument, Timer
from reactor.testing import Faults
from reactor.testing.simulated.kernel import Kernel
from reactor.testing.simulated.network import SimulatedNetwork
from reactor.testing.simulated.selector import SimulatedSelector
from tests.model import machine_settings
from tests.model.machine import Raised
from tests.model.timer_model import TimerModel

# A callback that arms others, which do the same, would make a run as long as one likes.
_MOST_CALLS: Final = 60
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
class Send:
    """Make the socket readable; who reads it does what stands in that script."""

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


Action = Arm | Send | Cancel | Work | Misuse | Stop | Raise

NUMBERS = st.integers(0, 20)
DELAYS = st.sampled_from([0.0, 0.1, 0.25, 0.5, 1.0, 3.0, -1.0])
ACTIONS: st.SearchStrategy[Action] = st.one_of(
    st.builds(Arm, st.sampled_from(["soon", "threadsafe"]), st.just(0.0), NUMBERS),
    st.builds(Arm, st.just("later"), DELAYS, NUMBERS),
    st.builds(Arm, st.just("at"), DELAYS, NUMBERS),
    st.builds(Arm, st.just("every"), DELAYS, NUMBERS),
    st.builds(Send, NUMBERS),
    st.builds(Cancel, NUMBERS),
    st.builds(Work, st.sampled_from([0.1, 0.7, 5.0])),
    st.builds(Misuse, NUMBERS),
    st.just(Stop()),
    st.just(Raise()),
)
SCRIPTS = st.lists(ACTIONS, max_size=4)


class Phase(Enum):
    """What the loop is at."""

    WAITING = auto()
    DISPATCHING = auto()
    CALLING = auto()


class Waits(Instrument):
    """Tells the machine where an iteration of the loop begins, and when the wait is over."""

    def __init__(
        self, began: Callable[[float | None, int, int], None], woke: Callable[[], None]
    ) -> None:
        self._began = began
        self._woke = woke

    def select_started(self, timeout: float | None, timers: int, calls: int) -> None:
        self._began(timeout, timers, calls)

    def select_ended(self, ready: Sequence[tuple[int, int]]) -> None:
        self._woke()


class TimerMachine(RuleBasedStateMachine):
    """Whatever is called is asked of the model first; whatever it says has to be called."""

    @initialize(
        seed=st.integers(0, 999),
        lies=st.sampled_from([0.0, 0.5]),
        listens=st.booleans(),
        scripts=st.lists(SCRIPTS, min_size=1, max_size=6),
    )
    def open(self, seed: int, lies: float, listens: bool, scripts: list[list[Action]]) -> None:
        self.scripts = scripts
        self.kernel = Kernel(seed, Faults(false_readiness=lies))
        self.model = TimerModel()
        self.timers: dict[int, Timer] = {}
        self.firsts: dict[int, float] = {}
        self.names = 0
        self.ends: set[int] = set()
        self.phase = Phase.CALLING
        self.iterations = 0
        self.woke = 0.0
        self.limit: float | None = None
        self.stopping = self.inside = self.to_be_heard = self.may_sleep = False
        self.raised: Raised | None = None
        self.selector = SimulatedSelector(self.kernel, self.sleeps_for_ever)
        network = SimulatedNetwork(self.kernel)
        self.loop = EventLoop(
            selector=self.selector,
            clock=self.read_clock,
            network=network,
            instrument=Waits(self.iteration_begins, self.wait_ends),
        )
        self.near, self.far = network.socketpair()
        self.near.setblocking(False)
        self.far.setblocking(False)
        self.sent: list[list[Action]] = []
        self.listens = listens
        if listens:
            self.loop.register(self.near, EVENT_READ, self.read)

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
            self.near.close()
            self.far.close()
            assert not self.kernel.descriptors

    # -- what the loop does ----------------------------------------------------------

    def enter(self, run: Callable[[], None], limit: float | None) -> None:
        self.iterations, self.limit, self.raised = 0, limit, None
        try:
            run()
        except Raised as exc:
            if exc is not self.raised:
                raise
        else:
            assert self.raised is None
            self.check_that_all_were_called()
            if run == self.loop.run:
                assert self.stopping or not self.model.timers + self.model.calls
            else:
                assert self.iterations == 1
        self.phase, self.stopping = Phase.CALLING, False

    def iteration_begins(self, timeout: float | None, timers: int, calls: int) -> None:
        if self.iterations:
            assert not self.stopping, "this is one iteration too many"
            self.check_that_all_were_called()
        self.iterations += 1
        self.phase = Phase.WAITING
        assert (timers, calls) == (self.model.timers, self.model.calls)
        self.check_timeout(timeout)

    def read_clock(self) -> float:
        now = self.kernel.clock()
        # What is due is what was due when the wait was over.
        if self.phase is Phase.WAITING:
            self.phase, self.woke = Phase.DISPATCHING, now
            self.model.wake(now)
        return now

    def wait_ends(self) -> None:
        self.to_be_heard = any(key.fileobj is self.near for key, _ in self.selector.truth)

    def read(self, events: int) -> None:
        assert self.phase is Phase.DISPATCHING
        self.to_be_heard = False
        try:
            size = len(self.near.recv(_MOST_CALLS))
        except BlockingIOError:
            return
        scripts, self.sent = self.sent[:size], self.sent[size:]
        for script in scripts:
            for action in script:
                self.act(action)

    def run_callback(self, name: int, script: list[Action]) -> None:
        assert not self.inside, "a method called back before it returned"
        self.end_dispatch()
        assert name == self.model.next()
        self.model.called(self.next_beat(name))
        for action in script:
            self.act(action)

    def end_dispatch(self) -> None:
        if self.phase is Phase.DISPATCHING:
            assert not self.to_be_heard, "who was in time was not heard"
            self.phase = Phase.CALLING
            self.model.dispatched()

    def check_that_all_were_called(self) -> None:
        self.end_dispatch()
        assert self.model.next() is None, "somebody was due, and was not called"

    def next_beat(self, name: int) -> float | None:
        """When a repeating timer is due again: the first beat of its rhythm from now on."""
        timer = self.timers.get(name)
        if timer is None or timer.interval is None:
            return None
        rounding = _ROUNDING * max(1.0, timer.when)
        beats = (timer.when - self.firsts[name]) / timer.interval
        assert abs(beats - round(beats)) * timer.interval <= rounding
        assert 0.0 < timer.when - self.woke <= timer.interval + rounding
        return timer.when

    def check_timeout(self, timeout: float | None) -> None:
        when = self.model.next_when()
        nothing_to_come = when is None and self.limit is None
        self.may_sleep = nothing_to_come and self.listens
        if self.model.calls or self.stopping:
            assert timeout == 0.0
        elif nothing_to_come:
            assert timeout == (None if self.listens else 0.0)
        else:
            longest = min(
                inf if when is None else max(0.0, when - self.kernel.now),
                inf if self.limit is None else self.limit,
            )
            assert timeout == pytest.approx(longest, abs=_MOMENT)

    def sleeps_for_ever(self) -> None:
        assert self.may_sleep, "the loop sleeps, and nobody will wake it"

    # -- what the program does -------------------------------------------------------

    def act(self, action: Action) -> None:
        self.inside = True
        match action:
            case Arm(how, delay, script):
                if self.names < _MOST_CALLS:
                    self.arm(how, delay, self.scripts[script % len(self.scripts)])
            case Send(script):
                if self.names < _MOST_CALLS:
                    self.names += 1
                    self.sent.append(self.scripts[script % len(self.scripts)])
                    self.far.send(b"x")
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
