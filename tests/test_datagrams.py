"""DatagramEndpoint: what arrives is handed over whole, what can't leave is counted."""

import errno
import gc
import itertools
import socket
import sys
import weakref
from collections.abc import Callable
from pathlib import Path
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
    bind_udp_all,
)
from reactor.testing import ManualClock, run_until
from tests.conftest import Reported
from tests.fakes import (
    Door,
    FaultySocket,
    Mailbox,
    SpySelector,
    has_ipv6,
    open_descriptors,
    udp_socket,
    wait_for,
)

MakeSocket = Callable[..., FaultySocket]

IP_RECVERR = 11  # linux/in.h
SO_MEMINFO = 55  # asm-generic/socket.h
SO_RCVBUFFORCE = 33

needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")


def settle(loop: EventLoop) -> None:
    """Let everything happen that does not depend on time."""
    for _ in range(5):
        loop.run_once(0)


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def sock(udp: MakeSocket) -> FaultySocket:
    """The socket of the endpoint."""
    return udp()


@pytest.fixture
def endpoint(loop: EventLoop, mailbox: Mailbox, sock: FaultySocket) -> DatagramEndpoint:
    """An endpoint that hands everything over at once, and sends each datagram by itself."""
    return bind_udp(loop, mailbox, sock=sock, segmentation=False)


@pytest.fixture
def gathering(
    loop: EventLoop, clock: ManualClock, mailbox: Mailbox, sock: FaultySocket
) -> DatagramEndpoint:
    """An endpoint that gathers for a second of the manual clock."""
    return bind_udp(loop, mailbox, sock=sock, coalesce=1.0)


@pytest.fixture
def other(udp: MakeSocket) -> FaultySocket:
    """Somebody to talk with."""
    return udp()


def deliver(sender: socket.socket, endpoint: DatagramEndpoint, *datagrams: bytes) -> None:
    """Send datagrams to an endpoint's socket, one by one."""
    for datagram in datagrams:
        sender.sendto(datagram, endpoint.sockname)


def numbered(count: int) -> list[bytes]:
    return [b"%d" % number for number in range(count)]


def receive(sock: socket.socket) -> bytes:
    """The next datagram, waited for."""
    wait_for(sock)
    return sock.recv(65536)


def skip_unless_there_is_room(endpoint: DatagramEndpoint) -> None:
    if endpoint.receive_buffer_size < 1024 * 1024:
        pytest.skip("the system lends too little: raise net.core.rmem_max")


# -- receiving ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "size", [0, 1, 2, 187, 188, 1316, 1472, 1473, 8192, 9217, 16384, 32768, 65506, 65507]
)
def test_a_datagram_of_any_size_arrives_whole(
    loop: EventLoop, endpoint: DatagramEndpoint, mailbox: Mailbox, other: FaultySocket, size: int
) -> None:
    datagram = bytes(number * 7 % 251 for number in range(size))
    deliver(other, endpoint, datagram, b"next")
    run_until(loop, lambda: len(mailbox.datagrams) == 2)
    assert mailbox.datagrams == [datagram, b"next"]


def test_datagrams_of_all_sizes_arrive_in_order(
    loop: EventLoop,
    endpoint: DatagramEndpoint,
    mailbox: Mailbox,
    sock: FaultySocket,
    other: FaultySocket,
) -> None:
    sizes = [*range(0, 65508, 1999), 65507, 0, 65507, 0]
    for number, size in enumerate(sizes):
        deliver(other, endpoint, bytes([number]) * size)
        wait_for(sock)
        loop.run_once(0)
    assert mailbox.datagrams == [bytes([number]) * size for number, size in enumerate(sizes)]


def test_datagrams_that_wait_arrive_as_one_batch_in_order(
    loop: EventLoop, endpoint: DatagramEndpoint, mailbox: Mailbox, other: FaultySocket
) -> None:
    sent = numbered(100)
    deliver(other, endpoint, *sent)
    run_until(loop, lambda: len(mailbox.datagrams) == 100)
    assert mailbox.datagrams == sent
    assert len(mailbox.batches) < 5


def test_a_batch_is_at_most_128_datagrams_and_the_next_follows_at_once(
    loop: EventLoop, endpoint: DatagramEndpoint, mailbox: Mailbox, other: FaultySocket
) -> None:
    sent = numbered(300)
    deliver(other, endpoint, *sent)
    run_until(loop, lambda: len(mailbox.datagrams) == 300)
    assert mailbox.datagrams == sent
    assert max(map(len, mailbox.batches)) == 128


def test_a_batch_of_large_datagrams_has_a_bound_in_bytes_too(
    loop: EventLoop, endpoint: DatagramEndpoint, mailbox: Mailbox, other: FaultySocket
) -> None:
    skip_unless_there_is_room(endpoint)
    sent = [bytes([number]) * 65507 for number in range(12)]
    deliver(other, endpoint, *sent)
    run_until(loop, lambda: len(mailbox.datagrams) == 12)
    assert mailbox.datagrams == sent
    assert max(sum(map(len, batch)) for batch in mailbox.batches) <= 5 * 65507


def test_each_datagram_comes_with_its_source(
    loop: EventLoop, endpoint: DatagramEndpoint, mailbox: Mailbox, udp: MakeSocket
) -> None:
    first, second = udp(), udp()
    deliver(first, endpoint, b"1")
    deliver(second, endpoint, b"2")
    deliver(first, endpoint, b"3")
    run_until(loop, lambda: len(mailbox.datagrams) == 3)
    one, two = first.getsockname(), second.getsockname()
    assert mailbox.sources == [one, two, one]


def test_a_batch_is_a_sequence_of_views_with_sizes(
    loop: EventLoop, sock: FaultySocket, other: FaultySocket
) -> None:
    seen: list[tuple[int, int, list[int], list[type]]] = []

    class Looker(DatagramHandler):
        def datagrams_received(self, endpoint: DatagramEndpoint, batch: DatagramBatch) -> None:
            seen.append((len(batch), batch.size, batch.sizes, [type(view) for view in batch]))

    endpoint = bind_udp(loop, Looker(), sock=sock)
    endpoint.pause_receiving()
    deliver(other, endpoint, b"one", b"", b"three")
    settle(loop)
    endpoint.resume_receiving()
    run_until(loop, lambda: seen)
    assert seen == [(3, 8, [3, 0, 5], [memoryview] * 3)]


def test_counters_count_datagrams_and_bytes_received(
    loop: EventLoop, endpoint: DatagramEndpoint, mailbox: Mailbox, other: FaultySocket
) -> None:
    deliver(other, endpoint, b"one", b"", b"three")
    run_until(loop, lambda: len(mailbox.datagrams) == 3)
    assert (endpoint.counters.received, endpoint.counters.received_bytes) == (3, 8)


def test_nothing_to_receive_is_nothing_to_wake_for(
    loop: EventLoop, endpoint: DatagramEndpoint, selector: SpySelector
) -> None:
    selector.clock = ManualClock()
    loop.run_once(1.0)
    assert selector.clock() == 1.0  # nothing ended the wait


@pytest.mark.parametrize("code", [errno.EAGAIN, errno.EINTR])
def test_readiness_that_was_a_false_hint_changes_nothing(
    loop: EventLoop,
    endpoint: DatagramEndpoint,
    mailbox: Mailbox,
    sock: FaultySocket,
    other: FaultySocket,
    code: int,
) -> None:
    sock.script("recvfrom_into", [code])
    deliver(other, endpoint, b"x")
    run_until(loop, lambda: mailbox.datagrams)
    assert mailbox.batches == [[b"x"]]
    assert endpoint.counters.receive_errors == 0


def test_only_from_drops_what_others_send(
    loop: EventLoop, mailbox: Mailbox, sock: FaultySocket, other: FaultySocket, udp: MakeSocket
) -> None:
    try:
        stranger = udp("127.0.0.2")
    except OSError:
        pytest.skip("this machine has one loopback address only")
    endpoint = bind_udp(loop, mailbox, sock=sock, only_from="127.0.0.1")
    deliver(other, endpoint, b"first")
    deliver(stranger, endpoint, b"foreign", b"")
    deliver(other, endpoint, b"second")
    run_until(loop, lambda: len(mailbox.datagrams) == 2)
    assert mailbox.datagrams == [b"first", b"second"]
    assert endpoint.counters.rejected == 2
    assert (endpoint.counters.received, endpoint.counters.received_bytes) == (2, 11)


@pytest.mark.skipif(not has_ipv6(), reason="needs IPv6")
def test_only_from_knows_an_address_however_it_is_written(
    loop: EventLoop, mailbox: Mailbox, udp: MakeSocket
) -> None:
    endpoint = bind_udp(loop, mailbox, "::1", only_from="0:0:0:0:0:0:0:1")
    deliver(udp("::1"), endpoint, b"x")
    run_until(loop, lambda: mailbox.datagrams)


@pytest.mark.skipif(not has_ipv6(), reason="needs IPv6")
def test_only_from_knows_an_ipv4_address_on_a_dual_stack_socket(
    loop: EventLoop, mailbox: Mailbox, other: FaultySocket
) -> None:
    sock = FaultySocket(socket.AF_INET6, socket.SOCK_DGRAM)
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    sock.bind(("::", 0))
    endpoint = bind_udp(loop, mailbox, sock=sock, only_from="127.0.0.1")
    other.sendto(b"x", ("127.0.0.1", endpoint.sockname[1]))
    run_until(loop, lambda: mailbox.datagrams)


def test_a_batch_of_only_foreign_datagrams_is_not_handed_over(
    loop: EventLoop, mailbox: Mailbox, sock: FaultySocket, other: FaultySocket
) -> None:
    endpoint = bind_udp(loop, mailbox, sock=sock, only_from="127.0.0.9")
    deliver(other, endpoint, b"foreign")
    run_until(loop, lambda: endpoint.counters.rejected)
    assert mailbox.batches == []


def test_a_blocking_socket_that_is_handed_in_does_not_block_the_loop(
    loop: EventLoop, mailbox: Mailbox, sock: FaultySocket, other: FaultySocket
) -> None:
    sock.setblocking(True)
    endpoint = bind_udp(loop, mailbox, sock=sock)
    deliver(other, endpoint, b"x")
    run_until(loop, lambda: mailbox.datagrams)


@pytest.mark.skipif(not has_ipv6(), reason="needs IPv6")
def test_ipv6(loop: EventLoop, mailbox: Mailbox, udp: MakeSocket) -> None:
    endpoint = bind_udp(loop, mailbox, "::1")
    sender = udp("::1")
    deliver(sender, endpoint, b"x")
    run_until(loop, lambda: mailbox.datagrams)
    assert mailbox.sources == [sender.getsockname()]
    assert repr(endpoint) == f"<DatagramEndpoint [::1]:{endpoint.sockname[1]}>"


# -- gathering ---------------------------------------------------------------------------


def test_gathering_hands_over_once_for_each_tick(
    loop: EventLoop,
    clock: ManualClock,
    gathering: DatagramEndpoint,
    mailbox: Mailbox,
    sock: FaultySocket,
    other: FaultySocket,
) -> None:
    deliver(other, gathering, b"1")
    wait_for(sock)
    settle(loop)
    clock.advance(0.5)
    deliver(other, gathering, b"2", b"3")
    settle(loop)
    assert mailbox.batches == []
    clock.advance(0.5)
    settle(loop)
    assert mailbox.batches == [[b"1", b"2", b"3"]]


def test_between_two_ticks_the_socket_is_not_watched(
    loop: EventLoop,
    clock: ManualClock,
    gathering: DatagramEndpoint,
    sock: FaultySocket,
    other: FaultySocket,
    selector: SpySelector,
) -> None:
    assert selector.watched == 1
    deliver(other, gathering, b"1")
    wait_for(sock)
    loop.run_once(0)
    for _ in range(3):
        assert selector.watched == 0
        clock.advance(1.0)
        deliver(other, gathering, b"again")
        wait_for(sock)
        loop.run_once(0)


def test_datagrams_at_any_rate_wake_the_loop_once_a_tick(
    loop: EventLoop,
    clock: ManualClock,
    gathering: DatagramEndpoint,
    mailbox: Mailbox,
    sock: FaultySocket,
    other: FaultySocket,
    selector: SpySelector,
) -> None:
    deliver(other, gathering, b"first")
    wait_for(sock)
    loop.run_once(0)
    selector.timeouts.clear()
    selector.clock = clock
    for _ in range(10):
        deliver(other, gathering, *numbered(10))
        wait_for(sock)
        loop.run_once()
    # Each iteration slept through to its tick.
    assert selector.timeouts == [1.0] * 10
    assert len(mailbox.batches) == 10


def test_after_an_empty_look_the_socket_is_watched_again(
    loop: EventLoop,
    clock: ManualClock,
    gathering: DatagramEndpoint,
    mailbox: Mailbox,
    sock: FaultySocket,
    other: FaultySocket,
    selector: SpySelector,
) -> None:
    deliver(other, gathering, b"1")
    wait_for(sock)
    loop.run_once(0)
    for _ in range(2):
        clock.advance(1.0)
        loop.run_once(0)
    assert mailbox.batches == [[b"1"]]
    assert selector.watched == 1


def test_a_full_batch_is_followed_by_the_rest_without_waiting(
    loop: EventLoop,
    clock: ManualClock,
    gathering: DatagramEndpoint,
    mailbox: Mailbox,
    sock: FaultySocket,
    other: FaultySocket,
) -> None:
    sent = numbered(300)
    deliver(other, gathering, *sent)
    wait_for(sock)
    loop.run_once(0)
    clock.advance(1.0)
    settle(loop)
    assert mailbox.datagrams == sent
    assert [len(batch) for batch in mailbox.batches] == [128, 128, 44]


def test_a_batch_full_of_bytes_is_followed_by_the_rest_without_waiting(
    loop: EventLoop,
    clock: ManualClock,
    gathering: DatagramEndpoint,
    mailbox: Mailbox,
    sock: FaultySocket,
    other: FaultySocket,
) -> None:
    skip_unless_there_is_room(gathering)
    deliver(other, gathering, *[bytes(65507)] * 8)
    wait_for(sock)
    loop.run_once(0)
    clock.advance(1.0)
    settle(loop)
    assert len(mailbox.datagrams) == 8


def test_a_pause_calls_the_tick_off(
    loop: EventLoop,
    clock: ManualClock,
    gathering: DatagramEndpoint,
    mailbox: Mailbox,
    sock: FaultySocket,
    other: FaultySocket,
) -> None:
    deliver(other, gathering, b"1")
    wait_for(sock)
    loop.run_once(0)
    gathering.pause_receiving()
    clock.advance(1.0)
    loop.run()
    assert mailbox.batches == []


def test_closing_calls_the_tick_off(
    loop: EventLoop,
    clock: ManualClock,
    gathering: DatagramEndpoint,
    mailbox: Mailbox,
    sock: FaultySocket,
    other: FaultySocket,
) -> None:
    deliver(other, gathering, b"1")
    wait_for(sock)
    loop.run_once(0)
    gathering.close()
    clock.advance(1.0)
    loop.run()
    assert (mailbox.batches, mailbox.losses) == ([], [None])
    assert gathering.counters.receive_errors == 0


# -- pausing -----------------------------------------------------------------------------


def test_a_paused_endpoint_lets_the_loop_sleep(
    loop: EventLoop,
    endpoint: DatagramEndpoint,
    mailbox: Mailbox,
    sock: FaultySocket,
    other: FaultySocket,
    selector: SpySelector,
) -> None:
    endpoint.pause_receiving()
    deliver(other, endpoint, b"1")
    wait_for(sock)
    loop.run()
    assert selector.timeouts == []
    assert mailbox.batches == []


def test_a_resumed_endpoint_hands_over_what_has_waited(
    loop: EventLoop, endpoint: DatagramEndpoint, mailbox: Mailbox, other: FaultySocket
) -> None:
    endpoint.pause_receiving()
    deliver(other, endpoint, b"1", b"2")
    settle(loop)
    endpoint.resume_receiving()
    run_until(loop, lambda: len(mailbox.datagrams) == 2)
    assert mailbox.datagrams == [b"1", b"2"]


def test_a_resumed_endpoint_can_throw_away_what_has_waited(
    loop: EventLoop,
    endpoint: DatagramEndpoint,
    mailbox: Mailbox,
    sock: FaultySocket,
    other: FaultySocket,
) -> None:
    endpoint.pause_receiving()
    deliver(other, endpoint, *numbered(200))
    wait_for(sock)
    settle(loop)
    endpoint.resume_receiving(discard_backlog=True)
    deliver(other, endpoint, b"new")
    run_until(loop, lambda: mailbox.datagrams)
    assert mailbox.datagrams == [b"new"]
    assert endpoint.counters.discarded == 200
    assert endpoint.counters.received == 1
    assert sum(sock.calls.values()) < 300  # one look at the empty socket was enough


@pytest.mark.parametrize("code", [errno.ECONNREFUSED, errno.EHOSTUNREACH])
def test_an_error_among_what_has_waited_is_thrown_away_with_it(
    loop: EventLoop,
    endpoint: DatagramEndpoint,
    mailbox: Mailbox,
    sock: FaultySocket,
    other: FaultySocket,
    code: int,
) -> None:
    endpoint.pause_receiving()
    deliver(other, endpoint, b"1", b"2")
    wait_for(sock)
    sock.script("recv_into", [None, code])
    sock.script("recv", [None, code])
    endpoint.resume_receiving(discard_backlog=True)
    deliver(other, endpoint, b"new")
    run_until(loop, lambda: mailbox.datagrams)
    assert mailbox.datagrams == [b"new"]
    assert (endpoint.counters.discarded, endpoint.counters.receive_errors) == (2, 1)


def test_throwing_away_has_a_bound(
    loop: EventLoop, endpoint: DatagramEndpoint, sock: FaultySocket
) -> None:
    endpoint.pause_receiving()
    sock.script("recv_into", itertools.repeat(errno.ECONNREFUSED))
    sock.script("recv", itertools.repeat(errno.ECONNREFUSED))
    endpoint.resume_receiving(discard_backlog=True)
    assert endpoint.counters.receive_errors == 65536


def test_a_handler_may_pause(loop: EventLoop, sock: FaultySocket, other: FaultySocket) -> None:
    class Pausing(Mailbox):
        def datagrams_received(self, endpoint: DatagramEndpoint, batch: DatagramBatch) -> None:
            super().datagrams_received(endpoint, batch)
            endpoint.pause_receiving()

    mailbox = Pausing()
    endpoint = bind_udp(loop, mailbox, sock=sock, coalesce=0.001)
    deliver(other, endpoint, b"1")
    loop.run()
    assert mailbox.datagrams == [b"1"]


def test_a_batch_stays_as_it_is_though_its_handler_throws_away_what_waits(
    loop: EventLoop, sock: FaultySocket, other: FaultySocket
) -> None:
    class Restarting(Mailbox):
        def datagrams_received(self, endpoint: DatagramEndpoint, batch: DatagramBatch) -> None:
            endpoint.pause_receiving()
            endpoint.resume_receiving(discard_backlog=True)
            super().datagrams_received(endpoint, batch)

    mailbox = Restarting()
    endpoint = bind_udp(loop, mailbox, sock=sock)
    sent = numbered(150)
    deliver(other, endpoint, *sent)
    wait_for(sock)
    run_until(loop, lambda: mailbox.datagrams)
    assert mailbox.datagrams == sent[: len(mailbox.datagrams)]


def test_resuming_what_is_not_paused_throws_nothing_away(
    loop: EventLoop,
    endpoint: DatagramEndpoint,
    mailbox: Mailbox,
    sock: FaultySocket,
    other: FaultySocket,
) -> None:
    deliver(other, endpoint, b"1")
    wait_for(sock)
    endpoint.resume_receiving(discard_backlog=True)
    loop.run_once(0)
    assert mailbox.datagrams == [b"1"]


def test_pausing_and_resuming_for_nothing_is_harmless(
    loop: EventLoop, endpoint: DatagramEndpoint, mailbox: Mailbox, other: FaultySocket
) -> None:
    endpoint.resume_receiving()
    endpoint.pause_receiving()
    endpoint.pause_receiving()
    endpoint.resume_receiving()
    endpoint.resume_receiving()
    deliver(other, endpoint, b"1")
    run_until(loop, lambda: mailbox.datagrams)
    assert mailbox.datagrams == [b"1"]


def test_pausing_and_resuming_a_closed_endpoint_is_harmless(
    loop: EventLoop, endpoint: DatagramEndpoint, selector: SpySelector
) -> None:
    endpoint.close()
    endpoint.pause_receiving()
    endpoint.resume_receiving(discard_backlog=True)
    loop.run()
    assert selector.watched == 0


# -- errors on receiving -----------------------------------------------------------------


@pytest.mark.parametrize("position", range(3))
@pytest.mark.parametrize("code", [errno.ECONNREFUSED, errno.ECONNRESET, errno.EHOSTUNREACH])
def test_an_error_on_receiving_costs_no_datagram(
    loop: EventLoop,
    endpoint: DatagramEndpoint,
    mailbox: Mailbox,
    sock: FaultySocket,
    other: FaultySocket,
    position: int,
    code: int,
) -> None:
    sock.script("recvfrom_into", [None] * position + [code])
    deliver(other, endpoint, b"1", b"2")
    run_until(loop, lambda: len(mailbox.datagrams) == 2 and endpoint.counters.receive_errors)
    assert mailbox.datagrams == [b"1", b"2"]
    assert endpoint.counters.receive_errors == 1
    assert mailbox.losses == []


@pytest.mark.parametrize("coalesce", [0.0, 1.0])
def test_errors_without_end_cost_ten_looks_a_second(
    loop: EventLoop,
    clock: ManualClock,
    mailbox: Mailbox,
    sock: FaultySocket,
    other: FaultySocket,
    selector: SpySelector,
    coalesce: float,
) -> None:
    endpoint = bind_udp(loop, mailbox, sock=sock, coalesce=coalesce)
    sock.script("recvfrom_into", itertools.repeat(errno.ECONNREFUSED))
    deliver(other, endpoint, b"1")
    wait_for(sock)
    loop.run_once(0)
    clock.advance(coalesce)
    for _ in range(100):
        settle(loop)
        clock.advance(0.01)
    assert selector.watched == 0
    assert endpoint.counters.receive_errors <= 11 * 128


def test_an_endpoint_goes_on_100_ms_after_nothing_but_errors(
    loop: EventLoop,
    clock: ManualClock,
    endpoint: DatagramEndpoint,
    mailbox: Mailbox,
    sock: FaultySocket,
    other: FaultySocket,
) -> None:
    sock.script("recvfrom_into", itertools.repeat(errno.ECONNREFUSED, 128))
    deliver(other, endpoint, b"1")
    wait_for(sock)
    settle(loop)
    assert mailbox.batches == []
    clock.advance(0.1)
    settle(loop)
    assert mailbox.batches == [[b"1"]]


@needs_linux
def test_the_real_news_of_a_dead_receiver_costs_a_live_sender_nothing(
    loop: EventLoop, mailbox: Mailbox, sock: FaultySocket, other: FaultySocket, udp: MakeSocket
) -> None:
    endpoint = bind_udp(loop, mailbox, sock=sock)
    # Set behind the endpoint's back, which has just switched it off.
    sock.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
    with udp() as gone:
        address = gone.getsockname()
    endpoint.send(b"to nobody", address)
    deliver(other, endpoint, b"1", b"2")
    run_until(loop, lambda: len(mailbox.datagrams) == 2)
    assert endpoint.counters.receive_errors == 1


@needs_linux
def test_the_real_news_of_a_dead_receiver_does_not_keep_the_loop_awake(
    loop: EventLoop,
    mailbox: Mailbox,
    sock: FaultySocket,
    udp: MakeSocket,
    selector: SpySelector,
) -> None:
    # What this option brings would stay readable until fetched from a queue of its own.
    sock.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
    endpoint = bind_udp(loop, mailbox, sock=sock)
    with udp() as gone:
        address = gone.getsockname()
    endpoint.send(b"to nobody", address)
    settle(loop)
    selector.clock = ManualClock()
    loop.run_once(1.0)
    assert selector.clock() == 1.0  # nothing ended the wait


# -- sending -----------------------------------------------------------------------------


@pytest.mark.parametrize("data", [b"bytes", bytearray(b"bytes"), memoryview(b"bytes"), b""])
def test_send_sends_one_datagram(
    endpoint: DatagramEndpoint, other: FaultySocket, data: bytes
) -> None:
    assert endpoint.send(data, other.getsockname())
    assert receive(other) == bytes(data)
    assert (endpoint.counters.sent, endpoint.counters.sent_bytes) == (1, len(data))


def test_send_batch_sends_all_in_order(endpoint: DatagramEndpoint, other: FaultySocket) -> None:
    sent = [b"one", b"", b"three", b"three", b"5"]
    assert endpoint.send_batch(DatagramBatch.of(sent), other.getsockname()) == 5
    assert [receive(other) for _ in sent] == sent
    assert (endpoint.counters.sent, endpoint.counters.sent_bytes) == (5, 14)


def test_an_empty_batch_sends_nothing(endpoint: DatagramEndpoint, other: FaultySocket) -> None:
    assert endpoint.send_batch(DatagramBatch.of([]), other.getsockname()) == 0
    assert endpoint.counters.sent == 0


@pytest.mark.parametrize("segmentation", [False, None])
def test_a_batch_can_be_sent_to_many_at_once(
    loop: EventLoop, mailbox: Mailbox, udp: MakeSocket, segmentation: bool | None
) -> None:
    endpoint = bind_udp(loop, mailbox, "127.0.0.1", segmentation=segmentation)
    receivers = [udp() for _ in range(5)]
    addresses = [receiver.getsockname() for receiver in receivers]
    assert endpoint.send_batch_to_all(DatagramBatch.of(numbered(3)), addresses) == {}
    for receiver in receivers:
        assert [receive(receiver) for _ in range(3)] == numbered(3)
    assert (endpoint.counters.sent, endpoint.counters.sent_bytes) == (15, 15)


def test_a_batch_sent_to_nobody_is_not_sent(endpoint: DatagramEndpoint) -> None:
    assert endpoint.send_batch_to_all(DatagramBatch.of(numbered(3)), []) == {}
    assert endpoint.counters.sent == 0


def test_what_was_dropped_is_told_for_each_address(
    endpoint: DatagramEndpoint, sock: FaultySocket, udp: MakeSocket
) -> None:
    first, second = udp(), udp()
    addresses = [first.getsockname(), second.getsockname()]
    sock.script("sendto", [None, None, None, None, errno.EAGAIN, errno.ENOBUFS])
    dropped = endpoint.send_batch_to_all(DatagramBatch.of(numbered(3)), addresses)
    assert dropped == {addresses[1]: 2}
    assert endpoint.counters.dropped == {"EAGAIN": 1, "ENOBUFS": 1}


def test_a_datagram_that_no_network_can_carry_is_dropped_and_counted(
    endpoint: DatagramEndpoint, other: FaultySocket
) -> None:
    assert not endpoint.send(bytes(65508), other.getsockname())
    assert endpoint.counters.dropped == {"EMSGSIZE": 1}
    assert endpoint.counters.sent == 0


@pytest.mark.parametrize("code", [errno.ENOBUFS, errno.EAGAIN, errno.EPERM, errno.ENOMEM])
def test_a_datagram_that_can_not_be_sent_now_is_dropped_and_counted_by_name(
    endpoint: DatagramEndpoint, sock: FaultySocket, other: FaultySocket, code: int
) -> None:
    sock.script("sendto", [code])
    assert not endpoint.send(b"1", other.getsockname())
    assert endpoint.counters.dropped == {errno.errorcode[code]: 1}
    assert endpoint.send(b"2", other.getsockname())
    assert receive(other) == b"2"


def test_an_errno_without_a_name_is_counted_as_unknown(
    endpoint: DatagramEndpoint, sock: FaultySocket, other: FaultySocket
) -> None:
    sock.script("sendto", [99999])
    endpoint.send(b"1", other.getsockname())
    assert endpoint.counters.dropped == {"UNKNOWN": 1}


OLD_NEWS = [
    errno.ECONNREFUSED,
    errno.ECONNRESET,
    errno.EHOSTUNREACH,
    errno.ENETUNREACH,
    errno.EHOSTDOWN,
    errno.ENOPROTOOPT,
]


@pytest.mark.parametrize("code", OLD_NEWS, ids=errno.errorcode.get)
def test_the_news_of_an_earlier_datagram_costs_this_one_nothing(
    endpoint: DatagramEndpoint, sock: FaultySocket, other: FaultySocket, code: int
) -> None:
    sock.script("sendto", [code])
    assert endpoint.send(b"1", other.getsockname())
    assert receive(other) == b"1"
    assert not endpoint.counters.dropped


@pytest.mark.parametrize("code", OLD_NEWS, ids=errno.errorcode.get)
def test_an_error_of_this_very_datagram_is_counted(
    endpoint: DatagramEndpoint, sock: FaultySocket, other: FaultySocket, code: int
) -> None:
    sock.script("sendto", itertools.repeat(code))
    assert not endpoint.send(b"1", other.getsockname())
    assert sock.calls["sendto"] == 2
    assert endpoint.counters.dropped == {errno.errorcode[code]: 1}


def test_a_batch_that_is_dropped_in_part_says_how_much_was_sent(
    endpoint: DatagramEndpoint, sock: FaultySocket, other: FaultySocket
) -> None:
    sock.script("sendto", [None, errno.EAGAIN, None])
    assert endpoint.send_batch(DatagramBatch.of(numbered(3)), other.getsockname()) == 2
    assert [receive(other), receive(other)] == [b"0", b"2"]


@needs_linux
@pytest.mark.parametrize("segmentation", [False, None])
def test_one_dead_receiver_costs_nine_live_ones_nothing(
    loop: EventLoop,
    mailbox: Mailbox,
    sock: FaultySocket,
    udp: MakeSocket,
    segmentation: bool | None,
) -> None:
    endpoint = bind_udp(loop, mailbox, sock=sock, segmentation=segmentation)
    # With this option, which the endpoint has just switched off, the system tells of the
    # dead one on the next send, to whomever.
    sock.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
    receivers = [udp() for _ in range(10)]
    addresses = [receiver.getsockname() for receiver in receivers]
    receivers[3].close()
    batch = DatagramBatch.of([b"%4d" % number for number in range(10)])
    for _ in range(5):
        for address in addresses:
            endpoint.send_batch(batch, address)
    for receiver in receivers[:3] + receivers[4:]:
        assert [receive(receiver) for _ in range(50)] == [bytes(view) for view in batch] * 5


# -- what the system lends ---------------------------------------------------------------


def test_the_size_of_the_receive_buffer_is_granted_up_to_a_limit(
    loop: EventLoop, mailbox: Mailbox
) -> None:
    endpoint = bind_udp(loop, mailbox, "127.0.0.1", buffer_size=65536)
    assert endpoint.receive_buffer_size == 65536


@needs_linux
def test_with_the_right_to_it_the_size_has_no_limit(
    loop: EventLoop, mailbox: Mailbox, other: FaultySocket
) -> None:
    size = 2 * int(Path("/proc/sys/net/core/rmem_max").read_text())
    try:
        other.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, size)
    except OSError:
        pytest.skip("needs CAP_NET_ADMIN")
    endpoint = bind_udp(loop, mailbox, "127.0.0.1", buffer_size=size)
    assert endpoint.receive_buffer_size == size


def test_more_than_the_system_can_lend_is_no_error(loop: EventLoop, mailbox: Mailbox) -> None:
    endpoint = bind_udp(loop, mailbox, "127.0.0.1", buffer_size=1 << 30)
    assert endpoint.receive_buffer_size >= 65536


@pytest.fixture
def cramped(loop: EventLoop, mailbox: Mailbox, sock: FaultySocket) -> DatagramEndpoint:
    """An endpoint with hardly any room for what waits."""
    try:
        sock.getsockopt(socket.SOL_SOCKET, SO_MEMINFO, 36)
    except OSError:
        pytest.skip("the system does not tell what it drops")
    return bind_udp(loop, mailbox, sock=sock, buffer_size=4096)


def test_kernel_drops_counts_what_found_no_room(
    loop: EventLoop, cramped: DatagramEndpoint, mailbox: Mailbox, other: FaultySocket
) -> None:
    deliver(other, cramped, *[bytes(1000)] * 100)
    run_until(loop, lambda: len(mailbox.datagrams) + (cramped.kernel_drops or 0) == 100)
    assert 0 < len(mailbox.datagrams) < 100


@pytest.mark.parametrize("discard_backlog", [False, True])
def test_kernel_drops_does_not_count_what_found_no_room_during_a_pause(
    loop: EventLoop, cramped: DatagramEndpoint, other: FaultySocket, discard_backlog: bool
) -> None:
    cramped.pause_receiving()
    deliver(other, cramped, *[bytes(1000)] * 100)
    assert cramped.kernel_drops == 0
    cramped.resume_receiving(discard_backlog=discard_backlog)
    assert cramped.kernel_drops == 0


def test_kernel_drops_adds_up_over_pauses(
    loop: EventLoop, cramped: DatagramEndpoint, mailbox: Mailbox, other: FaultySocket
) -> None:
    def accounted_for() -> int:
        return len(mailbox.datagrams) + (cramped.kernel_drops or 0)

    for total in (50, 100, 150):
        deliver(other, cramped, *[bytes(1000)] * 50)
        run_until(loop, lambda: accounted_for() >= total)  # noqa: B023
        cramped.pause_receiving()
        deliver(other, cramped, *[bytes(1000)] * 50)
        cramped.resume_receiving(discard_backlog=True)
    assert accounted_for() == 150


def test_kernel_drops_stands_still_during_a_pause(
    loop: EventLoop, cramped: DatagramEndpoint, other: FaultySocket
) -> None:
    for _ in range(3):
        deliver(other, cramped, *[bytes(1000)] * 50)
        settle(loop)
        before = cramped.kernel_drops
        cramped.pause_receiving()
        deliver(other, cramped, *[bytes(1000)] * 50)
        assert cramped.kernel_drops == before
        cramped.resume_receiving(discard_backlog=True)


def test_kernel_drops_is_none_where_the_system_does_not_tell(
    endpoint: DatagramEndpoint, sock: FaultySocket
) -> None:
    sock.script("getsockopt", itertools.repeat(errno.ENOPROTOOPT))
    assert endpoint.kernel_drops is None


def test_pausing_works_where_the_system_does_not_tell(
    loop: EventLoop,
    endpoint: DatagramEndpoint,
    mailbox: Mailbox,
    sock: FaultySocket,
    other: FaultySocket,
) -> None:
    sock.script("getsockopt", itertools.repeat(errno.ENOPROTOOPT))
    endpoint.pause_receiving()
    assert endpoint.kernel_drops is None
    endpoint.resume_receiving()
    deliver(other, endpoint, b"1")
    run_until(loop, lambda: mailbox.datagrams)


def test_an_option_that_the_system_refuses_is_asked_for_in_smaller_sizes(
    loop: EventLoop, mailbox: Mailbox, sock: FaultySocket
) -> None:
    asked: list[int] = []

    class Strict(FaultySocket):
        def setsockopt(self, *args: Any) -> None:
            if args[1] == socket.SO_RCVBUF:
                asked.append(args[2])
                if args[2] > 100_000:
                    raise OSError(errno.ENOBUFS, "as BSD says")
            elif args[1] == SO_RCVBUFFORCE:
                raise PermissionError(errno.EPERM, "as without the right to")
            super().setsockopt(*args)

    strict = Strict.adopt(sock)
    endpoint = bind_udp(loop, mailbox, sock=strict, buffer_size=400_000)
    assert asked == [400_000, 200_000, 100_000]
    assert endpoint.receive_buffer_size == 100_000


def test_on_other_systems_the_size_is_as_the_system_tells(
    loop: EventLoop, mailbox: Mailbox, sock: FaultySocket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    endpoint = bind_udp(loop, mailbox, sock=sock, buffer_size=65536)
    told = sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
    assert endpoint.receive_buffer_size == told


def test_on_other_systems_fragments_are_left_to_the_system(
    loop: EventLoop, mailbox: Mailbox, network: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[FaultySocket] = []

    class Noting(FaultySocket):
        def setsockopt(self, level: int, option: int, *value: Any) -> None:
            asked.append((level, option))
            super().setsockopt(level, option, *value)

    def make(*arguments: int) -> FaultySocket:
        made.append(Noting(*arguments))
        return made[-1]

    asked: list[tuple[int, int]] = []
    network.socket = make
    monkeypatch.setattr(sys, "platform", "darwin")
    bind_udp(loop, mailbox, "127.0.0.1", 0)
    assert len(made) == 1
    ip_mtu_discover = 10  # linux/in.h
    assert (socket.IPPROTO_IP, ip_mtu_discover) not in asked


def test_a_system_that_lends_nothing_is_no_error(
    loop: EventLoop, mailbox: Mailbox, sock: FaultySocket
) -> None:
    class Stingy(FaultySocket):
        def setsockopt(self, *args: Any) -> None:
            raise OSError(errno.ENOBUFS, "nothing")

    bind_udp(loop, mailbox, sock=Stingy.adopt(sock))


# -- binding -----------------------------------------------------------------------------


def test_port_0_is_replaced_by_the_port_that_was_chosen(loop: EventLoop, mailbox: Mailbox) -> None:
    endpoint = bind_udp(loop, mailbox, "127.0.0.1")
    host, port = endpoint.sockname
    assert port >= 1024
    assert repr(endpoint) == f"<DatagramEndpoint {host}:{port}>"


def test_two_endpoints_can_not_share_a_port(loop: EventLoop, mailbox: Mailbox) -> None:
    host, port = bind_udp(loop, mailbox, "127.0.0.1").sockname
    with pytest.raises(OSError, match=f"{host}:{port}: ") as caught:
        bind_udp(loop, mailbox, host, port)
    assert caught.value.errno == errno.EADDRINUSE


@pytest.mark.skipif(not has_ipv6(), reason="needs IPv6")
def test_ipv4_and_ipv6_can_be_bound_at_one_port(loop: EventLoop, mailbox: Mailbox) -> None:
    four = bind_udp(loop, mailbox, "0.0.0.0")
    six = bind_udp(loop, mailbox, "::", four.sockname[1], dual_stack=False)
    assert six.sockname[1] == four.sockname[1]


@pytest.fixture
def two_families(network: Door) -> None:
    """Each name has an IPv6 and an IPv4 address."""
    network.getaddrinfo = lambda host, port, *, type: [
        (socket.AF_INET6, type, 17, "", ("::1", port, 0, 0)),
        (socket.AF_INET, type, 17, "", ("127.0.0.1", port)),
    ]


@pytest.mark.skipif(not has_ipv6(), reason="needs IPv6")
def test_a_name_can_be_bound_at_all_its_addresses(
    loop: EventLoop, mailbox: Mailbox, two_families: None, udp: MakeSocket
) -> None:
    six, four = bind_udp_all(loop, mailbox, "a.name")
    assert six.sockname[1] == four.sockname[1]
    udp("::1").sendto(b"six", six.sockname)
    udp().sendto(b"four", four.sockname)
    run_until(loop, lambda: len(mailbox.datagrams) == 2)
    assert sorted(mailbox.datagrams) == [b"four", b"six"]


@pytest.mark.skipif(not has_ipv6(), reason="needs IPv6")
def test_each_address_of_a_name_is_bound_with_the_same_options(
    loop: EventLoop, clock: ManualClock, mailbox: Mailbox, two_families: None, udp: MakeSocket
) -> None:
    for endpoint in bind_udp_all(loop, mailbox, "a.name", coalesce=1.0):
        udp(endpoint.sockname[0]).sendto(b"gathered", endpoint.sockname)
    settle(loop)
    assert mailbox.batches == []
    clock.advance(1.0)
    run_until(loop, lambda: len(mailbox.batches) == 2)


@pytest.mark.skipif(not has_ipv6(), reason="needs IPv6")
def test_a_name_is_bound_at_all_its_addresses_or_at_none(
    loop: EventLoop, mailbox: Mailbox, two_families: None, selector: SpySelector
) -> None:
    before = open_descriptors()
    selector.room = 1
    with pytest.raises(OSError, match="No space"):
        bind_udp_all(loop, mailbox, "a.name")
    assert (open_descriptors(), selector.watched) == (before, 0)


@pytest.mark.skipif(not has_ipv6(), reason="needs IPv6")
@pytest.mark.parametrize("room", [0, 1])
def test_nobody_is_told_of_the_end_of_what_was_never_made(
    loop: EventLoop, mailbox: Mailbox, two_families: None, selector: SpySelector, room: int
) -> None:
    selector.room = room
    with pytest.raises(OSError, match="No space"):
        bind_udp_all(loop, mailbox, "a.name")
    settle(loop)
    assert mailbox.losses == []


@pytest.mark.skipif(not has_ipv6(), reason="needs IPv6")
def test_an_endpoint_at_a_name_is_at_the_first_address_that_can_be_had(
    loop: EventLoop, mailbox: Mailbox, two_families: None
) -> None:
    taken = bind_udp(loop, mailbox, "a.name")
    assert taken.sockname[0] == "::1"
    assert bind_udp(loop, mailbox, "a.name", taken.sockname[1]).sockname[0] == "127.0.0.1"


@pytest.mark.skipif(not has_ipv6(), reason="needs IPv6")
def test_the_ipv6_wildcard_takes_ipv4_too(
    loop: EventLoop, mailbox: Mailbox, udp: MakeSocket
) -> None:
    port = bind_udp(loop, mailbox, "::").sockname[1]
    udp().sendto(b"four", ("127.0.0.1", port))
    udp("::1").sendto(b"six", ("::1", port))
    run_until(loop, lambda: len(mailbox.datagrams) == 2)


@pytest.mark.parametrize(
    ("only_from", "taken"), [("fe80::1%2", 1), ("fe80::1%3", 0), ("FE80::1", 2)]
)
def test_a_scope_in_only_from_has_to_be_that_of_the_sender(
    loop: EventLoop, mailbox: Mailbox, only_from: str, taken: int
) -> None:
    class FromAfar(FaultySocket):
        def recvfrom_into(self, *args: Any) -> Any:
            return super().recvfrom_into(*args)[0], ("fe80::1", 9, 0, next(scopes))

    scopes = iter([2, 4])
    sock = FromAfar.adopt(udp_socket())
    endpoint = bind_udp(loop, mailbox, sock=sock, only_from=only_from)
    for _ in range(2):
        endpoint.send(b"hello", endpoint.sockname)
    wait_for(sock)
    run_until(loop, lambda: endpoint.counters.received + endpoint.counters.rejected == 2)
    assert len(mailbox.datagrams) == taken


def test_a_port_can_be_bound_again_after_closing(loop: EventLoop, mailbox: Mailbox) -> None:
    endpoint = bind_udp(loop, mailbox, "127.0.0.1")
    endpoint.close()
    assert bind_udp(loop, mailbox, *endpoint.sockname).sockname == endpoint.sockname


def test_an_endpoint_needs_a_host_or_a_socket(loop: EventLoop, mailbox: Mailbox) -> None:
    with pytest.raises(ValueError, match="host or a socket"):
        bind_udp(loop, mailbox)


def test_a_name_is_not_looked_up_while_the_loop_runs(
    loop: EventLoop, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: pytest.fail("looked up"))
    loop.call_soon(bind_udp, loop, mailbox, "a.name")
    with pytest.raises(RuntimeError, match="look-up"):
        loop.run()


# -- the end -----------------------------------------------------------------------------


def test_closing_tells_the_handler_once_and_later(
    loop: EventLoop, endpoint: DatagramEndpoint, mailbox: Mailbox
) -> None:
    endpoint.close()
    endpoint.close()
    assert mailbox.losses == []
    loop.run()
    assert mailbox.losses == [None]


SENDS: dict[str, Callable[[DatagramEndpoint, Any], object]] = {
    "send": lambda endpoint, address: endpoint.send(b"1", address),
    "send_batch": lambda endpoint, address: endpoint.send_batch(DatagramBatch.of([b"1"]), address),
    "send_batch_to_all": lambda endpoint, address: endpoint.send_batch_to_all(
        DatagramBatch.of([b"1"]), [address]
    ),
}


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


def test_only_from_takes_no_name(loop: EventLoop, mailbox: Mailbox) -> None:
    with pytest.raises(ValueError, match="localhost"):
        bind_udp(loop, mailbox, "127.0.0.1", only_from="localhost")


# -- a selector without room ---------------------------------------------------------------


def test_an_endpoint_that_can_not_be_watched_again_looks_from_time_to_time(
    loop: EventLoop,
    clock: ManualClock,
    selector: SpySelector,
    gathering: DatagramEndpoint,
    mailbox: Mailbox,
    other: FaultySocket,
) -> None:
    selector.refusal = errno.ENOSPC
    deliver(other, gathering, b"one")
    for datagram in (b"two", b"three"):
        for _ in range(3):
            settle(loop)
            clock.advance(1.0)
        settle(loop)
        deliver(other, gathering, datagram)
    for _ in range(3):
        clock.advance(1.0)
        settle(loop)
    assert mailbox.datagrams == [b"one", b"two", b"three"]


def test_receiving_is_resumed_even_if_the_selector_has_no_room(
    loop: EventLoop,
    clock: ManualClock,
    selector: SpySelector,
    endpoint: DatagramEndpoint,
    mailbox: Mailbox,
    other: FaultySocket,
) -> None:
    endpoint.pause_receiving()
    selector.refusal = errno.ENOMEM
    endpoint.resume_receiving()
    deliver(other, endpoint, b"late")
    clock.advance(0.1)
    settle(loop)
    assert mailbox.datagrams == [b"late"]


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


# -- arguments that can't work ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"coalesce": float("nan")}, "coalesce is a number of seconds"),
        ({"coalesce": float("inf")}, "coalesce is a number of seconds"),
        ({"coalesce": -0.001}, "coalesce is a number of seconds"),
        ({"coalesce": "0.1"}, "coalesce is a number of seconds"),
        ({"coalesce": None}, "coalesce is a number of seconds"),
        ({"buffer_size": 0}, "buffer_size is"),
        ({"buffer_size": -1}, "buffer_size is"),
        ({"buffer_size": 1 << 31}, "buffer_size is"),
        ({"buffer_size": 65536.0}, "buffer_size is"),
        ({"handler": None}, "expected a DatagramHandler"),
        ({"handler": Mailbox}, "expected a DatagramHandler"),
    ],
    ids=str,
)
def test_what_can_not_work_is_refused_in_the_call_that_brings_it(
    loop: EventLoop, mailbox: Mailbox, sock: FaultySocket, options: dict[str, Any], expected: str
) -> None:
    with pytest.raises((ValueError, TypeError), match=f"^{expected}.*, not .*$"):
        bind_udp(loop, sock=sock, **{"handler": mailbox, **options})
    assert sock.fileno() >= 0  # it is still the program's


def test_a_socket_of_the_programs_stays_open_though_the_selector_has_no_room(
    loop: EventLoop, selector: SpySelector, mailbox: Mailbox, sock: FaultySocket
) -> None:
    selector.refusal = errno.ENOSPC
    with pytest.raises(OSError, match="No space left"):
        bind_udp(loop, mailbox, sock=sock)
    assert sock.fileno() >= 0


def test_a_socket_that_was_made_for_nothing_is_closed(
    loop: EventLoop, selector: SpySelector, mailbox: Mailbox
) -> None:
    before = open_descriptors()
    selector.refusal = errno.ENOSPC
    with pytest.raises(OSError, match="No space left"):
        bind_udp(loop, mailbox, "127.0.0.1")
    assert open_descriptors() == before


# -- addresses that can't be -----------------------------------------------------------------

IMPOSSIBLE = [
    ("127.0.0.1", 70000),
    ("127.0.0.1", -1),
    ("127.0.0.1", 0),
    ("::1", 9, 0, 0),
    ("localhost", 9),
    ("127.0.0.1", "9"),
    ("127.0.0.1",),
    ["127.0.0.1", 9],
    None,
]


@pytest.fixture
def no_resolver(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("getaddrinfo", "gethostbyname", "gethostbyaddr"):
        monkeypatch.setattr(socket, name, lambda *args, **kwargs: pytest.fail("looked up"))


@pytest.mark.parametrize("segmentation", [False, True])
@pytest.mark.parametrize("bad", IMPOSSIBLE, ids=str)
def test_an_impossible_address_costs_no_other_receiver_a_datagram(
    loop: EventLoop,
    mailbox: Mailbox,
    udp: MakeSocket,
    no_resolver: None,
    bad: Any,
    segmentation: bool,
) -> None:
    endpoint = bind_udp(loop, mailbox, "127.0.0.1", segmentation=segmentation)
    receivers = [udp(), udp()]
    addresses = [receivers[0].getsockname(), bad, receivers[1].getsockname()]
    sent = numbered(3)
    dropped = endpoint.send_batch_to_all(DatagramBatch.of(sent), addresses)
    for receiver in receivers:
        assert [receive(receiver) for _ in sent] == sent
    assert dropped in ({}, {bad: 3} if isinstance(bad, tuple) else {})
    assert endpoint.counters.dropped == {"EINVAL": 3}
    assert endpoint.counters.sent == 6


@pytest.mark.parametrize("send", ["send", "send_batch"])
@pytest.mark.parametrize("bad", [bad for bad in IMPOSSIBLE if bad != ("127.0.0.1", 0)], ids=str)
def test_to_send_to_an_impossible_address_alone_is_a_mistake_that_is_told_at_once(
    endpoint: DatagramEndpoint, no_resolver: None, send: str, bad: Any
) -> None:
    with pytest.raises((ValueError, TypeError), match=r"expected|a port is"):
        SENDS[send](endpoint, bad)
    assert endpoint.counters.sent == endpoint.counters.dropped.total() == 0


def test_an_answer_to_port_0_is_dropped_and_counted(endpoint: DatagramEndpoint) -> None:
    # RFC 768 lets a datagram come from there, so it is no mistake of the program.
    assert not endpoint.send(b"answer", ("127.0.0.1", 0))
    assert endpoint.counters.dropped == {"EINVAL": 1}


@pytest.mark.skipif(not has_ipv6(), reason="needs IPv6")
def test_a_sender_of_ipv4_at_an_ipv6_socket_is_named_and_answered_as_one_of_ipv4(
    loop: EventLoop, mailbox: Mailbox, other: FaultySocket
) -> None:
    endpoint = bind_udp(loop, mailbox, "::")
    other.sendto(b"question", ("127.0.0.1", endpoint.sockname[1]))
    run_until(loop, lambda: mailbox.datagrams)
    assert mailbox.sources == [other.getsockname()]
    assert endpoint.send(b"answer", mailbox.sources[0])
    assert receive(other) == b"answer"


# -- lanes: a socket for one address ---------------------------------------------------------


def test_what_is_sent_through_a_lane_comes_from_the_address_that_was_told(
    endpoint: DatagramEndpoint, other: FaultySocket
) -> None:
    source = endpoint.open_lane(other.getsockname())
    assert source != endpoint.sockname
    assert endpoint.send(b"one", other.getsockname())
    assert endpoint.send_batch(DatagramBatch.of([b"two"]), other.getsockname()) == 1
    assert endpoint.send_batch_to_all(DatagramBatch.of([b"three"]), [other.getsockname()]) == {}
    for datagram in (b"one", b"two", b"three"):
        wait_for(other)
        assert other.recvfrom(100) == (datagram, source)


def test_a_lane_is_for_its_own_address_alone(
    endpoint: DatagramEndpoint, other: FaultySocket, udp: MakeSocket
) -> None:
    third = udp()
    endpoint.open_lane(third.getsockname())
    endpoint.send(b"x", other.getsockname())
    wait_for(other)
    assert other.recvfrom(100) == (b"x", endpoint.sockname)


@needs_linux
@pytest.mark.parametrize("segmentation", [False, True])
def test_a_dead_receiver_at_the_end_of_a_lane_is_nobody_elses_affair(
    loop: EventLoop, network: Door, mailbox: Mailbox, udp: MakeSocket, segmentation: bool
) -> None:
    made: list[FaultySocket] = []
    network.socket = lambda *args: made.append(FaultySocket(*args)) or made[-1]  # type: ignore[func-returns-value]
    endpoint = bind_udp(loop, mailbox, "127.0.0.1", segmentation=segmentation)
    receivers = [udp() for _ in range(3)]
    addresses = [receiver.getsockname() for receiver in receivers]
    for address in addresses:
        endpoint.open_lane(address)
    receivers.pop(1).close()
    for _ in range(5):
        endpoint.send_batch_to_all(DatagramBatch.of([b"same"] * 10), addresses)
    for receiver in receivers:
        assert [receive(receiver) for _ in range(50)] == [b"same"] * 50
    assert mailbox.refusals == []
    # What it costs is one more call for each.
    _, _, dead, alive = (sock.calls["send"] + sock.calls["sendmsg"] for sock in made)
    assert dead <= 2 * alive


def test_a_lane_that_is_full_is_in_nobodys_way(
    loop: EventLoop, network: Door, mailbox: Mailbox, udp: MakeSocket
) -> None:
    made: list[FaultySocket] = []
    network.socket = lambda *args: made.append(FaultySocket(*args)) or made[-1]  # type: ignore[func-returns-value]
    endpoint = bind_udp(loop, mailbox, "127.0.0.1", segmentation=False)
    slow, fast = udp(), udp()
    for receiver in (slow, fast):
        endpoint.open_lane(receiver.getsockname())
    made[1].script("send", itertools.repeat(errno.EAGAIN))
    addresses = [slow.getsockname(), fast.getsockname()]
    dropped = endpoint.send_batch_to_all(DatagramBatch.of(numbered(3)), addresses)
    assert dropped == {slow.getsockname(): 3}
    assert [receive(fast) for _ in range(3)] == numbered(3)


def test_a_closed_lane_is_forgotten_and_closing_it_again_is_harmless(
    endpoint: DatagramEndpoint, other: FaultySocket
) -> None:
    before = open_descriptors()
    for _ in range(3):
        endpoint.open_lane(other.getsockname())
        endpoint.close_lane(other.getsockname())
        endpoint.close_lane(other.getsockname())
    assert open_descriptors() == before
    endpoint.send(b"x", other.getsockname())
    wait_for(other)
    assert other.recvfrom(100) == (b"x", endpoint.sockname)


def test_a_second_lane_to_one_address_takes_the_place_of_the_first(
    endpoint: DatagramEndpoint, other: FaultySocket
) -> None:
    endpoint.open_lane(other.getsockname())
    before = open_descriptors()
    source = endpoint.open_lane(other.getsockname())
    assert open_descriptors() == before
    endpoint.send(b"x", other.getsockname())
    wait_for(other)
    assert other.recvfrom(100) == (b"x", source)


@pytest.mark.parametrize("end", ["endpoint", "loop"])
def test_lanes_are_closed_with_their_endpoint(
    loop: EventLoop, mailbox: Mailbox, udp: MakeSocket, end: str
) -> None:
    others = [udp() for _ in range(3)]
    before = open_descriptors()
    endpoint = bind_udp(loop, mailbox, "127.0.0.1")
    for other in others:
        endpoint.open_lane(other.getsockname())
    (endpoint if end == "endpoint" else loop).close()
    assert open_descriptors() <= before


def test_a_lane_for_which_there_is_no_socket_changes_nothing(
    loop: EventLoop, network: Door, endpoint: DatagramEndpoint, other: FaultySocket
) -> None:
    def refuse(*args: int) -> socket.socket:
        raise OSError(errno.EMFILE, "Too many open files")

    network.socket = refuse
    with pytest.raises(OSError, match="Too many open files") as caught:
        endpoint.open_lane(other.getsockname())
    assert caught.value.errno == errno.EMFILE
    endpoint.send(b"x", other.getsockname())
    assert receive(other) == b"x"


@pytest.mark.parametrize("name", ["bind", "connect", "getsockname"])
def test_a_lane_that_can_not_be_made_leaves_no_descriptor_behind(
    loop: EventLoop,
    network: Door,
    endpoint: DatagramEndpoint,
    other: FaultySocket,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    def make(*args: int) -> FaultySocket:
        sock = FaultySocket(*args)
        monkeypatch.setattr(sock, name, fail)
        return sock

    def fail(*args: object) -> object:
        raise OSError(errno.ENOBUFS, "No buffer space available")

    network.socket = make
    before = open_descriptors()
    with pytest.raises(OSError, match="No buffer space"):
        endpoint.open_lane(other.getsockname())
    assert open_descriptors() == before


def test_there_is_no_lane_to_an_impossible_address(endpoint: DatagramEndpoint) -> None:
    before = open_descriptors()
    with pytest.raises(ValueError, match="numeric host"):
        endpoint.open_lane(("localhost", 9))
    assert open_descriptors() == before


def test_a_lane_has_a_send_buffer_of_its_own_and_hardly_a_receive_buffer(
    loop: EventLoop, network: Door, mailbox: Mailbox, other: FaultySocket
) -> None:
    made: list[socket.socket] = []
    network.socket = lambda *args: made.append(socket.socket(*args)) or made[-1]  # type: ignore[func-returns-value]
    endpoint = bind_udp(loop, mailbox, "127.0.0.1", buffer_size=65536)
    endpoint.open_lane(other.getsockname())
    own, lane = made
    assert lane.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) == own.getsockopt(
        socket.SOL_SOCKET, socket.SO_SNDBUF
    )
    assert lane.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) < 8192


# -- who only sends --------------------------------------------------------------------------


def test_who_only_sends_is_not_woken_and_lends_strangers_no_memory(
    loop: EventLoop, selector: SpySelector, mailbox: Mailbox, other: FaultySocket
) -> None:
    endpoint = bind_udp(loop, mailbox, "127.0.0.1", receiving=False)
    assert selector.watched == 0
    assert endpoint.receive_buffer_size < 8192
    deliver(other, endpoint, *[bytes(1000)] * 100)
    loop.run()
    assert mailbox.batches == []
    assert endpoint.send(b"x", other.getsockname())
    assert receive(other) == b"x"


def test_who_only_sends_may_change_its_mind(
    loop: EventLoop, mailbox: Mailbox, other: FaultySocket
) -> None:
    endpoint = bind_udp(loop, mailbox, "127.0.0.1", receiving=False)
    endpoint.resume_receiving()
    deliver(other, endpoint, b"x")
    run_until(loop, lambda: mailbox.datagrams)
    assert endpoint.kernel_drops in (None, 0)


# -- what is larger than a link --------------------------------------------------------------

IP_MTU_DISCOVER = 10  # linux/in.h
IP_PMTUDISC_DO, IP_PMTUDISC_OMIT = 2, 5


@needs_linux
def test_routers_may_cut_what_is_too_large_for_a_link(
    loop: EventLoop, network: Door, mailbox: Mailbox, other: FaultySocket
) -> None:
    made: list[socket.socket] = []
    network.socket = lambda *args: made.append(socket.socket(*args)) or made[-1]  # type: ignore[func-returns-value]
    endpoint = bind_udp(loop, mailbox, "127.0.0.1")
    endpoint.open_lane(other.getsockname())
    bind_udp_all(loop, mailbox, "127.0.0.1")
    for sock in made:
        assert sock.getsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER) == IP_PMTUDISC_OMIT


@needs_linux
def test_a_program_may_look_for_the_size_of_links_itself(
    loop: EventLoop, mailbox: Mailbox, sock: FaultySocket
) -> None:
    sock.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO)
    bind_udp(loop, mailbox, sock=sock)
    assert sock.getsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER) == IP_PMTUDISC_DO


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


def test_whoever_resumes_in_the_midst_of_a_batch_is_called_once_a_tick_all_the_same(
    loop: EventLoop,
    clock: ManualClock,
    selector: SpySelector,
    sock: FaultySocket,
    other: FaultySocket,
) -> None:
    class Restless(Mailbox):
        def datagrams_received(self, endpoint: DatagramEndpoint, batch: DatagramBatch) -> None:
            super().datagrams_received(endpoint, batch)
            endpoint.pause_receiving()
            selector.refusal = errno.ENOSPC  # so that a timer has to look
            endpoint.resume_receiving()

    mailbox = Restless()
    endpoint = bind_udp(loop, mailbox, sock=sock, coalesce=1.0)
    deliver(other, endpoint, b"1")
    wait_for(sock)
    loop.run_once(0)
    clock.advance(1.0)
    settle(loop)
    assert mailbox.batches == [[b"1"]]
    deliver(other, endpoint, b"2")
    wait_for(sock)
    clock.advance(0.5)  # more than the selector's pause, less than a tick
    settle(loop)
    assert mailbox.batches == [[b"1"]]
