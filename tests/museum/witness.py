"""What a bug takes note of: who was made, and what is under way."""

import threading
from collections.abc import Callable
from typing import Any, TypeVar

from .bug import Function, Patch, instead_of

__all__ = ["made", "under_way"]

_T = TypeVar("_T")


def made(patch: Patch, kind: type[_T]) -> list[_T]:
    """All of that kind that are made from now on, in order."""
    found: list[_T] = []

    @instead_of(patch, kind, "__init__")
    def _(make: Function, newcomer: _T, *args: Any, **options: Any) -> None:
        make(newcomer, *args, **options)
        found.append(newcomer)

    return found


def under_way(patch: Patch, owner: Any, name: str) -> Callable[[], bool]:
    """Whether this thread is inside of that function of `owner`."""
    inside: list[int] = []

    @instead_of(patch, owner, name)
    def _(call: Function, *args: Any, **options: Any) -> Any:
        inside.append(threading.get_ident())
        try:
            return call(*args, **options)
        finally:
            inside.remove(threading.get_ident())

    return lambda: threading.get_ident() in inside
