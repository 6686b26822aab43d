"""Divides independent work among processes, one for each processor."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Final, TypeVar

__all__ = ["divide"]

_Work = TypeVar("_Work")
_Result = TypeVar("_Result")

# Small enough that no processor is idle for long at the end.
_PORTIONS: Final = 16


def divide(do: Callable[[Sequence[_Work]], _Result], work: Sequence[_Work]) -> list[_Result]:
    """What `do` returns for each portion of `work`, in order. `do` is a function of a module."""
    processors = os.cpu_count() or 1
    size = max(1, -(-len(work) // (processors * _PORTIONS)))
    portions = [work[start : start + size] for start in range(0, len(work), size)]
    # A fresh interpreter: nothing of what this process has open is inherited.
    with ProcessPoolExecutor(processors, mp_context=get_context("spawn")) as pool:
        return list(pool.map(do, portions))
