"""What all machines do: run the loop, count what it reports, and see who calls back when."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from tests.doubles.surroundings import Surroundings

__all__ = ["ENDS", "PATIENCE", "Exit", "Machine", "Raised"]

PATIENCE: Final = 1000.0
"""Simulated seconds in which everything settles."""


ENDS = st.sampled_from(["abruptly", "settled", "in good order"])
"""How a run is ended."""


class Raised(Exception):
    """Was raised by a callback of the test."""


class Exit(BaseException):
    """Was raised by a callback that wants the program to end; but the loop is run again."""


class Machine(RuleBasedStateMachine):
    """A loop, and a program on it that is asked at each turn what is still to come."""

    system: Surroundings
    finishing = closed = False
    busy: str | None = None
    """The method that has been called and has not returned."""

    def start(self, system: Surroundings, end: str) -> None:
        """The first thing that a machine does."""
        self.end = end
        self.system, self.loop = system, system.loop
        self.loop.set_exception_handler(self.note_report)
        self.in_callback = False
        self.to_report: list[Exception] = []
        self.failures: list[Exception] = []
        self.raised: Exception | None = None

    def unmet(self) -> str | None:
        """A promise that is not kept yet, if there is one."""
        raise NotImplementedError

    def finish(self) -> None:
        """Let all end in good order, if there is one."""

    def call_off(self) -> None:
        """The loop is about to be closed."""
        raise NotImplementedError

    def check_the_end(self) -> None:
        """The loop is closed."""
        raise NotImplementedError

    # -- rules -----------------------------------------------------------------------

    @rule(how=st.sampled_from(["turn", "settle", 0.2, 1.0, 6.0]))
    def run(self, how: str | float) -> None:
        if how == "settle":
            self.settle()
        elif how == "turn":
            self.turn(1)
        else:
            end = self.now + float(how)
            self.run_until(lambda: self.now >= end)

    def turn(self, count: int) -> None:
        """Make some iterations that don't wait for long."""
        end, turns = self.now + 0.01 * count, iter(range(count))
        self.run_until(lambda: self.now >= end or next(turns, None) is None)

    def settle(self) -> None:
        """Let everything happen that has to."""
        self.run_until(lambda: not self.unmet())

    def teardown(self) -> None:
        if not hasattr(self, "loop"):
            return
        if sys.exc_info()[0] is not None:
            with suppress(Exit):
                self.loop.close()
            return
        if self.end != "abruptly":
            self.settle()
        if self.end == "in good order":
            self.finish()
        self.call_off()
        self.closed = True
        with suppress(Exit):
            self.system.close()
        self.check()
        self.check_the_end()

    # -- running ---------------------------------------------------------------------

    @property
    def now(self) -> float:
        return self.system.now

    def run_until(self, condition: Callable[[], object]) -> None:
        while True:
            self.raised = None
            try:
                self.system.run_until(condition, PATIENCE)
                break
            except Raised as exc:
                if exc is not self.raised:
                    raise
            except Exit:
                pass
            except TimeoutError as exc:
                self.check()
                raise AssertionError(self.unmet()) from exc
        self.check()

    def check(self) -> None:
        """Raise what went wrong inside a callback; the loop took it for the program's error."""
        assert not self.in_callback
        for failure in self.failures:
            raise failure
        assert not self.to_report, "an exception of a handler was not reported"

    def note_report(self, message: str, exc: Exception) -> None:
        if exc in self.to_report:
            self.to_report.remove(exc)
        else:
            self.failures.append(exc)

    # -- callbacks -------------------------------------------------------------------

    @contextmanager
    def callback(self) -> Iterator[None]:
        """The loop has called; nobody else may be at it."""
        assert self.busy is None, f"{self.busy} called back before it returned"
        assert not self.in_callback, "a callback inside another"
        self.in_callback = True
        try:
            yield
        finally:
            self.in_callback = False

    @contextmanager
    def calling(self, what: str) -> Iterator[None]:
        """The program calls a method."""
        self.busy = what
        try:
            yield
        finally:
            self.busy = None
