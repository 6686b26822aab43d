"""What a bug of the museum is: a function that makes this process's library have it.

And the places that it takes: one that a room offers by name (`instead_of`, or `patch` itself),
one between the room and the system (`at_sockets`), or that of an exception which the room does
not expect any more (`forget`).
"""

import ast
import importlib
import inspect
import pkgutil
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from types import FrameType, ModuleType
from typing import Any, TypeAlias

import pytest

__all__ = [
    "Bug",
    "Escaped",
    "Function",
    "Patch",
    "at_sockets",
    "bug",
    "forget",
    "instead_of",
    "read_bugs",
]

Patch: TypeAlias = pytest.MonkeyPatch
Plant: TypeAlias = Callable[[Patch], None]
Function: TypeAlias = Callable[..., Any]


@dataclass(frozen=True)
class Bug:
    """A way in which a row's defect would be here."""

    row: int
    story: str
    plant: Plant
    """Puts it in, for as long as the patch lasts. Raises if there is no place for it."""

    @property
    def room(self) -> str:
        """The stem of the file under `bugs/` in which it is written."""
        return self.plant.__module__.rpartition(".")[2]


_bugs: list[Bug] = []


def bug(row: int, story: str) -> Callable[[Plant], Plant]:
    """The function below puts in a bug, of which `story` tells in one sentence."""

    def register(plant: Plant) -> Plant:
        _bugs.append(Bug(row, story, plant))
        return plant

    return register


def read_bugs() -> list[Bug]:
    """Every bug, by row."""
    package = importlib.import_module("tests.museum.bugs")
    for room in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{package.__name__}.{room.name}")
    return sorted(_bugs, key=lambda bug: bug.row)


def instead_of(
    patch: Patch, owner: Any, name: str, *, by: str = ""
) -> Callable[[Function], Function]:
    """The function below is called instead of `owner.name`, which it gets as first argument.

    `by` is the module or package whose calls alone are meant, if not all: so a bug stands
    between a room and the system, though tests have sockets too. Raises AttributeError if
    there is no such function.
    """
    original = getattr(owner, name)

    def replace(function: Function) -> Function:
        @wraps(original)
        def replacement(*args: Any, **kwargs: Any) -> Any:
            if by and not _is_within(by, _caller(args)):
                return original(*args, **kwargs)
            return function(original, *args, **kwargs)

        patch.setattr(owner, name, replacement)
        return function

    return replace


def _caller(args: tuple[Any, ...]) -> str:
    """The module that has called a replaced function; not one that only passes the call on."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and args and frame.f_locals.get("self") is args[0]:
        frame = frame.f_back
    return "" if frame is None else str(frame.f_globals["__name__"])


def _is_within(package: str, module: str) -> bool:
    return f"{module}.".startswith(f"{package}.")


def at_sockets(patch: Patch, name: str, *, by: str) -> Callable[[Function], Function]:
    """The function below is called instead of that method of every socket, where `by` calls it.

    Of every kind of socket, also of those that tests bring along: what these put on, be it a
    fault, is the system's to the library.
    """

    def stand(function: Function) -> Function:
        def cover(kind: type[socket.socket]) -> None:
            if kind is socket.socket or name in vars(kind):
                instead_of(patch, kind, name, by=by)(function)
            for heir in kind.__subclasses__():
                cover(heir)

        def cover_newcomer(kind: type[socket.socket]) -> None:
            getattr(before, "__func__", id)(kind)
            cover(kind)

        before = socket.socket.__init_subclass__
        cover(socket.socket)
        patch.setattr(socket.socket, "__init_subclass__", classmethod(cover_newcomer))
        return function

    return stand


class Escaped(BaseException):
    """Raised in place of an error that a room is not to expect: nobody does."""


class _NeverRaised(Exception):
    """Stands for an exception that a room does not know."""


def forget(patch: Patch, room: ModuleType, *exceptions: str) -> None:
    """Have `room` not expect some exceptions of Python's by name.

    Raises LookupError if it does not name them.
    """
    tree = ast.parse(inspect.getsource(room))
    named = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    for name in exceptions:
        if name not in named:
            raise LookupError(f"{room.__name__} expects no {name}")
        patch.setattr(room, name, _NeverRaised, raising=False)
