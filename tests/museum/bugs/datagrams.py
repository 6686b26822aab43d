"""Bugs of `reactor/datagrams.py`."""

import ast
import math
import socket
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from reactor import (
    EVENT_READ,
    Address,
    DatagramBatch,
    DatagramCounters,
    DatagramEndpoint,
    DatagramHandler,
    EventLoop,
    LoopClosed,
    StreamClosed,
    bind_udp,
    bind_udp_all,
)
from tests.museum.bug import Escaped, Function, Patch, bug, instead_of
from tests.museum.edit import between, edit
from tests.museum.punctuality import wait_otherwise
from tests.museum.substitute import (
    as_if_not_running,
    everywhere,
    finally_forgotten,
    mistake,
    nothing,
    offered,
    turning,
)
from tests.museum.witness import made

ROOM = DatagramEndpoint.__module__

Options = dict[str, Any]
Owned = dict[DatagramEndpoint, Any]


def bind_otherwise(patch: Patch, change: Callable[[Options], object]) -> None:
    """Have endpoints made with other options."""

    @everywhere(patch, bind_udp)
    def _(bind_udp: Function, loop: EventLoop, handler: Any, *args: Any, **options: Any) -> Any:
        options["handler"] = handler
        change(options)
        return bind_udp(loop, options.pop("handler"), *args, **options)


def receive_otherwise(patch: Patch, receive: Callable[[Function, memoryview], Any]) -> None:
    """Have `receive` stand between endpoints and what fills their memory."""

    def change(node: ast.AST) -> ast.AST:
        match node:
            case ast.Attribute(attr="recv_into" | "recvfrom_into"):
                return ast.Call(ast.Name("receiving", ast.Load()), [node], [])
        return node

    edit(patch, ROOM, change, receiving=lambda original: lambda to: receive(original, to))


def watched(patch: Patch) -> tuple[Owned, Owned]:
    """The socket and the callback of each endpoint, from now on."""
    socks: Owned = {}
    callbacks: Owned = {}
    last: list[Any] = []

    @instead_of(patch, EventLoop, "register")
    def _(register: Function, loop: EventLoop, sock: Any, events: int, callback: Any) -> Any:
        last[:] = sock, callback
        return register(loop, sock, events, callback)

    @instead_of(patch, DatagramEndpoint, "__init__")
    def _(init: Function, endpoint: DatagramEndpoint, *args: Any, **options: Any) -> None:
        init(endpoint, *args, **options)
        socks[endpoint], callbacks[endpoint] = last

    return socks, callbacks


# -- receiving ---------------------------------------------------------------------------


@bug(13, "an error on receiving closes the endpoint")
def _(patch: Patch) -> None:
    endpoints = made(patch, DatagramEndpoint)

    def close_at_error(counters: DatagramCounters, errors: int) -> None:
        for endpoint in endpoints:
            if errors and endpoint.counters is counters:
                endpoint.close()

    errors = property(lambda counters: 0, close_at_error)
    patch.setattr(DatagramCounters, "receive_errors", errors)


@bug(13, "only the error that Linux names is expected, the one of Windows leaves the loop")
def _(patch: Patch) -> None:
    mistake(patch, sys.modules[ROOM], "OSError", ConnectionRefusedError)


@bug(13, "after nothing but errors the endpoint never looks again")
def _(patch: Patch) -> None:
    wait_otherwise(patch, ROOM, lambda delay, _: 1e6 if delay == 0.1 else delay)


@bug(17, "there is room for a large Ethernet frame, not for the largest datagram")
def _(patch: Patch) -> None:
    receive_otherwise(patch, lambda receive, to: receive(to[:9216]))


@bug(17, "the last datagram of a full slab gets what room is left")
def _(patch: Patch) -> None:
    receive_otherwise(patch, lambda receive, to: receive(to[: max(1, len(to) - 65535)]))


@bug(121, "an error among what is thrown away is raised at whoever resumes")
def _(patch: Patch) -> None:
    mistake(patch, sys.modules[ROOM], "OSError", BlockingIOError)


@bug(121, "throwing away stops at the first error")
def _(patch: Patch) -> None:
    between(patch, ROOM, "recv")(turning(OSError, into=BlockingIOError))


@bug(121, "no more is thrown away than one batch holds")
def _(patch: Patch) -> None:
    left = [0]

    @between(patch, ROOM, "recv")
    def _(recv: Function, size: int) -> Any:
        left[0] = (left[0] or 129) - 1
        if not left[0]:
            raise BlockingIOError
        return recv(size)


@bug(121, "a pause does not call off the look that was due")
def _(patch: Patch) -> None:
    between(patch, ROOM, "cancel")(nothing)


@bug(121, "what has waited is kept whatever was asked")
def _(patch: Patch) -> None:
    @instead_of(patch, DatagramEndpoint, "resume_receiving")
    def _(resume_receiving: Function, endpoint: DatagramEndpoint, **options: bool) -> None:
        resume_receiving(endpoint)


@bug(122, "what is thrown away is read into the slab, over a batch that is in use")
def _(patch: Patch) -> None:
    slabs: list[memoryview] = []

    @instead_of(patch, DatagramBatch, "__init__")
    def _(init: Function, batch: DatagramBatch, slab: memoryview, *args: Any) -> None:
        slabs[:] = [slab]
        init(batch, slab, *args)

    @instead_of(patch, DatagramEndpoint, "resume_receiving")
    def _(
        resume_receiving: Function, endpoint: DatagramEndpoint, *, discard_backlog: bool = False
    ) -> None:
        resume_receiving(endpoint, discard_backlog=discard_backlog)
        if discard_backlog:
            slabs[0][:] = bytes(len(slabs[0]))


@bug(122, "resuming looks at once, and calls a handler that has not returned yet")
def _(patch: Patch) -> None:
    callbacks = watched(patch)[1]

    @instead_of(patch, DatagramEndpoint, "resume_receiving")
    def _(resume_receiving: Function, endpoint: DatagramEndpoint, **options: bool) -> None:
        resume_receiving(endpoint, **options)
        callbacks[endpoint](EVENT_READ)


@bug(125, "an empty datagram is taken for the end of what waits")
def _(patch: Patch) -> None:
    def receive(original: Function, to: memoryview) -> Any:
        received = original(to)
        if received == 0 or (isinstance(received, tuple) and received[0] == 0):
            raise BlockingIOError
        return received

    receive_otherwise(patch, receive)


@bug(126, "who speaks first is taken for all who speak")
def _(patch: Patch) -> None:
    first: list[Address] = []

    def receive(original: Function, to: memoryview) -> Any:
        received = original(to)
        if isinstance(received, tuple):
            first.append(received[1])
            return received[0], first[0]
        return received

    receive_otherwise(patch, receive)


@bug(126, "anybody may send who only is not the first")
def _(patch: Patch) -> None:
    bind_otherwise(patch, lambda options: options.pop("only_from", None))


@bug(127, "while it pauses, an endpoint counts what it drops on purpose")
def _(patch: Patch) -> None:
    socks = watched(patch)[0]
    drops = property(lambda endpoint: offered("dropped_by_system")(socks[endpoint]))
    patch.setattr(DatagramEndpoint, "kernel_drops", drops)


@bug(127, "what the system has dropped is told from the last pause on")
def _(patch: Patch) -> None:
    told = DatagramEndpoint.kernel_drops.fget  # type: ignore[attr-defined]
    before: Owned = {}

    def since(endpoint: DatagramEndpoint) -> Any:
        drops = told(endpoint)
        return None if drops is None else drops - before.get(endpoint, 0)

    @instead_of(patch, DatagramEndpoint, "pause_receiving")
    def _(pause_receiving: Function, endpoint: DatagramEndpoint) -> None:
        pause_receiving(endpoint)
        before[endpoint] = told(endpoint)

    patch.setattr(DatagramEndpoint, "kernel_drops", property(since))


# -- sending -----------------------------------------------------------------------------


@bug(15, "receiving stops when a send is turned down, and nobody starts it again")
def _(patch: Patch) -> None:
    @instead_of(patch, DatagramEndpoint, "send")
    def _(send: Function, endpoint: DatagramEndpoint, *args: Any) -> Any:
        sent = send(endpoint, *args)
        if not sent:
            endpoint.pause_receiving()
        return sent


@bug(203, "an instrument is told of a drop in the midst of a batch")
def _(patch: Patch) -> None:
    @instead_of(patch, EventLoop, "call_soon")
    def _(call_soon: Function, loop: EventLoop, callback: Function, *args: Any) -> Any:
        if getattr(callback, "__name__", "") == "datagrams_dropped":
            return callback(*args)
        return call_soon(loop, callback, *args)


@bug(218, "all viewers of one address of the server share a socket")
def _(patch: Patch) -> None:
    patch.setattr(DatagramEndpoint, "open_lane", lambda endpoint, address: endpoint.sockname)


@bug(218, "the socket of a viewer stays open when it is gone")
def _(patch: Patch) -> None:
    patch.setattr(DatagramEndpoint, "close_lane", lambda endpoint, address: None)


@bug(220, "the socket of a viewer forbids routers to cut")
def _(patch: Patch) -> None:
    @between(patch, ROOM, "connect")
    def _(connect: Function, address: Address) -> None:
        sock: socket.socket = connect.__self__  # type: ignore[attr-defined]
        sock.setsockopt(socket.IPPROTO_IP, 10, 2)  # ip(7): IP_MTU_DISCOVER, IP_PMTUDISC_DO
        connect(address)


# -- the beginning and the end -----------------------------------------------------------


@bug(39, "a host may be bound for datagrams by name while the loop runs")
def _(patch: Patch) -> None:
    for bind in (bind_udp, bind_udp_all):
        as_if_not_running(patch, bind)


@bug(161, "a selector that has no room for an endpoint is the end of the loop")
def _(patch: Patch) -> None:
    between(patch, ROOM, "modify")(turning(OSError, into=Escaped))


@bug(161, "an endpoint for which the selector has no room is deaf from then on")
def _(patch: Patch) -> None:
    between(patch, ROOM, "modify")(turning(OSError, into=None))


@bug(203, "what ends the run leaves the endpoint deaf")
def _(patch: Patch) -> None:
    finally_forgotten(patch, ROOM)


@bug(203, "a fault is reported while its endpoint is still open")
def _(patch: Patch) -> None:
    def change(options: Options) -> None:
        handler = options["handler"]
        receive = handler.datagrams_received

        def report_first(endpoint: DatagramEndpoint, batch: DatagramBatch) -> None:
            try:
                receive(endpoint, batch)
            except Exception as exc:
                loops[-1].call_exception_handler("the handler raised", exc)
                raise

        handler.datagrams_received = report_first

    loops = made(patch, EventLoop)
    bind_otherwise(patch, change)


@bug(205, "a child sends in the name of its parent")
def _(patch: Patch) -> None:
    patch.setattr(DatagramEndpoint, "disown", lambda endpoint: None)


@bug(207, "what an endpoint was granted can't be asked when it is closed")
def _(patch: Patch) -> None:
    @instead_of(patch, DatagramEndpoint, "finish")
    def _(finish: Function, endpoint: DatagramEndpoint) -> None:
        del endpoint.receive_buffer_size
        finish(endpoint)


@bug(207, "a lane can be opened at an endpoint that is closed")
def _(patch: Patch) -> None:
    @instead_of(patch, DatagramEndpoint, "open_lane")
    def _(open_lane: Function, endpoint: DatagramEndpoint, address: Address) -> Any:
        try:
            return open_lane(endpoint, address)
        except StreamClosed:
            return endpoint.sockname


@bug(207, "to begin anew while the loop closes is taken for a mistake")
def _(patch: Patch) -> None:
    def change(options: Options) -> None:
        handler = options["handler"]
        mistaken = turning(LoopClosed, into=RuntimeError)
        handler.connection_lost = partial(mistaken, handler.connection_lost)

    bind_otherwise(patch, change)


@bug(207, "who says farewell while the loop closes is told that it was a mistake")
def _(patch: Patch) -> None:
    ended: list[DatagramEndpoint] = []

    @instead_of(patch, DatagramEndpoint, "abort")
    def _(abort: Function, endpoint: DatagramEndpoint) -> None:
        ended.append(endpoint)
        abort(endpoint)

    for name in ("send", "send_batch", "send_batch_to_all"):

        @instead_of(patch, DatagramEndpoint, name)
        def _(send: Function, endpoint: DatagramEndpoint, *args: Any) -> Any:
            if endpoint in ended:
                raise StreamClosed("the endpoint is closed")
            return send(endpoint, *args)


@bug(210, "a time that is none is found out at the first datagram")
def _(patch: Patch) -> None:
    def change(options: Options) -> None:
        time = options.get("coalesce", 0)
        if not isinstance(time, float) or not math.isfinite(time):
            options["coalesce"] = 0

    bind_otherwise(patch, change)


@bug(210, "a time below zero is taken for none")
def _(patch: Patch) -> None:
    def change(options: Options) -> None:
        if options.get("coalesce") == -1.0:
            options["coalesce"] = 0

    bind_otherwise(patch, change)


@bug(210, "a buffer of no bytes is asked for")
def _(patch: Patch) -> None:
    def change(options: Options) -> None:
        if options.get("buffer_size") == 0:
            options["buffer_size"] = 1

    bind_otherwise(patch, change)


@bug(210, "a class is taken for a handler")
def _(patch: Patch) -> None:
    def change(options: Options) -> None:
        if isinstance(options["handler"], type):
            options["handler"] = DatagramHandler()

    bind_otherwise(patch, change)


@bug(210, "a socket is changed before the loop has taken it")
def _(patch: Patch) -> None:
    bind_otherwise(patch, lambda options: "sock" in options and options["sock"].setblocking(False))


@bug(217, "an endpoint that nobody was given tells of its end")
def _(patch: Patch) -> None:
    @everywhere(patch, bind_udp_all)
    def _(
        bind_udp_all: Function,
        loop: EventLoop,
        handler: DatagramHandler,
        *args: Any,
        **options: Any,
    ) -> Any:
        try:
            return bind_udp_all(loop, handler, *args, **options)
        except OSError:
            handler.connection_lost(None)
            raise
