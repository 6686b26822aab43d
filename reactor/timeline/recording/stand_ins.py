"""What takes the place of somebody else's class or function while a run is recorded.

A class that stands in for another is a subclass of it, goes by its name, and is taken for it:
what was made before is an instance of it as far as the program can tell.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

__all__ = ["StandIn", "class_in_place_of"]


class StandIn(NamedTuple):
    """`owner.name`, of a module or a class, is to be `substitute` meanwhile."""

    owner: Any
    name: str
    substitute: Any


def class_in_place_of(base: type, members: Mapping[str, Any]) -> type:
    """A subclass of `base` that can't be told from it.

    >>> Whole = class_in_place_of(int, {"is_integer": lambda self: "of course"})
    >>> Whole(3).is_integer(), Whole, isinstance(4, Whole), issubclass(bool, Whole)
    ('of course', <class 'int'>, True, True)
    """
    made: type

    class Kind(type(base)):  # type: ignore[misc]
        def __instancecheck__(cls, instance: object) -> bool:
            if cls is made:
                return base in type(instance).__mro__
            return bool(super().__instancecheck__(instance))

        def __subclasscheck__(cls, subclass: type) -> bool:
            if cls is made:
                return base in subclass.__mro__
            return bool(super().__subclasscheck__(subclass))

    names = {"__module__": base.__module__, "__qualname__": base.__qualname__}
    made = Kind(base.__name__, (base,), {**members, **names})
    return made
