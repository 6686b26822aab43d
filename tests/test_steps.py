"""do_all: every step is done, and the first error is the one that is told."""

import gc
import weakref
from collections.abc import Callable, Iterator

import pytest

from reactor.steps import do_all


def leave(kind: type[BaseException]) -> Callable[[], object]:
    def step() -> None:
        raise kind

    return step


@pytest.mark.parametrize("kind", [ValueError, SystemExit, KeyboardInterrupt, GeneratorExit])
@pytest.mark.parametrize("place", range(4))
def test_the_others_are_done_wherever_one_raises(kind: type[BaseException], place: int) -> None:
    done: list[int] = []
    steps: list[Callable[[], object]] = [lambda n=n: done.append(n) for n in range(3)]  # type: ignore[misc]
    steps.insert(place, leave(kind))
    with pytest.raises(kind):
        do_all(steps)
    assert done == [0, 1, 2]


def test_what_was_raised_first_comes_out() -> None:
    with pytest.raises(KeyboardInterrupt):
        do_all([leave(KeyboardInterrupt), leave(SystemExit), leave(ValueError)])


def test_a_step_is_asked_for_when_those_before_it_are_done() -> None:
    done: list[str] = []

    def steps() -> Iterator[Callable[[], object]]:
        yield lambda: done.append("first")
        assert done == ["first"]
        yield lambda: done.append("second")

    do_all(steps())
    assert done == ["first", "second"]


def test_what_was_raised_is_in_no_cycle() -> None:
    class Error(Exception):
        pass

    gc.collect()
    gc.disable()
    try:
        try:
            do_all([leave(Error), leave(Error)])
        except Error as exc:
            error = weakref.ref(exc)
        assert error() is None
    finally:
        gc.enable()
