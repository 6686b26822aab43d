"""The small changes of meaning that a mutant of the library may have, one at a time."""

import ast
from collections.abc import Iterator
from typing import Final

__all__ = ["alternatives", "spell"]

_SWAPPED: Final[dict[type[ast.cmpop], ast.cmpop]] = {
    ast.Lt: ast.LtE(),
    ast.LtE: ast.Lt(),
    ast.Gt: ast.GtE(),
    ast.GtE: ast.Gt(),
    ast.Eq: ast.NotEq(),
    ast.NotEq: ast.Eq(),
    ast.Is: ast.IsNot(),
    ast.IsNot: ast.Is(),
    ast.In: ast.NotIn(),
    ast.NotIn: ast.In(),
}
_TURNED: Final[dict[type[ast.operator], ast.operator]] = {ast.Add: ast.Sub(), ast.Sub: ast.Add()}


def alternatives(node: ast.AST) -> Iterator[ast.AST]:
    """What may stand instead of `node`; what is in it stays as it is."""
    match node:
        case ast.Compare(left, [operator, *others], operands):
            yield ast.Compare(left, [_SWAPPED[type(operator)], *others], operands)
        case ast.BoolOp(operator, values):
            yield ast.BoolOp(ast.Or() if isinstance(operator, ast.And) else ast.And(), values)
        case ast.If(test, body, orelse):
            yield ast.If(_negated(test), body, orelse)
        case ast.While(test, body, orelse):
            yield ast.While(_negated(test), body, orelse)
        case ast.IfExp(test, body, orelse):
            yield ast.IfExp(_negated(test), body, orelse)
        case ast.Constant(bool(value)):
            yield ast.Constant(not value)
        case ast.Constant(int(value) | float(value)):
            yield ast.Constant(value + 1)
        case ast.Expr(ast.Call()):
            yield ast.Pass()
        case ast.AugAssign(target, operator, value) if type(operator) in _TURNED:
            yield ast.AugAssign(target, _TURNED[type(operator)], value)


def spell(node: ast.AST) -> str:
    """`node` as a reader would write it, without what is below the first line."""
    return ast.unparse(node).partition("\n")[0]


def _negated(test: ast.expr) -> ast.expr:
    return ast.UnaryOp(ast.Not(), test)
