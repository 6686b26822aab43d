"""Bugs of `reactor/relay/server.py`."""

from typing import Any

from reactor import EventLoop
from reactor.relay import RelayServer
from reactor.relay.control import ControlConnection
from reactor.relay.fanout import FanOut
from reactor.relay.protocol import ErrorCode
from tests.museum.bug import Function, Patch, bug, instead_of
from tests.museum.edit import between
from tests.museum.substitute import finally_forgotten, number

ROOM = "reactor.relay.server"


@bug(141, "what the report raises is the client's fault")
def _(patch: Patch) -> None:
    @between(patch, ROOM, "call_exception_handler")
    def _(call_exception_handler: Function, message: str, exc: Exception) -> None:
        raise exc


@bug(141, "the ways of the datagrams report without protection")
def _(patch: Patch) -> None:
    def raise_it(loop: EventLoop, message: str, exc: Exception) -> None:
        raise exc

    @instead_of(patch, FanOut, "segmentation_refused")
    def _(segmentation_refused: Function, *args: Any) -> None:
        with patch.context() as for_now:
            for_now.setattr(EventLoop, "call_exception_handler", raise_it)
            segmentation_refused(*args)


@bug(168, "everybody in the line gets a turn before anybody else is heard")
def _(patch: Patch) -> None:
    number(patch, ROOM, 8, 10**9)


@bug(203, "an order to exit ends the line, not the program")
def _(patch: Patch) -> None:
    finally_forgotten(patch, ROOM)


@bug(215, "who is in stays in, and says nothing")
def _(patch: Patch) -> None:
    patch.setattr(
        RelayServer,
        "admit",
        lambda server, connection, host: server.admission.enter(connection, host),
    )


@bug(215, "who came last makes room for who comes next")
def _(patch: Patch) -> None:
    def admit(server: RelayServer, connection: ControlConnection, host: str) -> ErrorCode | None:
        if server.admission.enter(connection, host) is None:
            return None
        list(server.connections)[-1].give_way()
        return server.admission.enter(connection, host)

    patch.setattr(RelayServer, "admit", admit)


@bug(215, "a place is given away before its holder was listened to")
def _(patch: Patch) -> None:
    @instead_of(patch, RelayServer, "admit")
    def _(admit: Function, server: RelayServer, connection: Any, host: str) -> Any:
        refusal = admit(server, connection, host)
        if refusal is None:
            server.admission.mark_idle(connection)
        return refusal


@bug(215, "the descriptors that a viewer needs are the silent ones' first")
def _(patch: Patch) -> None:
    patch.setattr(RelayServer, "free_descriptor", lambda server, asker: False)


@bug(217, "every address is every address in one spelling only")
def _(patch: Patch) -> None:
    @between(patch, ROOM, "listen")
    def _(listen: Function, loop: Any, factory: Any, host: str, port: int) -> Any:
        return listen(loop, factory, host, port, dual_stack=host == "::")
