"""An endpoint ends once, in whichever way, and nothing comes after."""

import errno
import gc
import itertools
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from reactor import (
    DatagramBatch,
    DatagramEndpoint,
    DatagramHandler,
    EventLoop,
    Instrument,
    LoopClosed,
    StreamClosed,
    bind_udp,
)
from reactor.testing import run_until
from tests.conftest import Reported
from tests.datagrams.conftest import SENDS, MakeSocket, deliver, needs_linux, receive, settle
from tests.doubles.descriptors import open_descriptors
from tests.doubles.faulty_socket import FaultySocket
from tests.doubles.mailbox import Mailbox
from tests.doubles.peer import wait_for
from tests.doubles.spy_selector import SpySelector

# -- the end -----------------------------------------------------------------------------


def test_closing_tells_the_handler_once_and_later(
    loop: EventLoop, endpoint: DatagramEndpoint, mailbox: Mailbox
) -> None:
    endpoint.close()
    endpoint.close()
    assert mailbox.losses == []
    loop.run()
    assert mailbox.losses == [None]


@pytest.mark.parametrize("send", SENDS)
def test_a_closed_endpoint_can_not_send(
    endpoint: DatagramEndpoint, other: FaultySocket, send: str
) -> None:
    endpoint.close()
    with pytest.raises(StreamClosed):
        SENDS[send](endpoint, other.getsockname())


@needs_linux
def test_a_closed_endpoint_still_knows_its_drops(endpoint: DatagramEndpoint) -> None:
    before = endpoint.kernel_drops
    endpoint.close()
    assert endpoint.kernel_drops == before == 0


class Raising(Mailbox):
    """Raises whenever it gets something, or when it is told of the end."""

    def __init__(self, where: str) -> None:
        super().__init__()
        self._where = where

    def datagrams_received(self, endpoint: DatagramEndpoint, batch: DatagramBatch) -> None:
        super().datagrams_received(endpoint, batch)
        if self._where == "datagrams_received":
            raise ZeroDivisionError

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._where == "connection_lost":
            raise ZeroDivisionError


@pytest.mark.parametrize("coalesce", [0.0, 0.001])
def test_a_handler_that_raises_loses_its_endpoint_and_is_reported_once(
    loop: EventLoop,
    sock: FaultySocket,
    other: FaultySocket,
    reported: Reported,
    coalesce: float,
) -> None:
    mailbox = Raising("datagrams_received")
    endpoint = bind_udp(loop, mailbox, sock=sock, coalesce=coalesce)
    deliver(other, endpoint, b"1")
    loop.run()
    assert [type(exc) for exc in mailbox.losses] == [ZeroDivisionError]
    assert [exc for _, exc in reported] == mailbox.losses
    assert sock.fileno() == -1
    reported.clear()


def test_a_handler_that_raises_in_connection_lost_is_reported_once(
    loop: EventLoop, sock: FaultySocket, reported: Reported
) -> None:
    mailbox = Raising("connection_lost")
    bind_udp(loop, mailbox, sock=sock).close()
    loop.run()
    assert mailbox.losses == [None]
    assert [type(exc) for _, exc in reported] == [ZeroDivisionError]
    reported.clear()


def test_a_handler_that_raises_costs_no_other_endpoint_anything(
    loop: EventLoop,
    endpoint: DatagramEndpoint,
    mailbox: Mailbox,
    other: FaultySocket,
    reported: Reported,
) -> None:
    unlucky = Raising("datagrams_received")
    another = bind_udp(loop, unlucky, "127.0.0.1")
    deliver(other, another, b"1")
    run_until(loop, lambda: unlucky.losses)
    deliver(other, endpoint, b"1")
    run_until(loop, lambda: mailbox.datagrams)
    assert mailbox.losses == []
    reported.clear()


@pytest.mark.parametrize("coalesce", [0.0, 0.001])
def test_a_handler_may_close_its_endpoint(
    loop: EventLoop, sock: FaultySocket, other: FaultySocket, coalesce: float
) -> None:
    class Closing(Mailbox):
        def datagrams_received(self, endpoint: DatagramEndpoint, batch: DatagramBatch) -> None:
            super().datagrams_received(endpoint, batch)
            endpoint.close()
            assert self.losses == []

    mailbox = Closing()
    endpoint = bind_udp(loop, mailbox, sock=sock, coalesce=coalesce)
    deliver(other, endpoint, b"1")
    loop.run()
    assert mailbox.losses == [None]


def test_the_default_handler_drops_what_is_received(
    loop: EventLoop, sock: FaultySocket, other: FaultySocket
) -> None:
    endpoint = bind_udp(loop, DatagramHandler(), sock=sock)
    deliver(other, endpoint, b"1")
    run_until(loop, lambda: endpoint.counters.received)


def test_closing_the_loop_closes_the_endpoint(
    loop: EventLoop, endpoint: DatagramEndpoint, mailbox: Mailbox, sock: FaultySocket
) -> None:
    loop.close()
    assert mailbox.losses == [None]
    assert sock.fileno() == -1


def live_and_end(loop: EventLoop) -> list[Callable[[], object]]:
    """Weak references to an endpoint that was used and closed, and to its handler."""
    mailbox = Mailbox()
    endpoint = bind_udp(loop, mailbox, "127.0.0.1", coalesce=0.001)
    endpoint.send(b"x", endpoint.sockname)
    run_until(loop, lambda: mailbox.batches)
    endpoint.close()
    return [weakref.ref(mailbox), weakref.ref(endpoint)]


def test_an_ended_endpoint_and_its_handler_are_freed_at_once(loop: EventLoop) -> None:
    gc.disable()
    try:
        references = live_and_end(loop)
        loop.run()
        assert [reference() for reference in references] == [None, None]
    finally:
        gc.enable()


def test_endpoints_leave_no_descriptor_behind(loop: EventLoop, mailbox: Mailbox) -> None:
    before = open_descriptors()
    for _ in range(10):
        bind_udp(loop, mailbox, "127.0.0.1").close()
    loop.run()
    assert open_descriptors() == before


# -- the end is the end ----------------------------------------------------------------------


def test_whoever_is_told_of_the_end_again_is_not(
    loop: EventLoop, endpoint: DatagramEndpoint, mailbox: Mailbox
) -> None:
    endpoint.close()
    loop.run_once(0)
    endpoint.finish()
    assert mailbox.losses == [None]


def test_a_refusal_of_runs_is_not_told_after_the_end(
    loop: EventLoop, mailbox: Mailbox, sock: FaultySocket, other: FaultySocket
) -> None:
    endpoint = bind_udp(loop, mailbox, sock=sock, segmentation=True)
    sock.script("sendmsg", [errno.EIO])
    endpoint.send_batch(DatagramBatch.of([b"one", b"two"]), other.getsockname())
    endpoint.abort()
    endpoint.finish()
    settle(loop)
    assert (mailbox.losses, mailbox.refusals) == ([None], [])


# -- what is no Exception --------------------------------------------------------------------

FATAL = [SystemExit, KeyboardInterrupt, GeneratorExit]


class Fatal(Mailbox):
    """Raises once, at the first call of one method."""

    def __init__(self, where: str, error: type[BaseException]) -> None:
        super().__init__()
        self._where: str | None = where
        self._error = error

    def datagrams_received(self, endpoint: DatagramEndpoint, batch: DatagramBatch) -> None:
        super().datagrams_received(endpoint, batch)
        self._fall("datagrams_received")

    def segmentation_refused(self, endpoint: DatagramEndpoint, exc: OSError, to: Any) -> None:
        super().segmentation_refused(endpoint, exc, to)
        self._fall("segmentation_refused")

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._fall("connection_lost")

    def _fall(self, where: str) -> None:
        if where == self._where:
            self._where = None
            raise self._error


@pytest.mark.parametrize("coalesce", [0.0, 0.001])
@pytest.mark.parametrize("error", FATAL)
def test_an_endpoint_goes_on_after_its_handler_has_ended_the_run(
    loop: EventLoop,
    sock: FaultySocket,
    other: FaultySocket,
    error: type[BaseException],
    coalesce: float,
) -> None:
    mailbox = Fatal("datagrams_received", error)
    endpoint = bind_udp(loop, mailbox, sock=sock, coalesce=coalesce)
    deliver(other, endpoint, b"fatal")
    with pytest.raises(error):
        loop.run()
    deliver(other, endpoint, b"next")
    run_until(loop, lambda: b"next" in mailbox.datagrams)
    assert mailbox.datagrams == [b"fatal", b"next"]
    assert mailbox.losses == []


@pytest.mark.parametrize("coalesce", [0.0, 0.001])
def test_an_endpoint_goes_on_after_ctrl_c_in_the_midst_of_receiving(
    loop: EventLoop,
    mailbox: Mailbox,
    sock: FaultySocket,
    other: FaultySocket,
    coalesce: float,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def press(*args: Any) -> int:
        monkeypatch.undo()
        raise KeyboardInterrupt

    endpoint = bind_udp(loop, mailbox, sock=sock, coalesce=coalesce)
    monkeypatch.setattr(FaultySocket, "recvfrom_into", press)
    deliver(other, endpoint, b"next")
    with pytest.raises(KeyboardInterrupt):
        loop.run()
    run_until(loop, lambda: mailbox.datagrams)
    assert mailbox.datagrams == [b"next"]


@pytest.mark.parametrize("error", FATAL)
def test_an_endpoint_goes_on_after_a_refusal_has_ended_the_run(
    loop: EventLoop, sock: FaultySocket, other: FaultySocket, error: type[BaseException]
) -> None:
    mailbox = Fatal("segmentation_refused", error)
    endpoint = bind_udp(loop, mailbox, sock=sock, segmentation=True)
    sock.script("sendmsg", [errno.EIO])
    endpoint.send_batch(DatagramBatch.of([b"1", b"2"]), other.getsockname())
    with pytest.raises(error):
        loop.run()
    deliver(other, endpoint, b"next")
    run_until(loop, lambda: mailbox.datagrams)
    assert mailbox.losses == []


@pytest.mark.parametrize("error", FATAL)
def test_an_end_that_ends_the_run_is_an_end_all_the_same(
    loop: EventLoop, sock: FaultySocket, error: type[BaseException]
) -> None:
    mailbox = Fatal("connection_lost", error)
    bind_udp(loop, mailbox, sock=sock).close()
    with pytest.raises(error):
        loop.run()
    loop.run()
    assert mailbox.losses == [None]
    assert sock.fileno() == -1


def test_an_endpoint_is_closed_before_its_handlers_mistake_is_reported(
    loop: EventLoop, sock: FaultySocket, other: FaultySocket
) -> None:
    mailbox = Raising("datagrams_received")
    endpoint = bind_udp(loop, mailbox, sock=sock)

    def report(message: str, exc: Exception) -> None:
        assert sock.fileno() == -1
        raise SystemExit

    loop.set_exception_handler(report)
    deliver(other, endpoint, b"1")
    with pytest.raises(SystemExit):
        loop.run()
    loop.run()
    assert [type(exc) for exc in mailbox.losses] == [ZeroDivisionError]


@pytest.mark.parametrize("error", [*FATAL, ZeroDivisionError])
@pytest.mark.parametrize("segmentation", [False, True])
def test_an_instrument_that_raises_at_a_drop_costs_nobody_a_datagram_and_spoils_no_account(
    mailbox: Mailbox,
    udp: MakeSocket,
    segmentation: bool,
    error: type[BaseException],
) -> None:
    class Meter(Instrument):
        def datagrams_dropped(self, fd: int, count: int, reason: str) -> None:
            raise error

    receivers = [udp() for _ in range(3)]
    with EventLoop(instrument=Meter()) as loop:
        sock = udp()
        endpoint = bind_udp(loop, mailbox, sock=sock, segmentation=segmentation)
        sock.script("sendmsg", [errno.ENOBUFS])
        sock.script("sendto", itertools.repeat(errno.ENOBUFS, 4))
        addresses = [receiver.getsockname() for receiver in receivers]
        dropped = endpoint.send_batch_to_all(DatagramBatch.of([b"same"] * 4), addresses)
        assert dropped == {addresses[0]: 4}
        assert endpoint.counters.sent + endpoint.counters.dropped.total() == 3 * 4
        for receiver in receivers[1:]:
            assert [receive(receiver) for _ in range(4)] == [b"same"] * 4
        with pytest.raises(error):
            loop.run_once(0)
        assert mailbox.losses == []


# -- after the loop --------------------------------------------------------------------------


def test_after_the_end_of_the_loop_an_endpoint_is_harmless(
    loop: EventLoop, endpoint: DatagramEndpoint, mailbox: Mailbox, other: FaultySocket
) -> None:
    before = endpoint.kernel_drops, endpoint.receive_buffer_size
    loop.close()
    endpoint.pause_receiving()
    endpoint.resume_receiving(discard_backlog=True)
    endpoint.close_lane(other.getsockname())
    endpoint.close()
    assert (endpoint.kernel_drops, endpoint.receive_buffer_size) == before
    assert repr(endpoint)
    assert mailbox.losses == [None]


@pytest.mark.parametrize("send", [*SENDS, "open_lane"])
def test_after_the_end_of_the_loop_nothing_can_be_sent(
    loop: EventLoop, endpoint: DatagramEndpoint, other: FaultySocket, send: str
) -> None:
    loop.close()
    with pytest.raises(StreamClosed):
        {**SENDS, "open_lane": DatagramEndpoint.open_lane}[send](endpoint, other.getsockname())


def test_after_the_end_of_the_loop_nothing_can_be_bound(loop: EventLoop, mailbox: Mailbox) -> None:
    before = open_descriptors()
    loop.close()
    with pytest.raises(RuntimeError):
        bind_udp(loop, mailbox, "127.0.0.1")
    assert open_descriptors() <= before


class Leaving(DatagramHandler):
    """Tells another endpoint of the end of its own."""

    def __init__(self) -> None:
        self.other: DatagramEndpoint | None = None
        self.send: Callable[..., Any] = DatagramEndpoint.send
        self.answer: Any = None

    def connection_lost(self, exc: Exception | None) -> None:
        assert self.other is not None
        self.answer = self.send(self.other, self.other.sockname)


@pytest.mark.parametrize("send", SENDS)
def test_a_farewell_while_the_loop_closes_is_dropped_and_counted_and_no_mistake(
    loop: EventLoop, reported: Reported, send: str
) -> None:
    leaving = Leaving(), Leaving()
    first, second = (bind_udp(loop, each, "127.0.0.1") for each in leaving)
    leaving[0].other, leaving[1].other = second, first
    for each in leaving:
        each.send = SENDS[send]
    loop.close()
    # Who is told last finds the other's end told, and that is a mistake.
    assert [type(exc) for _, exc in reported] == [StreamClosed]
    reported.clear()
    assert sorted(end.counters.dropped["EBADF"] > 0 for end in (first, second)) == [False, True]


@pytest.mark.parametrize("send", SENDS)
def test_what_is_sent_before_the_end_of_a_handler_that_failed_is_told_is_dropped(
    loop: EventLoop, sock: FaultySocket, other: FaultySocket, send: str
) -> None:
    class Failing(Mailbox):
        def datagrams_received(self, endpoint: DatagramEndpoint, batch: DatagramBatch) -> None:
            raise ZeroDivisionError

    def on_error(message: str, exc: Exception) -> None:
        assert mailbox.losses == []
        SENDS[send](endpoint, other.getsockname())
        dropped.append(endpoint.counters.dropped["EBADF"])
        with pytest.raises(StreamClosed):
            endpoint.open_lane(other.getsockname())

    mailbox, dropped = Failing(), list[int]()
    endpoint = bind_udp(loop, mailbox, sock=sock)
    loop.set_exception_handler(on_error)
    deliver(other, endpoint, b"1")
    wait_for(sock)
    run_until(loop, lambda: mailbox.losses)
    assert dropped == [1]
    with pytest.raises(StreamClosed):
        SENDS[send](endpoint, other.getsockname())


def test_an_endpoint_that_the_system_refuses_leaves_nothing_in_the_loop(
    loop: EventLoop, mailbox: Mailbox, sock: FaultySocket, selector: SpySelector
) -> None:
    sock.script("setblocking", [errno.ENOBUFS])
    with pytest.raises(OSError, match="No buffer space"):
        bind_udp(loop, mailbox, sock=sock)
    assert selector.watched == 0
    loop.close()
    assert mailbox.losses == []
    assert sock.fileno() >= 0


def test_to_begin_anew_while_the_loop_closes_is_no_mistake(
    loop: EventLoop, reported: Reported
) -> None:
    class Stubborn(DatagramHandler):
        def connection_lost(self, exc: Exception | None) -> None:
            raise LoopClosed("the loop is closed")

    bind_udp(loop, Stubborn(), "127.0.0.1")
    loop.close()
    assert reported == []
