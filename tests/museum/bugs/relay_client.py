"""Bugs of `reactor/relay/client.py`."""

import socket
from typing import Any

from reactor.relay.events import Connected, ServerLost, ServerUnreachable
from tests.museum.bug import Function, Patch, bug, instead_of
from tests.museum.edit import between
from tests.museum.punctuality import look_at_time_first
from tests.museum.substitute import finally_forgotten, substitute

ROOM = "reactor.relay.client"


@bug(39, "the server is called by the name of its host")
def _(patch: Patch) -> None:
    @instead_of(patch, Connected, "__init__")
    def _(init: Function, event: Connected, server: Any) -> None:
        init(event, (socket.gethostbyaddr(server[0])[0], *server[1:]))


@bug(203, "what came along with the reply that ended the run is never heard")
def _(patch: Patch) -> None:
    @between(patch, ROOM, "call_soon")
    def _(call_soon: Function, callback: Function, *args: Any) -> Any:
        return call_soon(callback, *args) if args else None


@bug(203, "the reply is told of, and not acted upon")
def _(patch: Patch) -> None:
    finally_forgotten(patch, ROOM)


@bug(204, "a reply after its time is none, whenever it came")
def _(patch: Patch) -> None:
    look_at_time_first(patch, ROOM)


@bug(217, "whoever is not there was lost")
def _(patch: Patch) -> None:
    substitute(patch, ServerUnreachable, ServerLost)
