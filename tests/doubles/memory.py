"""How much memory something takes, whatever other threads do meanwhile."""

import sys
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

__all__ = ["memory_left", "memory_within"]

_TURN: Final = 60.0
"""Seconds: longer than anything that is measured."""


@contextmanager
def memory_within(limit: int) -> Iterator[None]:
    """Fail if at any moment more than `limit` new bytes were allocated."""
    with _traced():
        before = tracemalloc.get_traced_memory()[0]
        yield
        assert tracemalloc.get_traced_memory()[1] - before <= limit


def memory_left(act: Callable[[], object]) -> int:
    """Bytes that `act` leaves allocated in what it returns."""
    with _traced():
        before = tracemalloc.get_traced_memory()[0]
        kept = act()
        assert kept is not None
        return tracemalloc.get_traced_memory()[0] - before


@contextmanager
def _traced() -> Iterator[None]:
    # A process that has tests handed out to it hears of more in another thread, and not from
    # its own memory: it has to wait for its turn.
    interval = sys.getswitchinterval()
    sys.setswitchinterval(_TURN)
    tracemalloc.start()
    try:
        yield
    finally:
        tracemalloc.stop()
        sys.setswitchinterval(interval)
