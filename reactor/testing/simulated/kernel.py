"""The heart of a simulated system: its time, its descriptors, and what is under way in it.

Everything that is not determined is drawn from one seed, so that the same program meets
the same fate each time.
"""

import errno
import heapq
import os
import random
from collections.abc import Callable
from typing import Final, NoReturn, Protocol, TypeAlias

from ..faults import SPONTANEOUS, Cut, Fault, Faults, Jump, Lie, Refusal, legal_faults
from .transcript import Transcript

__all__ = ["FIRST_DESCRIPTOR", "Descriptor", "Kernel", "fail"]

# Far above any real descriptor: one that leaks into a real system call hits nobody.
FIRST_DESCRIPTOR: Final = 1_000_000
# Reading a clock takes time.
_CLOCK_STEP: Final = 1e-7
# Not the sends of datagrams: who is told to try again there has lost one.
_INTERRUPTIBLE: Final = frozenset({"recv", "send", "receive_datagram", "accept"})
_EXHAUSTION: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class Descriptor(Protocol):
    """What a descriptor stands for."""

    name: str
    activity: int

    def readiness(self) -> int:
        """The events that are ready, EVENT_READ and EVENT_WRITE."""


Injector: TypeAlias = Callable[[str, str], Fault | None]
"""Is asked at each call, with the call's name and whose it is: the fault to put in, if any."""


class Kernel:
    """A system without processes: whoever holds it calls it."""

    def __init__(self, seed: int, faults: Faults, injector: Injector | None = None) -> None:
        self.chance = random.Random(seed)
        self.faults = faults
        self.transcript = Transcript()
        self.now = 0.0
        """Seconds since the system was started."""
        self.skipped = 0.0
        """Seconds in which the program was not run."""
        self.descriptors: dict[int, Descriptor] = {}
        """What is open, by number."""
        self._injector = injector
        self._under_way: list[tuple[float, int, Callable[[], object]]] = []
        self._sequence = 0
        self._free: list[int] = []
        self.calm = True
        """While a scenario is being set up, no call fails by chance, and nothing is reset."""

    # -- time ------------------------------------------------------------------------

    def clock(self) -> float:
        """The time, for a program; it passes while it is read."""
        self.now += _CLOCK_STEP
        match self.fault("clock", "clock"):
            case Jump(seconds=seconds):
                self.now += seconds
                self.skipped += seconds
        return self.now

    def delay(self) -> float:
        """How long something is under way."""
        most = self.faults.delay
        return self.chance.random() * most if most else 0.0

    def after(self, delay: float, happen: Callable[[], object]) -> None:
        """Let something happen, when that much time has passed or at once."""
        if delay <= 0.0:
            happen()
            return
        self._sequence += 1
        heapq.heappush(self._under_way, (self.now + delay, self._sequence, happen))

    def catch_up(self) -> None:
        """Let all happen whose time has come."""
        while self._under_way and self._under_way[0][0] <= self.now:
            heapq.heappop(self._under_way)[2]()

    def next_happening(self) -> float | None:
        """When something happens next without anybody's doing; None if nothing does."""
        return self._under_way[0][0] if self._under_way else None

    # -- descriptors -----------------------------------------------------------------

    def open(self, what: Descriptor) -> int:
        """The lowest free number, as POSIX has it: one just closed is soon another's."""
        number = (
            heapq.heappop(self._free) if self._free else FIRST_DESCRIPTOR + len(self.descriptors)
        )
        self.descriptors[number] = what
        return number

    def close(self, number: int) -> None:
        """The number is free again."""
        del self.descriptors[number]
        heapq.heappush(self._free, number)

    # -- what may go wrong -----------------------------------------------------------

    def tell(self, who: str, what: str, outcome: object = None) -> None:
        """Write down what happened."""
        self.transcript.add(self.now, who, what, outcome)

    def happens(self, likelihood: float) -> bool:
        """Draw a lot. Does not draw when there is nothing to decide."""
        return likelihood > 0.0 and self.chance.random() < likelihood

    def fault(self, call: str, who: str) -> Fault | None:
        """What goes wrong with a call that comes in now: put in on purpose, or by chance."""
        fault = self._injector(call, who) if self._injector is not None else None
        if fault is None:
            fault = self._draw(call)
        if fault is not None:
            self.tell(who, call, f"FAULT, {fault}")
        return fault

    def enter(self, call: str, who: str) -> Cut | None:
        """A call comes in. Raises OSError if it is refused; says if it is to be cut short."""
        match self.fault(call, who):
            case Refusal(errno=code):
                fail(code)
            case Cut() as cut:
                return cut
        return None

    def _draw(self, call: str) -> Fault | None:
        if self.calm:
            return None
        faults = self.faults
        if call in _INTERRUPTIBLE and self.happens(faults.interruption):
            return self._choose(call, SPONTANEOUS)
        if call == "select" and self.happens(faults.interruption):
            return Lie(ready=False)
        if call in ("accept", "socket") and self.happens(faults.exhaustion):
            return self._choose(call, _EXHAUSTION)
        if call in ("send_datagram", "send_run") and self.happens(faults.refusal):
            return self.chance.choice(legal_faults(call))
        return None

    def _choose(self, call: str, codes: frozenset[int]) -> Fault:
        return self.chance.choice(
            [
                fault
                for fault in legal_faults(call)
                if isinstance(fault, Refusal) and fault.errno in codes
            ]
        )


def fail(code: int) -> NoReturn:
    """Raise the OSError for an errno."""
    raise OSError(code, os.strerror(code))
