"""Unix signals as ordinary calls of the loop.

The interpreter runs our handler between two bytecodes; all it does is to queue the call.
While the loop runs, the C-level handler rings its bell too, which closes the gap between
looking at the queue and falling asleep.

Handlers and the descriptor that is rung at belong to the whole process. Others may take
them over in their turn, and end before or after us: what was there before is put back
only where we are still the last, and is the last of those that have not ended.
"""

import _thread
import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from types import FrameType
from typing import Any, Final

__all__ = ["SignalHandlers"]

# Windows has nothing that would end a wait.
_interrupt: Final = getattr(
    signal, "pthread_kill", lambda thread, signum: _thread.interrupt_main(signum)
)


class SignalHandlers:
    """The signal handlers of one loop, and what was there before them."""

    def __init__(self, call_soon_threadsafe: Callable[..., object]) -> None:
        self._call_soon_threadsafe = call_soon_threadsafe
        self._handlers: dict[int, _Handler] = {}
        self._bell: int | None = None  # while the main thread runs the loop
        self._ringing: _Ringing | None = None

    def add(self, signum: int, callback: Callable[..., object], args: tuple[Any, ...]) -> None:
        """Call `callback` for each `signum`, replacing the one before.

        Raises ValueError off the main thread, and ValueError or OSError for a signal that
        can't be caught.
        """
        before = self._handlers.get(signum)
        call = partial(self._call_soon_threadsafe, callback, *args)
        self._handlers[signum] = _Handler(signum, call)
        if before is not None:
            before.give_way()  # others may have it, and call it
        self._ring()

    def remove(self, signum: int) -> bool:
        """Put back what was there before; False if we had no handler for `signum`.

        Raises ValueError off the main thread, and then nothing is removed.
        """
        if signum not in self._handlers:
            return False
        if not _is_main_thread():
            raise ValueError("a signal handler can be removed on the main thread only")
        self._handlers.pop(signum).give_way()
        return True

    def clear(self) -> None:
        """Remove all, from any thread, and ring no more."""
        self.stop_ringing()
        while self._handlers:
            self._handlers.popitem()[1].give_way()

    def start_ringing(self, bell: int) -> None:
        """The loop runs: have each signal ring at this descriptor, as long as there are handlers.

        Not if another thread runs it: the main one has to make the call, which rings as well.
        """
        if _is_main_thread():
            self._bell = bell
            self._ring()

    def stop_ringing(self) -> None:
        """Have signals ring where they rang before, unless that was changed meanwhile."""
        self._bell = None
        if self._ringing is not None:
            self._ringing.end()
            self._ringing = None

    def _ring(self) -> None:
        if self._handlers and self._ringing is None and self._bell is not None:
            with suppress(ValueError, OSError):  # the bell is broken: the loop will find out
                self._ringing = _Ringing(self._bell)


class _Handler:
    """What is installed for one signal: makes its call, until it has given way."""

    __slots__ = ("_before", "_signum", "call")

    def __init__(self, signum: int, call: Callable[[], object]) -> None:
        self._signum = signum
        self.call: Callable[[], object] | None = call
        # None stands for a handler that Python did not install, and can't put back.
        self._before: Any = signal.signal(signum, self) or signal.SIG_DFL

    def __call__(self, signum: int, frame: FrameType | None) -> None:
        if self.call is not None:
            self.call()
        elif callable(before := self._alive_before()):
            before(signum, frame)
        elif self.installed:
            # Somebody who had replaced us put us back when we had already ended.
            self.give_way()
            signal.raise_signal(signum)

    @property
    def installed(self) -> bool:
        """Whether nobody has replaced us."""
        return signal.getsignal(self._signum) is self

    def give_way(self) -> None:
        """Put back what was there before, if we are what is there now.

        Only the main thread can. From another one it is asked to, by a signal, so that it does
        so at once though it may wait for something.
        """
        before, self.call = self._alive_before(), None
        if self.installed:
            if _is_main_thread():
                signal.signal(self._signum, before)
            else:
                self.call = self.give_way
                _interrupt(threading.main_thread().ident, self._signum)

    def _alive_before(self) -> Any:
        # Those that have ended are forgotten on the way: they must not pile up.
        while isinstance(self._before, _Handler) and self._before.call is None:
            self._before = self._before._before
        return self._before


class _Ringing:
    """Has signals ring at a descriptor; see `signal.set_wakeup_fd`. Main thread only."""

    def __init__(self, bell: int) -> None:
        self._bell = bell
        # A full bell is a ringing bell: nothing to warn of.
        self._before = signal.set_wakeup_fd(bell, warn_on_full_buffer=False)
        self._file_before = _file_of(self._before)

    def end(self) -> None:
        """Ring there no more; and nowhere, if what was there before was closed meanwhile."""
        # There is no other way to ask. A signal in between is heard all the same: its handler
        # rings too, and this is the thread that runs it.
        number = signal.set_wakeup_fd(-1)
        if number == self._bell:
            # A number that was closed may belong to anybody by now.
            number = self._before if _file_of(self._before) == self._file_before else -1
        with suppress(ValueError, OSError):  # whoever set it has closed it meanwhile
            signal.set_wakeup_fd(number, warn_on_full_buffer=False)


def _file_of(number: int) -> tuple[int, int] | None:
    try:
        status = os.fstat(number)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _is_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()
