"""What programs see on Linux they see in the simulation: the same programs, the same stories.

Each program is written once, on the public API. What its handlers were told, on the kernel and
through epoll, is the truth; the other selectors, and simulated systems, have to tell the same.
"""

import errno
import functools
import itertools
import selectors
import socket
import struct
import sys
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, TypeAlias

import pytest

from reactor import (
    EVENT_WRITE,
    DatagramBatch,
    DatagramEndpoint,
    EventLoop,
    Listener,
    ReceiveBuffer,
    Stream,
    StreamHandler,
    bind_udp,
    connect,
    listen,
)
from reactor.testing import Faults, RecordingHandler, Simulation, run_until
from tests.doubles.bench import gentle
from tests.doubles.mailbox import Mailbox
from tests.size import thoroughly

Story: TypeAlias = list[object]
Program: TypeAlias = "Callable[[Stage], object]"

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="the simulation is one of Linux"),
    pytest.mark.usefixtures("watchdog"),
]

gentle_seeds = pytest.mark.parametrize("seeds", [range(3), thoroughly(range(3, 20))])
PROGRAMS: list[Program] = []


def program(function: Program) -> Program:
    """One more program that must not notice what it runs on."""
    PROGRAMS.append(function)
    return function


class Stage:
    """A loop for a program, and the story of what happened."""

    def __init__(self, loop: EventLoop, until: Callable[[Callable[[], object]], None]) -> None:
        self.loop = loop
        self.until = until
        self.reported: list[str] = []
        self._cast: dict[str, RecordingHandler] = {}
        self._notes: list[object] = []
        loop.set_exception_handler(lambda message, exc: self.reported.append(type(exc).__name__))

    def handler(self, name: str, kind: type[RecordingHandler] = RecordingHandler) -> Any:
        """A handler that plays a part in the story."""
        self._cast[name] = kind()
        return self._cast[name]

    def note(self, *what: object) -> None:
        self._notes.append(what)

    def listen(self, *servers: StreamHandler, host: str = "127.0.0.1") -> Listener:
        """Give each caller the next of these handlers."""
        sock = self.loop.network.socket(
            socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM
        )
        # Accepted sockets inherit it: less to fill.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        sock.bind((host, 0))
        return listen(self.loop, iter(servers).__next__, sock=sock)

    def meet(self, server: Any, client: Any) -> tuple[Stream, Stream]:
        """Connect two handlers with each other."""
        listener = self.listen(server)
        connect(self.loop, client, *listener.sockname)
        self.until(lambda: server.events and client.events)
        listener.close()
        return server.stream, client.stream

    def until_over(self, *handlers: RecordingHandler) -> None:
        self.until(lambda: all(ENDS.intersection(handler.events) for handler in handlers))

    def turn(self) -> None:
        """Let the loop do what it has to do now."""
        done: list[None] = []
        self.loop.call_soon(done.append, None)
        self.until(lambda: done)

    def story(self) -> Story:
        """What each handler was told. How the bytes were cut is nobody's business."""
        return [
            *self._notes,
            *[(name, *_story_of(handler)) for name, handler in self._cast.items()],
            ("reported", *self.reported),
        ]


ENDS = {"connection_lost", "connection_failed"}


def _story_of(handler: RecordingHandler) -> tuple[object, ...]:
    events = [event for event, _ in itertools.groupby(handler.events)]
    return events, bytes(handler.received), type(handler.error).__name__


class Echo(RecordingHandler):
    def data_received(self, buffer: ReceiveBuffer) -> None:
        before = len(self.received)
        super().data_received(buffer)
        assert self.stream is not None
        self.stream.write(self.received[before:])


class Patient(RecordingHandler):
    """Goes on when the other side has ended its own."""

    def __init__(self) -> None:
        super().__init__(keep_open=True)


class Paused(RecordingHandler):
    """Reads nothing until it is told to."""

    def connection_made(self, stream: Stream) -> None:
        super().connection_made(stream)
        stream.pause_reading()


class Replying(RecordingHandler):
    """Answers the first bytes, and closes without having read the rest."""

    def data_received(self, buffer: ReceiveBuffer) -> None:
        assert self.stream is not None
        self.stream.write(b"the whole reply")
        self.stream.close()


class Aborting(RecordingHandler):
    def data_received(self, buffer: ReceiveBuffer) -> None:
        super().data_received(buffer)
        assert self.stream is not None
        self.stream.abort()


class Raising(RecordingHandler):
    def data_received(self, buffer: ReceiveBuffer) -> None:
        raise ZeroDivisionError


# -- streams ---------------------------------------------------------------------------------


@program
def an_echo(stage: Stage) -> None:
    server, client = stage.handler("server", Echo), stage.handler("client")
    _, stream = stage.meet(server, client)
    for word in (b"one", b"two", b"three"):
        stream.write(word)
    stage.until(lambda: client.received == b"onetwothree")
    stream.close()
    stage.until_over(server, client)


@program
def an_echo_over_ipv6(stage: Stage) -> None:
    server, client = stage.handler("server", Echo), stage.handler("client")
    listener = stage.listen(server, host="::1")
    connect(stage.loop, client, *listener.sockname[:2])
    stage.until(lambda: client.events)
    stage.note(client.stream.peername == listener.sockname)
    client.stream.write(b"six")
    stage.until(lambda: client.received == b"six")
    server.stream.close()
    stage.until_over(server, client)


@program
def a_close_before_anything_was_said(stage: Stage) -> None:
    server, client = stage.handler("server"), stage.handler("client")
    near, far = stage.meet(server, client)
    stage.note(near.sockname == far.peername, near.peername == far.sockname)
    near.close()
    stage.until_over(server, client)


@program
def a_close_by_both_at_once(stage: Stage) -> None:
    server, client = stage.handler("server"), stage.handler("client")
    for stream in stage.meet(server, client):
        stream.write(b"goodbye")
        stream.close()
    stage.until_over(server, client)


@program
def a_close_with_input_unread(stage: Stage) -> None:
    server, client = stage.handler("server", Replying), stage.handler("client")
    _, stream = stage.meet(server, client)
    stream.write(b"command, and junk after it" * 20)
    stage.until_over(server, client)


@program
def a_half_close(stage: Stage) -> None:
    server, client = stage.handler("server", Patient), stage.handler("client")
    near, far = stage.meet(server, client)
    far.write(b"question")
    far.write_eof()
    stage.until(lambda: "eof_received" in server.events)
    near.write(b"answer")
    stage.until(lambda: client.received == b"answer")
    near.close()
    stage.until_over(server, client)


@program
def an_abort(stage: Stage) -> None:
    server, client = stage.handler("server", Aborting), stage.handler("client")
    _, stream = stage.meet(server, client)
    stream.write(b"x")
    stage.until_over(server, client)


@program
def an_abort_that_is_written_to(stage: Stage) -> None:
    server, client = stage.handler("server"), stage.handler("client", Patient)
    near, far = stage.meet(server, client)
    near.abort()
    stage.until(lambda: "eof_received" in client.events)

    def write() -> None:
        if not ENDS.intersection(client.events):
            far.write(b"x")

    writing = stage.loop.call_every(0.001, write)
    stage.until_over(client)
    writing.cancel()


@program
def a_reset(stage: Stage) -> None:
    server = stage.handler("server")
    reset(call(stage, server))
    stage.until_over(server)


@program
def a_reset_while_reading_is_paused(stage: Stage) -> None:
    server = stage.handler("server", Paused)
    reset(call(stage, server))
    stage.turn()
    stage.note(list(server.events))
    server.stream.resume_reading()
    stage.until_over(server)


@program
def a_reset_at_once(stage: Stage) -> None:
    server = stage.handler("server")
    listener = stage.listen(server)
    sock = plain_caller(stage, listener)
    watcher = stage.loop.register(sock, EVENT_WRITE, int)
    stage.until(lambda: sock.connect_ex(listener.sockname) == 0)
    watcher.close()
    reset(sock)
    stage.until_over(server)


def call(stage: Stage, server: RecordingHandler) -> socket.socket:
    """A plain socket that `server` talks with."""
    listener = stage.listen(server)
    sock = plain_caller(stage, listener)
    stage.until(lambda: server.events)
    listener.close()
    return sock


def plain_caller(stage: Stage, listener: Listener) -> socket.socket:
    sock = stage.loop.network.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setblocking(False)
    assert sock.connect_ex(listener.sockname) == errno.EINPROGRESS
    return sock


def reset(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


@program
def reading_paused_and_resumed(stage: Stage) -> None:
    server, client = stage.handler("server", Paused), stage.handler("client")
    near, far = stage.meet(server, client)
    far.write(b"x")
    stage.until(lambda: not far.write_buffer_size)
    stage.turn()
    stage.note(list(server.events))
    near.resume_reading()
    stage.until(lambda: server.received)
    far.close()
    stage.until_over(server, client)


@program
def an_end_met_while_reading_is_paused(stage: Stage) -> None:
    server, client = stage.handler("server", Paused), stage.handler("client")
    near, far = stage.meet(server, client)
    far.write(b"the last")
    far.close()
    near.resume_reading()
    stage.until_over(server, client)


@program
def high_and_low_water(stage: Stage) -> None:
    server, client = stage.handler("server"), stage.handler("client", Paused)
    near, far = stage.meet(server, client)
    near.set_write_buffer_limits(high=1024, low=256)
    written = write_until_full(stage, near)
    far.resume_reading()
    stage.until(lambda: "resume_writing" in server.events)
    near.close()
    stage.until_over(server, client)
    stage.note("all arrived", len(client.received) == written)
    client.received.clear()


@program
def a_close_that_a_peer_keeps_waiting(stage: Stage) -> None:
    server, client = stage.handler("server"), stage.handler("client", Paused)
    near, _ = stage.meet(server, client)
    # More than any buffers on the way hold.
    near.write(bytes(1 << 20))
    near.close(timeout=0.05)
    stage.until_over(server)


@program
def a_close_that_a_peer_does_not_answer(stage: Stage) -> None:
    server, client = stage.handler("server"), stage.handler("client", Patient)
    near, _ = stage.meet(server, client)
    near.write(b"goodbye")
    near.close(timeout=0.1)
    stage.until(lambda: "eof_received" in client.events)
    stage.until_over(server)


def write_until_full(stage: Stage, stream: Stream) -> int:
    """How many bytes could be written until the stream said that it is enough."""
    written: list[int] = []
    full: list[None] = []

    def write() -> None:
        written.append(500)
        if stream.write(bytes(500)):
            stage.loop.call_soon(write)
        else:
            full.append(None)

    write()
    stage.until(lambda: full)
    return sum(written)


@program
def a_handler_that_raises(stage: Stage) -> None:
    server, client = stage.handler("server", Raising), stage.handler("client")
    _, stream = stage.meet(server, client)
    stream.write(b"x")
    stage.until_over(server, client)


@program
def a_loop_closed_with_all_open(stage: Stage) -> None:
    server, client = stage.handler("server"), stage.handler("client")
    stage.meet(server, client)
    connect(stage.loop, stage.handler("caller"), *stage.listen(StreamHandler()).sockname)
    stage.loop.close()


# -- connecting ------------------------------------------------------------------------------


@program
def a_refusal(stage: Stage) -> None:
    client = stage.handler("client")
    with stage.loop.network.socket(socket.AF_INET, socket.SOCK_STREAM) as nobody:
        nobody.bind(("127.0.0.1", 0))
        connect(stage.loop, client, *nobody.getsockname())
        stage.until_over(client)


@program
def a_call_that_is_not_answered(stage: Stage) -> None:
    client = stage.handler("client")
    with ExitStack() as cleanup:
        make = stage.loop.network.socket
        listener = cleanup.enter_context(make(socket.AF_INET, socket.SOCK_STREAM))
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        first = stage.handler("first")
        connect(stage.loop, first, *listener.getsockname())
        stage.until(lambda: first.events)
        connect(stage.loop, client, *listener.getsockname(), timeout=0.05)
        stage.until_over(client)


@program
def a_call_that_is_called_off(stage: Stage) -> None:
    server, client = stage.handler("server"), stage.handler("client")
    connector = connect(stage.loop, client, *stage.listen(server).sockname)
    connector.cancel()
    stage.turn()


@program
def a_listener_that_is_closed(stage: Stage) -> None:
    server, client, late = map(stage.handler, ("server", "client", "late"))
    listener = stage.listen(server)
    connect(stage.loop, client, *listener.sockname)
    stage.until(lambda: server.events and client.events)
    listener.close()
    connect(stage.loop, late, *listener.sockname)
    stage.until_over(late)
    server.stream.write(b"still here")
    stage.until(lambda: client.received == b"still here")
    server.stream.close()
    stage.until_over(server, client)


@program
def a_second_listener_at_one_address(stage: Stage) -> None:
    first = listen(stage.loop, StreamHandler, "127.0.0.1", 0)
    for host in ("127.0.0.1", "0.0.0.0"):
        with pytest.raises(OSError, match="in use") as caught:
            listen(stage.loop, StreamHandler, host, first.sockname[1])
        stage.note(host, errno.errorcode[caught.value.errno or 0])


# -- datagrams -------------------------------------------------------------------------------


class Returning(Mailbox):
    """Sends everything back."""

    def datagrams_received(self, endpoint: DatagramEndpoint, batch: DatagramBatch) -> None:
        super().datagrams_received(endpoint, batch)
        for datagram, source in zip(batch, batch.sources, strict=True):
            endpoint.send(datagram, source)


@program
def a_datagram_echo(stage: Stage) -> None:
    for host in ("127.0.0.1", "::1"):
        there, here = Returning(), Mailbox()
        server, client = bind_udp(stage.loop, there, host), bind_udp(stage.loop, here, host)
        for datagram in (b"one", b"", b"three" * 1000):
            client.send(datagram, server.sockname)
            stage.until(functools.partial(_has_heard, here, len(here.datagrams) + 1))
        stage.note(here.datagrams, there.datagrams)
        stage.note(set(here.sources) == {server.sockname}, set(there.sources) == {client.sockname})
        server.close()
        client.close()
        stage.turn()
        stage.note(there.losses, here.losses)


@program
def a_batch_of_datagrams(stage: Stage) -> None:
    inbox = Mailbox()
    receiver = bind_udp(stage.loop, inbox, "127.0.0.1", coalesce=0.002)
    for segmentation in (True, False):
        sender = bind_udp(stage.loop, Mailbox(), "127.0.0.1", segmentation=segmentation)
        before = len(inbox.datagrams)
        datagrams = [bytes([number]) * size for number, size in enumerate([9, 9, 9, 5, 9, 0, 7])]
        stage.note(sender.send_batch(DatagramBatch.of(datagrams), receiver.sockname))
        stage.until(functools.partial(_has_heard, inbox, before + len(datagrams)))
        stage.note(sorted(inbox.datagrams[before:]))
        stage.note(sender.counters.sent, sender.counters.sent_bytes, sender.counters.dropped)
    stage.note(receiver.counters.received, receiver.counters.received_bytes)


@program
def datagrams_that_can_not_be_sent(stage: Stage) -> None:
    inbox = Mailbox()
    receiver, sender = (bind_udp(stage.loop, inbox, "127.0.0.1") for _ in range(2))
    stage.note(sender.send(bytes(65508), receiver.sockname))
    stage.note(sender.send(b"x", ("127.0.0.1", 0)))
    stage.note(sender.send_batch(DatagramBatch.of([b"aa", b"bb"]), ("127.0.0.1", 0)))
    stage.note(sender.counters)
    stage.until(lambda: inbox.refusals)
    stage.note([exc.errno for exc, _ in inbox.refusals])


@program
def datagrams_thrown_away_on_resuming(stage: Stage) -> None:
    inbox = Mailbox()
    receiver, sender = (bind_udp(stage.loop, inbox, "127.0.0.1") for _ in range(2))
    sender.send(b"first", receiver.sockname)
    stage.until(functools.partial(_has_heard, inbox, 1))
    receiver.pause_receiving()
    for _ in range(5):
        sender.send(b"old", receiver.sockname)
    # Longer than any datagram is under way.
    done: list[None] = []
    stage.loop.call_later(0.35, done.append, None)
    stage.until(lambda: done)
    receiver.resume_receiving(discard_backlog=True)
    sender.send(b"new", receiver.sockname)
    stage.until(functools.partial(_has_heard, inbox, 2))
    stage.note(inbox.datagrams, receiver.counters.discarded)


def _has_heard(inbox: Mailbox, count: int) -> bool:
    return len(inbox.datagrams) >= count


# -- time ------------------------------------------------------------------------------------


@program
def calls_in_order(stage: Stage) -> None:
    loop, order = stage.loop, list[str]()
    loop.call_soon(loop.call_soon, order.append, "soon, after soon")
    loop.call_soon(order.append, "soon")
    loop.call_soon_threadsafe(order.append, "threadsafe")
    loop.call_at(loop.time() - 1.0, order.append, "overdue")
    stage.until(lambda: len(order) == 4)
    stage.note(order)


@program
def timers_in_order(stage: Stage) -> None:
    loop, order = stage.loop, list[str]()
    now = loop.time()
    loop.call_at(now + 0.02, order.append, "late")
    loop.call_at(now + 0.01, order.append, "first of two at once")
    loop.call_at(now + 0.01, order.append, "second of two at once")
    loop.call_at(now + 0.005, order.append, "never").cancel()
    stage.until(lambda: "late" in order)
    stage.note(order)


@program
def a_timer_that_repeats(stage: Stage) -> None:
    ticks: list[int] = []
    timer = stage.loop.call_every(0.002, lambda: ticks.append(len(ticks)))
    stage.until(lambda: len(ticks) >= 3)
    timer.cancel()
    stage.note(ticks[:3])


# -- the tests -------------------------------------------------------------------------------


def run_really(play: Program, kind: str) -> Story:
    with EventLoop(selector=getattr(selectors, kind)()) as loop:
        stage = Stage(loop, functools.partial(run_until, loop, timeout=20.0))
        play(stage)
    return stage.story()


def run_simulated(play: Program, seed: int, faults: Faults) -> Story:
    with Simulation(seed, faults=faults) as simulation:
        stage = Stage(simulation.loop, simulation.run_until)
        play(stage)
    return stage.story()


@functools.cache
def truth(play: Program) -> Story:
    """What programs see on Linux."""
    return run_really(play, "EpollSelector")


all_programs = pytest.mark.parametrize("play", PROGRAMS, ids=lambda function: function.__name__)


@pytest.mark.parametrize("kind", ["PollSelector", thoroughly("SelectSelector")])
@all_programs
def test_a_program_does_not_notice_its_selector(play: Program, kind: str) -> None:
    assert run_really(play, kind) == truth(play)


@all_programs
def test_a_program_does_not_notice_that_its_system_is_simulated(play: Program) -> None:
    assert run_simulated(play, 0, Faults()) == truth(play)


@gentle_seeds
@all_programs
def test_a_program_does_not_notice_what_is_gentle(play: Program, seeds: range) -> None:
    for seed in seeds:
        faults = gentle(seed)
        assert run_simulated(play, seed, faults) == truth(play), f"seed {seed}: {faults}"
