"""How often is too often: a token bucket, as pure arithmetic that is told the time."""

from math import inf, isfinite

__all__ = ["TokenBucket"]


class TokenBucket:
    """Grants `burst` at once, and `rate` a second in the long run.

    Over any stretch of s seconds it grants at most `burst` + `rate` x s.

    >>> bucket = TokenBucket(burst=2, rate=1.0)
    >>> [bucket.take(now) for now in (0.0, 0.0, 0.0, 0.5, 1.0)]
    [True, True, False, False, True]
    """

    __slots__ = ("_burst", "_filled_at", "_rate", "_tokens")

    def __init__(self, burst: int, rate: float) -> None:
        """Raises ValueError unless `burst` is at least 1, and `rate` positive and finite."""
        if burst < 1 or not (rate > 0 and isfinite(rate)):
            raise ValueError(f"nothing to take at a burst of {burst} and {rate} a second")
        self._burst = burst
        self._rate = rate
        self._tokens = 0.0
        self._filled_at = -inf  # so that the first to come finds it full

    def take(self, now: float) -> bool:
        """Take a token, if there is one; `now` is in seconds and never goes back."""
        gained = (now - self._filled_at) * self._rate
        self._tokens = min(self._burst, self._tokens + gained)
        self._filled_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
