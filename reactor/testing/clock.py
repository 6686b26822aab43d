"""Time that moves only when the test says so."""

__all__ = ["ManualClock"]


class ManualClock:
    """A clock for `EventLoop(clock=...)`.

    The loop's selector still waits in real time, so iterate with `run_once(0)` or
    `run_until` after moving the clock.

    >>> from reactor import EventLoop
    >>> clock = ManualClock()
    >>> with EventLoop(clock=clock) as loop:
    ...     _ = loop.call_later(3600, print, "an hour later")
    ...     loop.run_once(0)
    ...     clock.advance(3600)
    ...     loop.run_once(0)
    an hour later
    """

    def __init__(self, now: float = 0.0) -> None:
        self._now = now

    def __call__(self) -> float:
        """The time, in seconds."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Let time pass. Raises ValueError if it would go back."""
        if seconds < 0:
            raise ValueError(f"a monotonic clock does not go back: {seconds}")
        self._now += seconds
