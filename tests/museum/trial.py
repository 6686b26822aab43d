"""Runs tests of the museum in a copy of the project, each time in a process of its own.

There are hundreds of bugs to try out, and to start Python and load pytest takes longer
than most rows do. So both are loaded once, here, and each trial is a fork of this process,
which has one thread and has never seen the library: the child imports that from its copy.
"""

import faulthandler
import gc
import multiprocessing
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any, Final

import hypothesis.strategies
import pytest

from .mutation import ROOT

__all__ = ["Trial", "conduct", "copy_project"]

# What the children need, loaded before they are forked.
_LOADED: Final = (hypothesis.strategies, pytest)
_COPIED: Final = ("reactor", "tests", "examples", "pyproject.toml")
# A bug may hang; a test's own watchdog barks first.
_PATIENCE: Final = 90.0


def copy_project(target: Path) -> None:
    """Copy all that the museum's tests need, but no caches: an old one could hide a bug."""
    for name in _COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(
                ROOT / name, target / name, ignore=shutil.ignore_patterns("__pycache__")
            )
        else:
            shutil.copy(ROOT / name, target / name)


class Trial:
    """A run of pytest in `folder`, under way."""

    def __init__(self, subject: Any, folder: Path, arguments: list[str]) -> None:
        self.subject = subject
        """Whatever it is that is tried out."""
        self.folder = folder
        self._output = folder / f"output-{id(self):x}.txt"
        self._began = time.monotonic()
        fork = multiprocessing.get_context("fork")
        self._process = fork.Process(target=_run_pytest, args=(folder, arguments, self._output))
        self._process.start()
        self.sentinel = self._process.sentinel

    def result(self) -> tuple[int | None, str, float]:
        """The exit status, what was printed, and the seconds it took, once it has ended."""
        self._process.join()
        seconds = time.monotonic() - self._began
        return self._process.exitcode, self._output.read_text(errors="replace"), seconds


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


def _run_pytest(folder: Path, arguments: list[str], output: Path) -> None:
    with output.open("wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    faulthandler.dump_traceback_later(_PATIENCE, exit=True)
    sys.dont_write_bytecode = False  # what one trial has compiled, the next may be given
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    for name in [name for name in sys.modules if name.partition(".")[0] == "tests"]:
        del sys.modules[name]
    # The museum's tests use no plugin; that of faulthandler would call the time-out off.
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    options = ["-q", "-x", "-p", "no:cacheprovider", "-p", "no:faulthandler"]
    status = pytest.main([*options, *arguments])
    sys.stdout.flush()
    # Not by way of the interpreter's end, which waits for threads that a bug has left.
    os._exit(status)
