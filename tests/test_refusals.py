"""Refusals: a refusal holds for its size and its address, for a minute, and takes no more room."""

from hypothesis import given
from hypothesis import strategies as st

from reactor.refusals import Refusals
from reactor.testing import ManualClock

HERE, THERE = ("192.0.2.1", 9), ("192.0.2.2", 9)

sizes = st.integers(1, 65507)


@given(sizes, sizes)
def test_a_refusal_holds_for_its_size_and_what_is_larger(refused: int, size: int) -> None:
    refusals = Refusals(ManualClock())
    refusals.add(HERE, refused)
    assert refusals.hold(HERE, size) == (size >= refused)


@given(st.lists(sizes, min_size=1), sizes)
def test_of_several_refusals_the_smallest_counts(refused: list[int], size: int) -> None:
    refusals = Refusals(ManualClock())
    for each in refused:
        refusals.add(HERE, each)
    assert refusals.hold(HERE, size) == (size >= min(refused))


@given(sizes)
def test_a_refusal_is_another_addresses_affair(size: int) -> None:
    refusals = Refusals(ManualClock())
    refusals.add(HERE, 1)
    assert not refusals.hold(THERE, size)


def test_after_a_minute_a_run_is_tried_again() -> None:
    clock = ManualClock()
    refusals = Refusals(clock)
    refusals.add(HERE, 1316)
    clock.advance(59.9)
    assert refusals.hold(HERE, 1316)
    clock.advance(0.1)
    assert not refusals.hold(HERE, 1316)


def test_a_second_refusal_holds_for_another_minute() -> None:
    clock = ManualClock()
    refusals = Refusals(clock)
    refusals.add(HERE, 1316)
    clock.advance(60.0)
    refusals.add(HERE, 1316)
    clock.advance(59.9)
    assert refusals.hold(HERE, 1316)


def test_only_the_first_refusal_of_an_address_is_news() -> None:
    clock = ManualClock()
    refusals = Refusals(clock)
    assert refusals.add(HERE, 1316)
    clock.advance(60.0)
    assert not refusals.add(HERE, 188)
    assert refusals.add(THERE, 1316)


def test_a_size_whose_minute_is_over_is_not_renewed_by_a_larger_one() -> None:
    clock = ManualClock()
    refusals = Refusals(clock)
    refusals.add(HERE, 188)
    clock.advance(60.0)
    refusals.add(HERE, 1316)
    assert not refusals.hold(HERE, 188)
    assert refusals.hold(HERE, 1316)


@given(st.lists(st.tuples(st.sampled_from([HERE, THERE]), sizes, st.floats(0, 90)), min_size=1))
def test_nothing_is_in_force_a_minute_after_the_last_refusal(
    refused: list[tuple[tuple[str, int], int, float]],
) -> None:
    clock = ManualClock()
    refusals = Refusals(clock)
    for address, size, pause in refused:
        refusals.add(address, size)
        assert refusals
        clock.advance(pause)
    clock.advance(60.0)
    assert not refusals


def test_who_comes_after_one_that_was_forgotten_begins_afresh() -> None:
    refusals = Refusals(ManualClock())
    refusals.add(HERE, 1316)
    refusals.forget(HERE)
    assert not refusals
    assert not refusals.hold(HERE, 1316)
    assert refusals.add(HERE, 1316)


def test_to_forget_whom_nobody_knows_is_harmless() -> None:
    Refusals(ManualClock()).forget(HERE)


def test_4096_addresses_are_remembered_and_no_more() -> None:
    refusals = Refusals(ManualClock())
    for number in range(4096):
        assert refusals.add(("192.0.2.1", number), 1)
    assert all(refusals.hold(("192.0.2.1", number), 1) for number in range(4096))
    refusals.add(THERE, 1)
    assert refusals.hold(THERE, 1)
    assert not refusals.hold(("192.0.2.1", 0), 1)
