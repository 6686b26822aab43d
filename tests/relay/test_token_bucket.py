"""Whatever comes, no stretch of time holds more than was granted, and nothing less is granted.
Times are multiples of a sixteenth of a second, so that the arithmetic is exact.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reactor.relay.token_bucket import TokenBucket

bursts = st.integers(1, 10)
rates = st.integers(1, 32)
# Pauses between two attempts; many attempts come at once, as in a flood.
pauses = st.lists(st.one_of(st.just(0.0), st.integers(0, 64).map(lambda n: n / 16)), max_size=60)


def grants(burst: int, rate: int, pauses: list[float]) -> list[tuple[float, bool]]:
    """When each attempt was made, and whether it was granted."""
    bucket = TokenBucket(burst, rate)
    now, found = 1000.0, []
    for pause in pauses:
        now += pause
        found.append((now, bucket.take(now)))
    return found


@settings(deadline=None)
@given(bursts, rates, pauses)
def test_no_stretch_of_time_holds_more_than_its_share(
    burst: int, rate: int, pauses: list[float]
) -> None:
    granted = [when for when, ok in grants(burst, rate, pauses) if ok]
    for first, start in enumerate(granted):
        for last, end in enumerate(granted[first:], first):
            assert last - first + 1 <= burst + rate * (end - start)


@settings(deadline=None)
@given(bursts, rates, pauses)
def test_what_is_refused_would_have_been_more_than_the_share_of_some_stretch(
    burst: int, rate: int, pauses: list[float]
) -> None:
    granted: list[float] = []
    for now, ok in grants(burst, rate, pauses):
        if ok:
            granted.append(now)
            continue
        assert any(
            len(granted) - first + 1 > burst + rate * (now - start)
            for first, start in enumerate(granted)
        )


@settings(deadline=None)
@given(bursts, rates, pauses)
def test_after_a_rest_the_whole_burst_is_there_again(
    burst: int, rate: int, pauses: list[float]
) -> None:
    bucket = TokenBucket(burst, rate)
    now = 1000.0
    for pause in pauses:
        now += pause
        bucket.take(now)
    now += burst + 1
    assert [bucket.take(now) for _ in range(burst + 1)] == [True] * burst + [False]


@pytest.mark.parametrize(
    ("burst", "rate"), [(0, 1.0), (1, 0.0), (1, -1.0), (1, float("nan")), (1, float("inf"))]
)
def test_a_bucket_from_which_nothing_can_be_taken_is_refused(burst: int, rate: float) -> None:
    with pytest.raises(ValueError, match="nothing to take"):
        TokenBucket(burst, rate)
