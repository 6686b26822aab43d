"""Unix signals as ordinary calls of the loop.

The interpreter runs our handler between two bytecodes; all it does is to queue the call.
The C-level handler rings the loop's bell, which closes the gap between looking at the
queue and falling asleep.

Handlers and the descriptor that is rung at belong to the whole process. Others may take
them over in their turn, and end before or after us: what was there before is put back
only where we are still the last, and is the last of those that have not ended.
"""

import _thread
import os
import signal
import threading
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import Any, ClassVar, Final

__all__ = ["SignalHandlers"]


# Windows has nothing that would end a wait.
_interrupt: Final = getattr(
    signal, "pthread_kill", lambda thread, signum: _thread.interrupt_main(signum)
)


class SignalHandlers:
    """The signal handlers of one loop, and what was there before them."""

    # What the main thread has still to clear, and what is to be called then.
    _overdue: ClassVar[dict["SignalHandlers", Callable[[], object]]] = {}

    def __init__(self, call_soon_threadsafe: Callable[..., object]) -> None:
        self._call_soon_threadsafe = call_soon_threadsafe
        self._handlers: dict[int, _Handler] = {}
        self._ringing: _Ringing | None = None  # there is one as long as there are handlers
        self._clear_what_is_overdue()

    def add(
        self, signum: int, callback: Callable[..., object], args: tuple[Any, ...], wakeup_fd: int
    ) -> None:
        """Call `callback` for each `signum`, replacing the one before.

        Raises ValueError off the main thread, and ValueError or OSError for a signal that
        can't be caught.
        """
        if not _is_main_thread():
            raise ValueError("a signal handler can be added on the main thread only")
        self._clear_what_is_overdue()
        call = partial(self._call_soon_threadsafe, callback, *args)
        handler = self._handlers.get(signum)
        if handler is not None:
            if handler.installed:
                handler.call = call
                return
            handler.give_way()  # who has replaced it may call it
        if self._ringing is None:
            self._ringing = _Ringing(wakeup_fd)  # first, for it may fail
        try:
            self._handlers[signum] = _Handler(signum, call)
        finally:
            self._ring_no_longer_than_needed()

    def remove(self, signum: int) -> bool:
        """Put back what was there before; False if we had no handler for `signum`.

        Raises ValueError off the main thread, and then nothing is removed.
        """
        if signum not in self._handlers:
            return False
        if not _is_main_thread():
            raise ValueError("a signal handler can be removed on the main thread only")
        self._handlers.pop(signum).give_way()
        self._ring_no_longer_than_needed()
        return True

    def move_wakeup(self, wakeup_fd: int) -> None:
        """The bell was replaced: ring the new one. -1: it is gone, ring none."""
        # Who runs in another thread is not asleep when a signal comes.
        if self._ringing is not None and _is_main_thread():
            self._ringing.move(wakeup_fd)

    def clear(self, then: Callable[[], object] = bool) -> None:
        """Remove all; then call `then`, which may close the bell.

        Only the main thread can remove them. From another one it is asked to, by a signal,
        so that it does so at once though it may wait for something. If others have replaced
        all our handlers, it does so when next it makes a loop or adds a handler to one. Until
        then the bell has to stay: the interpreter rings at its number, whosever that is.
        """
        if self._handlers and not _is_main_thread():
            self._overdue[self] = then
            self._ask_main_thread()
            return
        then = self._overdue.pop(self, then)
        for signum in list(self._handlers):
            self.remove(signum)
        then()

    @classmethod
    def _clear_what_is_overdue(cls) -> None:
        if _is_main_thread():
            for handlers in list(cls._overdue):
                handlers.clear()

    def _ask_main_thread(self) -> None:
        for handler in self._handlers.values():
            handler.call = self.clear
        for signum, handler in self._handlers.items():
            if handler.installed:
                _interrupt(threading.main_thread().ident, signum)
                return

    def _ring_no_longer_than_needed(self) -> None:
        if self._ringing is not None and not self._handlers:
            self._ringing.end()
            self._ringing = None


class _Handler:
    """What is installed for one signal: makes its call, until it has given way."""

    __slots__ = ("_before", "_signum", "call")

    def __init__(self, signum: int, call: Callable[[], object]) -> None:
        self._signum = signum
        self.call: Callable[[], object] | None = call
        self._before: Any = signal.SIG_DFL
        # None stands for a handler that Python did not install, and can't put back.
        self._before = signal.signal(signum, self) or signal.SIG_DFL

    def __call__(self, signum: int, frame: FrameType | None) -> None:
        if self.call is not None:
            self.call()
            return
        # Somebody who had replaced us put us back when we had already ended.
        before = self._alive_before()
        if callable(before):
            before(signum, frame)
        elif before is signal.SIG_DFL and self.installed:
            signal.signal(signum, before)
            signal.raise_signal(signum)

    @property
    def installed(self) -> bool:
        """Whether nobody has replaced us."""
        return signal.getsignal(self._signum) is self

    def give_way(self) -> None:
        """Put back what was there before, if we are what is there now. Main thread only."""
        self.call = None
        before = self._alive_before()
        if self.installed:
            signal.signal(self._signum, before)

    def _alive_before(self) -> Any:
        # Those that have ended are forgotten on the way: they must not pile up.
        while isinstance(self._before, _Handler) and self._before.call is None:
            self._before = self._before._before
        return self._before


class _Ringing:
    """The place where the interpreter rings for a loop; see `signal.set_wakeup_fd`."""

    _of_loops: ClassVar[dict[int, "_Ringing"]] = {}

    def __init__(self, number: int) -> None:
        """Ring at `number` from now on. Raises ValueError or OSError if that is closed."""
        # A full bell is a ringing bell: nothing to warn of.
        replaced = signal.set_wakeup_fd(number, warn_on_full_buffer=False)
        self._before: _Ringing | _Stranger = self._of_loops.get(replaced) or _Stranger(replaced)
        self._of_loops[number] = self
        self._number = number
        self._ended = False

    def move(self, number: int) -> None:
        """Ring there instead; -1 for nowhere."""
        _ring_elsewhere(self._number, number)
        self._of_loops.pop(self._number, None)
        self._of_loops[number] = self
        self._number = number

    def end(self) -> None:
        """Ring again where it was rung before, if nobody has changed that meanwhile."""
        self._ended = True
        _ring_elsewhere(self._number, self._number_before())
        self._of_loops.pop(self._number, None)

    def _number_before(self) -> int:
        # As with the handlers.
        while isinstance(self._before, _Ringing) and self._before._ended:
            self._before = self._before._before
        before = self._before
        return before._number if isinstance(before, _Ringing) else before.number_now()


class _Stranger:
    """A descriptor at which somebody else has signals ring."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._file = _file_of(number)

    def number_now(self) -> int:
        """Its number; -1 if that was closed meanwhile, and may belong to anybody."""
        return self._number if _file_of(self._number) == self._file else -1


def _file_of(number: int) -> tuple[int, int] | None:
    try:
        status = os.fstat(number)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _ring_elsewhere(old: int, new: int) -> None:
    """Have signals ring at `new`, if they ring at `old`."""
    # There is no other way to ask. A signal in between is heard all the same: its handler
    # rings too, and this is the thread that runs it.
    current = signal.set_wakeup_fd(-1)
    number = new if current == old else current
    if number != -1:
        try:
            signal.set_wakeup_fd(number, warn_on_full_buffer=False)
        except (ValueError, OSError):
            pass  # whoever set it has closed it meanwhile


def _is_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()
