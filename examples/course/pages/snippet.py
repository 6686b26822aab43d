"""A part of a program: a class or a function by its name, or the lines of a region."""

import ast
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

__all__ = ["Snippet", "snippet"]

_REGION: Final = re.compile(r"\s*(?:#|//) region (\S+)\s*")
_ENDREGION: Final = re.compile(r"\s*(?:#|//) endregion\s*")

_Definition = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Snippet:
    """Lines that begin at the left, and the number of the first in its file, from 1."""

    text: str
    line: int


def snippet(source: str, name: str = "") -> Snippet:
    r"""The part that is called so, or all; the marks of regions are no part of it.

    `name` is that of `# region NAME`, else of a class or function, as `Class.method`.
    Raises ValueError if there is none, or a region does not end.

    >>> snippet("a = 1\n# region two\nif a:\n    b = 2\n# endregion\n", "two")
    Snippet(text='if a:\n    b = 2', line=3)
    >>> snippet("class A:\n    def b(self):\n        return 1\n", "A.b")
    Snippet(text='def b(self):\n    return 1', line=2)
    """
    lines = source.split("\n")
    first, last = _range(source, lines, name) if name else (0, len(lines))
    kept = [line for line in lines[first:last] if not _is_mark(line)]
    return Snippet(textwrap.dedent("\n".join(kept)).strip("\n"), first + 1)


def _range(source: str, lines: list[str], name: str) -> tuple[int, int]:
    """Where it begins, and behind its end, counted from 0."""
    for at, line in enumerate(lines):
        if (match := _REGION.fullmatch(line)) and match[1] == name:
            return at + 1, _end_of_region(lines, at + 1, name)
    for found, node in _definitions(source):
        if found == name:
            first = min(each.lineno for each in [node, *node.decorator_list])
            return first - 1, node.end_lineno or first
    raise ValueError(f"has no region {name!r}")


def _end_of_region(lines: list[str], begin: int, name: str) -> int:
    depth = 1
    for at in range(begin, len(lines)):
        depth += bool(_REGION.fullmatch(lines[at])) - bool(_ENDREGION.fullmatch(lines[at]))
        if depth == 0:
            return at
    raise ValueError(f"has no end of region {name!r}")


def _definitions(source: str) -> Iterator[tuple[str, _Definition]]:
    """All of a Python program, by qualified name; none of what is not Python."""
    try:
        left: list[tuple[str, ast.AST]] = [("", ast.parse(source))]
    except (SyntaxError, ValueError):
        return
    while left:
        prefix, parent = left.pop(0)
        for node in ast.iter_child_nodes(parent):
            if isinstance(node, _Definition):
                yield prefix + node.name, node
                left.append((f"{prefix}{node.name}.", node))
            else:
                left.append((prefix, node))


def _is_mark(line: str) -> bool:
    return bool(_REGION.fullmatch(line) or _ENDREGION.fullmatch(line))
