"""Where an endpoint is bound, with what arguments, and what the system lends it."""

import errno
import itertools
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from reactor import (
    DatagramEndpoint,
    EventLoop,
    bind_udp,
    bind_udp_all,
)
from reactor.testing import ManualClock, run_until
from tests.datagrams.conftest import MakeSocket, deliver, needs_linux, receive, settle
from tests.doubles.descriptors import open_descriptors
from tests.doubles.door import Door
from tests.doubles.faulty_socket import FaultySocket, has_ipv6, udp_socket
from tests.doubles.mailbox import Mailbox
from tests.doubles.peer import wait_for
from tests.doubles.spy_selector import SpySelector

SO_MEMINFO = 55  # asm-generic/socket.h
SO_RCVBUFFORCE = 33


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


def test_only_from_takes_no_name(loop: EventLoop, mailbox: Mailbox) -> None:
    with pytest.raises(ValueError, match="localhost"):
        bind_udp(loop, mailbox, "127.0.0.1", only_from="localhost")


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


@pytest.mark.parametrize("size", [1 << 30, (1 << 31) - 1])
def test_more_than_the_system_can_lend_is_no_error(
    loop: EventLoop, mailbox: Mailbox, size: int
) -> None:
    endpoint = bind_udp(loop, mailbox, "127.0.0.1", buffer_size=size)
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


def test_kernel_drops_does_not_count_what_found_no_room_before_a_pause_was_asked_for_again(
    cramped: DatagramEndpoint, other: FaultySocket
) -> None:
    cramped.pause_receiving()
    deliver(other, cramped, *[bytes(1000)] * 100)
    cramped.pause_receiving()
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


def test_without_a_word_8_mib_are_asked_for_in_each_direction(
    loop: EventLoop, mailbox: Mailbox, sock: FaultySocket
) -> None:
    asked: dict[int, int] = {}

    class Noting(FaultySocket):
        def setsockopt(self, *args: Any) -> None:
            asked.setdefault(args[1], args[2])
            super().setsockopt(*args)

    bind_udp(loop, mailbox, sock=Noting.adopt(sock))
    assert asked[socket.SO_RCVBUF] == asked[socket.SO_SNDBUF] == 8 << 20


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
