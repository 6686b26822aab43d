"""Bugs of `examples/printer.py`."""

from typing import Any

from examples.printer import Printer
from tests.museum.bug import Function, Patch, bug, instead_of
from tests.museum.edit import between

ROOM = "examples.printer"


@bug(216, "a line is waited for until it is written")
def _(patch: Patch) -> None:
    @instead_of(patch, Printer, "write")
    def _(write: Function, printer: Printer, text: str) -> None:
        write(printer, text)
        printer.drain(1e6)


@bug(216, "a program that ends waits until somebody reads")
def _(patch: Patch) -> None:
    @instead_of(patch, Printer, "drain")
    def _(drain: Function, printer: Printer, patience: float) -> Any:
        return drain(printer, 1e6)


@bug(216, "what was left out is told to nobody")
def _(patch: Patch) -> None:
    @between(patch, ROOM, "count")
    def _(count: Function, *args: Any) -> int:
        return 0


@bug(216, "a character that the terminal does not have is an error")
def _(patch: Patch) -> None:
    @between(patch, ROOM, "encode")
    def _(encode: Function, encoding: str, *errors: str) -> Any:
        return encode(encoding)
