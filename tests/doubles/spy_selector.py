"""A real selector that writes down each wait, and lies about readiness when told to."""

import errno
import os
import random
import selectors
import threading
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from reactor.testing import ManualClock

Ready: TypeAlias = list[tuple[selectors.SelectorKey, int]]


class SpySelector(selectors.BaseSelector):
    """A real selector that writes down each wait, and lies about readiness when told to."""

    def __init__(self, inner: selectors.BaseSelector) -> None:
        self._inner = inner
        self.timeouts: list[float | None] = []
        """The timeout of each select so far."""
        self.asleep = threading.Event()
        """Set when a wait without limit begins."""
        self.clock: ManualClock | None = None
        """If set, a wait that nothing ends takes no real time, but moves this clock."""
        self.arrange: Callable[[Ready], Ready] | None = None
        """If set, the last word on what is ready, and in which order."""
        self.refusal: int | None = None
        """If set, the errno of every attempt to register."""
        self.room: int | None = None
        """If set, for how many more descriptors there is room."""

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        if self.refusal is not None:
            raise OSError(self.refusal, os.strerror(self.refusal))
        if self.room is not None:
            if not self.room:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            self.room -= 1
        return self._inner.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._inner.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._inner.modify(fileobj, events, data)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._inner.get_map()

    def close(self) -> None:
        self._inner.close()

    def select(self, timeout: float | None = None) -> Ready:
        self.timeouts.append(timeout)
        if timeout is None:
            self.asleep.set()
        if timeout and self.clock is not None:
            ready = self._inner.select(0)
            if not ready:
                self.clock.advance(timeout)
        else:
            ready = self._inner.select(timeout)
        return ready if self.arrange is None else self.arrange(ready)

    @property
    def watched(self) -> int:
        """How many descriptors are watched, the loop's own bell not counted."""
        return len(self.get_map()) - 1

    def lie(self, seed: int) -> None:
        """From now on, report descriptors as ready that are not."""
        chance = random.Random(seed)

        def add_lies(ready: Ready) -> Ready:
            told = {key.fd: (key, events) for key, events in ready}
            for key in self.get_map().values():
                if chance.random() < 0.5:
                    told[key.fd] = key, key.events
            return list(told.values())

        self.arrange = add_lies
