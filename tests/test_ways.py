"""Ways: an address is checked before the socket sees it, and a name is never looked up."""

import ipaddress
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from reactor import Address
from reactor.ways import Way, Ways

MakeWays = Callable[..., Ways]


@pytest.fixture(autouse=True)
def no_resolver(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex", "gethostbyaddr"):
        monkeypatch.setattr(socket, name, lambda *args, **kwargs: pytest.fail("looked up"))


@pytest.fixture(scope="module")
def make_ways() -> Iterator[MakeWays]:
    """Ways from a socket of one family, which need not be bound."""
    with ExitStack() as stack:

        def make(family: int = socket.AF_INET, *, takes_ipv4: bool = False) -> Ways:
            sock = stack.enter_context(socket.socket(family, socket.SOCK_DGRAM))
            return Ways(sock, takes_ipv4=takes_ipv4)

        yield make


ports = st.integers(0, 65535)
hosts_4 = st.ip_addresses(v=4)
hosts_6 = st.integers(0, 2**128 - 1).map(ipaddress.IPv6Address)


@given(hosts_4, ports)
def test_a_socket_of_ipv4_is_given_an_ipv4_address_as_it_is(
    make_ways: MakeWays, host: ipaddress.IPv4Address, port: int
) -> None:
    address = (str(host), port)
    assert make_ways().to(address).destination == address


@given(hosts_4, ports)
def test_a_mapped_address_is_an_ipv4_address(
    make_ways: MakeWays, host: ipaddress.IPv4Address, port: int
) -> None:
    mapped = (f"::FFFF:{host}", port, 0, 0)
    assert make_ways().to(mapped).destination == (str(host), port)


@given(hosts_4, ports)
def test_a_socket_of_both_families_is_given_ipv4_mapped(
    make_ways: MakeWays, host: ipaddress.IPv4Address, port: int
) -> None:
    ways = make_ways(socket.AF_INET6, takes_ipv4=True)
    assert ways.to((str(host), port)).destination == (f"::ffff:{host}", port, 0, 0)


@given(hosts_6, ports, st.integers(0, 0xFFFFF), st.integers(0, 0xFFFFFFFF))
def test_an_ipv6_address_keeps_its_flow_and_its_scope(
    make_ways: MakeWays, host: ipaddress.IPv6Address, port: int, flow: int, scope: int
) -> None:
    assume(host.ipv4_mapped is None)
    destination = make_ways(socket.AF_INET6).to((str(host), port, flow, scope)).destination
    assert destination is not None
    assert (ipaddress.IPv6Address(destination[0]), *destination[1:]) == (host, port, flow, scope)


def test_a_scope_may_be_part_of_the_host(make_ways: MakeWays) -> None:
    index, name = socket.if_nameindex()[0]
    ways = make_ways(socket.AF_INET6)
    for scope in (name, str(index)):
        assert ways.to((f"fe80::1%{scope}", 9)).destination == ("fe80::1", 9, 0, index)


@pytest.mark.parametrize(
    "address",
    [
        ("127.0.0.1", -1),
        ("127.0.0.1", 65536),
        ("127.0.0.1", 70000),
        ("localhost", 9),
        ("", 9),
        ("<broadcast>", 9),
        ("127.1", 9),
        ("127.0.0.1.", 9),
        ("::1", 9),
        ("::1", 9, 0, 0),
        ("::ffff:1.2.3", 9),
    ],
    ids=str,
)
def test_what_a_socket_of_ipv4_can_not_send_to_is_refused(
    make_ways: MakeWays, address: Address
) -> None:
    with pytest.raises(ValueError, match=r"expected|a port is"):
        make_ways().to(address)


@pytest.mark.parametrize(
    "address",
    [
        ("127.0.0.1", 9),
        ("::ffff:127.0.0.1", 9, 0, 0),
        ("fe80::1%no-such-interface", 9),
        ("fe80::1%4294967297", 9),
        ("fe80::1%\u0661", 9),
        ("::1", 9, 1 << 20, 0),
        ("::1", 9, 0, -1),
        ("::1", 9, 0, 1 << 32),
        ("localhost", 9, 0, 0),
    ],
    ids=str,
)
def test_what_a_socket_of_ipv6_alone_can_not_send_to_is_refused(
    make_ways: MakeWays, address: Address
) -> None:
    with pytest.raises(ValueError, match="expected"):
        make_ways(socket.AF_INET6).to(address)


@pytest.mark.parametrize(
    "address",
    [
        None,
        9,
        "127.0.0.1",
        "127.0.0.1:9",
        b"127.0.0.1",
        (),
        ("127.0.0.1",),
        ("127.0.0.1", "9"),
        ("127.0.0.1", 9.0),
        ("127.0.0.1", None),
        (b"127.0.0.1", 9),
        (9, "127.0.0.1"),
        ("127.0.0.1", 9, 0),
        ("127.0.0.1", [9]),
        ["127.0.0.1", 9],
        {"127.0.0.1": 9},
    ],
    ids=str,
)
def test_what_is_no_address_is_refused_in_one_line(make_ways: MakeWays, address: Any) -> None:
    with pytest.raises(TypeError, match=r"^expected \(host, port\) .*, not .*$"):
        make_ways().to(address)


def test_what_only_equals_an_address_is_sent_what_was_checked(make_ways: MakeWays) -> None:
    ways = make_ways()
    ways.to(("127.0.0.1", 9))
    destination = ways.to(("127.0.0.1", 9.0)).destination
    assert destination is not None
    assert [type(part) for part in destination] == [str, int]


def test_an_address_is_checked_once(make_ways: MakeWays, monkeypatch: pytest.MonkeyPatch) -> None:
    ways = make_ways()
    first = ways.to(("127.0.0.1", 9))
    monkeypatch.setattr(ipaddress, "ip_address", lambda host: pytest.fail("checked again"))
    assert ways.to(("127.0.0.1", 9)) is first


def test_no_more_than_4096_ways_are_remembered(make_ways: MakeWays) -> None:
    ways = make_ways()
    for number in range(10_000):
        ways.to(("127.0.0.1", number))
        assert len(ways) <= 4096


def all_ways(ways: Ways, addresses: list[Address]) -> list[Way]:
    """The ways to all of them at once."""
    ways.make_room(len(addresses))
    return [ways.to(address) for address in addresses]


def test_there_is_room_for_all_whom_one_batch_goes_to(
    make_ways: MakeWays, monkeypatch: pytest.MonkeyPatch
) -> None:
    ways = make_ways()
    addresses = [("127.0.0.1", number) for number in range(10_000)]
    first = all_ways(ways, addresses)
    monkeypatch.setattr(ipaddress, "ip_address", lambda host: pytest.fail("checked again"))
    assert all_ways(ways, addresses) == first


def test_the_memory_for_ways_has_a_bound_whoever_comes_and_goes(make_ways: MakeWays) -> None:
    ways = make_ways()
    for number in range(6):
        all_ways(ways, [(f"127.0.0.{number}", port) for port in range(2500)])
        assert len(ways) <= 5000


def test_a_lane_is_kept_however_many_ways_there_are(make_ways: MakeWays) -> None:
    ways = make_ways()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as lane:
        ways.open_lane(("127.0.0.1", 9), lane)
        for number in range(5000):
            ways.to(("127.0.0.2", number))
        assert ways.to(("127.0.0.1", 9)).sock is lane


def test_a_lane_that_is_closed_leads_nowhere_any_more(make_ways: MakeWays) -> None:
    ways = make_ways()
    own = ways.to(("127.0.0.1", 9)).sock
    lane = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    ways.open_lane(("127.0.0.1", 9), lane)
    assert ways.to(("127.0.0.1", 9)).sock is lane
    ways.close_lane(("127.0.0.1", 9))
    assert ways.to(("127.0.0.1", 9)).sock is own
    assert lane.fileno() == -1


def test_all_lanes_are_closed_at_the_end(make_ways: MakeWays) -> None:
    ways = make_ways()
    lanes = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(3)]
    for number, lane in enumerate(lanes):
        ways.open_lane(("127.0.0.1", number), lane)
    ways.close()
    assert [lane.fileno() for lane in lanes] == [-1] * 3


# -- runs that were refused ------------------------------------------------------------------

sizes = st.integers(1, 65507)


@pytest.fixture(scope="module")
def make_way(make_ways: MakeWays) -> Callable[[], Way]:
    """A way on which nothing was refused yet."""

    def make() -> Way:
        return make_ways().to(("127.0.0.1", 9))

    return make


@given(sizes, sizes)
def test_a_refusal_holds_for_its_size_and_what_is_larger(
    make_way: Callable[[], Way], refused: int, size: int
) -> None:
    way = make_way()
    way.refuse(refused, now=0.0)
    assert way.refuses(size, now=0.0) == (size >= refused)


@given(st.lists(sizes, min_size=1), sizes)
def test_of_several_refusals_the_smallest_counts(
    make_way: Callable[[], Way], refused: list[int], size: int
) -> None:
    way = make_way()
    for each in refused:
        way.refuse(each, now=0.0)
    assert way.refuses(size, now=0.0) == (size >= min(refused))


@given(sizes)
def test_a_refusal_is_another_addresses_affair(make_ways: MakeWays, size: int) -> None:
    ways = make_ways()
    ways.to(("127.0.0.1", 9)).refuse(1, now=0.0)
    assert not ways.to(("127.0.0.2", 9)).refuses(size, now=0.0)


def test_after_a_minute_a_run_is_tried_again(make_way: Callable[[], Way]) -> None:
    way = make_way()
    way.refuse(1316, now=0.0)
    assert [way.refuses(1316, now) for now in (59.9, 60.0)] == [True, False]


def test_a_second_refusal_holds_for_another_minute(make_way: Callable[[], Way]) -> None:
    way = make_way()
    way.refuse(1316, now=0.0)
    way.refuse(1316, now=60.0)
    assert [way.refuses(1316, now) for now in (119.9, 120.0)] == [True, False]


def test_a_size_whose_minute_is_over_is_not_renewed_by_a_larger_one(
    make_way: Callable[[], Way],
) -> None:
    way = make_way()
    way.refuse(188, now=0.0)
    way.refuse(1316, now=60.0)
    assert not way.refuses(188, now=60.0)


def test_only_the_first_refusal_of_an_address_is_news(make_ways: MakeWays) -> None:
    ways = make_ways()
    assert ways.to(("127.0.0.1", 9)).refuse(1316, now=0.0)
    assert not ways.to(("127.0.0.1", 9)).refuse(188, now=60.0)
    assert ways.to(("127.0.0.2", 9)).refuse(1316, now=0.0)


@given(st.lists(st.tuples(sizes, st.floats(0, 90)), min_size=1), sizes)
def test_nothing_is_refused_a_minute_after_the_last_refusal(
    make_way: Callable[[], Way], refused: list[tuple[int, float]], size: int
) -> None:
    way, now = make_way(), 0.0
    for each, pause in refused:
        now += pause
        way.refuse(each, now)
    assert not way.refuses(size, now + 60.0)


def test_who_has_an_address_next_begins_afresh(make_ways: MakeWays) -> None:
    ways = make_ways()
    ways.to(("127.0.0.1", 9)).refuse(1316, now=0.0)
    ways.close_lane(("127.0.0.1", 9))
    assert not ways.to(("127.0.0.1", 9)).refuses(1316, now=0.0)
    assert ways.to(("127.0.0.1", 9)).refuse(1316, now=0.0)
