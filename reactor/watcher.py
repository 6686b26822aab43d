"""The interest of one owner in one descriptor: what it waits for, and whom to call."""

import errno
import io
import os
import selectors
import socket
import stat
import sys
from collections.abc import Callable
from selectors import EVENT_READ, EVENT_WRITE
from typing import Final, Protocol, TypeAlias

__all__ = ["EVENT_READ", "EVENT_WRITE", "FileObject", "Watcher", "Watchers"]

Callback = Callable[..., object]


class HasFileno(Protocol):
    """Anything with a descriptor."""

    def fileno(self) -> int: ...


FileObject: TypeAlias = int | HasFileno

# select(2); on Windows it is a matter of how many, not of which.
_FD_SETSIZE: Final = sys.maxsize if sys.platform == "win32" else 1024


class Watchers(dict[int, "Watcher"]):
    """The watchers of one loop by descriptor, each of which has one at most."""

    def __init__(self, selector: selectors.BaseSelector, check: Callable[[], None]) -> None:
        self.selector = selector
        self.check = check
        """Raises RuntimeError in a forked child."""
        self.waiting = 0
        """How many wait for something."""


class Watcher:
    """The registration of one file object; made by `EventLoop.register`."""

    __slots__ = ("_all", "_file", "callback", "events", "fd", "fileobj")

    def __init__(
        self, watchers: Watchers, fileobj: FileObject, events: int, callback: Callback
    ) -> None:
        self._all = watchers
        self.fd = _descriptor_of(fileobj)
        """The number of the descriptor, also after `close()`."""
        self.fileobj: FileObject | None = fileobj
        """None after `close()`."""
        self.callback = callback
        self.events = 0
        """What is waited for; 0 after `close()`."""
        self._file: tuple[int, int] | None = None
        # Of what is simulated the system knows nothing.
        if not getattr(watchers.selector, "simulated", False):
            _check_number(watchers.selector, self.fd)
            self._file = _file_of(fileobj, self.fd)
        owner = watchers.get(self.fd)
        if owner is not None:
            if owner._is_open():
                raise ValueError(f"descriptor {self.fd} has an owner: close that first")
            owner.close()
        self.modify(events)
        watchers[self.fd] = self

    @property
    def closed(self) -> bool:
        """Whether `close()` was called, or the loop was closed."""
        return self.fileobj is None

    def modify(self, events: int) -> None:
        """Wait for `events` from now on; 0 waits for nothing.

        Raises ValueError for unknown events or when the watcher is closed, RuntimeError in
        a forked child, and OSError if the system has no room (epoll_ctl(2): ENOSPC,
        ENOMEM): then nothing is waited for.
        """
        if not isinstance(events, int) or events & ~(EVENT_READ | EVENT_WRITE):
            raise ValueError(f"unknown events: {events!r}")
        if self.fileobj is None:
            raise ValueError("the watcher is closed")
        if events == self.events:
            return
        self._all.check()
        selector = self._all.selector
        # If it refuses, `selectors` has dropped it.
        before, self.events = self.events, 0
        try:
            # Selectors refuse to watch for nothing, and HUP and ERR can't be masked: a
            # watcher that waits for nothing has to leave.
            if not before:
                selector.register(self.fileobj, events, self)
            elif events:
                selector.modify(self.fileobj, events, self)
            else:
                selector.unregister(self.fileobj)
            self.events = events
        finally:
            self._all.waiting += bool(self.events) - bool(before)

    def close(self) -> None:
        """Stop watching, for good; the file object is not touched. Harmless if repeated."""
        if self.fileobj is None:
            return
        try:
            self.modify(0)
        finally:
            self._all.pop(self.fd, None)
            # Break the cycle owner -> watcher -> callback -> owner.
            self.fileobj = None
            self.callback = _no_callback

    def _is_open(self) -> bool:
        try:
            assert self.fileobj is not None
            is_there = _descriptor_of(self.fileobj) == self.fd
            return is_there and (self._file is None or self._file == _file_of(self.fd, self.fd))
        except ValueError:
            return False


def _descriptor_of(fileobj: FileObject) -> int:
    try:
        fd = fileobj if isinstance(fileobj, int) else fileobj.fileno()
    except AttributeError:
        raise ValueError(f"expected a descriptor, or what has one, not {fileobj!r}") from None
    if fd < 0:
        raise ValueError(f"expected a descriptor that is open, not {fd}")
    return fd


def _check_number(selector: selectors.BaseSelector, fd: int) -> None:
    # selectors.SelectSelector takes it, and select(2) refuses it for as long as it is watched.
    if fd >= _FD_SETSIZE and isinstance(selector, selectors.SelectSelector):
        message = f"select() takes descriptors below {_FD_SETSIZE}, not {fd}"
        # It is an OSError too: what was accepted or made may have any number.
        raise io.UnsupportedOperation(errno.EMFILE, message)


def _file_of(fileobj: FileObject, fd: int) -> tuple[int, int] | None:
    """What a number stands for, as long as it is open; None for sockets, which know it themselves.

    Raises ValueError for what select(2) would call ready at all times, or never: a regular
    file, a directory, a number that is not open. It may be wrapped in any object.
    """
    if isinstance(fileobj, socket.socket):
        return None
    try:
        status = os.fstat(fd)
    except OSError:
        raise ValueError(f"expected a descriptor that is open, not {fd}") from None
    if stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode):
        raise ValueError(f"expected what can be waited for, not a file: {fileobj!r}")
    return status.st_dev, status.st_ino


def _no_callback(events: int) -> None:
    raise AssertionError("a closed watcher was called")
