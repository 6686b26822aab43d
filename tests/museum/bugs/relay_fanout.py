"""Bugs of `reactor/relay/fanout.py`."""

import socket
from collections.abc import Callable
from typing import Any

from reactor import Address, DatagramEndpoint
from reactor.relay.events import IngestDrops
from reactor.relay.fanout import FanOut, Viewer
from tests.museum.bug import Function, Patch, bug, instead_of
from tests.museum.edit import between
from tests.museum.substitute import nothing
from tests.museum.witness import made

ROOM = "reactor.relay.fanout"


def at_release(patch: Patch, deed: Callable[[DatagramEndpoint], object]) -> None:
    """Have something done to the endpoint that a viewer's datagrams left from when it is gone."""

    @instead_of(patch, FanOut, "release")
    def _(release: Function, fan_out: FanOut, viewer: Viewer) -> None:
        with patch.context() as for_now:

            @instead_of(for_now, DatagramEndpoint, "close_lane")
            def _(close_lane: Function, endpoint: DatagramEndpoint, address: Address) -> None:
                close_lane(endpoint, address)
                deed(endpoint)

            release(fan_out, viewer)


# -- who is sent what --------------------------------------------------------------------


@bug(37, "an address that was given back is still sent to")
def _(patch: Patch) -> None:
    @instead_of(patch, FanOut, "release")
    def _(release: Function, fan_out: FanOut, viewer: Viewer) -> None:
        with patch.context() as for_now:
            for_now.setattr(FanOut, "deactivate", lambda fan_out, viewer: None)
            release(fan_out, viewer)


@bug(37, "who has interrupted once is never taken off the list")
def _(patch: Patch) -> None:
    @instead_of(patch, FanOut, "deactivate")
    def _(deactivate: Function, fan_out: FanOut, viewer: Viewer) -> None:
        if not viewer.due:
            deactivate(fan_out, viewer)


@bug(37, "a client may ask for the port that the stream comes in at")
def _(patch: Patch) -> None:
    patch.setattr(FanOut, "is_own", lambda fan_out, address: False)


@bug(39, "an outlet is bound by the name of its host")
def _(patch: Patch) -> None:
    @between(patch, ROOM, "bind_udp")
    def _(bind_udp: Function, loop: Any, handler: Any, host: str, **options: Any) -> Any:
        return bind_udp(loop, handler, socket.gethostbyaddr(host)[0], **options)


@bug(142, "the end of a connection frees a port that is another's by now")
def _(patch: Patch) -> None:
    viewers = made(patch, Viewer)

    @instead_of(patch, FanOut, "release")
    def _(release: Function, fan_out: FanOut, viewer: Viewer) -> None:
        release(fan_out, viewer)
        for heir in viewers:
            if heir.address == viewer.address:
                release(fan_out, heir)


@bug(144, "what has waited while nobody watched is sent to the first who does")
def _(patch: Patch) -> None:
    @instead_of(patch, DatagramEndpoint, "resume_receiving")
    def _(resume_receiving: Function, endpoint: DatagramEndpoint, **options: bool) -> None:
        resume_receiving(endpoint)


@bug(144, "the wrong viewer is taken off the list")
def _(patch: Patch) -> None:
    viewers = made(patch, Viewer)

    @instead_of(patch, FanOut, "deactivate")
    def _(deactivate: Function, fan_out: FanOut, viewer: Viewer) -> None:
        active = [each for each in viewers if each.active_since is not None]
        deactivate(fan_out, active[-1] if active else viewer)


@bug(144, "the last viewer but one puts the stream to sleep")
def _(patch: Patch) -> None:
    viewers = made(patch, Viewer)

    @instead_of(patch, FanOut, "deactivate")
    def _(deactivate: Function, fan_out: FanOut, viewer: Viewer) -> None:
        for each in viewers:
            deactivate(fan_out, each)


# -- whose turn it is --------------------------------------------------------------------


@bug(145, "who came first is served first, always")
def _(patch: Patch) -> None:
    @instead_of(patch, DatagramEndpoint, "send_batch_to_all")
    def _(send_to_all: Function, endpoint: Any, batch: Any, addresses: list[Address]) -> Any:
        return send_to_all(endpoint, batch, sorted(addresses))


@bug(145, "the first goes to the end, and to the end again")
def _(patch: Patch) -> None:
    @instead_of(patch, DatagramEndpoint, "send_batch_to_all")
    def _(send_to_all: Function, endpoint: Any, batch: Any, addresses: list[Address]) -> Any:
        first, *others = sorted(addresses)
        return send_to_all(endpoint, batch, [*others, first])


@bug(167, "the viewers at one address of the server are always served before those at the next")
def _(patch: Patch) -> None:
    sends: list[tuple[Any, ...]] = []

    @instead_of(patch, DatagramEndpoint, "send_batch_to_all")
    def _(send_batch_to_all: Function, endpoint: DatagramEndpoint, *args: Any) -> dict[Any, int]:
        sends.append((endpoint.sockname, send_batch_to_all, endpoint, *args))
        return {}

    @instead_of(patch, FanOut, "datagrams_received")
    def _(datagrams_received: Function, *args: Any) -> None:
        datagrams_received(*args)
        for _, send, *rest in sorted(sends, key=lambda each: each[0]):
            send(*rest)
        sends.clear()


# -- what was dropped --------------------------------------------------------------------


@bug(127, "drops that were told of are told of again")
def _(patch: Patch) -> None:
    @instead_of(patch, IngestDrops, "__init__")
    def _(init: Function, event: IngestDrops, count: int, total: int) -> None:
        init(event, total, total)


@bug(127, "drops just before a pause are never told")
def _(patch: Patch) -> None:
    between(patch, ROOM, "call_soon")(nothing)


@bug(203, "the last viewer is half gone when the drops end the program")
def _(patch: Patch) -> None:
    @between(patch, ROOM, "call_soon")
    def _(call_soon: Function, callback: Function) -> None:
        callback()


# -- outlets -----------------------------------------------------------------------------


@bug(163, "an outlet stays open when its last viewer is gone")
def _(patch: Patch) -> None:
    between(patch, ROOM, "close")(nothing)


@bug(163, "an outlet is closed with its first viewer, though others use it")
def _(patch: Patch) -> None:
    at_release(patch, DatagramEndpoint.close)


@bug(163, "what went through an outlet is forgotten with a viewer")
def _(patch: Patch) -> None:
    at_release(patch, lambda endpoint: setattr(endpoint.counters, "sent", 0))


@bug(218, "an outlet stays open when there is no socket for its first viewer")
def _(patch: Patch) -> None:
    between(patch, ROOM, "close")(nothing)
