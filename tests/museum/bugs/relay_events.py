"""Bugs of `reactor/relay/events.py`."""

from collections.abc import Callable

from reactor.relay.events import describe_error, printable
from tests.museum.bug import Function, Patch, bug
from tests.museum.substitute import everywhere


def print_otherwise(patch: Patch, text_of: Callable[[bytes], str]) -> None:
    """Have bytes from outside appear in another way."""

    @everywhere(patch, printable)
    def _(printable: Function, data: bytes, limit: int = 60) -> str:
        return text_of(data[:limit])


@bug(36, "bytes are logged as they came")
def _(patch: Patch) -> None:
    print_otherwise(patch, lambda data: data.decode("latin-1"))


@bug(36, "bytes are taken for UTF-8, the bad ones replaced")
def _(patch: Patch) -> None:
    print_otherwise(patch, lambda data: data.decode(errors="replace"))


@bug(36, "only the ends of lines are taken out")
def _(patch: Patch) -> None:
    print_otherwise(
        patch, lambda data: data.decode("latin-1").replace("\r", " ").replace("\n", " ")
    )


@bug(36, "the text of an error is logged as it is")
def _(patch: Patch) -> None:
    @everywhere(patch, describe_error)
    def _(describe_error: Function, error: Exception) -> str:
        return str(error)
