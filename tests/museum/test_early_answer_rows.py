"""Row 202 where a connection begins: the answer of a server that has no time for anybody."""

import select
import socket
from collections.abc import Callable

import pytest

from reactor import EventLoop, connect
from reactor.testing import RecordingHandler
from tests.doubles.door import Door
from tests.doubles.peer import Peer

ANSWER = b"ERROR full\n"

Turn = Callable[[Peer], None]


def reset(peer: Peer) -> None:
    peer.reset()


def end_and_reset(peer: Peer) -> None:
    peer.end()
    peer.reset()


@pytest.mark.parametrize("turn_away", [reset, end_and_reset])
def test_row_202_the_answer_of_a_server_that_resets_before_anybody_looks_is_heard(
    loop: EventLoop, network: Door, turn_away: Turn
) -> None:
    callers: list[socket.socket] = []

    def make(*args: int) -> socket.socket:
        callers.append(socket.socket(*args))
        return callers[-1]

    def answer() -> None:
        """In the iteration in which the call was made, as if the loop had stalled."""
        peer = Peer(server.accept()[0])
        peer.send(ANSWER)
        turn_away(peer)
        poll = select.poll()
        poll.register(callers[0], 0)
        assert poll.poll(5000), "no reset came"

    network.socket = make
    handler = RecordingHandler()
    with socket.create_server(("127.0.0.1", 0)) as server:
        connect(loop, handler, *server.getsockname())
        loop.call_soon(answer)
        loop.run()
    assert handler.received == ANSWER
    assert handler.events[-1] == "connection_lost"
