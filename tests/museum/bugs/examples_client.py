"""Bugs of `examples/client.py`."""

import os
from typing import Any

from examples import console
from tests.museum.bug import Function, Patch, bug, instead_of


@bug(216, "a good-bye that nobody answered is a success")
def _(patch: Patch) -> None:
    @instead_of(patch, console, "fail")
    def _(fail: Function, *args: Any) -> int:
        fail(*args)
        return 0


@bug(216, "a line that is too long is taken for the end of all lines")
def _(patch: Patch) -> None:
    @instead_of(patch, os, "read", by="__main__")  # as what the program is run
    def _(read: Function, *args: Any) -> bytes:
        data: bytes = read(*args)
        return data if b"\n" in data else b""
