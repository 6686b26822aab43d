"""Bugs of `examples/client.py`."""

from typing import Any

from examples import console
from reactor import EventLoop
from tests.museum.bug import Function, Patch, bug, instead_of


@bug(216, "a good-bye that nobody answered is a success")
def _(patch: Patch) -> None:
    @instead_of(patch, console, "fail")
    def _(fail: Function, *args: Any) -> int:
        fail(*args)
        return 0


@bug(216, "a line that is too long is taken for the end of all lines")
def _(patch: Patch) -> None:
    @instead_of(patch, EventLoop, "call_soon_threadsafe")
    def _(call: Function, loop: EventLoop, callback: Function, *lines: str) -> None:
        if any(len(line) > 200 for line in lines):
            raise RuntimeError("as if the loop were closed")
        call(loop, callback, *lines)
