"""Connector: one answer to each attempt, in time, and nothing left behind."""

import errno
import gc
import os
import select
import socket
import weakref
from functools import partial
from typing import Any

import pytest

from reactor import EventLoop, LoopClosed, Stream, StreamHandler, connect, listen
from reactor.testing import (
    Faults,
    ManualClock,
    RecordingHandler,
    Simulation,
    run_until,
    simulate,
    torture,
)
from tests.conftest import Reported
from tests.doubles.descriptors import open_descriptors
from tests.doubles.door import Door
from tests.doubles.faulty_socket import FaultySocket, has_ipv6
from tests.doubles.peer import Peer
from tests.doubles.spy_selector import SpySelector

MADE = ["connection_made"]
FAILED = ["connection_failed"]


def answer_and_reset(
    server: socket.socket, caller: socket.socket, answer: bytes, ends_first: bool = False
) -> None:
    """Accept, say something and reset; return when the caller's system knows."""
    accepted = Peer(server.accept()[0])
    accepted.send(answer)
    if ends_first:
        accepted.end()
    accepted.reset()
    poll = select.poll()
    poll.register(caller, 0)
    assert poll.poll(5000), "no reset came"


# -- success -----------------------------------------------------------------------------


def test_a_connection_is_made(
    loop: EventLoop, handler: RecordingHandler, server: socket.socket, port: int
) -> None:
    connect(loop, handler, "127.0.0.1", port)
    assert handler.events == []
    run_until(loop, lambda: handler.events)
    accepted, address = server.accept()
    with accepted:
        accepted.send(b"hello")
        run_until(loop, lambda: handler.received)
    assert handler.stream is not None
    assert handler.stream.sockname == address
    assert handler.stream.peername == server.getsockname()
    assert handler.events == ["connection_made", "data_received"]


@pytest.mark.skipif(not has_ipv6(), reason="needs IPv6")
def test_a_connection_is_made_over_ipv6(loop: EventLoop, handler: RecordingHandler) -> None:
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as server:
        connect(loop, handler, "::1", server.getsockname()[1])
        run_until(loop, lambda: handler.events)
    assert handler.events == MADE


def test_the_deadline_is_off_once_connected(
    loop: EventLoop, clock: ManualClock, handler: RecordingHandler, port: int
) -> None:
    connect(loop, handler, "127.0.0.1", port, timeout=1.0)
    run_until(loop, lambda: handler.events)
    clock.advance(10.0)
    loop.run_once(0)
    assert handler.events == MADE


def test_a_connection_sends_small_messages_at_once(
    loop: EventLoop, handler: RecordingHandler, port: int, sockets: list[FaultySocket]
) -> None:
    connect(loop, handler, "127.0.0.1", port)
    run_until(loop, lambda: handler.events)
    assert sockets[0].getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


# -- failure -----------------------------------------------------------------------------


def test_a_refusal_is_told_with_the_address(
    loop: EventLoop, handler: RecordingHandler, dead_port: int
) -> None:
    connect(loop, handler, "127.0.0.1", dead_port)
    loop.run()
    assert handler.events == FAILED
    assert isinstance(handler.error, ConnectionRefusedError)
    assert f"127.0.0.1:{dead_port}: " in str(handler.error)


def test_the_handler_is_not_called_before_connect_returns(
    loop: EventLoop, handler: RecordingHandler, sockets: list[FaultySocket]
) -> None:
    connect(loop, handler, "127.0.0.1", 1)
    assert handler.events == []
    assert sockets == []


def test_silence_is_a_time_out_exactly_at_the_deadline(
    loop: EventLoop, clock: ManualClock, handler: RecordingHandler, silent_port: int
) -> None:
    connect(loop, handler, "127.0.0.1", silent_port, timeout=8.0)
    loop.run_once(0)
    clock.advance(7.75)
    loop.run_once(0)
    assert handler.events == []
    clock.advance(0.25)
    loop.run()
    assert handler.events == FAILED
    assert isinstance(handler.error, TimeoutError)
    assert handler.error.errno == errno.ETIMEDOUT
    assert "8 s" in str(handler.error)


def test_without_a_word_the_deadline_is_10_seconds(
    loop: EventLoop, clock: ManualClock, handler: RecordingHandler, silent_port: int
) -> None:
    connect(loop, handler, "127.0.0.1", silent_port)
    loop.run_once(0)
    clock.advance(9.75)
    loop.run_once(0)
    assert handler.events == []
    clock.advance(0.25)
    loop.run_once(0)
    assert handler.events == FAILED


def test_a_deadline_of_zero_is_told_once(
    loop: EventLoop, clock: ManualClock, handler: RecordingHandler, silent_port: int
) -> None:
    connect(loop, handler, "127.0.0.1", silent_port, timeout=0)
    loop.run()
    assert handler.events == FAILED


@pytest.mark.parametrize("timeout", [float("nan"), float("inf")])
def test_a_deadline_that_is_no_time_is_refused(
    loop: EventLoop, handler: RecordingHandler, timeout: float
) -> None:
    with pytest.raises(ValueError, match="expected a finite number of seconds"):
        connect(loop, handler, "127.0.0.1", 1, timeout=timeout)
    loop.run()
    assert handler.events == []


def test_the_time_before_the_loop_runs_is_not_the_peer_s(
    loop: EventLoop, clock: ManualClock, handler: RecordingHandler, silent_port: int
) -> None:
    connect(loop, handler, "127.0.0.1", silent_port, timeout=8.0)
    clock.advance(60.0)
    loop.run_once(0)
    clock.advance(7.75)
    loop.run_once(0)
    assert handler.events == []
    clock.advance(0.25)
    loop.run_once(0)
    assert handler.events == FAILED


def test_an_answer_that_the_selector_has_not_told_of_counts_at_the_deadline(
    loop: EventLoop,
    clock: ManualClock,
    selector: SpySelector,
    handler: RecordingHandler,
    port: int,
) -> None:
    selector.arrange = lambda ready: []
    connect(loop, handler, "127.0.0.1", port, timeout=8.0)
    loop.run_once(0)
    assert handler.events == []
    clock.advance(60.0)
    loop.run_once(0)
    assert handler.events == MADE


@pytest.mark.parametrize("handler", [StreamHandler, None, "handler"])
def test_what_is_no_handler_is_refused(loop: EventLoop, handler: Any) -> None:
    with pytest.raises(TypeError, match="expected a StreamHandler, not "):
        connect(loop, handler, "127.0.0.1", 1)


@pytest.mark.parametrize("code", [errno.EMFILE, errno.EAFNOSUPPORT])
def test_a_socket_that_can_not_be_made_is_a_failure(
    loop: EventLoop, handler: RecordingHandler, network: Door, code: int
) -> None:
    def refuse(*args: object) -> socket.socket:
        raise OSError(code, os.strerror(code))

    network.socket = refuse
    connect(loop, handler, "127.0.0.1", 1)
    loop.run()
    assert handler.events == FAILED
    assert isinstance(handler.error, OSError)
    assert handler.error.errno == code


def test_a_selector_that_refuses_is_a_failure(
    loop: EventLoop, handler: RecordingHandler, selector: SpySelector, port: int
) -> None:
    selector.refusal = errno.ENOSPC
    connect(loop, handler, "127.0.0.1", port)
    loop.run()
    assert handler.events == FAILED
    assert isinstance(handler.error, OSError)
    assert handler.error.errno == errno.ENOSPC


def test_a_connection_that_breaks_before_it_is_seen_is_a_failure(
    loop: EventLoop, handler: RecordingHandler, port: int, sockets: list[FaultySocket]
) -> None:
    connect(loop, handler, "127.0.0.1", port)
    loop.call_soon(lambda: sockets[0].script("getpeername", [errno.ECONNRESET]))
    loop.run()
    assert handler.events == FAILED
    assert isinstance(handler.error, ConnectionResetError)


@pytest.mark.parametrize("ends_first", [False, True])
def test_a_connection_that_was_reset_without_a_word_before_it_is_seen_is_a_failure(
    loop: EventLoop,
    handler: RecordingHandler,
    server: socket.socket,
    port: int,
    sockets: list[FaultySocket],
    ends_first: bool,
) -> None:
    connect(loop, handler, "127.0.0.1", port)
    loop.call_soon(lambda: answer_and_reset(server, sockets[0], b"", ends_first))
    loop.run()
    assert handler.events == FAILED
    assert isinstance(handler.error, BrokenPipeError if ends_first else ConnectionResetError)


@pytest.mark.parametrize("ends_first", [False, True])
def test_an_answer_that_was_reset_before_it_is_seen_is_heard(
    loop: EventLoop,
    handler: RecordingHandler,
    server: socket.socket,
    port: int,
    sockets: list[FaultySocket],
    ends_first: bool,
) -> None:
    connect(loop, handler, "127.0.0.1", port)
    loop.call_soon(lambda: answer_and_reset(server, sockets[0], b"ERROR full\n", ends_first))
    loop.run()
    assert handler.received == b"ERROR full\n"
    assert handler.events[:2] == ["connection_made", "data_received"]
    assert handler.stream is not None
    assert handler.stream.peername == server.getsockname()


def test_what_has_reset_a_connection_is_told_behind_its_answer(
    loop: EventLoop,
    handler: RecordingHandler,
    server: socket.socket,
    port: int,
    sockets: list[FaultySocket],
) -> None:
    connect(loop, handler, "127.0.0.1", port)
    loop.call_soon(lambda: answer_and_reset(server, sockets[0], b"ERROR full\n"))
    loop.run()
    assert handler.events[-1] == "connection_lost"
    assert isinstance(handler.error, ConnectionResetError)


def test_a_connection_to_oneself_counts_as_refused(
    loop: EventLoop, handler: RecordingHandler, network: Door
) -> None:
    # By bad luck the system may give a caller just the port that it wants to call.
    unlucky = socket.socket()
    unlucky.bind(("127.0.0.1", 0))
    network.socket = lambda *args: unlucky
    connect(loop, handler, *unlucky.getsockname())
    loop.run()
    assert handler.events == FAILED
    assert isinstance(handler.error, ConnectionRefusedError)


def test_a_handler_that_raises_in_connection_failed_is_reported_once(
    loop: EventLoop, dead_port: int, reported: Reported
) -> None:
    class Raising(StreamHandler):
        def connection_failed(self, exc: OSError) -> None:
            raise ZeroDivisionError

    connect(loop, Raising(), "127.0.0.1", dead_port)
    loop.run()
    assert [type(exc) for _, exc in reported] == [ZeroDivisionError]
    assert "Raising" in reported[0][0]
    reported.clear()


def test_another_try_while_the_loop_closes_is_no_mistake(
    loop: EventLoop, silent_port: int, reported: Reported
) -> None:
    class Stubborn(RecordingHandler):
        def connection_failed(self, exc: OSError) -> None:
            super().connection_failed(exc)
            raise LoopClosed("the loop is closed")

    handler = Stubborn()
    connect(loop, handler, "127.0.0.1", silent_port)
    loop.run_once(0)
    loop.close()
    assert handler.events == FAILED
    assert reported == []


def test_the_default_handler_takes_a_failure_in_silence(loop: EventLoop, dead_port: int) -> None:
    connect(loop, StreamHandler(), "127.0.0.1", dead_port)
    loop.run()


# -- names -------------------------------------------------------------------------------


def test_a_name_is_not_looked_up_while_the_loop_runs(
    loop: EventLoop, handler: RecordingHandler, network: Door
) -> None:
    network.getaddrinfo = lambda *args, **kwargs: pytest.fail("looked up")
    loop.call_soon(connect, loop, handler, "a.name", 1)
    with pytest.raises(RuntimeError, match="look-up"):
        loop.run()


def test_an_unknown_name_is_an_error_that_names_it(
    loop: EventLoop, handler: RecordingHandler, network: Door
) -> None:
    def fail(*args: object, **kwargs: object) -> list[object]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    network.getaddrinfo = fail
    with pytest.raises(OSError, match=r"a\.name"):
        connect(loop, handler, "a.name", 1)


# -- calling it off ----------------------------------------------------------------------


def test_a_connector_can_be_called_off_before_it_starts(
    loop: EventLoop, handler: RecordingHandler, port: int, sockets: list[FaultySocket]
) -> None:
    connect(loop, handler, "127.0.0.1", port).cancel()
    loop.run()
    assert handler.events == []
    assert sockets == []


def test_a_connector_can_be_called_off_while_it_waits(
    loop: EventLoop, handler: RecordingHandler, silent_port: int, sockets: list[FaultySocket]
) -> None:
    attempt = connect(loop, handler, "127.0.0.1", silent_port)
    loop.run_once(0)
    attempt.cancel()
    loop.run()
    assert handler.events == []
    assert [sock.fileno() for sock in sockets] == [-1]


def test_a_connector_called_off_in_the_moment_of_success_says_no_more(
    loop: EventLoop, handler: RecordingHandler, port: int, sockets: list[FaultySocket]
) -> None:
    attempt = connect(loop, handler, "127.0.0.1", port)
    run_until(loop, lambda: sockets and sockets[0].calls["getpeername"])
    told = list(handler.events)
    attempt.cancel()
    for _ in range(5):
        loop.run_once(0)
    assert handler.events == told


@pytest.mark.parametrize("method", ["connection_made", "connection_failed"])
def test_calling_off_from_inside_the_answer_is_harmless(
    loop: EventLoop, port: int, dead_port: int, method: str
) -> None:
    class Fickle(RecordingHandler):
        def connection_made(self, stream: Stream) -> None:
            attempt.cancel()
            super().connection_made(stream)

        def connection_failed(self, exc: OSError) -> None:
            attempt.cancel()
            super().connection_failed(exc)

    handler = Fickle()
    chosen = port if method == "connection_made" else dead_port
    attempt = connect(loop, handler, "127.0.0.1", chosen)
    run_until(loop, lambda: handler.events)
    loop.run_once(0)
    assert handler.events == [method]


def test_calling_off_afterwards_leaves_the_connection_alone(
    loop: EventLoop, handler: RecordingHandler, server: socket.socket, port: int
) -> None:
    attempt = connect(loop, handler, "127.0.0.1", port)
    run_until(loop, lambda: handler.events)
    attempt.cancel()
    attempt.cancel()
    accepted, _ = server.accept()
    with accepted:
        accepted.send(b"hello")
        run_until(loop, lambda: handler.received)
    assert handler.received == b"hello"


def test_calling_off_a_waiting_connector_lets_the_loop_end(
    loop: EventLoop, handler: RecordingHandler, silent_port: int
) -> None:
    attempt = connect(loop, handler, "127.0.0.1", silent_port, timeout=1000)
    loop.call_soon(loop.call_soon, attempt.cancel)
    loop.run()
    assert handler.events == []


# -- nothing is left behind --------------------------------------------------------------


def test_a_waiting_connector_is_told_when_the_loop_is_closed(
    loop: EventLoop, handler: RecordingHandler, silent_port: int, sockets: list[FaultySocket]
) -> None:
    connect(loop, handler, "127.0.0.1", silent_port)
    loop.run_once(0)
    loop.close()
    assert handler.events == FAILED
    assert [sock.fileno() for sock in sockets] == [-1]


def test_a_loop_closed_in_the_moment_of_success_tells_of_an_end_too(
    loop: EventLoop, handler: RecordingHandler, port: int, sockets: list[FaultySocket]
) -> None:
    connect(loop, handler, "127.0.0.1", port)
    run_until(loop, lambda: sockets and sockets[0].calls["getpeername"])
    loop.close()
    assert handler.events in (FAILED, ["connection_made", "connection_lost"])
    assert [sock.fileno() for sock in sockets] == [-1]


def test_a_connection_that_was_made_leaves_no_timer(
    loop: EventLoop,
    clock: ManualClock,
    handler: RecordingHandler,
    port: int,
    selector: SpySelector,
) -> None:
    connect(loop, handler, "127.0.0.1", port, timeout=5.0)
    run_until(loop, lambda: handler.events)
    selector.clock = clock
    loop.run_once(60.0)
    assert selector.timeouts[-1] == 60.0


@pytest.mark.parametrize("outcome", ["success", "failure", "cancel"])
def test_a_connector_that_is_over_is_freed_at_once(
    loop: EventLoop, handler: RecordingHandler, port: int, dead_port: int, outcome: str
) -> None:
    attempt = connect(loop, handler, "127.0.0.1", dead_port if outcome == "failure" else port)
    reference = weakref.ref(attempt)
    if outcome == "cancel":
        attempt.cancel()
    del attempt
    gc.disable()
    try:
        run_until(loop, lambda: handler.events or outcome == "cancel")
        loop.run_once(0)
        assert reference() is None
    finally:
        gc.enable()


def test_attempts_that_fail_leave_nothing_behind(
    loop: EventLoop, clock: ManualClock, dead_port: int, silent_port: int, selector: SpySelector
) -> None:
    before = open_descriptors()
    for port in [dead_port, silent_port] * 5:
        connect(loop, StreamHandler(), "127.0.0.1", port, timeout=1.0)
    loop.run_once(0)
    clock.advance(1.0)
    loop.run()
    assert open_descriptors() == before
    assert selector.watched == 0


@pytest.mark.parametrize("callback", ["connection_made", "connection_failed"])
def test_what_ends_the_program_leaves_nothing_half_done(
    loop: EventLoop, port: int, dead_port: int, sockets: list[FaultySocket], callback: str
) -> None:
    class Leaving(RecordingHandler):
        def connection_made(self, stream: Stream) -> None:
            super().connection_made(stream)
            raise SystemExit

        def connection_failed(self, exc: OSError) -> None:
            super().connection_failed(exc)
            raise SystemExit

    handler = Leaving()
    connect(loop, handler, "127.0.0.1", port if callback == "connection_made" else dead_port)
    with pytest.raises(SystemExit):
        run_until(loop, lambda: False)
    if handler.stream is not None:
        handler.stream.abort()
    loop.run()
    assert handler.events[0] == callback
    assert [sock.fileno() for sock in sockets] == [-1]


def call_and_answer(simulation: Simulation, host: str) -> None:
    """A server at `host`, and one who calls it by name."""
    caller = RecordingHandler()
    simulation.loop.set_exception_handler(lambda message, exc: None)
    server = listen(simulation.loop, RecordingHandler, host, 7000)
    connect(simulation.loop, caller, "localhost", 7000, timeout=5.0)
    simulation.run_until(lambda: caller.events)
    simulation.run(seconds=10.0)
    assert len([event for event in caller.events if event in MADE + FAILED]) == 1
    server.close()


each_server = pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])


@each_server
def test_no_fault_of_any_call_leaves_an_attempt_undecided_or_a_socket_open(host: str) -> None:
    assert torture(partial(call_and_answer, host=host)) > 200


@each_server
@pytest.mark.parametrize("faults", [Faults.gentle, Faults.harsh])
def test_no_chance_leaves_an_attempt_undecided_or_a_socket_open(faults: Any, host: str) -> None:
    simulate(partial(call_and_answer, host=host), seeds=50, faults=faults)
