"""Bugs of `reactor/relay/ingest.py`."""

from typing import Any

from reactor import Address
from reactor.relay.ingest import Ingest
from tests.museum.bug import Function, Patch, bug, instead_of
from tests.museum.edit import between

ROOM = "reactor.relay.ingest"


@bug(37, "an ingest on every address is thought to be on none of them")
def _(patch: Patch) -> None:
    @instead_of(patch, Ingest, "hears")
    def _(hears: Function, ingest: Ingest, address: Address) -> bool:
        return address[:2] in [own[:2] for own in ingest.addresses]


@bug(37, "only an ingest on every address is protected")
def _(patch: Patch) -> None:
    @instead_of(patch, Ingest, "hears")
    def _(hears: Function, ingest: Ingest, address: Address) -> Any:
        return hears(ingest, address) and ingest.addresses[0][0] in ("0.0.0.0", "::")


@bug(121, "the ingest is read from the beginning, though nobody watches")
def _(patch: Patch) -> None:
    @instead_of(patch, Ingest, "__init__")
    def _(init: Function, ingest: Ingest, *args: Any, **options: Any) -> None:
        init(ingest, *args, **options)
        ingest.resume()


@bug(217, "only the first address of the ingest's name is heard")
def _(patch: Patch) -> None:
    @between(patch, ROOM, "bind_udp_all")
    def _(bind_udp_all: Function, *args: Any, **options: Any) -> list[Any]:
        first, *others = bind_udp_all(*args, **options)
        for other in others:
            other.close()
        return [first]
