"""How long a thread was ready to run while the system ran others: a busy machine, told from work.

Linux tells it of each thread (proc(5), schedstat); of others nothing is known.
"""

__all__ = ["Processor"]


class Processor:
    """What the thread that asks had to wait for a processor."""

    def __init__(self) -> None:
        self._total = 0.0
        self.missed()

    def missed(self) -> float:
        """Seconds of it since the last time that this was asked; 0 if nothing is known."""
        try:
            with open("/proc/thread-self/schedstat") as file:
                total = int(file.read().split()[1]) / 1e9
        except (OSError, ValueError, IndexError):
            return 0.0
        missed, self._total = total - self._total, total
        return max(0.0, missed)  # another thread asks than before
