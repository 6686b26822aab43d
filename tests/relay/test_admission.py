"""The limits keep one host from taking every place, and silence from keeping any.
Pure counting, compared with a list of those who are in.
"""

import weakref
from ipaddress import IPv4Address, IPv6Address
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reactor.relay.admission import Admission, household
from reactor.relay.protocol import ErrorCode

ONE, OTHER = "192.0.2.1", "192.0.2.2"

limits = st.integers(0, 4)
hosts = st.sampled_from([ONE, OTHER, "::/64"])
steps = st.tuples(st.sampled_from(["enter", "enter", "idle", "settle", "leave"]), hosts)

unhurried = settings(deadline=None)


class Guests:
    """An admission, and what is known of those who are in: number, host, whether it idles."""

    def __init__(self, max_clients: int, max_per_host: int) -> None:
        self.admission = Admission[int](max_clients, max_per_host)
        self._limits = max_clients, max_per_host
        self._numbers = count()
        self.inside: dict[int, str] = {}
        self.idle: list[int] = []

    def is_full_for(self, host: str) -> bool:
        """Whether nobody from `host` may come in now."""
        most, most_per_host = self._limits
        there = list(self.inside.values()).count(host)
        return 0 < most <= len(self.inside) or 0 < most_per_host <= there

    def take(self, step: str, host: str) -> None:
        """The next comes from `host`; or the oldest who is in from there does something."""
        if step == "enter":
            number = next(self._numbers)
            full = self.is_full_for(host)
            assert (self.admission.enter(number, host) is not None) == full
            if not full:
                self.inside[number] = host
            return
        for number in [number for number, home in self.inside.items() if home == host][:1]:
            if step == "idle":
                self.admission.mark_idle(number)
                self.idle += [number] * (number not in self.idle)
            else:
                self.idle = [other for other in self.idle if other != number]
            if step == "settle":
                self.admission.settle(number)
            if step == "leave":
                self.admission.leave(number)
                del self.inside[number]


@unhurried
@given(limits, limits, st.lists(steps, max_size=40))
def test_whoever_exceeds_no_limit_is_let_in(
    most: int, most_per_host: int, steps: list[tuple[str, str]]
) -> None:
    guests = Guests(most, most_per_host)
    for step, host in steps:
        guests.take(step, host)
        assert guests.admission.clients == len(guests.inside)


@unhurried
@given(limits, limits, st.lists(steps, max_size=40), hosts)
def test_a_newcomer_gets_the_place_of_who_has_idled_longest(
    most: int, most_per_host: int, steps: list[tuple[str, str]], host: str
) -> None:
    guests = Guests(most, most_per_host)
    for step in steps:
        guests.take(*step)
    if not guests.is_full_for(host):
        return
    there = [number for number in guests.idle if guests.inside[number] == host]
    full_there = 0 < most_per_host <= list(guests.inside.values()).count(host)
    candidates = there if full_there else guests.idle
    assert guests.admission.idlest(host) == next(iter(candidates), None)
    if candidates:
        guests.admission.leave(candidates[0])
        assert guests.admission.enter(-1, host) is None


def test_the_refusal_says_that_the_server_is_full() -> None:
    admission = Admission[str](max_clients=1, max_clients_per_host=0)
    admission.enter("a", ONE)
    assert admission.enter("b", OTHER) is ErrorCode.FULL


def test_the_refusal_says_that_the_host_has_too_many() -> None:
    admission = Admission[str](max_clients=2, max_clients_per_host=1)
    admission.enter("a", ONE)
    assert admission.enter("b", ONE) is ErrorCode.HOST_FULL


def test_a_full_host_keeps_no_other_host_out() -> None:
    admission = Admission[str](max_clients=0, max_clients_per_host=1)
    admission.enter("a", ONE)
    admission.enter("b", ONE)
    assert admission.enter("c", OTHER) is None


def test_a_newcomer_from_a_full_host_takes_no_place_from_another_host() -> None:
    admission = Admission[str](max_clients=2, max_clients_per_host=1)
    for client, host in (("a", OTHER), ("b", ONE)):
        admission.enter(client, host)
        admission.mark_idle(client)
    assert admission.idlest(ONE) == "b"


def test_who_is_refused_takes_no_place() -> None:
    admission = Admission[str](max_clients=1, max_clients_per_host=0)
    admission.enter("a", ONE)
    for client in "bcd":
        admission.enter(client, OTHER)
    assert admission.clients == 1
    admission.leave("a")
    assert admission.enter("e", OTHER) is None


def test_who_has_no_place_leaves_none() -> None:
    admission = Admission[str](max_clients=1, max_clients_per_host=1)
    admission.enter("a", ONE)
    for _ in range(2):
        admission.leave("b")
    assert admission.clients == 1


def test_who_has_settled_makes_no_room() -> None:
    admission = Admission[str](max_clients=1, max_clients_per_host=1)
    admission.enter("a", ONE)
    admission.mark_idle("a")
    admission.settle("a")
    assert admission.idlest(ONE) is None


def test_zero_means_no_limit() -> None:
    admission = Admission[int](max_clients=0, max_clients_per_host=0)
    assert {admission.enter(number, ONE) for number in range(1_000)} == {None}
    assert admission.clients == 1_000


def test_hosts_that_left_or_were_refused_are_forgotten() -> None:
    class Name(str):
        """One that tells when it is forgotten."""

    admission = Admission[Name](max_clients=1, max_clients_per_host=1)
    names = [Name(text) for text in ("here", "192.0.2.1", "there", "198.51.100.1")]
    references = [weakref.ref(name) for name in names]
    here, its_host, there, other_host = names
    admission.enter(here, its_host)
    admission.mark_idle(here)
    admission.enter(there, other_host)
    admission.leave(here)
    del names, here, its_host, there, other_host
    assert [reference() for reference in references] == [None] * 4


@pytest.mark.parametrize("limits", [(-1, 0), (0, -1)])
def test_a_limit_is_not_negative(limits: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="negative"):
        Admission[str](*limits)


# -- what counts as one host -------------------------------------------------------------


def household_of(host: str, scope: int = 0) -> str:
    return household((host, 5000, 0, scope) if ":" in host else (host, 5000))


@unhurried
@given(st.ip_addresses(v=6, network="2000::/3"), st.integers(0, 2**64 - 1))
def test_all_addresses_of_an_ipv6_network_are_one_host(address: IPv6Address, low: int) -> None:
    neighbour = IPv6Address(int(address) >> 64 << 64 | low)
    assert household_of(str(neighbour)) == household_of(str(address))


@unhurried
@given(st.ip_addresses(v=6, network="2000::/3"), st.integers(64, 127))
def test_the_next_network_is_another_host(address: IPv6Address, bit: int) -> None:
    assert household_of(str(IPv6Address(int(address) ^ 1 << bit))) != household_of(str(address))


@unhurried
@given(st.ip_addresses(v=4), st.ip_addresses(v=4))
def test_each_ipv4_address_is_a_host_mapped_or_not(one: IPv4Address, other: IPv4Address) -> None:
    assert household_of(f"::ffff:{one}") == household_of(f"::FFFF:{one}") == household_of(str(one))
    assert (household_of(str(one)) == household_of(f"::ffff:{other}")) == (one == other)


@unhurried
@given(st.ip_addresses(v=6, network="fe80::/10"), st.integers(1, 2**64 - 1), st.integers(1, 9))
def test_neighbours_on_a_link_are_not_one_host(
    address: IPv6Address, other: int, scope: int
) -> None:
    neighbour = IPv6Address(int(address) ^ other)
    assert household_of(str(neighbour), scope) != household_of(str(address), scope)
    assert household_of(str(address), scope) != household_of(str(address), scope + 1)
    assert household_of(f"{address}%eth0", scope) == household_of(str(address), scope)
