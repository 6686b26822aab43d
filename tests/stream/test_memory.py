"""Stream: nothing keeps what has ended alive."""

import errno
import socket
import weakref
from collections.abc import Callable

import pytest

from reactor import EventLoop, ReceiveBuffer, Stream, StreamHandler, listen
from reactor.testing import RecordingHandler, run_until, stream_pair
from tests.conftest import Reported
from tests.doubles.faulty_socket import Cut, FaultySocket
from tests.doubles.peer import Link, Peer, tcp_pair
from tests.doubles.spy_selector import SpySelector
from tests.stream.conftest import settle

# -- nothing is kept alive ---------------------------------------------------------------


class Friend(StreamHandler):
    """Keeps its stream, as handlers do."""

    def connection_made(self, stream: Stream) -> None:
        self.stream = stream


class Clumsy(Friend):
    def data_received(self, buffer: ReceiveBuffer) -> None:
        raise ZeroDivisionError


def end_by_closing(link: Link) -> None:
    link.stream.close()
    link.peer.end()


def end_by_aborting(link: Link) -> None:
    link.stream.write(b"x")
    link.stream.abort()


def end_by_reset(link: Link) -> None:
    link.peer.reset()


def end_by_peer(link: Link) -> None:
    link.peer.end()


def end_by_data(link: Link) -> None:
    link.peer.send(b"x")


@pytest.mark.parametrize(
    ("kind", "end"),
    [
        (Friend, end_by_closing),
        (Friend, end_by_aborting),
        (Friend, end_by_reset),
        (Friend, end_by_peer),
        (Clumsy, end_by_data),
    ],
)
def test_an_ended_stream_and_its_handler_are_freed_at_once(
    loop: EventLoop,
    reported: Reported,
    no_collector: None,
    kind: type[Friend],
    end: Callable[[Link], None],
) -> None:
    near, far = tcp_pair()
    handler = kind()
    link = Link(Stream(loop, near, handler), FaultySocket(), Peer(far))
    references: list[Callable[[], object]] = [weakref.ref(handler), weakref.ref(link.stream)]
    loop.run_once(0)
    end(link)
    with far, link.sock:
        del handler, link
        loop.run()
    reported.clear()
    assert [reference() for reference in references] == [None, None]


def test_an_ended_stream_that_somebody_keeps_does_not_keep_its_handler(
    loop: EventLoop, no_collector: None
) -> None:
    handler: StreamHandler | None = Friend()
    reference = weakref.ref(handler)
    assert handler is not None
    stream, _ = stream_pair(loop, handler, StreamHandler())
    handler = None
    stream.close()
    loop.run()
    assert reference() is None
    assert stream.closing
    stream.handler = handler = Friend()
    reference, handler = weakref.ref(handler), None
    assert reference() is None


def test_a_thousand_connections_leave_nothing_behind(
    loop: EventLoop, selector: SpySelector, no_collector: None
) -> None:
    handlers: weakref.WeakSet[StreamHandler] = weakref.WeakSet()

    def make_handler() -> StreamHandler:
        handler = Friend()
        handlers.add(handler)
        return handler

    listener = listen(loop, make_handler, "127.0.0.1", 0)
    for _ in range(20):
        peers = [socket.create_connection(listener.sockname) for _ in range(50)]
        run_until(loop, lambda: len(handlers) == 50)
        for peer in peers:
            peer.close()
        run_until(loop, lambda: not handlers)
    assert listener.accepted == 1000
    assert selector.watched == 1


def test_a_stream_that_ends_while_it_flushes_is_not_asked_for_more(
    loop: EventLoop, selector: SpySelector, link: Link, handler: RecordingHandler
) -> None:
    link.stream.set_write_buffer_limits(high=1)
    link.stream.pause_reading()
    link.stream.write(b"123456")
    link.sock.script("send", [Cut(4)])
    selector.refusal = errno.ENOSPC  # the wait for the peer can't be registered
    settle(loop)
    selector.refusal = None
    assert handler.events == ["connection_made", "connection_lost"]
