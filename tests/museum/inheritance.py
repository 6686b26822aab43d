"""A bug that is in this process is in every Python that this process starts, too.

The tests of programs start some. The interpreter imports `sitecustomize` (see `site`)
before anything else; ours, in the folder `heirs`, puts the bug in.
"""

import os

from .bug import Bug, Patch, read_bugs
from .row import ROOT

__all__ = ["bequeath", "inherit"]

_VARIABLE = "MUSEUM_BUG"


def bequeath(bug: Bug, patch: Patch) -> None:
    """Put `bug` in here, and into whatever Python is started from here."""
    bug.plant(patch)
    paths = [str(ROOT / "tests" / "museum" / "heirs"), str(ROOT)]
    patch.setenv("PYTHONPATH", os.pathsep.join(paths))
    patch.setenv(_VARIABLE, bug.story)


def inherit() -> None:
    """Put in what the process that has started this one has left to it."""
    (bug,) = (bug for bug in read_bugs() if bug.story == os.environ[_VARIABLE])
    bug.plant(Patch())
