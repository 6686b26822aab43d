"""The interest of one owner in one descriptor: what it waits for, and whom to call."""

import selectors
from collections.abc import Callable
from selectors import EVENT_READ, EVENT_WRITE
from typing import Protocol, TypeAlias

__all__ = ["EVENT_READ", "EVENT_WRITE", "FileObject", "Watcher"]

Callback = Callable[..., object]


class HasFileno(Protocol):
    """Anything with a descriptor."""

    def fileno(self) -> int: ...


FileObject: TypeAlias = int | HasFileno


class Watcher:
    """The registration of one file object; made by `EventLoop.register`."""

    __slots__ = ("_selector", "callback", "events", "fileobj")

    def __init__(
        self,
        selector: selectors.BaseSelector,
        fileobj: FileObject,
        events: int,
        callback: Callback,
    ) -> None:
        self._selector: selectors.BaseSelector | None = selector
        self.fileobj: FileObject | None = fileobj
        self.callback = callback
        self.events = 0
        """What is waited for; 0 after `close()`."""
        self.modify(events)

    @property
    def closed(self) -> bool:
        """Whether `close()` was called."""
        return self._selector is None

    def modify(self, events: int) -> None:
        """Wait for `events` from now on; 0 waits for nothing.

        Raises ValueError for unknown events or when the watcher is closed, and OSError if
        the system has no room (epoll_ctl(2): ENOSPC, ENOMEM): then nothing is waited for.
        """
        if events & ~(EVENT_READ | EVENT_WRITE):
            raise ValueError(f"unknown events: {events!r}")
        if self._selector is None or self.fileobj is None:
            raise ValueError("the watcher is closed")
        # Selectors refuse to watch for nothing, and HUP and ERR can't be masked: a
        # watcher that waits for nothing has to leave.
        if events == self.events:
            return
        if not self.events:
            self._selector.register(self.fileobj, events, self)
        elif events:
            try:
                self._selector.modify(self.fileobj, events, self)
            except OSError:
                self.events = 0  # `selectors` has dropped it
                raise
        else:
            self._selector.unregister(self.fileobj)
        self.events = events

    def close(self) -> None:
        """Stop watching, for good; the file object is not touched. Harmless if repeated."""
        if self._selector is not None:
            self.modify(0)
            # Break the cycle owner -> watcher -> callback -> owner.
            self._selector = self.fileobj = None
            self.callback = _no_callback


def _no_callback(events: int) -> None:
    raise AssertionError("a closed watcher was called")
