"""A mutant: the library with one small change somewhere, at random."""

import ast
import functools
import itertools
import os
import resource
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from tests.museum.bug import Patch
from tests.museum.edit import edit
from tests.museum.row import ROOT

from .mutation import alternatives, spell

__all__ = ["UNCHANGED", "Mutant", "all_mutants", "inherit", "known_as_equal"]

_HERE: Final = Path(__file__).parent
_VARIABLE: Final = "MUTANT"
_DECORATION: Final = "@"
# Some gather or work without end.
_MOST_MEMORY: Final = 4 << 30  # bytes
_MOST_WORK: Final = 300  # seconds of a processor

Place: TypeAlias = tuple[str, str, str]
"""Room, function and change: what stays the same when other lines come and go."""


@dataclass(frozen=True)
class Mutant:
    """One alternative of one node of a room."""

    room: str
    """The name of a module."""
    function: str
    """Where in the room, by its qualified name; empty outside of all functions and classes."""
    change: str
    number: int
    """Which of the room's, from the inside out."""

    def __str__(self) -> str:
        return f"{self.room}, {self.function or 'module'}: {self.change}"

    @property
    def place(self) -> Place:
        """Where a reader finds it."""
        return self.room, self.function, self.change

    def plant(self, patch: Patch) -> None:
        """Have the library loaded with the change, here and in any Python started from here."""
        numbers = itertools.count()

        def change(node: ast.AST) -> ast.AST:
            for alternative in alternatives(node):
                if next(numbers) == self.number:
                    return ast.copy_location(alternative, node)
            return node

        _set_limits()
        edit(patch, self.room, change)
        patch.setenv("PYTHONPATH", os.pathsep.join([str(_HERE / "heirs"), str(ROOT)]))
        patch.setenv(_VARIABLE, f"{self.room}:{self.number}")


class _Unchanged(Mutant):
    """The library as it is, under the same conditions."""

    def plant(self, patch: Patch) -> None:
        _set_limits()


UNCHANGED: Final = _Unchanged("reactor", "", "unchanged", -1)


def inherit() -> None:
    """Be the mutant that the process is that has started this one."""
    room, _, number = os.environ[_VARIABLE].partition(":")
    Mutant(room, "", "", int(number)).plant(Patch())


@functools.cache
def all_mutants() -> list[Mutant]:
    """Every mutant of the core, of the relay and of the timeline, room by room."""
    folders = ["reactor", "reactor/relay", "reactor/timeline", "reactor/timeline/*"]
    paths = sorted(path for folder in folders for path in ROOT.glob(f"{folder}/*.py"))
    return [mutant for path in paths if path.stem != "__init__" for mutant in _mutants_of(path)]


def known_as_equal() -> dict[Place, str]:
    """Mutants that do what the library does, each with the reason."""
    table = tomllib.loads((_HERE / "equal.toml").read_text())
    return {(row["room"], row["function"], row["change"]): row["reason"] for row in table["mutant"]}


def _set_limits() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, _MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (_MOST_WORK, _MOST_WORK))


def _mutants_of(path: Path) -> Iterator[Mutant]:
    room = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    numbers = itertools.count()
    for node, function in _inside_out(ast.parse(path.read_text()), ""):
        for alternative in alternatives(node):
            number = next(numbers)
            # What decorates a class says how its objects are kept, not what they do.
            if not function.startswith(_DECORATION):
                change = f"{spell(node)} -> {spell(alternative)}"
                yield Mutant(room, function, change, number)


def _inside_out(node: ast.AST, function: str) -> Iterator[tuple[ast.AST, str]]:
    """Each node in the order in which it is edited, and the function that it is in."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        function = f"{function}.{node.name}".lstrip(".")
    decorators = getattr(node, "decorator_list", [])
    for child in ast.iter_child_nodes(node):
        yield from _inside_out(child, _DECORATION if child in decorators else function)
    yield node, function
