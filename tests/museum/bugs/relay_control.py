"""Bugs of `reactor/relay/control.py`."""

import socket
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from reactor import Stream
from reactor.relay import RelayServer
from reactor.relay.control import ControlConnection
from reactor.relay.events import BadInput, ClientLeft, ServerEvent
from reactor.relay.fanout import FanOut, Viewer
from reactor.relay.protocol import CommandParser
from tests.museum.bug import Function, Patch, bug, instead_of
from tests.museum.edit import between
from tests.museum.punctuality import look_at_time_first, wait_otherwise
from tests.museum.substitute import finally_forgotten, nothing, number

ROOM = "reactor.relay.control"

COMMAND_TIMEOUT = 10
READING_TIME = 0.25


def position_otherwise(patch: Patch, position: Callable[[CommandParser, int], int]) -> None:
    """Have a parser say that its next line begins elsewhere."""
    right = CommandParser.position.fget  # type: ignore[attr-defined]
    patch.setattr(
        CommandParser, "position", property(lambda parser: position(parser, right(parser)))
    )


def tell_otherwise(patch: Patch, event: type, count: int) -> None:
    """Have an event told of another number of times."""

    @instead_of(patch, RelayServer, "tell")
    def _(tell: Function, server: RelayServer, told: ServerEvent) -> None:
        for _ in range(count if isinstance(told, event) else 1):
            tell(server, told)


def close_at(patch: Patch, said: bytes, times: int) -> None:
    """Have the server close when it has said that, so many times."""
    counts: dict[Stream, int] = {}

    @instead_of(patch, Stream, "write")
    def _(write: Function, stream: Stream, data: bytes) -> Any:
        taken = write(stream, data)
        counts[stream] = counts.get(stream, 0) + data.startswith(said)
        if data.startswith(said) and counts[stream] >= times:
            stream.close()
        return taken


def release_late(patch: Patch) -> None:
    """Have a viewer released when its connection is lost, not when its session ends."""
    due: list[tuple[FanOut, Viewer]] = []

    @instead_of(patch, FanOut, "release")
    def _(release: Function, fan_out: FanOut, viewer: Viewer) -> None:
        due.append((fan_out, viewer))

    release = FanOut.release.__wrapped__  # type: ignore[attr-defined]

    @instead_of(patch, ControlConnection, "connection_lost")
    def _(connection_lost: Function, connection: ControlConnection, exc: Any) -> None:
        connection_lost(connection, exc)
        while due:
            release(*due.pop())


# -- time --------------------------------------------------------------------------------


@bug(35, "each byte gives the command another ten seconds")
def _(patch: Patch) -> None:
    position_otherwise(patch, lambda parser, position: position + parser.waiting)


@bug(35, "nobody watches how long a command takes")
def _(patch: Patch) -> None:
    wait_otherwise(patch, ROOM, lambda delay, _: 1e6 if delay == COMMAND_TIMEOUT else delay)


@bug(35, "a connection has one deadline in its life")
def _(patch: Patch) -> None:
    seen: set[object] = set()

    def once(delay: float, callback: Function) -> float:
        if delay == COMMAND_TIMEOUT and callback in seen:
            return 1e6
        seen.add(callback)
        return delay

    wait_otherwise(patch, ROOM, once)


@bug(35, "the slow client is told, and keeps its connection")
def _(patch: Patch) -> None:
    @between(patch, ROOM, "close")
    def _(close: Function, *args: float) -> None:
        if not args:
            close()


@bug(35, "the slow client is told, and closed whenever it likes")
def _(patch: Patch) -> None:
    @between(patch, ROOM, "close")
    def _(close: Function, *args: float) -> None:
        close(*[3600.0 for _ in args])


@bug(35, "a slip of typing costs a viewer its video")
def _(patch: Patch) -> None:
    close_at(patch, b"ERROR INCOMPLETO", 1)


@bug(143, "a deadline that was not called off hits whatever waits now")
def _(patch: Patch) -> None:
    position_otherwise(patch, lambda parser, position: 0)


@bug(168, "a turn is as long as the client likes")
def _(patch: Patch) -> None:
    @instead_of(patch, ControlConnection, "take_turn")
    def _(take_turn: Function, connection: ControlConnection) -> bool:
        while take_turn(connection):
            pass
        return False


@bug(204, "the time-out is looked at before what has arrived")
def _(patch: Patch) -> None:
    look_at_time_first(patch, ROOM)


@bug(214, "a wrong line is answered before anybody can be caught not reading")
def _(patch: Patch) -> None:
    wait_otherwise(patch, ROOM, lambda delay, _: 0.0 if delay == READING_TIME else delay)


# -- what is told ------------------------------------------------------------------------


@bug(36, "every line that is no command is told of")
def _(patch: Patch) -> None:
    tell_otherwise(patch, BadInput, 500)


@bug(203, "of a line that waits for its answer the program is told while it closes the server")
def _(patch: Patch) -> None:
    @between(patch, ROOM, "call_soon")
    def _(call_soon: Function, callback: Function, *args: Any) -> None:
        callback(*args)


@bug(203, "whoever the loop's end finds there never leaves, if the drops end the program")
def _(patch: Patch) -> None:
    finally_forgotten(patch, ROOM)


@bug(217, "who does not wait for the last OK is logged as broken off")
def _(patch: Patch) -> None:
    errors: list[Exception | None] = []

    @instead_of(patch, ControlConnection, "connection_lost")
    def _(connection_lost: Function, connection: ControlConnection, exc: Any) -> None:
        errors.append(exc)
        connection_lost(connection, exc)

    @instead_of(patch, RelayServer, "tell")
    def _(tell: Function, server: RelayServer, event: ServerEvent) -> None:
        tell(server, replace(event, error=errors[-1]) if isinstance(event, ClientLeft) else event)


# -- where datagrams go ------------------------------------------------------------------


@bug(37, "datagrams go to the host that the control connection came to")
def _(patch: Patch) -> None:
    @instead_of(patch, FanOut, "claim")
    def _(claim: Function, fan_out: FanOut, address: Any, local: Any) -> Any:
        return claim(fan_out, (local[0], *address[1:]), local)


@bug(37, "the end of the input is an end of commands only")
def _(patch: Patch) -> None:
    patch.setattr(ControlConnection, "eof_received", lambda connection: True)


@bug(37, "a reset connection leaves its viewer active")
def _(patch: Patch) -> None:
    @instead_of(patch, ControlConnection, "connection_lost")
    def _(connection_lost: Function, connection: ControlConnection, exc: Any) -> None:
        with patch.context() as for_now:
            for_now.setattr(FanOut, "release", lambda fan_out, viewer: None)
            connection_lost(connection, exc)


@bug(37, "a client that has said good-bye is sent video until its connection is gone")
def _(patch: Patch) -> None:
    release_late(patch)


@bug(39, "clients are known by the names of their hosts")
def _(patch: Patch) -> None:
    @instead_of(patch, ControlConnection, "connection_made")
    def _(connection_made: Function, connection: ControlConnection, stream: Stream) -> None:
        socket.getfqdn(stream.peername[0])
        connection_made(connection, stream)


@bug(142, "a port is kept back until the connection of its session is gone")
def _(patch: Patch) -> None:
    release_late(patch)


# -- strangers, and places ---------------------------------------------------------------


@bug(214, "a viewer is suspected for ever")
def _(patch: Patch) -> None:
    close_at(patch, b"ERROR DESCONOCIDO", 5)


@bug(215, "for a viewer, one descriptor is made free")
def _(patch: Patch) -> None:
    number(patch, ROOM, 2, 1)


@bug(215, "who is to make room at once is given time to do so")
def _(patch: Patch) -> None:
    patch.setattr(ControlConnection, "give_way_at_once", ControlConnection.give_way)


@bug(215, "who has made use of its place loses it too")
def _(patch: Patch) -> None:
    between(patch, ROOM, "settle")(nothing)
