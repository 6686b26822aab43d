"""How long a thread was ready to run while the system ran others: a busy machine, told from work.

Linux tells it of each thread (proc(5), schedstat); of others nothing is known.
"""

import time
from threading import get_native_id

__all__ = ["Processor"]


class Processor:
    """What the thread that asks had to wait for a processor."""

    def __init__(self) -> None:
        self._thread = get_native_id()
        self._asked = time.perf_counter_ns()
        self._total = _nanoseconds_waited(self._thread)

    def missed(self) -> int:
        """Nanoseconds of it, at most, since this was asked last; 0 where none are known.

        Who has no descriptor left can't ask: then it may be all of the time.
        """
        self._thread = get_native_id()
        return self.missed_there()

    def missed_there(self) -> int:
        """The same of the thread that asked last, for whoever asks now."""
        now, total = time.perf_counter_ns(), _nanoseconds_waited(self._thread)
        if self._total is None:
            return 0
        missed = now - self._asked if total is None else total - self._total
        self._asked, self._total = now, self._total if total is None else total
        return max(0, missed)  # another thread asks than before


def _nanoseconds_waited(thread: int) -> int | None:
    try:
        with open(f"/proc/self/task/{thread}/schedstat") as file:
            return int(file.read().split()[1])
    except (OSError, ValueError, IndexError):
        return None
