"""Bugs of `examples/client.py`."""

from collections.abc import Iterator
from itertools import takewhile
from typing import Any

from tests.museum.bug import Function, Patch, bug
from tests.museum.edit import between

ROOM = "examples.client"


@bug(216, "a good-bye that nobody answered is a success")
def _(patch: Patch) -> None:
    @between(patch, ROOM, "fail")
    def _(fail: Function, *args: Any) -> int:
        fail(*args)
        return 0


@bug(216, "a line that is too long is taken for the end of all lines")
def _(patch: Patch) -> None:
    @between(patch, ROOM, "lines_of")
    def _(lines_of: Function, descriptor: int) -> Iterator[bytes]:
        return takewhile(lambda line: len(line) <= 200, lines_of(descriptor))
