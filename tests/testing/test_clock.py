"""Time that a test owns."""

import pytest

from reactor import EventLoop
from reactor.testing import ManualClock


def test_a_clock_begins_at_zero() -> None:
    assert ManualClock()() == 0.0


def test_a_clock_begins_where_it_is_told_to() -> None:
    assert ManualClock(1e9)() == 1e9


def test_a_clock_stands_still() -> None:
    clock = ManualClock(5.0)
    assert [clock(), clock()] == [5.0, 5.0]


def test_a_clock_moves_when_it_is_advanced() -> None:
    clock = ManualClock(5.0)
    clock.advance(2.5)
    clock.advance(0.0)
    assert clock() == 7.5


def test_a_clock_does_not_go_back() -> None:
    clock = ManualClock(5.0)
    with pytest.raises(ValueError, match="back"):
        clock.advance(-1.0)
    assert clock() == 5.0


def test_a_clock_is_the_time_of_its_loop(loop: EventLoop, clock: ManualClock) -> None:
    clock.advance(5.0)
    assert loop.time() == 5.0
