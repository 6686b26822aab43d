"""The simulated kernel: only the selector waits, and time passes where something happens."""

import errno
import selectors
import socket
import sys

import pytest

from reactor.testing import Fault, Faults, Refusal
from reactor.testing.simulated.kernel import Kernel
from reactor.testing.simulated.network import SimulatedNetwork
from reactor.testing.simulated.selector import SimulatedSelector
from reactor.testing.simulated.sockets import WouldBlock
from tests.doubles.system import SimulatedSystem


@pytest.fixture
def system() -> SimulatedSystem:
    """A perfect one."""
    return SimulatedSystem(0, Faults())


@pytest.fixture
def kernel(system: SimulatedSystem) -> Kernel:
    return system.kernel


@pytest.fixture
def network(system: SimulatedSystem) -> SimulatedNetwork:
    return system.network


# -- nobody waits but the selector -----------------------------------------------------------


def test_to_receive_what_is_not_there_on_a_blocking_socket_is_an_error(
    network: SimulatedNetwork,
) -> None:
    near, far = network.socketpair()
    with near, far, pytest.raises(WouldBlock, match="recv on 0 tcp"):
        near.recv(10)


def test_to_send_what_does_not_fit_on_a_blocking_socket_is_an_error(
    network: SimulatedNetwork,
) -> None:
    near, far = network.socketpair()
    while near.send(bytes(10_000)) == 10_000:
        pass
    with near, far, pytest.raises(WouldBlock, match="send on"):
        near.send(b"x")


def test_to_accept_nobody_on_a_blocking_socket_is_an_error(network: SimulatedNetwork) -> None:
    with network.socket() as listener:
        listener.listen()
        with pytest.raises(WouldBlock, match="accept on"):
            listener.accept()


def test_to_connect_a_blocking_socket_is_an_error(network: SimulatedNetwork) -> None:
    with network.socket() as caller, pytest.raises(WouldBlock, match="connect on"):
        caller.connect_ex(("127.0.0.1", 7000))


def test_to_wait_for_a_datagram_on_a_blocking_socket_is_an_error(
    network: SimulatedNetwork,
) -> None:
    with network.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        with pytest.raises(WouldBlock, match="recv on"):
            sock.recv(10)


def test_an_accepted_socket_is_blocking_whatever_its_listener_is(system: SimulatedSystem) -> None:
    listener, caller = listening(system), system.network.socket()
    caller.setblocking(False)
    caller.connect_ex(listener.getsockname())
    accepted, _ = listener.accept()
    with listener, caller, accepted, pytest.raises(WouldBlock):
        accepted.recv(10)


def listening(system: SimulatedSystem) -> socket.socket:
    listener = system.network.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    listener.setblocking(False)
    return listener


# -- time ------------------------------------------------------------------------------------


def test_time_passes_while_a_program_looks_at_it(kernel: Kernel) -> None:
    assert kernel.clock() < kernel.clock() < kernel.clock()


def test_what_takes_no_time_happens_at_once(kernel: Kernel) -> None:
    happened: list[str] = []
    kernel.after(0.0, lambda: happened.append("at once"))
    assert (happened, kernel.next_happening()) == (["at once"], None)


def test_things_happen_in_the_order_of_their_time_and_then_of_their_setting_out(
    kernel: Kernel,
) -> None:
    happened: list[str] = []
    for delay, name in ((2.0, "c"), (1.0, "a"), (1.0, "b"), (9.0, "never")):
        kernel.after(delay, lambda name=name: happened.append(name))  # type: ignore[misc]
    kernel.now = 2.0
    kernel.catch_up()
    assert (happened, kernel.next_happening()) == (["a", "b", "c"], 9.0)


def test_a_wait_lasts_until_something_is_ready(system: SimulatedSystem) -> None:
    near, far = system.network.socketpair()
    system.selector.register(near, selectors.EVENT_READ)
    system.kernel.after(5.0, lambda: far.send(b"x"))
    assert [key.fileobj for key, _ in system.selector.select(60.0)] == [near]
    assert system.kernel.now == 5.0


def test_a_wait_ends_with_its_time_out(system: SimulatedSystem) -> None:
    system.kernel.after(100.0, lambda: None)
    assert system.selector.select(60.0) == []
    assert system.kernel.now == pytest.approx(60.0)


def test_a_wait_for_nothing_is_told_instead_of_lasting_for_ever(kernel: Kernel) -> None:
    idle: list[None] = []
    selector = SimulatedSelector(kernel, lambda: idle.append(None))
    assert (selector.select(None), len(idle)) == ([], 1)


# -- faults put in on purpose ----------------------------------------------------------------


class Script:
    """Puts in one fault for each call of some name, and writes down who called what."""

    def __init__(self, **faults: Fault) -> None:
        self._faults = faults
        self.calls: list[tuple[str, str]] = []

    def __call__(self, call: str, who: str) -> Fault | None:
        self.calls.append((call, who))
        return self._faults.pop(call, None)


def test_an_injector_is_asked_at_each_call() -> None:
    script = Script()
    sock = SimulatedNetwork(Kernel(0, Faults(), script)).socket()
    sock.listen()
    sock.close()
    # The port that listen() takes of its own accord is no call of the program.
    assert script.calls == [("socket", "kernel"), ("listen", "0 tcp unnamed")]


def test_what_was_put_in_is_in_the_transcript() -> None:
    kernel = Kernel(0, Faults(), Script(socket=Refusal(errno.EMFILE)))
    with pytest.raises(OSError, match="Too many open files"):
        SimulatedNetwork(kernel).socket()
    assert "kernel                        socket: FAULT, EMFILE" in str(kernel.transcript)


def test_a_selector_that_refuses_somebody_does_not_watch_him() -> None:
    kernel = Kernel(0, Faults(), Script(register=Refusal(errno.ENOSPC)))
    selector = SimulatedSelector(kernel, lambda: None)
    with SimulatedNetwork(kernel).socket() as sock:
        with pytest.raises(OSError, match="No space left"):
            selector.register(sock, selectors.EVENT_READ)
        assert (len(selector.get_map()), selector.select(0)) == (0, [])


def test_a_selector_that_refuses_a_change_watches_no_longer() -> None:
    kernel = Kernel(0, Faults(), Script(modify=Refusal(errno.ENOMEM)))
    selector = SimulatedSelector(kernel, lambda: None)
    with SimulatedNetwork(kernel).socket() as sock:
        selector.register(sock, selectors.EVENT_READ)
        with pytest.raises(OSError, match="Cannot allocate memory"):
            selector.modify(sock, selectors.EVENT_WRITE)
        assert (len(selector.get_map()), selector.select(0)) == (0, [])


@pytest.mark.skipif(sys.platform != "linux", reason="needs epoll")
def test_a_real_selector_that_refuses_a_change_watches_no_longer() -> None:
    with selectors.EpollSelector() as selector, socket.socket() as sock:
        selector.register(sock, selectors.EVENT_READ)
        # A refusal that can be had from a real system without exhausting it.
        sock.close()
        with pytest.raises(OSError, match="Bad file descriptor"):
            selector.modify(sock, selectors.EVENT_WRITE)
        assert len(selector.get_map()) == 0


# -- the machine -----------------------------------------------------------------------------


def test_only_localhost_has_a_name(network: SimulatedNetwork) -> None:
    found = network.getaddrinfo("localhost", 7000, type=socket.SOCK_STREAM)
    assert [address for *_, address in found] == [("::1", 7000, 0, 0), ("127.0.0.1", 7000)]
    with pytest.raises(socket.gaierror):
        network.getaddrinfo("example.org", 7000, type=socket.SOCK_STREAM)


def test_whoever_speaks_to_another_address_of_the_machine_speaks_from_it(
    network: SimulatedNetwork,
) -> None:
    with network.socket() as caller:
        caller.setblocking(False)
        caller.connect_ex(("192.0.2.1", 7000))
        assert caller.getsockname()[0] == "192.0.2.1"


def test_a_port_that_somebody_chose_is_nobody_elses(network: SimulatedNetwork) -> None:
    with network.socket() as chosen, network.socket() as given:
        chosen.bind(("127.0.0.1", 32768))
        given.bind(("127.0.0.1", 0))
        assert given.getsockname()[1] == 32769


def test_a_descriptor_that_is_given_away_is_closed_for_nobody_can_use_it(
    network: SimulatedNetwork, kernel: Kernel
) -> None:
    with network.socket() as sock:
        number = sock.fileno()
        assert (sock.detach(), sock.fileno()) == (number, -1)
    assert not kernel.descriptors


def test_to_end_only_the_input_is_refused_rather_than_simulated_wrongly(
    network: SimulatedNetwork,
) -> None:
    near, far = network.socketpair()
    with near, far, pytest.raises(NotImplementedError):
        near.shutdown(socket.SHUT_RD)


# -- what no real network on one machine shows -----------------------------------------------


def test_a_caller_that_gives_up_on_its_way_leaves_a_reset_behind() -> None:
    system = SimulatedSystem(3, Faults(delay=1.0))
    with listening(system) as listener, system.network.socket() as caller:
        caller.setblocking(False)
        caller.connect_ex(listener.getsockname())
        system.pass_time()
        accepted, _ = listener.accept()
        caller.close()
        system.pass_time()
        system.pass_time()
        with accepted, pytest.raises(ConnectionResetError):
            accepted.recv(10)
