"""Signals that end a process which has nothing to say about them: heard first, then obeyed."""

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Final

__all__ = ["FatalSignals"]

_FATAL: Final = ("SIGTERM", "SIGHUP")


class FatalSignals:
    """Calls `act(signum)` when one has come, and has it end the process when that is done.

    Until then the program goes on: `act` has a thread of its own, since the program may be in
    the midst of anything, be it a line of the record. What somebody else listens to, or
    ignores, is left alone. A child that is forked dies at once, as ever.

    Main thread only: Python raises ValueError elsewhere.
    """

    def __init__(self, act: Callable[[int], object]) -> None:
        self._act = act
        self._heard = [
            getattr(signal, name) for name in _FATAL if hasattr(signal, name)
        ]  # Windows has no SIGHUP
        self._change(signal.SIG_DFL, self._hear)
        if hasattr(os, "register_at_fork"):
            # A signal that is on its way to a handler in Python is lost when a child begins.
            os.register_at_fork(
                before=self.let_go, after_in_parent=self._listen, after_in_child=self.let_go
            )

    def _change(self, before: object, after: object) -> None:
        self._heard = [signum for signum in self._heard if signal.getsignal(signum) == before]
        for signum in self._heard:
            signal.signal(signum, after)  # type: ignore[arg-type]

    def let_go(self) -> None:
        """Have what comes from now on end the process at once."""
        if threading.current_thread() is threading.main_thread():
            self._change(self._hear, signal.SIG_DFL)

    def _listen(self) -> None:
        if threading.current_thread() is threading.main_thread():
            self._change(signal.SIG_DFL, self._hear)

    def _hear(self, signum: int, frame: FrameType | None) -> None:
        signal.signal(signum, signal.SIG_DFL)
        obey = threading.Thread(target=self._obey, args=(signum,), name="reactor.timeline")
        try:
            obey.start()
        except RuntimeError:  # an interpreter that ends starts no more threads, and does no more
            self._obey(signum)

    def _obey(self, signum: int) -> None:
        try:
            self._act(signum)
        finally:
            os.kill(os.getpid(), signum)
