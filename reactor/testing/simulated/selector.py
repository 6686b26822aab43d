"""A selector on simulated descriptors: it tells what is ready in any order, and may lie.

When nothing is ready no time is wasted: the clock jumps to where something happens.
"""

import errno
import selectors
from collections.abc import Callable
from selectors import SelectorKey
from typing import Any, Final, TypeAlias

from ..faults import Lie, Refusal
from .kernel import Descriptor, Kernel, fail

__all__ = ["SimulatedSelector"]

Ready: TypeAlias = list[tuple[SelectorKey, int]]

# Going to sleep and waking up takes time.
_WAIT_COST: Final = 1e-6


class SimulatedSelector(selectors.SelectSelector):
    """What `selectors.EpollSelector` is for a real system.

    Of its base it has the books: what may be registered, and how it is found. `on_idle` is
    called when a wait would last for ever, for nothing is under way; `truth` holds what
    really was ready at the last wait.
    """

    simulated: Final = True
    """Its descriptors are numbers of which the real system knows nothing."""

    def __init__(self, kernel: Kernel, on_idle: Callable[[], object]) -> None:
        super().__init__()
        self._kernel = kernel
        self._on_idle = on_idle
        self._watched: dict[int, tuple[SelectorKey, Descriptor]] = {}
        self._lied = False
        self.truth: Ready = []

    def register(self, fileobj: Any, events: int, data: Any = None) -> SelectorKey:
        """As `selectors` has it: ValueError for what can't be watched, KeyError if it is."""
        return self._watch("register", fileobj, events, data)

    def unregister(self, fileobj: Any) -> SelectorKey:
        """As `selectors` has it: KeyError if it is not registered."""
        key = super().unregister(fileobj)
        self._watched.pop(key.fd, None)
        return key

    def modify(self, fileobj: Any, events: int, data: Any = None) -> SelectorKey:
        """As `selectors` has it: when this fails, nothing is registered any more."""
        self.unregister(fileobj)
        return self._watch("modify", fileobj, events, data)

    @property
    def keys(self) -> list[SelectorKey]:
        """What is registered."""
        return [key for key, _ in self._watched.values()]

    def close(self) -> None:
        """Forget everything."""
        super().close()
        self._watched.clear()

    def _watch(self, call: str, fileobj: Any, events: int, data: Any) -> SelectorKey:
        key = super().register(fileobj, events, data)
        what = self._kernel.descriptors.get(key.fd)
        try:
            fault = self._kernel.fault(call, what.name if what is not None else f"fd {key.fd}")
            if isinstance(fault, Refusal):
                fail(fault.errno)
            if what is None:
                fail(errno.EBADF)
        except OSError:
            super().unregister(fileobj)
            raise
        what.activity += 1
        self._watched[key.fd] = key, what
        return key

    def select(self, timeout: float | None = None) -> Ready:
        """What is ready, in any order; or what is said to be."""
        kernel = self._kernel
        fault = kernel.fault("select", "selector")
        kernel.now += _WAIT_COST
        kernel.catch_up()
        told = self._lies(fault)
        self.truth = self._ready()
        if not (self.truth or told or isinstance(fault, Lie)):
            self._sleep(timeout)
        ready = {key.fd: (key, events) for key, events in [*told, *self.truth]}
        shuffled = list(ready.values())
        kernel.chance.shuffle(shuffled)
        return shuffled

    def _sleep(self, timeout: float | None) -> None:
        """Let time pass until something is ready, or the time-out is over."""
        kernel = self._kernel
        deadline = None if timeout is None else kernel.now + max(0.0, timeout)
        while not self.truth:
            happening = kernel.next_happening()
            moments = [moment for moment in (deadline, happening) if moment is not None]
            if not moments:
                self._on_idle()
                return
            kernel.now = max(kernel.now, min(moments))
            kernel.catch_up()
            self.truth = self._ready()
            if kernel.now == deadline:
                return

    def _ready(self) -> Ready:
        descriptors = self._kernel.descriptors
        ready = []
        for number, (key, what) in self._watched.items():
            # What was closed is forgotten, whoever has its number now: epoll(7), Q6.
            events = what.readiness() & key.events if descriptors.get(number) is what else 0
            if events:
                ready.append((key, events))
        return ready

    def _lies(self, fault: object) -> Ready:
        kernel, faults = self._kernel, self._kernel.faults
        if isinstance(fault, Lie):
            return [(key, key.events) for key in self.keys] if fault.ready else []
        # Not twice in a row: time has to pass between.
        self._lied = not self._lied and faults.false_readiness > 0.0
        if not self._lied:
            return []
        return [(key, key.events) for key in self.keys if kernel.happens(faults.false_readiness)]
