"""What arrives is handed over whole, in order, and no more often than was asked."""

import errno
import itertools
import socket

import pytest

from reactor import (
    DatagramBatch,
    DatagramEndpoint,
    DatagramHandler,
    EventLoop,
    bind_udp,
)
from reactor.testing import ManualClock, run_until
from tests.datagrams.conftest import (
    MakeSocket,
    deliver,
    needs_linux,
    numbered,
    settle,
    skip_unless_there_is_room,
)
from tests.doubles.faulty_socket import FaultySocket, has_ipv6
from tests.doubles.mailbox import Mailbox
from tests.doubles.peer import wait_for
from tests.doubles.spy_selector import SpySelector

IP_RECVERR = 11  # linux/in.h


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


@pytest.mark.parametrize("sources", [True, False])
def test_only_from_drops_what_others_send(
    loop: EventLoop,
    mailbox: Mailbox,
    sock: FaultySocket,
    other: FaultySocket,
    udp: MakeSocket,
    sources: bool,
) -> None:
    try:
        stranger = udp("127.0.0.2")
    except OSError:
        pytest.skip("this machine has one loopback address only")
    endpoint = bind_udp(loop, mailbox, sock=sock, only_from="127.0.0.1", sources=sources)
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
