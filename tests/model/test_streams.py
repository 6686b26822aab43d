"""Streams whose programs do anything at any time, also from inside every callback.

The plain model says what each method has to answer and what a handler may be called for; once
all has settled, it says what must have come.
"""

import random
from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from functools import partial
from math import nan
from typing import Any, Final

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from reactor import ReceiveBuffer, Stream, StreamClosed, StreamHandler
from tests.doubles.surroundings import RealSurroundings, SimulatedSurroundings, Surroundings
from tests.model import machine_settings
from tests.model.machine import ENDS, PATIENCE, Exit, Machine, Raised
from tests.model.stream_model import Side, join

_MOST_LINKS: Final = 3
_MOST_CALLS: Final = 50
_PATTERN: Final = random.Random(0).randbytes(1 << 20) * 2
_CLOSE_TIMEOUT: Final = 5.0
_NEVER: Final = 9 * PATIENCE
_CALLBACKS: Final = [
    "connection_made",
    "data_received",
    "eof_received",
    "resume_writing",
    "connection_lost",
]


@dataclass(frozen=True)
class Do:
    """One call: of what, on whose stream (0: one's own, 1: the peer's), and how much."""

    what: str
    whom: int
    amount: int


@dataclass(frozen=True)
class Plan:
    """What a handler does in its first calls; later it takes all, and answers nothing."""

    scripts: dict[str, list[list[Do]]]
    keep_open: bool
    limits: int
    greeting: int


NUMBERS = st.integers(0, 9)
WHOM = st.sampled_from([0, 0, 0, 1, 2, 3])
WRITING = ["write", "limits", "write_eof"]
READING = ["pause", "resume", "take"]
ENDING = ["close", "abort", "raise", "exit"]
OTHERS = ["soon", "later", "open", "stop", "misuse"]
ACTIONS = st.one_of(
    [
        st.builds(Do, st.sampled_from(what), WHOM, NUMBERS)
        for what in (["write"], WRITING, READING, READING, ENDING, OTHERS)
    ]
)
SCRIPTS = st.lists(ACTIONS, max_size=4)
PLANS = st.builds(
    Plan,
    st.fixed_dictionaries({name: st.lists(SCRIPTS, max_size=3) for name in _CALLBACKS}),
    st.booleans(),
    st.integers(0, 2),
    NUMBERS,
)


class Scripted(StreamHandler):
    """Asks the model whether it may be called, then does what its plan says."""

    def __init__(self, machine: "StreamMachine", side: Side, plan: Plan) -> None:
        self.machine = machine
        self.side = side
        self.plan = plan
        self.stream: Stream
        self.buffer: ReceiveBuffer | None = None
        self._calls = dict.fromkeys(_CALLBACKS, 0)

    def connection_made(self, stream: Stream) -> None:
        with self.machine.callback():
            assert stream is self.stream
            self.side.connection_made()
            self.play("connection_made")

    def data_received(self, buffer: ReceiveBuffer) -> None:
        with self.machine.callback():
            self.buffer = buffer
            self.side.data_received(len(buffer))
            try:
                if not self.play("data_received"):
                    self.take(len(buffer))
            except Exit:
                self.side.interrupt()
                raise

    def eof_received(self) -> bool:
        try:
            with self.machine.callback():
                self.side.eof_received(self.machine.now)
                self.play("eof_received")
        except Exit:
            self._expect_close()
            raise
        if not self.plan.keep_open:
            self._expect_close()
        return self.plan.keep_open

    def _expect_close(self) -> None:
        deadline = self.machine.now + _CLOSE_TIMEOUT
        self.side.close(deadline, ended=has_ended(self.stream))

    def resume_writing(self) -> None:
        with self.machine.callback():
            self.side.resume_writing(self.stream.write_buffer_size)
            try:
                self.play("resume_writing")
            except Exit:
                self.side.owed = True
                raise

    def connection_lost(self, exc: Exception | None) -> None:
        with self.machine.callback():
            self.side.connection_lost(exc, self.machine.now)
            self.play("connection_lost")

    def play(self, name: str) -> bool:
        """Do what the plan says for this call; whether it says anything."""
        count, scripts = self._calls[name], self.plan.scripts[name]
        self._calls[name] += 1
        if count >= len(scripts) or self.machine.finishing:
            return False
        for action in scripts[count]:
            if action.what == "raise":
                self.machine.raise_from(self)
            if action.what == "exit":
                raise Exit
            self.machine.act(self, action)
        return True

    def take(self, count: int) -> None:
        """Take up to so many bytes that lie in the buffer."""
        if self.buffer is not None:
            data = self.buffer.take_exactly(min(count, len(self.buffer)))
            assert data is not None
            self.side.take(data)


def simulated_system(seed: int) -> Surroundings:
    """Some networks break connections."""
    return SimulatedSurroundings(seed, resets=0.05 * (seed % 5 == 0))


class StreamMachine(Machine):
    """Up to three connections, whose sides act on their own stream and on each other's."""

    make_system: Callable[[int], Surroundings] = simulated_system

    @initialize(
        seed=st.integers(0, 10_000),
        plans=st.lists(PLANS, min_size=2, max_size=6),
        scripts=st.lists(SCRIPTS, min_size=1, max_size=4),
        end=ENDS,
    )
    def open(self, seed: int, plans: list[Plan], scripts: list[list[Do]], end: str) -> None:
        self.start(type(self).make_system(seed), end)
        self.plans, self.scripts = plans, scripts
        self.handlers: list[Scripted] = []
        self.calls = 0
        self.open_link(0)

    # -- rules -----------------------------------------------------------------------

    @precondition(lambda self: len(self.handlers) < 2 * _MOST_LINKS)
    @rule(plan=NUMBERS)
    def connect(self, plan: int) -> None:
        self.open_link(plan)

    @rule(
        whom=NUMBERS,
        script=st.lists(ACTIONS, min_size=1, max_size=6),
        turns=st.integers(0, 3),
    )
    def act_from_outside(self, whom: int, script: list[Do], turns: int) -> None:
        handler = self.handlers[whom % len(self.handlers)]
        for action in script:
            if action.what not in ("raise", "exit"):
                self.act(handler, action)
        self.turn(turns)

    @invariant()
    def properties_agree_with_the_model(self) -> None:
        for handler in self.handlers:
            side, stream, ended = handler.side, handler.stream, has_ended(handler.stream)
            broken = is_broken(handler)
            assert stream.closing == (side.output_ended or ended or broken)
            assert not broken or side.may_break(self.now)
            assert ended or not (side.lost or side.decided)
            assert 0 <= stream.write_buffer_size <= len(side.written) - side.peer.seen
            assert not (ended and stream.write_buffer_size)
            if not side.may_write():
                with pytest.raises(StreamClosed):
                    stream.write(b"")

    def finish(self) -> None:
        """Both sides read to the end and write no more: then each has got all, and closes."""
        self.finishing = True
        for handler in self.handlers:
            for what in ("resume", "write_eof"):
                self.act(handler, Do(what, 0, 0))
        self.settle()
        for handler in self.handlers:
            self.act(handler, Do("close", 0, 3))
        self.settle()
        assert all(handler.side.lost == handler.side.made for handler in self.handlers)

    def call_off(self) -> None:
        for handler in self.handlers:
            handler.side.abort(ended=has_ended(handler.stream))

    def check_the_end(self) -> None:
        for handler in self.handlers:
            assert handler.side.lost == handler.side.made
            for what in (*WRITING, "pause", "resume", "close", "abort", "misuse"):
                self.act(handler, Do(what, 0, 1))

    def unmet(self) -> str | None:
        for handler in self.handlers:
            stream = handler.stream
            ended, waiting = has_ended(stream), stream.write_buffer_size
            broken = is_broken(handler)
            unmet = handler.side.unmet(self.now, waiting, ended=ended, broken=broken)
            if unmet:
                return unmet
        return None

    def raise_from(self, handler: Scripted) -> None:
        """A handler loses its stream by this, unless it is lost already."""
        exc = Raised()
        if not has_ended(handler.stream):
            handler.side.decide(exc)
        self.to_report.append(exc)
        raise exc

    def run_script(self, handler: Scripted, script: list[Do]) -> None:
        """A plain callback."""
        with self.callback():
            for action in () if self.finishing else script:
                if action.what == "raise":
                    self.raised = Raised()
                    raise self.raised
                if action.what == "exit":
                    raise Exit
                self.act(handler, action)

    # -- what programs do ------------------------------------------------------------

    def open_link(self, plan: int) -> None:
        sides = Side(resets=self.system.resets), Side(resets=self.system.resets)
        join(*sides)
        for which, (side, sock) in enumerate(zip(sides, self.system.pair(), strict=True)):
            handler = Scripted(self, side, self.plans[(plan + which) % len(self.plans)])
            handler.stream = Stream(self.loop, sock, handler)
            self.handlers.append(handler)
            self.do_limits(handler, handler.plan.limits)
            self.do_write(handler, handler.plan.greeting)

    def act(self, me: Scripted, action: Do) -> None:
        """Let the program of `me` do something; no callback may come before it is done."""
        mine = self.handlers.index(me)
        place = mine ^ action.whom if action.whom < 2 else mine + action.whom
        handler = self.handlers[place % len(self.handlers)]
        with self.calling(action.what):
            getattr(self, f"do_{action.what}")(handler, action.amount)

    def do_write(self, handler: Scripted, amount: int) -> None:
        side, stream = handler.side, handler.stream
        size = self.system.unit * amount // 4 if amount > 1 else amount
        start = (len(side.written) + 97 * self.handlers.index(handler)) % (len(_PATTERN) // 2)
        data = _PATTERN[start : start + size]
        if self.closed and not side.lost:
            # While the loop closes, a last word to who is still to be told is no mistake.
            with suppress(StreamClosed) if not side.made else nullcontext():
                assert stream.write(data) is False
            return
        if not side.may_write():
            with pytest.raises(StreamClosed):
                stream.write(data)
            return
        waiting, ended, broken = stream.write_buffer_size, has_ended(stream), is_broken(handler)
        if ended and not side.made:
            # Nobody was told, and nobody will be.
            with suppress(StreamClosed):
                assert not stream.write(data)
            return
        said = stream.write((bytes, bytearray, memoryview)[amount % 3](data))
        assert (said, stream.write_buffer_size) == side.write(
            data, waiting, ended=ended, broken=broken
        )

    def do_write_eof(self, handler: Scripted, amount: int) -> None:
        handler.stream.write_eof()
        handler.side.end_output()

    def do_close(self, handler: Scripted, amount: int) -> None:
        ended = has_ended(handler.stream)
        timeout = (_CLOSE_TIMEOUT, 0.0, 0.5, _NEVER, _NEVER)[amount % 5]
        deadline = self.now + timeout
        if amount % 5:
            handler.stream.close(timeout)
        else:
            handler.stream.close()
        handler.side.close(deadline, ended=ended)

    def do_abort(self, handler: Scripted, amount: int) -> None:
        ended = has_ended(handler.stream)
        handler.stream.abort()
        handler.side.abort(ended=ended)
        assert has_ended(handler.stream)

    def do_pause(self, handler: Scripted, amount: int) -> None:
        if amount % 3 == 0:
            self.do_resume(handler, amount)
        handler.stream.pause_reading()
        handler.side.pause()

    def do_resume(self, handler: Scripted, amount: int) -> None:
        handler.stream.resume_reading()
        handler.side.resume()

    def do_take(self, handler: Scripted, amount: int) -> None:
        handler.take(self.system.unit * amount // 4)

    def do_limits(self, handler: Scripted, amount: int) -> None:
        side, unit = handler.side, self.system.unit
        limits = [(unit, None, 64 * unit), (unit // 2, 0, 64 * unit), (unit, 0, unit)]
        wrong = [(unit, 2 * unit, 4 * unit), (unit, -1, unit), (2 * unit, 0, unit)]
        if amount % 4 == 3:
            with pytest.raises(ValueError, match="need 0 <= low"):
                handler.stream.set_write_buffer_limits(*wrong[amount % 3])
            return
        high, low, limit = limits[amount % 3]
        handler.stream.set_write_buffer_limits(high, low, limit)
        side.high, side.low, side.limit = high, high // 4 if low is None else low, limit

    def do_soon(self, handler: Scripted, amount: int) -> None:
        self.call_later(self.loop.call_soon, handler, amount)

    def do_later(self, handler: Scripted, amount: int) -> None:
        self.call_later(partial(self.loop.call_later, amount / 4), handler, amount)

    def call_later(self, call: Callable[..., Any], handler: Scripted, amount: int) -> None:
        script = self.scripts[amount % len(self.scripts)]
        self.calls += 1
        if self.closed:
            with pytest.raises(RuntimeError, match="closed"):
                call(self.run_script, handler, script)
        elif self.calls <= _MOST_CALLS:
            call(self.run_script, handler, script)

    def do_open(self, handler: Scripted, amount: int) -> None:
        if not self.closed and len(self.handlers) < 2 * _MOST_LINKS:
            self.open_link(amount)

    def do_stop(self, handler: Scripted, amount: int) -> None:
        self.loop.stop()

    def do_misuse(self, handler: Scripted, amount: int) -> None:
        stream: Any = handler.stream
        before = stream.closing, stream.write_buffer_size
        with pytest.raises(TypeError):
            stream.write("text")
        if not stream.closing:
            with pytest.raises(ValueError, match="finite"):
                stream.close(nan)
        if self.loop.running:
            for forbidden in (self.loop.close, self.loop.run, self.loop.run_once):
                with pytest.raises(RuntimeError):
                    forbidden()
        assert before == (stream.closing, stream.write_buffer_size)


def has_ended(stream: Stream) -> bool:
    """Whether the socket is gone; the handler may not know it yet."""
    try:
        return not stream.sockname and False
    except StreamClosed:
        return True


def is_broken(handler: Scripted) -> bool:
    """Whether nothing can be sent any more, though the program has not ended its output."""
    return handler.stream.closing and not (handler.side.output_ended or has_ended(handler.stream))


class RealStreamMachine(StreamMachine):
    """The same with sockets of this machine."""

    make_system = RealSurroundings


StreamMachine.TestCase.settings = machine_settings(examples=200, steps=25)
RealStreamMachine.TestCase.settings = machine_settings(examples=60, steps=25)
test_streams_do_what_the_model_says = StreamMachine.TestCase
test_streams_over_real_sockets_do_what_the_model_says = RealStreamMachine.TestCase
