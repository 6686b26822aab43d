"""Steps of which each is done, whatever becomes of those before it."""

from collections.abc import Callable, Iterable

__all__ = ["do_all"]


def do_all(steps: Iterable[Callable[[], object]]) -> None:
    """Do every step, then raise what was raised first, be it SystemExit.

    >>> do_all([lambda: 1 // 0, lambda: print("done"), lambda: [].pop()])
    Traceback (most recent call last):
    ZeroDivisionError: integer division or modulo by zero
    """
    first: BaseException | None = None
    for step in steps:
        try:
            step()
        except BaseException as exc:
            first = first or exc
    try:
        if first is not None:
            raise first
    finally:
        del first  # which its own traceback's frame keeps: a cycle
