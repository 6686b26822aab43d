"""Rooms that are loaded with an operation changed, wherever in the room it is done.

For bugs that nothing a room offers by name could have. A change names what is done ("each
call of shutdown"), never a line or a function of the room's own.
"""

import ast
import sys
from collections.abc import Callable
from importlib.abc import Loader
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, TypeAlias, TypeGuard

from .bug import Function, Patch
from .row import ROOT

__all__ = ["Change", "between", "edit", "is_call"]

Change: TypeAlias = Callable[[Any], ast.AST | list[ast.stmt] | None]
"""Gives a node what takes its place: the node itself if it is not one to be changed."""

_STANDING_BETWEEN = "standing_between"


def edit(patch: Patch, room: str, change: Change, **names: Any) -> None:
    """Have module `room` loaded with `change` applied to each node, from the inside out.

    `names` are put into the module beforehand. What is imported from now on is made of it;
    who has imported the library before goes on with the old one. Raises LookupError if
    there was nothing to be changed.
    """
    path = ROOT / f"{room.replace('.', '/')}.py"
    transformer = _Transformer(change)
    tree = transformer.visit(ast.parse(path.read_text()))
    if not transformer.changes:
        raise LookupError(f"there is nothing in {room} that this would change")
    code = compile(ast.fix_missing_locations(tree), path, "exec", dont_inherit=True)
    for name in list(sys.modules):
        if name.partition(".")[0] in ("reactor", "examples", "tests"):
            patch.delitem(sys.modules, name)
    patch.setattr(sys, "meta_path", [_Finder(room, path, code, names), *sys.meta_path])


def between(patch: Patch, room: str, name: str) -> Callable[[Function], Function]:
    """The function below stands between module `room` and what that calls by `name`.

    It gets what was to be called, be it a method or a function, then the arguments. Raises
    LookupError if nothing of that name is called.
    """

    def change(node: ast.AST) -> ast.AST:
        if not is_call(node, name):
            return node
        callee = ast.Name(_STANDING_BETWEEN, ast.Load())
        return ast.Call(callee, [node.func, *node.args], node.keywords)

    def stand(function: Function) -> Function:
        edit(patch, room, change, **{_STANDING_BETWEEN: function})
        return function

    return stand


def is_call(node: ast.AST, name: str) -> TypeGuard[ast.Call]:
    """Whether a method or a function of that name is called here."""
    if not isinstance(node, ast.Call):
        return False
    return name in (getattr(node.func, "attr", None), getattr(node.func, "id", None))


class _Transformer(ast.NodeTransformer):
    def __init__(self, change: Change) -> None:
        self._change = change
        self.changes = 0

    def visit(self, node: ast.AST) -> Any:
        changed = self._change(self.generic_visit(node))
        self.changes += changed is not node
        return changed


class _Finder(Loader):
    """Finds one module before everybody else does, and loads what was compiled of it."""

    def __init__(self, room: str, path: Path, code: CodeType, names: dict[str, Any]) -> None:
        self._room, self._path, self._code, self._names = room, path, code, names

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        return (
            spec_from_file_location(name, self._path, loader=self) if name == self._room else None
        )

    def create_module(self, spec: ModuleSpec) -> None:
        """The usual one will do."""

    def exec_module(self, module: ModuleType) -> None:
        vars(module).update(self._names)
        exec(self._code, vars(module))

    def get_code(self, name: str) -> CodeType:
        """For `python3 -m`."""
        return self._code
