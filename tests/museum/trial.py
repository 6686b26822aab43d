"""Runs tests of the museum with a bug put in, in a process of its own for each bug.

There are hundreds of bugs to try out, and to start Python and load pytest and the library
takes longer than most rows do. So all are loaded once, here, and each trial is a fork of
this process, which has one thread.
"""

import faulthandler
import gc
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any, Final

import hypothesis.strategies
import pytest

import reactor.relay
import reactor.testing

from .bug import Patch
from .row import ROOT

__all__ = ["Trial", "conduct"]

# What the children need, loaded before they are forked.
_LOADED: Final = (hypothesis.strategies, reactor.relay, reactor.testing)
# A bug may hang; a test's own watchdog barks first.
_PATIENCE: Final = 90.0


class Trial:
    """A run of pytest with what `plant` has changed, under way.

    `subject` is whatever it is that is tried out. After `patience` seconds the run is ended.
    """

    def __init__(
        self,
        subject: Any,
        plant: Callable[[Patch], None],
        arguments: list[str],
        patience: float = _PATIENCE,
    ) -> None:
        self.subject = subject
        descriptor, name = tempfile.mkstemp(prefix="museum-")
        os.close(descriptor)
        self._output = Path(name)
        self._began = time.monotonic()
        fork = multiprocessing.get_context("fork")
        self._process = fork.Process(
            target=_run_pytest, args=(plant, arguments, patience, self._output)
        )
        self._process.start()
        self.sentinel = self._process.sentinel

    def result(self) -> tuple[int | None, str, float]:
        """The exit status, what was printed, and the seconds it took, once it has ended."""
        self._process.join()
        seconds = time.monotonic() - self._began
        output = self._output.read_text(errors="replace")
        self._output.unlink()
        return self._process.exitcode, output, seconds


def conduct(starts: Iterable[Callable[[], Trial]], jobs: int) -> Iterator[Trial]:
    """Start trials, so many at a time; yields each when it has ended."""
    # What is there already is nobody's garbage: spare each child the search.
    gc.collect()
    gc.freeze()
    waiting = iter(starts)
    under_way: dict[Any, Trial] = {}
    while True:
        for start in islice(waiting, jobs - len(under_way)):
            trial = start()
            under_way[trial.sentinel] = trial
        if not under_way:
            return
        for sentinel in wait(list(under_way)):
            yield under_way.pop(sentinel)


def _run_pytest(
    plant: Callable[[Patch], None], arguments: list[str], patience: float, output: Path
) -> None:
    with output.open("wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    faulthandler.dump_traceback_later(patience, exit=True)
    os.chdir(ROOT)
    # The museum's tests use no plugin; that of faulthandler would call the time-out off.
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    plant(Patch())
    options = ["-q", "-x", "-p", "no:cacheprovider", "-p", "no:faulthandler"]
    status = pytest.main([*options, *arguments])
    sys.stdout.flush()
    # Not by way of the interpreter's end, which waits for threads that a bug has left.
    os._exit(status)
