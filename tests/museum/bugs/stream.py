"""Bugs of `reactor/stream.py`."""

from typing import Any

import reactor.stream
from reactor import Stream
from tests.museum.bug import Function, Patch, bug, forget, instead_of
from tests.museum.edit import between

ROOM = "reactor.stream"


@bug(7, "a readable socket is believed to have something to read")
def _(patch: Patch) -> None:
    forget(patch, reactor.stream, "BlockingIOError", "InterruptedError")


@bug(34, "write never says that it is enough")
def _(patch: Patch) -> None:
    @instead_of(patch, Stream, "write")
    def _(write: Function, *args: Any) -> bool:
        write(*args)
        return True


@bug(10, "the end of input is taken for the end of the connection")
def _(patch: Patch) -> None:
    @between(patch, ROOM, "shutdown")
    def _(shutdown: Function, how: int) -> None:
        pass
