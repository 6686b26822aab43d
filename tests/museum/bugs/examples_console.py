"""Bugs of `examples/console.py`."""

import signal
from typing import Any

from examples import console
from tests.museum.bug import Function, Patch, bug
from tests.museum.edit import between

ROOM = "examples.console"


@bug(216, "a terminal that goes away kills the program")
def _(patch: Patch) -> None:
    patch.setattr(console, "ENDINGS", [each for each in console.ENDINGS if each != signal.SIGHUP])


@bug(216, "Ctrl-C ends what a script has started in its background")
def _(patch: Patch) -> None:
    @between(patch, ROOM, "getsignal")
    def _(getsignal: Function, signum: int) -> Any:
        return getsignal(signum) if signum == signal.SIGHUP else None
