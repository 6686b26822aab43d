"""Bugs of `reactor/relay/rate_limited_report.py`."""

from reactor.relay import RateLimitedReport
from tests.museum.bug import Function, Patch, bug
from tests.museum.edit import between
from tests.museum.substitute import nothing

ROOM = "reactor.relay.rate_limited_report"


@bug(36, "what is too much is dropped without a word")
def _(patch: Patch) -> None:
    patch.setattr(RateLimitedReport, "flush", lambda report: None)


@bug(36, "the summary waits for an event that may never come")
def _(patch: Patch) -> None:
    between(patch, ROOM, "call_later")(nothing)


@bug(36, "a flood hides what is vital")
def _(patch: Patch) -> None:
    @between(patch, ROOM, "isinstance")
    def _(isinstance: Function, event: object, vital: object) -> bool:
        return False


@bug(36, "everything is taken for vital")
def _(patch: Patch) -> None:
    @between(patch, ROOM, "isinstance")
    def _(isinstance: Function, event: object, vital: object) -> bool:
        return True
