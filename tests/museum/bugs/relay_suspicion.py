"""Bugs of `reactor/relay/suspicion.py`."""

from collections.abc import Callable

from reactor.relay import suspicion
from reactor.relay.suspicion import Suspicion
from tests.museum.bug import Function, Patch, bug, instead_of


def read_as(patch: Patch, typed: Callable[[bytes], bytes]) -> None:
    """Have a line taken for one that somebody may have typed."""

    @instead_of(patch, Suspicion, "condemns")
    def _(condemns: Function, judge: Suspicion, line: bytes, behind: int) -> bool:
        return bool(condemns(judge, typed(line), behind))


@bug(214, "what comes in the same breath as a wrong line is listened to")
def _(patch: Patch) -> None:
    @instead_of(patch, Suspicion, "condemns")
    def _(condemns: Function, judge: Suspicion, line: bytes, behind: int) -> bool:
        return bool(condemns(judge, line, 0))


@bug(214, "the line of a request is a slip like any other")
def _(patch: Patch) -> None:
    read_as(patch, lambda line: line.replace(b"/", b""))


@bug(214, "the line of a header is a slip like any other")
def _(patch: Patch) -> None:
    read_as(patch, lambda line: line.replace(b":", b""))


@bug(214, "any byte may have been typed")
def _(patch: Patch) -> None:
    read_as(patch, lambda line: bytes(byte for byte in line if 31 < byte < 127))


@bug(214, "a person at nc who looks for the line before is a stranger")
def _(patch: Patch) -> None:
    read_as(patch, lambda line: line.replace(b"\x1b", b"\0"))


@bug(214, "patience has no end")
def _(patch: Patch) -> None:
    patch.setattr(suspicion, "MAX_WRONG_LINES", 500)
