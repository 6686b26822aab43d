"""A selector on simulated descriptors: it tells what is ready in any order, and may lie.

When nothing is ready no time is wasted: the clock jumps to where something happens.
"""

import selectors
from collections.abc import Callable, Iterable, Iterator, Mapping
from selectors import EVENT_READ, EVENT_WRITE, SelectorKey
from typing import Any, Final, TypeAlias

from .faults import Lie, Refusal
from .kernel import Kernel, fail

__all__ = ["SimulatedSelector"]

Ready: TypeAlias = list[tuple[SelectorKey, int]]

# Going to sleep and waking up takes time.
_WAIT_COST: Final = 1e-6


class SimulatedSelector(selectors.BaseSelector):
    """What `selectors.DefaultSelector` is for a real system.

    `on_idle` is called when a wait would last for ever, for nothing is under way; `truth`
    holds what really was ready at the last wait.
    """

    def __init__(self, kernel: Kernel, on_idle: Callable[[], object]) -> None:
        self._kernel = kernel
        self._on_idle = on_idle
        self._keys: dict[int, SelectorKey] = {}
        self._lied = False
        self.truth: Ready = []

    def register(self, fileobj: Any, events: int, data: Any = None) -> SelectorKey:
        """As `selectors` has it: ValueError for what can't be watched, KeyError if it is."""
        if not events or events & ~(EVENT_READ | EVENT_WRITE):
            raise ValueError(f"invalid events: {events!r}")
        number = _number(fileobj)
        if number in self._keys:
            raise KeyError(f"{fileobj!r} (descriptor {number}) is already registered")
        self._enter("register", number)
        key = SelectorKey(fileobj, number, events, data)
        self._keys[number] = key
        return key

    def unregister(self, fileobj: Any) -> SelectorKey:
        """As `selectors` has it: KeyError if it is not registered."""
        return self._keys.pop(self._find(fileobj))

    def modify(self, fileobj: Any, events: int, data: Any = None) -> SelectorKey:
        """As `selectors` has it: KeyError if it is not registered."""
        if not events or events & ~(EVENT_READ | EVENT_WRITE):
            raise ValueError(f"invalid events: {events!r}")
        number = self._find(fileobj)
        self._enter("modify", number)
        key = self._keys[number] = self._keys[number]._replace(events=events, data=data)
        return key

    def get_map(self) -> Mapping[Any, SelectorKey]:
        """What is registered, by descriptor or by file object."""
        return _Map(self)

    @property
    def keys(self) -> Iterable[SelectorKey]:
        """What is registered."""
        return self._keys.values()

    def close(self) -> None:
        """Forget everything."""
        self._keys.clear()

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
        for number, key in self._keys.items():
            # What was closed without a word is forgotten by epoll, too.
            what = descriptors.get(number)
            events = what.readiness() & key.events if what is not None else 0
            if events:
                ready.append((key, events))
        return ready

    def _lies(self, fault: object) -> Ready:
        kernel, faults = self._kernel, self._kernel.faults
        if isinstance(fault, Lie):
            return [(key, key.events) for key in self._keys.values()] if fault.ready else []
        # Not twice in a row: time has to pass between.
        self._lied = not self._lied and faults.false_readiness > 0.0
        if not self._lied:
            return []
        keys = list(self._keys.values())
        return [(key, key.events) for key in keys if kernel.happens(faults.false_readiness)]

    def _enter(self, call: str, number: int) -> None:
        what = self._kernel.descriptors.get(number)
        fault = self._kernel.fault(call, what.name if what is not None else f"fd {number}")
        if isinstance(fault, Refusal):
            fail(fault.errno)
        if what is not None:
            what.activity += 1

    def _find(self, fileobj: Any) -> int:
        try:
            number = _number(fileobj)
        except ValueError:
            # Closed already: whoever registered it may still take it back.
            for key in self._keys.values():
                if key.fileobj is fileobj:
                    return key.fd
            raise
        if number not in self._keys:
            raise KeyError(f"{fileobj!r} is not registered")
        return number


class _Map(Mapping[Any, SelectorKey]):
    """The registered keys, as `get_map` gives them."""

    def __init__(self, selector: SimulatedSelector) -> None:
        self._selector = selector

    def __len__(self) -> int:
        return len(self._selector._keys)

    def __iter__(self) -> Iterator[int]:
        return iter(self._selector._keys)

    def __getitem__(self, fileobj: Any) -> SelectorKey:
        try:
            return self._selector._keys[self._selector._find(fileobj)]
        except ValueError:
            raise KeyError(fileobj) from None


def _number(fileobj: Any) -> int:
    number = fileobj if isinstance(fileobj, int) else fileobj.fileno()
    if not isinstance(number, int) or number < 0:
        raise ValueError(f"invalid file object: {fileobj!r}")
    return number
