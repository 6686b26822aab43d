"""Callbacks are told of with names, descriptors, lateness and what they raised; in asyncio too."""

import asyncio
import errno
import io
import socket
from collections.abc import Callable, Iterator
from functools import partial, wraps
from typing import Any, TypeVar

import pytest

from reactor import (
    EVENT_READ,
    DatagramEndpoint,
    EventLoop,
    Instrument,
    Stream,
    StreamHandler,
    bind_udp,
    listen,
)
from reactor.testing import ManualClock
from reactor.timeline.recording import callbacks
from reactor.timeline.recording.callbacks import LoopCallbacks, name_of
from reactor.timeline.recording.record import Record
from reactor.timeline.run.events import Callback, Drop, Event, Label, Queue, Returned, Select, parse
from tests.doubles.faulty_socket import FaultySocket, udp_socket
from tests.doubles.mailbox import Mailbox
from tests.doubles.peer import tcp_pair

pytestmark = pytest.mark.usefixtures("watchdog")

SERIAL = 7
"""Of whatever a test has a descriptor of."""

_E = TypeVar("_E", bound=Event)


class Diary:
    """A record that can be read; every descriptor in it is number `SERIAL`."""

    def __init__(self) -> None:
        self.file = io.BytesIO()
        self.record = Record(self.file)
        self.record.serial_of = lambda fd: SERIAL if fd >= 0 else 0  # type: ignore[method-assign]

    def all(self, kind: type[_E]) -> list[_E]:
        """The events of one kind, once everything is written down."""
        self.record.close()
        events = map(parse, self.file.getvalue().splitlines())
        return [event for event in events if isinstance(event, kind)]

    @property
    def callbacks(self) -> list[tuple[int, str, str]]:
        return [(event.serial, event.name, event.kind) for event in self.all(Callback)]

    @property
    def raised(self) -> list[str]:
        return [event.raised for event in self.all(Returned)]


class Greeter(StreamHandler):
    """Greets, and raises at whatever it is told."""

    def connection_made(self, stream: Stream) -> None:
        stream.write(b"hello\n")

    def data_received(self, buffer: object) -> None:
        raise ZeroDivisionError


def fail() -> None:
    raise LookupError


@pytest.fixture
def diary() -> Diary:
    return Diary()


@pytest.fixture
def watched(clock: ManualClock, diary: Diary) -> Iterator[EventLoop]:
    """A loop in a test's time that a diary is kept of."""
    with EventLoop(clock=clock, instrument=LoopCallbacks(diary.record)) as loop:
        yield loop


# -- names -------------------------------------------------------------------------------


class Tool:
    def use(self) -> None: ...
    @classmethod
    def make(cls) -> None: ...
    def __call__(self) -> None: ...


class Hammer(Tool):
    """Inherits what it does."""


def test_a_method_goes_by_the_class_of_its_object() -> None:
    assert name_of(Hammer().use) == "Hammer.use"
    assert name_of(Hammer.make) == "Hammer.make"


def test_what_a_function_was_defined_in_is_left_out() -> None:
    class Local:
        def use(self) -> None: ...

    def inner() -> None: ...

    assert name_of(inner) == "inner"
    assert name_of(Local().use) == "Local.use"


def test_what_is_wrapped_goes_by_what_is_in_it() -> None:
    @wraps(Hammer().use)
    def careful() -> None: ...

    assert name_of(careful) == "Hammer.use"


def test_a_function_without_a_name_goes_by_its_place() -> None:
    line = test_a_function_without_a_name_goes_by_its_place.__code__.co_firstlineno
    assert name_of(lambda: None) == f"lambda, test_callbacks.py:{line + 2}"


@pytest.mark.parametrize(
    ("callback", "name"),
    [(print, "print"), ([].append, "list.append"), (int, "int"), (Tool(), "Tool")],
)
def test_whatever_can_be_called_has_a_name(callback: Callable[..., object], name: str) -> None:
    assert name_of(callback) == name
    assert name_of(partial(partial(callback), 1)) == name


# -- loops of this library ----------------------------------------------------------------


def test_calls_timers_and_flushes_can_be_told_apart(watched: EventLoop, diary: Diary) -> None:
    watched.call_before_select(print)
    watched.call_later(0.0, int)
    watched.call_soon(str)
    watched.run_once(0)
    watched.call_soon(str)
    watched.run_once(0)
    assert [(name, kind) for _, name, kind in diary.callbacks] == [
        ("str", "call"),
        ("int", "timer"),
        ("print", "flush"),
        ("str", "call"),
    ]


def test_a_timer_is_told_with_its_lateness_and_no_other_callback_is_late(
    watched: EventLoop, diary: Diary, clock: ManualClock
) -> None:
    watched.call_later(1.0, int)
    watched.call_before_select(int)
    clock.advance(1.5)
    watched.run_once(0)
    assert [event.late for event in diary.all(Callback)] == [0.5, 0.0]


def test_a_wait_is_told_with_the_timers_and_calls_there_are(
    watched: EventLoop, diary: Diary
) -> None:
    watched.call_later(1.0, int)
    watched.call_soon(int)
    watched.run_once(0)
    diary.record.select(None)
    assert [(event.timers, event.calls) for event in diary.all(Select)] == [(1, 1)]


def test_who_is_ready_is_told_with_its_descriptor(
    watched: EventLoop, diary: Diary, make_pair: Callable[[], tuple[socket.socket, socket.socket]]
) -> None:
    near, far = make_pair()
    far.send(b"x")
    watched.register(near, EVENT_READ, [].append)
    watched.run_once()
    assert diary.callbacks == [(SERIAL, "list.append", "ready")]


def test_what_a_stream_does_goes_by_its_handler_and_has_its_descriptor(
    watched: EventLoop, diary: Diary
) -> None:
    near, far = tcp_pair()
    with far:
        Stream(watched, near, Greeter())
        watched.run_once(0)
        watched.close()
    assert diary.callbacks[:2] == [
        (SERIAL, "Greeter (Stream._make)", "call"),
        (SERIAL, "Greeter (Stream._flush)", "flush"),
    ]


def test_what_endpoints_and_listeners_do_has_their_names(watched: EventLoop, diary: Diary) -> None:
    listener = listen(watched, Greeter, "127.0.0.1", 0)
    endpoint = bind_udp(watched, Mailbox(), "127.0.0.1")
    endpoint.send(b"x", endpoint.sockname)
    with socket.create_connection(listener.sockname):
        watched.run_once()
        watched.run_once(0)
        watched.close()
    names = {name for _, name, _ in diary.callbacks}
    assert names >= {"Listener._on_ready", "Mailbox (DatagramEndpoint._on_ready)"}


def test_what_a_callback_raises_is_told(watched: EventLoop, diary: Diary) -> None:
    watched.call_soon(fail)
    watched.call_soon(int)
    with pytest.raises(LookupError):
        watched.run_once(0)
    watched.run_once(0)
    assert diary.raised == ["LookupError", ""]


def test_what_a_handler_raises_is_told_though_the_stream_catches_it(
    watched: EventLoop, diary: Diary
) -> None:
    near, far = tcp_pair()
    watched.set_exception_handler(lambda message, exc: None)
    with far:
        Stream(watched, near, Greeter())
        far.sendall(b"x")
        watched.run_once(0)
        watched.run_once()
        watched.close()
    assert [name for name in diary.raised if name] == ["ZeroDivisionError"]


def test_a_loop_that_runs_where_an_exception_is_handled_has_callbacks_that_raise_nothing(
    watched: EventLoop, diary: Diary
) -> None:
    watched.call_soon(int)
    try:
        fail()
    except LookupError:
        watched.run_once(0)
    assert diary.raised == [""]


def test_queues_are_told_when_they_grow_and_when_they_are_empty(
    watched: EventLoop, diary: Diary
) -> None:
    near, far = tcp_pair()
    with far:
        sock = FaultySocket.adopt(near)
        stream = Stream(watched, sock, StreamHandler())
        watched.run_once(0)
        sock.script("send", [errno.EAGAIN])
        stream.write(b"12345")
        watched.run_once(0)
        watched.run_once()
        watched.close()
    assert [(event.serial, event.size) for event in diary.all(Queue)] == [(SERIAL, 5), (SERIAL, 0)]


def test_drops_are_told_and_that_they_are_told_is_no_callback(
    watched: EventLoop, diary: Diary
) -> None:
    sock = udp_socket()
    sock.script("sendto", [errno.ENOBUFS])
    DatagramEndpoint(watched, sock, Mailbox()).send(b"x", ("127.0.0.1", 9))
    watched.run_once(0)
    watched.close()
    assert [(drop.serial, drop.count, drop.reason) for drop in diary.all(Drop)] == [
        (SERIAL, 1, "ENOBUFS")
    ]
    assert diary.callbacks == []


def test_labels_are_told(watched: EventLoop, diary: Diary) -> None:
    watched.label(5, "the fifth")
    assert [(label.serial, label.label) for label in diary.all(Label)] == [(SERIAL, "the fifth")]


# -- standing in --------------------------------------------------------------------------


@pytest.fixture
def standing_in(monkeypatch: pytest.MonkeyPatch, diary: Diary) -> Diary:
    """A diary of all loops that are made in the test."""
    for owner, name, substitute in callbacks.stand_ins(diary.record):
        monkeypatch.setattr(owner, name, substitute)
    return diary


def test_every_loop_that_is_made_is_watched(standing_in: Diary) -> None:
    with EventLoop() as loop:
        loop.call_soon(int)
        loop.run()
    assert standing_in.callbacks == [(0, "int", "call")]


def test_a_loop_keeps_the_instrument_of_the_program(standing_in: Diary) -> None:
    class Meter(Instrument):
        calls = 0

        def callback_started(self, callback: Callable[..., object], fd: int | None) -> None:
            self.calls += 1

    meter = Meter()
    with EventLoop(instrument=meter) as loop:
        loop.call_soon(int)
        loop.run()
    assert meter.calls == 1
    assert standing_in.callbacks == [(0, "int", "call")]


# -- asyncio ------------------------------------------------------------------------------


class Shouter(asyncio.Protocol):
    """Says what it hears again, but louder; it can't hear questions."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport

    def data_received(self, data: bytes) -> None:
        if data.endswith(b"?"):
            raise LookupError
        self.transport.write(data.upper())
        self.transport.close()


async def say(words: bytes) -> bytes:
    """What a Shouter answers."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Shouter, "127.0.0.1", 0)
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(words)
        heard = await reader.read()
        writer.close()
        await writer.wait_closed()
    return heard


def test_asyncio_s_transports_go_by_their_protocols_and_have_descriptors(
    standing_in: Diary,
) -> None:
    assert asyncio.run(say(b"hello")) == b"HELLO"
    told = standing_in.callbacks
    assert (SERIAL, "Shouter (_SelectorSocketTransport._read_ready)", "ready") in told
    assert (SERIAL, "Shouter.connection_made", "call") in told


def test_asyncio_s_tasks_go_by_their_coroutines(standing_in: Diary) -> None:
    asyncio.run(asyncio.sleep(0))
    assert (0, "sleep (Task-1)", "call") in [
        (serial, f"{name.partition(' ')[0]} (Task-1)", kind)
        for serial, name, kind in standing_in.callbacks
    ]


def test_asyncio_s_timers_are_told_with_their_lateness(standing_in: Diary) -> None:
    async def wait_and_stall() -> None:
        asyncio.get_running_loop().call_later(0.0, int)
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    asyncio.run(wait_and_stall())
    (timer,) = [event for event in standing_in.all(Callback) if event.kind == "timer"]
    assert timer.name == "int"
    assert timer.late > 0


def test_a_wait_of_asyncio_is_told_with_its_timers_and_calls(standing_in: Diary) -> None:
    announced: list[tuple[int, int]] = []
    record: Any = standing_in.record
    record.announce = lambda *numbers: announced.append(numbers)

    async def set_a_timer() -> None:
        loop = asyncio.get_running_loop()
        loop.call_later(9, int)
        loop.call_later(9, int).cancel()
        await asyncio.sleep(0)

    asyncio.run(set_a_timer())
    assert announced[:2] == [(0, 1), (1, 1)]


def test_what_ends_a_task_of_asyncio_is_told_and_still_asyncio_s_to_report(
    standing_in: Diary,
) -> None:
    reported: list[str] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda loop, context: reported.append(context["message"]))

        async def divide() -> None:
            raise ZeroDivisionError

        task = asyncio.create_task(divide())
        await asyncio.sleep(0)
        del task

    asyncio.run(main())
    assert [name for name in standing_in.raised if name] == ["ZeroDivisionError"]
    assert reported == ["Task exception was never retrieved"]


def test_what_a_call_of_asyncio_raises_is_told(standing_in: Diary) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda loop, context: None)
        loop.call_soon(fail)
        loop.call_exception_handler({"message": "of nobody in particular"})
        await asyncio.sleep(0)

    asyncio.run(main())
    assert [name for name in standing_in.raised if name] == ["LookupError"]


def test_what_a_protocol_of_asyncio_raises_is_told(standing_in: Diary) -> None:
    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
        await say(b"hello?")

    asyncio.run(main())
    assert [name for name in standing_in.raised if name] == ["LookupError"]


def test_what_leaves_asyncio_s_loop_is_told_and_leaves_it(standing_in: Diary) -> None:
    async def main() -> None:
        asyncio.get_running_loop().call_soon(exit_at_once)
        await asyncio.sleep(9)

    def exit_at_once() -> None:
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        asyncio.run(main())
    assert "SystemExit" in standing_in.raised
