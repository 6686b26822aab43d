"""Rows about what a program does in its callbacks: it raises, it calls back, it is never freed."""

import errno
import socket
import weakref
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from reactor import (
    Connector,
    EventLoop,
    Listener,
    ReceiveBuffer,
    Stream,
    StreamClosed,
    StreamHandler,
    connect,
    listen,
)
from reactor.testing import ManualClock, RecordingHandler, stream_pair
from tests.conftest import Connect, Reported
from tests.doubles.peer import Link
from tests.museum.scenes import iterate_until

STREAM_CALLBACKS = ["connection_made", "data_received", "eof_received", "resume_writing"]
CALLBACKS = [*STREAM_CALLBACKS, "connection_lost", "connection_failed"]


class Doing(RecordingHandler):
    """Does something in one of its methods, each time that it is called."""

    def __init__(self, where: str, deed: Callable[[], object]) -> None:
        super().__init__()
        self._where = where
        self._deed = deed

    def _perhaps(self, name: str) -> None:
        if name == self._where:
            self._deed()

    def connection_made(self, stream: Stream) -> None:
        super().connection_made(stream)
        self._perhaps("connection_made")

    def connection_failed(self, exc: OSError) -> None:
        super().connection_failed(exc)
        self._perhaps("connection_failed")

    def data_received(self, buffer: ReceiveBuffer) -> None:
        super().data_received(buffer)
        self._perhaps("data_received")

    def eof_received(self) -> bool:
        keep_open = super().eof_received()
        self._perhaps("eof_received")
        return keep_open

    def resume_writing(self) -> None:
        super().resume_writing()
        self._perhaps("resume_writing")

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._perhaps("connection_lost")


def live_through(loop: EventLoop, handler: Doing, port: int, connected: Connect) -> None:
    """Make each callback of a handler happen, as far as it lets itself be led."""
    connect(loop, handler, "127.0.0.1", port)
    iterate_until(loop, lambda: "connection_failed" in handler.events)
    link = connected(handler)
    if not link.stream.closing:
        link.stream.set_write_buffer_limits(high=10)
        link.stream.write(bytes(11))
    link.peer.send(b"x")
    link.wait()
    loop.run_once(0)
    link.peer.end()
    link.wait()
    loop.run_once(0)
    link.stream.abort()
    loop.run_once(0)


# -- row 26: a handler that raises --------------------------------------------------------------


def fail() -> None:
    raise ZeroDivisionError


@pytest.mark.parametrize("where", CALLBACKS)
@pytest.mark.parametrize("mute", [False, True], ids=["reported", "reporting fails too"])
def test_row_26_a_callback_that_raises_costs_no_other_connection_anything(
    loop: EventLoop,
    connected: Connect,
    reported: Reported,
    dead_port: int,
    where: str,
    mute: bool,
) -> None:
    if mute:
        loop.set_exception_handler(lambda message, exc: fail())
    bystander = RecordingHandler()
    other = connected(bystander)
    handler = Doing(where, fail)
    live_through(loop, handler, dead_port, connected)
    other.peer.send(b"and me?")
    iterate_until(loop, lambda: bystander.received == b"and me?")
    assert handler.events.count("connection_lost") == 1
    assert bystander.events == ["connection_made", "data_received"]
    assert [type(exc) for _, exc in reported] == ([] if mute else [ZeroDivisionError])
    reported.clear()


@pytest.mark.parametrize("where", STREAM_CALLBACKS)
def test_row_26_a_handler_that_raised_is_not_called_again_but_for_the_end(
    loop: EventLoop, connected: Connect, reported: Reported, dead_port: int, where: str
) -> None:
    handler = Doing(where, fail)
    live_through(loop, handler, dead_port, connected)
    assert handler.events[-2:] == [where, "connection_lost"]
    assert isinstance(handler.error, ZeroDivisionError)
    reported.clear()


def test_row_26_a_handler_factory_that_raises_costs_one_connection(
    loop: EventLoop, reported: Reported
) -> None:
    handlers = [RecordingHandler()]
    listener = listen(loop, handlers.pop, "127.0.0.1", 0)
    with socket.create_connection(listener.sockname) as first:
        with socket.create_connection(listener.sockname) as second:
            iterate_until(loop, lambda: listener.accepted + listener.failed == 2)
            assert first.fileno() != second.fileno()
    assert (listener.accepted, listener.failed) == (1, 1)
    reported.clear()


# -- row 27: calls from inside ------------------------------------------------------------------


class Company:
    """All that may be used from inside a callback, and a note of each call that came too early."""

    def __init__(self, loop: EventLoop, port: int) -> None:
        self.loop = loop
        self.port = port
        self.listener: Listener = listen(loop, StreamHandler, "127.0.0.1", 0)
        self.connector_handler = Member(self, "", write)
        self.connector: Connector = connect(loop, self.connector_handler, "127.0.0.1", port)
        self.timer = loop.call_later(3600, fail)
        self.members: list[Member] = []
        self.acting = False
        self.too_early: list[str] = []

    def end(self) -> None:
        """Close what may still be open."""
        self.listener.close()
        self.connector.cancel()
        self.timer.cancel()
        for member in self.members:
            member.stream.abort()


Deed = Callable[[Company, Stream], object]


class Member(StreamHandler):
    """Does something to each stream of its company in one of its methods."""

    def __init__(self, company: Company, where: str, deed: Deed) -> None:
        self._company = company
        self._where = where
        self._deed = deed
        self._paused = False
        self.calls: list[str] = []

    def _enter(self, name: str) -> None:
        company = self._company
        self.calls.append(name)
        if company.acting:
            company.too_early.append(name)
        elif name == self._where:
            company.acting = True
            for member in company.members:
                try:
                    self._deed(company, member.stream)
                except StreamClosed:
                    pass
            company.acting = False

    def connection_made(self, stream: Stream) -> None:
        self.stream = stream
        self._company.members.append(self)
        self._enter("connection_made")

    def connection_failed(self, exc: OSError) -> None:
        self._enter("connection_failed")

    def data_received(self, buffer: ReceiveBuffer) -> None:
        self._enter("data_received")
        buffer.discard(1)

    def eof_received(self) -> None:
        self._enter("eof_received")

    def resume_writing(self) -> None:
        self._enter("resume_writing")

    def connection_lost(self, exc: Exception | None) -> None:
        self._enter("connection_lost")


def write(company: Company, stream: Stream) -> None:
    stream.write(b"x")


def write_above_the_limit(company: Company, stream: Stream) -> None:
    stream.set_write_buffer_limits(1, 1, 1)
    stream.write(bytes(1000))
    stream.write(bytes(1000))


def pause_and_resume(company: Company, stream: Stream) -> None:
    stream.pause_reading()
    stream.resume_reading()


def refused(company: Company, stream: Stream) -> None:
    for method in (partial(company.loop.run_once, 0), company.loop.run, company.loop.close):
        try:
            method()
        except RuntimeError:
            continue
        company.too_early.append(repr(method))
        return  # the next might never end


def listen_and_connect(company: Company, stream: Stream) -> None:
    listen(company.loop, StreamHandler, "127.0.0.1", 0).close()
    connect(company.loop, StreamHandler(), "127.0.0.1", company.port).cancel()


DEEDS: list[Deed] = [
    write,
    write_above_the_limit,
    pause_and_resume,
    refused,
    listen_and_connect,
    lambda company, stream: stream.write_eof(),
    lambda company, stream: stream.pause_reading(),
    lambda company, stream: stream.close(),
    lambda company, stream: stream.close(0),
    lambda company, stream: stream.abort(),
    lambda company, stream: stream.set_keepalive(),
    lambda company, stream: stream.set_write_buffer_limits(0),
    lambda company, stream: company.listener.close(),
    lambda company, stream: company.connector.cancel(),
    lambda company, stream: company.timer.cancel(),
    lambda company, stream: company.loop.stop(),
    lambda company, stream: company.loop.call_soon(int),
]


def settle(loop: EventLoop) -> None:
    """Let everything happen that does not depend on time."""
    for _ in range(3):
        loop.run_once(0)


def drive(company: Company, links: list[Link]) -> None:
    """Make each callback happen to all streams, in the same iterations."""
    loop = company.loop
    for link in links:
        if not link.stream.closing:
            link.stream.set_write_buffer_limits(high=10)
            link.stream.write(bytes(11))
    loop.run_once(0)
    for link in links:
        link.peer.send(b"two bytes and more")
        link.wait()
    settle(loop)
    for link in links:
        link.peer.end()
        link.wait()
    settle(loop)
    company.end()
    settle(loop)


@pytest.mark.parametrize("where", [*STREAM_CALLBACKS, "connection_lost"])
def test_row_27_every_method_may_be_called_from_inside_every_callback(
    loop: EventLoop, connected: Connect, dead_port: int, where: str
) -> None:
    for deed in DEEDS:
        company = Company(loop, dead_port)
        members = [Member(company, where, deed) for _ in range(2)]
        drive(company, [connected(member) for member in members])
        assert not company.too_early
        assert any(where in member.calls for member in members)
        for member in members:
            assert member.calls.count("connection_lost") == 1
            assert member.calls[-1] == "connection_lost"


def test_row_27_a_connector_that_is_called_off_inside_a_callback_calls_nobody(
    loop: EventLoop, connected: Connect, dead_port: int
) -> None:
    company = Company(loop, dead_port)
    member = Member(company, "connection_made", lambda company, stream: company.connector.cancel())
    drive(company, [connected(member)])
    assert company.connector_handler.calls == []


def test_row_27_a_stream_that_ends_itself_while_it_reads_sends_nothing_in_that_wake(
    loop: EventLoop, connected: Connect
) -> None:
    class Leaving(RecordingHandler):
        def data_received(self, buffer: ReceiveBuffer) -> None:
            super().data_received(buffer)
            assert self.stream is not None
            self.stream.abort()

    handler = Leaving()
    link = connected(handler)
    link.sock.script("send", [errno.EAGAIN])
    link.stream.write(bytes(11))
    loop.run_once(0)
    link.peer.send(b"data")
    link.wait()
    loop.run_once(0)
    assert link.sock.calls["send"] == 1
    assert handler.events == ["connection_made", "data_received", "connection_lost"]


# -- row 40: nothing is kept alive --------------------------------------------------------------


class Friend(StreamHandler):
    """Keeps its stream, as handlers do, and raises when it is given data."""

    def connection_made(self, stream: Stream) -> None:
        self.stream = stream

    def data_received(self, buffer: ReceiveBuffer) -> None:
        raise ZeroDivisionError


def by_closing(stream: Stream, other: Stream) -> None:
    stream.write(b"good bye")
    stream.close()


def by_aborting(stream: Stream, other: Stream) -> None:
    stream.abort()


def by_raising(stream: Stream, other: Stream) -> None:
    other.write(b"x")
    other.close()


def by_the_peer(stream: Stream, other: Stream) -> None:
    other.close()


@pytest.mark.parametrize("end", [by_closing, by_aborting, by_raising, by_the_peer])
def test_row_40_however_a_connection_ends_it_and_its_handler_are_freed(
    loop: EventLoop, no_collector: None, end: Callable[[Stream, Stream], None]
) -> None:
    loop.set_exception_handler(lambda message, exc: None)
    references: list[weakref.ref[Any]] = []
    for _ in range(250):
        handler = Friend()
        streams = stream_pair(loop, handler, StreamHandler())
        references += map(weakref.ref, (handler, *streams))
        loop.run_once(0)
        end(*streams)
        del handler, streams
        loop.run()
    assert [reference() for reference in references] == [None] * 750


def test_row_40_an_error_that_somebody_keeps_keeps_no_handler(
    loop: EventLoop, clock: ManualClock, no_collector: None
) -> None:
    errors: list[Exception | None] = []

    class Keeping(Friend):
        def connection_lost(self, exc: Exception | None) -> None:
            errors.append(exc)

    handler = Keeping()
    reference = weakref.ref(handler)
    stream, other = stream_pair(loop, handler, StreamHandler())
    loop.run_once(0)
    stream.pause_reading()
    other.abort()
    stream.write(b"into the void")
    del handler
    loop.run_once(0)
    clock.advance(5.0)  # for so long it waits for what it might still be sent
    loop.run()
    assert isinstance(errors[0], OSError)
    assert reference() is None
    assert stream.closing


def test_row_40_a_connector_that_failed_is_freed_with_its_handler(
    loop: EventLoop, no_collector: None, dead_port: int
) -> None:
    references: list[weakref.ref[Any]] = []
    for _ in range(20):
        handler = Friend()
        connector = connect(loop, handler, "127.0.0.1", dead_port)
        references += [weakref.ref(handler), weakref.ref(connector)]
        del handler, connector
        loop.run()
    assert [reference() for reference in references] == [None] * 40
