"""The limits keep one host from taking every place, so they must hold after any coming and going.
Pure counting, compared with a list of those who are in.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reactor.relay.admission import Admission
from reactor.relay.protocol import ErrorCode

ONE, OTHER = "192.0.2.1", "192.0.2.2"

limits = st.integers(0, 4)
steps = st.tuples(st.sampled_from(["enter", "leave"]), st.sampled_from([ONE, OTHER, "::1"]))


@settings(deadline=None)
@given(limits, limits, st.lists(steps, max_size=40))
def test_whoever_exceeds_no_limit_is_let_in(
    max_clients: int, max_per_host: int, steps: list[tuple[str, str]]
) -> None:
    admission = Admission(max_clients, max_per_host)
    inside: list[str] = []
    for step, host in steps:
        if step == "enter":
            full = max_clients and len(inside) >= max_clients
            host_full = max_per_host and inside.count(host) >= max_per_host
            refusal = admission.enter(host)
            assert (refusal is None) == (not full and not host_full)
            if refusal is None:
                inside.append(host)
        elif host in inside:
            admission.leave(host)
            inside.remove(host)
        assert admission.clients == len(inside)


def test_the_refusal_says_that_the_server_is_full() -> None:
    admission = Admission(max_clients=1, max_clients_per_host=0)
    admission.enter(ONE)
    assert admission.enter(OTHER) is ErrorCode.FULL


def test_the_refusal_says_that_the_host_has_too_many() -> None:
    admission = Admission(max_clients=2, max_clients_per_host=1)
    admission.enter(ONE)
    assert admission.enter(ONE) is ErrorCode.HOST_FULL


def test_a_full_host_keeps_no_other_host_out() -> None:
    admission = Admission(max_clients=0, max_clients_per_host=1)
    admission.enter(ONE)
    admission.enter(ONE)
    assert admission.enter(OTHER) is None


def test_who_leaves_makes_room() -> None:
    admission = Admission(max_clients=1, max_clients_per_host=1)
    admission.enter(ONE)
    admission.leave(ONE)
    assert admission.enter(ONE) is None


def test_who_is_refused_takes_no_place() -> None:
    admission = Admission(max_clients=1, max_clients_per_host=0)
    admission.enter(ONE)
    for _ in range(3):
        admission.enter(OTHER)
    assert admission.clients == 1
    admission.leave(ONE)
    assert admission.enter(OTHER) is None


def test_zero_means_no_limit() -> None:
    admission = Admission(max_clients=0, max_clients_per_host=0)
    assert {admission.enter(ONE) for _ in range(1_000)} == {None}
    assert admission.clients == 1_000


def test_hosts_that_left_or_were_refused_are_forgotten() -> None:
    admission = Admission(max_clients=1, max_clients_per_host=1)
    for number in range(100):
        admission.enter(f"192.0.2.{number}")
        admission.enter("198.51.100.1")
        admission.leave(f"192.0.2.{number}")
    assert len(admission._hosts) == 0


@pytest.mark.parametrize("limits", [(-1, 0), (0, -1)])
def test_a_limit_is_not_negative(limits: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="negative"):
        Admission(*limits)


def test_nobody_leaves_who_was_not_let_in() -> None:
    admission = Admission(max_clients=1, max_clients_per_host=0)
    with pytest.raises(ValueError, match=ONE):
        admission.leave(ONE)
    assert admission.clients == 0
