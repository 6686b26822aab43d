"""Stream: whatever a handler does inside its methods, it harms itself alone."""

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, Final

import pytest

from reactor import EventLoop, ReceiveBuffer, Stream, StreamClosed, StreamHandler
from reactor.testing import RecordingHandler, run_until
from tests.conftest import Connect, Reported
from tests.doubles.peer import Link
from tests.stream.conftest import settle

CALLBACKS: Final = ["connection_made", "data_received", "eof_received", "resume_writing"]


# -- a handler raises --------------------------------------------------------------------


def drive(loop: EventLoop, link: Link) -> None:
    """Give each callback of a handler a reason to be called."""
    if not link.stream.closing:
        link.stream.set_write_buffer_limits(high=10)
        link.stream.write(bytes(11))
    settle(loop)
    link.peer.send(b"x")
    link.wait()
    settle(loop)
    link.peer.end()
    link.wait()
    settle(loop)
    link.stream.abort()
    settle(loop)


class Raising(RecordingHandler):
    """Raises in one of its methods."""

    def __init__(self, where: str, error: BaseException) -> None:
        super().__init__()
        self._where = where
        self._error = error

    def __getattribute__(self, name: str) -> Any:
        method = super().__getattribute__(name)
        if name.startswith("_") or name != self._where:
            return method

        def call_and_raise(*args: Any) -> None:
            method(*args)
            raise self._error

        return call_and_raise


@pytest.mark.parametrize("where", CALLBACKS)
def test_a_handler_that_raises_loses_its_stream_and_is_reported_once(
    loop: EventLoop, connected: Connect, reported: Reported, where: str
) -> None:
    error = ZeroDivisionError()
    handler = Raising(where, error)
    drive(loop, connected(handler))
    assert handler.events[-2:] == [where, "connection_lost"]
    assert handler.events.count("connection_lost") == 1
    assert handler.error is error
    assert [exc for _, exc in reported] == [error]
    assert "Raising" in reported[0][0]
    reported.clear()


def test_a_handler_that_raises_in_connection_lost_is_reported_once(
    loop: EventLoop, connected: Connect, reported: Reported
) -> None:
    error = ZeroDivisionError()
    handler = Raising("connection_lost", error)
    drive(loop, connected(handler))
    assert handler.events.count("connection_lost") == 1
    assert [exc for _, exc in reported] == [error]
    reported.clear()


@pytest.mark.parametrize("where", [*CALLBACKS, "connection_lost"])
def test_a_handler_that_raises_costs_no_other_stream_anything(
    loop: EventLoop, connected: Connect, reported: Reported, where: str
) -> None:
    bystander = RecordingHandler()
    other = connected(bystander)
    drive(loop, connected(Raising(where, ZeroDivisionError())))
    other.peer.send(b"hello")
    run_until(loop, lambda: bystander.received)
    assert bystander.events == ["connection_made", "data_received"]
    reported.clear()


@pytest.mark.parametrize("where", [*CALLBACKS, "connection_lost"])
def test_an_exception_handler_that_raises_changes_nothing(
    loop: EventLoop, connected: Connect, where: str
) -> None:
    def fail(message: str, exc: Exception) -> None:
        raise ZeroDivisionError

    loop.set_exception_handler(fail)
    handler = Raising(where, ValueError())
    drive(loop, connected(handler))
    assert handler.events.count("connection_lost") == 1


@pytest.mark.parametrize("where", CALLBACKS)
def test_an_interrupt_in_a_handler_ends_the_run(
    loop: EventLoop, connected: Connect, where: str
) -> None:
    handler = Raising(where, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        drive(loop, connected(handler))
    loop.close()
    assert handler.events.count("connection_lost") == 1


# -- everything from inside everything ---------------------------------------------------


def write_above_the_limit(stream: Stream) -> None:
    stream.set_write_buffer_limits(1, 1, 1)
    stream.write(bytes(1000))
    stream.write(bytes(1000))


def pause_and_resume(stream: Stream) -> None:
    stream.pause_reading()
    stream.resume_reading()


def close_and_abort(stream: Stream) -> None:
    stream.close()
    stream.abort()


ACTIONS: dict[str, Callable[[Stream], object]] = {
    "write": lambda stream: stream.write(b"x"),
    "write above high water": lambda stream: stream.write(bytes(1000)),
    "write above the limit": write_above_the_limit,
    "write_eof": lambda stream: stream.write_eof(),
    "pause_reading": lambda stream: stream.pause_reading(),
    "resume_reading": lambda stream: stream.resume_reading(),
    "pause and resume": pause_and_resume,
    "set_write_buffer_limits": lambda stream: stream.set_write_buffer_limits(0),
    "set_keepalive": lambda stream: stream.set_keepalive(),
    "close": lambda stream: stream.close(),
    "close at once": lambda stream: stream.close(0),
    "abort": lambda stream: stream.abort(),
    "close and abort": close_and_abort,
    "sockname": lambda stream: stream.sockname,
    "repr": lambda stream: [repr(stream), stream.closing, stream.write_buffer_size],
}


class Acting(StreamHandler):
    """Does something to its stream in one of its methods, and minds not to be re-entered."""

    def __init__(self, where: str, action: Callable[[Stream], object]) -> None:
        self._where = where
        self._action = action
        self._busy = False
        self.calls: list[str] = []

    def _enter(self, name: str) -> None:
        assert not self._busy, f"{name} was called inside a handler"
        self.calls.append(name)
        if name == self._where:
            self._busy = True
            try:
                self._action(self.stream)
            except StreamClosed:
                pass
            finally:
                self._busy = False

    def connection_made(self, stream: Stream) -> None:
        self.stream = stream
        self._enter("connection_made")

    def data_received(self, buffer: ReceiveBuffer) -> None:
        self._enter("data_received")
        buffer.take_all()

    def eof_received(self) -> None:
        self._enter("eof_received")

    def resume_writing(self) -> None:
        self._enter("resume_writing")

    def connection_lost(self, exc: Exception | None) -> None:
        self._enter("connection_lost")


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("where", [*CALLBACKS, "connection_lost"])
def test_every_method_can_be_called_from_inside_every_callback(
    loop: EventLoop, connected: Connect, where: str, action: str
) -> None:
    handler = Acting(where, ACTIONS[action])
    drive(loop, connected(handler))
    assert where in handler.calls
    assert handler.calls.count("connection_lost") == 1
    assert handler.calls[-1] == "connection_lost"


# -- depth -------------------------------------------------------------------------------


def depth() -> int:
    frame: FrameType | None = sys._getframe()
    count = 0
    while frame is not None:
        frame, count = frame.f_back, count + 1
    return count


class LineCounter(StreamHandler):
    """Answers each line, and notes how deep the stack is."""

    def __init__(self) -> None:
        self.lines = 0
        self.depths: set[int] = set()

    def connection_made(self, stream: Stream) -> None:
        self.stream = stream

    def data_received(self, buffer: ReceiveBuffer) -> None:
        self.depths.add(depth())
        while buffer.take_line(100) is not None:
            self.lines += 1
            self.stream.write(b"OK\n")


def test_pipelined_commands_are_answered_at_constant_depth(
    loop: EventLoop, connected: Connect
) -> None:
    handler = LineCounter()
    link = connected(handler)
    commands = b"command\n" * 200_000
    sent = 0

    def all_answered() -> bool:
        nonlocal sent
        sent += link.peer.send(commands[sent : sent + 65536])
        return len(link.peer.pull()) == 3 * 200_000

    run_until(loop, all_answered, 30)
    assert handler.lines == 200_000
    assert len(handler.depths) == 1


def test_commands_taken_one_by_one_are_answered_at_constant_depth(
    loop: EventLoop, connected: Connect
) -> None:
    class OneLine(LineCounter):
        def data_received(self, buffer: ReceiveBuffer) -> None:
            self.depths.add(depth())
            if buffer.take_line(100) is not None:
                self.lines += 1
            self.stream.pause_reading()
            self.stream.resume_reading()

    handler = OneLine()
    count = 2 * sys.getrecursionlimit()
    connected(handler).peer.send(b"\n" * count)
    run_until(loop, lambda: handler.lines == count)
    assert max(handler.depths) - min(handler.depths) < 5
