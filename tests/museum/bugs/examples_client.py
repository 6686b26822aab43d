"""Bugs of `examples/client.py`."""

import ast

from tests.museum.bug import Patch, bug
from tests.museum.edit import edit


@bug(216, "a good-bye that nobody answered is a success")
def _(patch: Patch) -> None:
    def change(node: ast.AST) -> ast.AST:
        if isinstance(node, ast.Constant) and node.value == 1:
            return ast.Constant(0)
        return node

    edit(patch, "examples.client", change)
