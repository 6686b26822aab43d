"""Each knob of `Faults` does what it says, and what is not turned does nothing."""

import errno
import random
import socket
from collections.abc import Callable
from selectors import EVENT_READ, EVENT_WRITE
from typing import Any

import pytest

from reactor.testing import Cut, Faults, Jump, Lie, Refusal, legal_faults
from tests.doubles.system import SimulatedSystem

PAYLOADS = [b"%d" % number for number in range(50)]
ROOMLESS = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}


def rough(**faults: float) -> SimulatedSystem:
    """A system that is no longer being set up, with just these faults."""
    system = SimulatedSystem(1, Faults(**faults))  # type: ignore[arg-type]
    system.kernel.calm = False
    return system


def udp(system: SimulatedSystem) -> socket.socket:
    sock = system.network.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setblocking(False)
    sock.bind(("127.0.0.1", 0))
    return sock


def exchange(system: SimulatedSystem) -> list[bytes]:
    """What arrives of PAYLOADS."""
    with udp(system) as near, udp(system) as far:
        for payload in PAYLOADS:
            far.sendto(payload, near.getsockname())
        arrive(system)
        received = []
        while True:
            try:
                received.append(near.recv(100))
            except BlockingIOError:
                return received


def arrive(system: SimulatedSystem) -> None:
    """Let all that is under way arrive."""
    while system.kernel.next_happening() is not None:
        system.pass_time()


def connection(system: SimulatedSystem) -> tuple[socket.socket, socket.socket]:
    """Two ends of a connection that was made while nothing went wrong."""
    system.kernel.calm = True
    with system.network.socket() as listener:
        listener.listen()
        far = system.network.socket()
        far.setblocking(False)
        assert far.connect_ex(("127.0.0.1", listener.getsockname()[1])) == errno.EINPROGRESS
        arrive(system)
        near, _ = listener.accept()
    near.setblocking(False)
    system.kernel.calm = False
    return near, far


def refusal_of(call: Callable[..., object], *args: Any) -> int | None:
    """The errno with which a call is refused."""
    try:
        call(*args)
    except OSError as exc:
        return exc.errno
    return None


# -- datagrams -------------------------------------------------------------------------------


def test_a_perfect_system_delivers_each_datagram_once_in_order() -> None:
    assert exchange(rough()) == PAYLOADS


def test_loss_loses_some_and_leaves_the_others_in_order() -> None:
    received = exchange(rough(loss=0.5))
    assert 0 < len(received) < len(PAYLOADS)
    assert received == [payload for payload in PAYLOADS if payload in received]


def test_duplication_doubles() -> None:
    assert exchange(rough(duplication=1.0)) == [copy for one in PAYLOADS for copy in (one, one)]


def test_delay_alone_keeps_the_order() -> None:
    assert exchange(rough(delay=0.1)) == PAYLOADS


def test_reordering_lets_datagrams_overtake() -> None:
    received = exchange(rough(delay=0.1, reordering=1.0))
    assert received != PAYLOADS
    assert sorted(received) == sorted(PAYLOADS)


def test_delay_delays_by_no_more_than_it_says() -> None:
    system = rough(delay=0.1)
    with udp(system) as near, udp(system) as far:
        far.sendto(b"x", near.getsockname())
        with pytest.raises(BlockingIOError):
            near.recv(10)
        arrive(system)
        assert near.recv(10) == b"x"
    assert 0.0 < system.kernel.now <= 0.1


def test_refusal_says_something_legal_and_sends_nothing() -> None:
    system = rough(refusal=1.0)
    legal = {fault.errno for fault in legal_faults("send_datagram") if isinstance(fault, Refusal)}
    with udp(system) as near, udp(system) as far:
        assert refusal_of(far.sendto, b"x", near.getsockname()) in legal
        with pytest.raises(BlockingIOError):
            near.recv(10)


# -- connections -----------------------------------------------------------------------------


def test_delay_is_on_the_way_of_a_connection_too() -> None:
    system = rough(delay=0.1)
    near, far = connection(system)
    before = system.kernel.now
    with near, far:
        far.send(b"x")
        with pytest.raises(BlockingIOError):
            near.recv(10)
        arrive(system)
        assert near.recv(10) == b"x"
    assert before < system.kernel.now <= before + 0.1


def test_reset_resets_both_ends() -> None:
    system = rough(reset=1.0)
    near, far = connection(system)
    with near, far:
        far.send(b"x")
        for end in (near, far):
            with pytest.raises(ConnectionResetError):
                end.recv(10)


def test_cut_cuts_what_is_sent() -> None:
    system = rough(cut=1.0)
    near, far = connection(system)
    with near, far:
        assert sum(far.send(bytes(1000)) for _ in range(10)) < 10_000


def test_cut_cuts_what_is_received() -> None:
    system = SimulatedSystem(1, Faults(cut=1.0))
    near, far = system.network.socketpair()
    with near, far:
        sent = sum(far.send(bytes(1000)) for _ in range(10))
        sizes = [len(near.recv(sent)) for _ in range(3)]
        assert all(sizes)
        assert sizes[0] < sent


def test_what_is_cut_is_not_lost() -> None:
    system = rough(cut=1.0)
    near, far = connection(system)
    data, sent, received = bytes(range(256)), 0, b""
    with near, far:
        while len(received) < len(data):
            sent += far.send(data[sent:])
            received += near.recv(1000)
    assert received == data


def test_buffer_is_how_much_a_peer_that_does_not_read_is_sent() -> None:
    system = rough(buffer=10)
    near, far = connection(system)
    with near, far:
        # Ten have arrived, and ten wait to set out.
        assert [far.send(bytes(100)), far.send(bytes(100))] == [10, 10]
        with pytest.raises(BlockingIOError):
            far.send(b"x")


def test_exhaustion_leaves_no_room_for_a_socket() -> None:
    assert refusal_of(rough(exhaustion=1.0).network.socket) in ROOMLESS


def test_exhaustion_leaves_no_room_for_a_connection_but_keeps_it_waiting() -> None:
    system = SimulatedSystem(1, Faults(exhaustion=1.0))
    with system.network.socket() as listener, system.network.socket() as caller:
        listener.listen()
        caller.setblocking(False)
        caller.connect_ex(("127.0.0.1", listener.getsockname()[1]))
        system.kernel.calm = False
        assert refusal_of(listener.accept) in ROOMLESS
        system.kernel.calm = True
        accepted, address = listener.accept()
        with accepted:
            assert address == caller.getsockname()


def test_nothing_but_cuts_happens_to_a_pair() -> None:
    system = rough(delay=1.0, loss=1.0, reset=1.0, reordering=1.0, duplication=1.0, buffer=1)
    near, far = system.network.socketpair()
    with near, far:
        assert far.send(b"hello") == 5
        assert near.recv(10) == b"hello"


# -- waiting ---------------------------------------------------------------------------------


def test_interruption_interrupts_and_takes_nothing() -> None:
    system = rough(interruption=1.0)
    near, far = connection(system)
    with near, far:
        system.kernel.calm = True
        far.send(b"x")
        system.kernel.calm = False
        with pytest.raises((BlockingIOError, InterruptedError)):
            near.recv(10)
        system.kernel.calm = True
        assert near.recv(10) == b"x"


def test_interruption_wakes_for_nothing() -> None:
    system = rough(interruption=1.0)
    assert system.selector.select(60.0) == []
    assert system.kernel.now < 1.0


def test_false_readiness_reports_what_is_not_ready_but_never_twice_in_a_row() -> None:
    system = rough(false_readiness=1.0)
    near, far = system.network.socketpair()
    with near, far:
        key = system.selector.register(near, EVENT_READ)
        told = [system.selector.select(0) for _ in range(4)]
    assert told == [[(key, EVENT_READ)], [], [(key, EVENT_READ)], []]
    assert system.selector.truth == []


def test_false_readiness_hides_nothing() -> None:
    system = rough(false_readiness=1.0)
    near, far = system.network.socketpair()
    with near, far:
        key = system.selector.register(near, EVENT_WRITE)
        assert [system.selector.select(0) for _ in range(4)] == [[(key, EVENT_WRITE)]] * 4


# -- what is legal ---------------------------------------------------------------------------


def test_nothing_goes_wrong_while_a_scenario_is_set_up() -> None:
    everything = Faults(interruption=1.0, refusal=1.0, reset=1.0, exhaustion=1.0)
    system = SimulatedSystem(1, everything)
    near, far = connection(system)
    system.kernel.calm = True
    with near, far:
        far.send(b"x")
        assert near.recv(10) == b"x"
        assert exchange(system) == PAYLOADS


def test_gentle_faults_are_gentle_and_harsh_ones_are_not_always() -> None:
    gentle = [Faults.gentle(random.Random(seed)) for seed in range(100)]
    harsh = [Faults.harsh(random.Random(seed)) for seed in range(100)]
    assert all(faults.is_gentle for faults in gentle)
    assert not all(faults.is_gentle for faults in harsh)


def test_faults_say_what_differs_from_a_perfect_system() -> None:
    assert str(Faults()) == "none"
    assert str(Faults(loss=0.25, buffer=10)) == "buffer=10, loss=0.25"


@pytest.mark.parametrize(
    ("cut", "length", "moved"),
    [(0, 10, 0), (3, 10, 3), (30, 10, 10), (-1, 10, 9), (-30, 10, 1), (-1, 1, 1), (-1, 0, 0)],
)
def test_a_cut_moves_so_much(cut: int, length: int, moved: int) -> None:
    assert Cut(cut).apply(length) == moved


def test_faults_are_named_as_people_know_them() -> None:
    told = [*map(str, (Refusal(errno.EMFILE), Cut(1), Jump(2.5), Lie(True), Lie(False)))]
    assert told == [
        "EMFILE",
        "cut to 1",
        "time jumps by 2.5 s",
        "everything is said to be ready",
        "woken for nothing",
    ]


def test_a_call_that_can_not_fail_has_no_legal_fault() -> None:
    assert legal_faults("fileno") == ()
