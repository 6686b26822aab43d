"""Unix signals as ordinary calls of the loop.

The interpreter runs our handler between two bytecodes; all it does is to queue the call.
The C-level handler rings the loop's bell, which closes the gap between looking at the
queue and falling asleep.
"""

import signal
from collections.abc import Callable
from types import FrameType
from typing import Any

__all__ = ["SignalHandlers"]


class SignalHandlers:
    """The signal handlers of one loop, and what was there before them."""

    def __init__(self, call_soon_threadsafe: Callable[..., object]) -> None:
        self._call_soon_threadsafe = call_soon_threadsafe
        self._calls: dict[int, tuple[Callable[..., object], tuple[Any, ...]]] = {}
        self._previous: dict[int, Any] = {}
        self._previous_wakeup_fd = -1

    def add(
        self, signum: int, callback: Callable[..., object], args: tuple[Any, ...], wakeup_fd: int
    ) -> None:
        """Call `callback` for each `signum`, replacing the one before.

        Raises ValueError off the main thread, and ValueError or OSError for a signal that
        can't be caught.
        """
        if signum not in self._calls:
            if not self._previous:
                # First, for it may fail. A full bell is a ringing bell: nothing to warn of.
                replaced = signal.set_wakeup_fd(wakeup_fd, warn_on_full_buffer=False)
                self._previous_wakeup_fd = replaced
            try:
                self._previous[signum] = signal.signal(signum, self._deliver)
            except BaseException:
                if not self._previous:
                    self._restore_wakeup_fd()
                raise
        self._calls[signum] = (callback, args)

    def remove(self, signum: int) -> bool:
        """Put back what was there before; False if we had no handler for `signum`."""
        if self._calls.pop(signum, None) is None:
            return False
        previous = self._previous.pop(signum)
        signal.signal(signum, signal.SIG_DFL if previous is None else previous)
        if not self._previous:
            self._restore_wakeup_fd()
        return True

    def move_wakeup(self, wakeup_fd: int) -> None:
        """The bell was replaced: ring the new one."""
        if self._previous:
            signal.set_wakeup_fd(wakeup_fd, warn_on_full_buffer=False)

    def clear(self) -> None:
        """Remove all."""
        for signum in list(self._calls):
            self.remove(signum)

    def _restore_wakeup_fd(self) -> None:
        try:
            signal.set_wakeup_fd(self._previous_wakeup_fd)
        except (ValueError, OSError):
            signal.set_wakeup_fd(-1)  # whoever set it has closed it meanwhile

    def _deliver(self, signum: int, frame: FrameType | None) -> None:
        call = self._calls.get(signum)
        if call is not None:
            callback, args = call
            self._call_soon_threadsafe(callback, *args)
