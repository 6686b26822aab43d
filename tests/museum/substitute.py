"""More that a bug may put in another's place: a thing in all rooms, a number, an error, nothing.

See `bug.py` for what a bug is, and `edit.py` for what is said of a room's operations.
"""

import ast
import pkgutil
import socket
import sys
from collections.abc import Callable
from functools import wraps
from importlib import import_module
from types import ModuleType
from typing import Any

import reactor
from reactor import EventLoop

from .bug import Function, Patch, at_sockets, forget
from .edit import edit

__all__ = [
    "as_if_not_running",
    "error_unknown",
    "everywhere",
    "finally_forgotten",
    "home",
    "leak",
    "mistake",
    "nothing",
    "number",
    "offered",
    "substitute",
    "turning",
]


def offered(name: str) -> Any:
    """What a room of the library's core offers by that name, whichever room that is.

    Raises LookupError if none does.
    """
    for found in pkgutil.iter_modules(reactor.__path__):
        module = import_module(f"reactor.{found.name}")
        if not found.ispkg and name in vars(module):
            return vars(module)[name]
    raise LookupError(f"no room offers {name}")


def home(name: str) -> ModuleType:
    """The room that a class or function of the library's core lives in."""
    return sys.modules[offered(name).__module__]


def substitute(patch: Patch, original: object, replacement: object) -> None:
    """Put `replacement` wherever a room has `original` by name. Raises LookupError if none has."""
    places = [
        (module, name)
        for module in list(sys.modules.values())
        if module.__name__.partition(".")[0] in ("reactor", "examples", "tests")
        for name, value in list(vars(module).items())
        if value is original and "museum" not in module.__name__
    ]
    if not places:
        raise LookupError(f"no room knows {original!r}")
    for module, name in places:
        patch.setattr(module, name, replacement)


def everywhere(patch: Patch, original: Function) -> Callable[[Function], Function]:
    """The function below is called instead of `original`, whichever room calls it.

    It gets that as first argument. Raises LookupError if no room has such a function.
    """

    def replace(function: Function) -> Function:
        @wraps(original)
        def replacement(*args: Any, **kwargs: Any) -> Any:
            return function(original, *args, **kwargs)

        substitute(patch, original, replacement)
        return function

    return replace


def as_if_not_running(patch: Patch, function: Function) -> None:
    """Have `function` believe that the loop which is given to it does not run."""

    @everywhere(patch, function)
    def _(function: Function, *args: Any, **options: Any) -> Any:
        with patch.context() as for_now:
            for_now.setattr(EventLoop, "running", property(lambda loop: False))
            return function(*args, **options)


def mistake(patch: Patch, room: ModuleType, name: str, other: type[BaseException]) -> None:
    """Have `room` take one exception of Python's for another. Raises LookupError as `forget`."""
    forget(patch, room, name)
    patch.setattr(room, name, other)


def number(patch: Patch, room: str, right: float, wrong: float) -> None:
    """Have `room` loaded with one number for another, wherever it is written."""

    def change(node: ast.AST) -> ast.AST:
        if isinstance(node, ast.Constant) and node.value == right and node.value is not True:
            return ast.Constant(wrong)
        return node

    edit(patch, room, change)


def error_unknown(patch: Patch, room: str, *names: str) -> None:
    """Have `room` loaded without the numbers of some errors: it names them, and knows them not."""

    def change(node: ast.AST) -> ast.AST:
        return ast.Constant(-1) if isinstance(node, ast.Attribute) and node.attr in names else node

    edit(patch, room, change)


def finally_forgotten(patch: Patch, room: str) -> None:
    """Have `room` loaded such that what it does finally, it does only if nothing was raised."""

    def change(node: ast.AST) -> ast.AST | list[ast.stmt]:
        if not isinstance(node, ast.Try) or not node.finalbody:
            return node
        tried = [ast.Try(node.body, node.handlers, node.orelse, [])] if node.handlers else node.body
        return [*tried, *node.finalbody]

    edit(patch, room, change)


# -- what is called instead ----------------------------------------------------------------


def nothing(original: Function, *args: Any, **options: Any) -> None:
    """To stand in for a step that is left out."""


def turning(
    error: type[BaseException], into: BaseException | type[BaseException] | None
) -> Function:
    """To stand in for what may raise `error`: something else is raised, or nothing."""

    def call(original: Function, *args: Any, **options: Any) -> Any:
        try:
            return original(*args, **options)
        except error as exc:
            if into is None:
                return None
            raise into from exc

    return call


def leak(patch: Patch, room: str) -> None:
    """Have `room` close no socket, nor leave any to the garbage collector."""
    kept: list[socket.socket] = []

    @at_sockets(patch, "close", by=room)
    def _(close: Function, sock: socket.socket) -> None:
        kept.append(sock)
