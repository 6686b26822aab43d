"""Bugs of `reactor/steps.py`."""

from collections.abc import Callable, Iterable

from reactor.steps import do_all
from tests.museum.bug import Patch, bug
from tests.museum.substitute import substitute

Steps = Iterable[Callable[[], object]]


def do_instead(patch: Patch, do: Callable[[Steps], None]) -> None:
    """How several steps are done, by whoever has some to do."""
    substitute(patch, do_all, do)


@bug(203, "what comes out of a handler ends the closing")
def _(patch: Patch) -> None:
    def do(steps: Steps) -> None:
        for step in steps:
            step()

    do_instead(patch, do)


@bug(203, "only an Exception is expected on the way out")
def _(patch: Patch) -> None:
    def do(steps: Steps) -> None:
        raised: list[Exception] = []
        for step in steps:
            try:
                step()
            except Exception as exc:
                raised.append(exc)
        if raised:
            raise raised[0]

    do_instead(patch, do)


@bug(203, "the last error comes out, not the first")
def _(patch: Patch) -> None:
    def do(steps: Steps) -> None:
        raised: list[BaseException] = []
        for step in steps:
            try:
                step()
            except BaseException as exc:
                raised.append(exc)
        if raised:
            raise raised[-1]

    do_instead(patch, do)
