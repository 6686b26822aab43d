"""Loops and a program that take a process's signals from each other, by turns and in any order.

The model is a stack for each signal. Who ends leaves it, wherever in it he is; the one on top is
who hears. The interpreter rings where the program says, or at the loop that runs.
"""

import signal
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from types import FrameType
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from reactor import EventLoop
from reactor.wakeup import Wakeup
from tests.model import machine_settings

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs Unix signals")

SIGNALS = [] if sys.platform == "win32" else [signal.SIGUSR1, signal.SIGUSR2]
signums = st.sampled_from(SIGNALS)
places = st.integers(0, 2)


@dataclass(eq=False)
class Own:
    """A handler of the program; it may call the one that it found."""

    name: str
    hear: Callable[[str], object]
    found: Any = None
    hands_on: bool = False

    def __call__(self, signum: int, frame: FrameType | None) -> None:
        self.hear(self.name)
        if self.hands_on and callable(self.found):
            self.found(signum, frame)


def ringing_at() -> int:
    """Where the interpreter rings when a signal comes."""
    number = signal.set_wakeup_fd(-1)
    signal.set_wakeup_fd(number, warn_on_full_buffer=False)
    return number


class SignalMachine(RuleBasedStateMachine):
    """After each step each signal is sent, and has to be heard by those who are its turn's."""

    @initialize()
    def open(self) -> None:
        self.heard: list[str] = []
        self.rang: list[int] = []
        self.cleanup = ExitStack()
        self.cleanup.callback(signal.set_wakeup_fd, signal.set_wakeup_fd(-1))
        self.handlers: dict[int, list[Own | int]] = {}
        for signum in SIGNALS:
            first = Own("first", self.heard.append)
            self.cleanup.callback(signal.signal, signum, signal.signal(signum, first))
            self.handlers[signum] = [first]
        self.ringing = -1
        self.places = 0
        self.loops = {place: EventLoop() for place in range(3)}
        self.owned = 0

    # -- rules -----------------------------------------------------------------------

    @rule(place=places, signum=signums)
    def add(self, place: int, signum: int) -> None:
        if place not in self.loops:
            return
        self.loops[place].add_signal_handler(signum, self.heard.append, f"loop {place}")
        stack = self.handlers[signum]
        if stack[-1] != place:
            self.handlers[signum] = [each for each in stack if each != place] + [place]

    @rule(place=places, signum=signums)
    def remove(self, place: int, signum: int) -> None:
        if place in self.loops:
            is_there = place in self.handlers[signum]
            assert self.loops[place].remove_signal_handler(signum) == is_there
            self.forget(place, signum)

    @rule(place=places, elsewhere=st.booleans())
    def close(self, place: int, elsewhere: bool) -> None:
        if place not in self.loops:
            return
        loop = self.loops.pop(place)
        if elsewhere:
            thread = threading.Thread(target=loop.close)
            thread.start()
            thread.join()
        else:
            loop.close()
        for signum in SIGNALS:
            self.forget(place, signum)

    @rule(signum=signums, hands_on=st.booleans())
    def replace(self, signum: int, hands_on: bool) -> None:
        self.owned += 1
        own = Own(f"own {self.owned}", self.heard.append, hands_on=hands_on)
        own.found = signal.signal(signum, own)
        self.handlers[signum].append(own)

    @rule(signum=signums)
    def put_back(self, signum: int) -> None:
        own = self.handlers[signum][-1]
        if isinstance(own, Own) and own.found is not None:
            signal.signal(signum, own.found)
            self.handlers[signum].pop()

    @precondition(lambda self: self.places < 20)
    @rule()
    def ring_at_ones_own(self) -> None:
        near, far = socket.socketpair()
        self.cleanup.enter_context(near)
        self.cleanup.enter_context(far)
        near.setblocking(False)
        signal.set_wakeup_fd(near.fileno(), warn_on_full_buffer=False)
        self.ringing = near.fileno()
        self.places += 1

    # -- what has to hold ------------------------------------------------------------

    @invariant()
    def those_hear_whose_turn_it_is(self) -> None:
        for signum in SIGNALS:
            signal.raise_signal(signum)
            for loop in self.loops.values():
                loop.run_once(0)
            assert self.heard == self.hearers(signum)
            self.heard.clear()

    @invariant()
    def the_interpreter_rings_at_the_loop_that_runs(self) -> None:
        for place, loop in self.loops.items():
            (bell,) = (watcher.fileobj for watcher in loop.state.watchers)
            assert isinstance(bell, Wakeup)
            hears = any(place in stack for stack in self.handlers.values())
            loop.call_soon(lambda: self.rang.append(ringing_at()))
            loop.run_once(0)
            assert self.rang.pop() == (bell.writer_fileno() if hears else self.ringing)
            assert ringing_at() == self.ringing

    def teardown(self) -> None:
        if hasattr(self, "loops"):
            for place in list(self.loops):
                self.close(place, elsewhere=False)
            self.those_hear_whose_turn_it_is()
            assert ringing_at() == self.ringing
            self.cleanup.close()

    def hearers(self, signum: int) -> list[str]:
        names: list[str] = []
        for each in reversed(self.handlers[signum]):
            if isinstance(each, int):
                return [*names, f"loop {each}"]
            names.append(each.name)
            if not each.hands_on:
                break
        return names

    def forget(self, place: int, signum: int) -> None:
        self.handlers[signum] = [each for each in self.handlers[signum] if each != place]


SignalMachine.TestCase.settings = machine_settings(examples=100, steps=30)
test_signals_are_heard_by_the_last_who_is_there = SignalMachine.TestCase
