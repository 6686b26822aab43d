"""Bugs of `reactor/relay/forwarder.py`."""

from typing import Any

from tests.museum.bug import Function, Patch, bug
from tests.museum.edit import between

ROOM = "reactor.relay.forwarder"


@bug(39, "the player is sent to by name, which is looked up for each run")
def _(patch: Patch) -> None:
    @between(patch, ROOM, "send_batch")
    def _(send_batch: Function, batch: Any, player: Any) -> Any:
        return send_batch(batch, ("localhost", player[1]))


@bug(126, "the client takes datagrams from anybody")
def _(patch: Patch) -> None:
    @between(patch, ROOM, "bind_udp")
    def _(bind_udp: Function, *args: Any, only_from: str | None = None, **options: Any) -> Any:
        return bind_udp(*args, **options)
