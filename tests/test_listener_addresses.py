"""Listener: at which addresses it listens, and what is told of those that can't be had."""

import errno
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reactor import EventLoop, Listener, StreamHandler, listen
from reactor.testing import ManualClock, RecordingHandler, run_until
from tests.conftest import Call
from tests.doubles.descriptors import open_descriptors
from tests.doubles.door import Door
from tests.doubles.faulty_socket import FaultySocket, has_ipv6
from tests.doubles.peer import wait_for
from tests.doubles.spy_selector import SpySelector

needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="needs IPv6")


# -- addresses ---------------------------------------------------------------------------


def test_a_port_in_use_is_an_error_that_names_the_address(loop: EventLoop) -> None:
    host, port = listen(loop, StreamHandler, "127.0.0.1").sockname
    with pytest.raises(OSError, match=f"{host}:{port}: ") as caught:
        listen(loop, StreamHandler, host, port)
    assert caught.value.errno == errno.EADDRINUSE


def test_a_port_of_a_closed_listener_can_be_used_at_once(loop: EventLoop, call: Call) -> None:
    listener = listen(loop, StreamHandler, "127.0.0.1", 0)
    (peer,) = call(listener.sockname)
    run_until(loop, lambda: listener.accepted == 1)
    listener.close()
    loop.close()
    assert peer.wait().ended()
    with EventLoop() as another:
        listen(another, StreamHandler, *listener.sockname)


def test_an_address_of_another_machine_is_an_error_that_names_it(loop: EventLoop) -> None:
    with pytest.raises(OSError, match=r"192\.0\.2\.1:0: ") as caught:
        listen(loop, StreamHandler, "192.0.2.1", 0)
    assert caught.value.errno == errno.EADDRNOTAVAIL


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_port_that_is_none_is_refused(loop: EventLoop, port: int) -> None:
    with pytest.raises(ValueError, match="65535"):
        listen(loop, StreamHandler, "127.0.0.1", port)


def test_a_name_is_looked_up_before_the_loop_runs(
    loop: EventLoop, network: Door, call: Call
) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 0))]
    network.getaddrinfo = lambda *args, **kwargs: found
    assert listen(loop, StreamHandler, "a.name", 0).sockname[0] == "127.0.0.1"


def test_a_name_is_not_looked_up_while_the_loop_runs(loop: EventLoop, network: Door) -> None:
    network.getaddrinfo = lambda *args, **kwargs: pytest.fail("looked up")
    loop.call_soon(listen, loop, StreamHandler, "a.name", 0)
    with pytest.raises(RuntimeError, match="look-up"):
        loop.run()


def test_a_listener_needs_a_host_or_a_socket(loop: EventLoop) -> None:
    with pytest.raises(ValueError, match="host or a socket"):
        listen(loop, StreamHandler)


@pytest.mark.parametrize("factory", [StreamHandler(), None])
def test_what_makes_no_handlers_is_refused(loop: EventLoop, factory: Any) -> None:
    with pytest.raises(TypeError, match="expected a function that makes handlers, not "):
        listen(loop, factory, "127.0.0.1")


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="needs Unix sockets")
def test_a_unix_socket_can_listen(loop: EventLoop, tmp_path: Path) -> None:
    path = str(tmp_path / "door")
    sock = socket.socket(socket.AF_UNIX)
    sock.bind(path)
    listener = listen(loop, StreamHandler, sock=sock)
    with socket.socket(socket.AF_UNIX) as caller:
        caller.connect(path)
        run_until(loop, lambda: listener.accepted == 1)
    assert repr(listener) == f"<Listener {path}>"


@needs_ipv6
def test_ipv6(loop: EventLoop, call: Call) -> None:
    listener = listen(loop, StreamHandler, "::1", 0)
    call(listener.sockname)
    run_until(loop, lambda: listener.accepted == 1)
    assert repr(listener) == f"<Listener [::1]:{listener.sockname[1]}>"


@needs_ipv6
def test_a_listener_for_ipv6_only_takes_no_ipv4(loop: EventLoop) -> None:
    listener = listen(loop, StreamHandler, "::", 0, dual_stack=False)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", listener.sockname[1]))


@needs_ipv6
def test_ipv4_and_ipv6_can_listen_at_one_port(loop: EventLoop) -> None:
    four = listen(loop, StreamHandler, "0.0.0.0", 0)
    six = listen(loop, StreamHandler, "::", four.sockname[1], dual_stack=False)
    assert six.sockname[1] == four.sockname[1]


@needs_ipv6
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_the_ipv6_wildcard_takes_both(loop: EventLoop, call: Call, host: str) -> None:
    listener = listen(loop, StreamHandler, "::", 0)
    call((host, listener.sockname[1]))
    run_until(loop, lambda: listener.accepted == 1)


@needs_ipv6
def test_an_ipv4_peer_of_the_ipv6_wildcard_is_known_by_its_ipv4_address(
    loop: EventLoop, factory: Callable[[], RecordingHandler], handlers: list[Any], call: Call
) -> None:
    listener = listen(loop, factory, "::", 0)
    (peer,) = call(("127.0.0.1", listener.sockname[1]))
    run_until(loop, lambda: handlers)
    assert handlers[0].stream.peername == peer.sock.getsockname()


# -- names with several addresses --------------------------------------------------------


@pytest.fixture
def both(
    loop: EventLoop, doors: list[FaultySocket], factory: Callable[[], RecordingHandler]
) -> Listener:
    """A listener at both addresses of a name."""
    return listen(loop, factory, "a.name", 0)


@needs_ipv6
def test_a_name_is_listened_at_with_all_its_addresses(
    loop: EventLoop, both: Listener, handlers: list[RecordingHandler], call: Call
) -> None:
    for name in both.socknames:
        call(name)[0].send(b"hello")
    run_until(loop, lambda: sum(bool(handler.received) for handler in handlers) == 2)
    assert both.accepted == 2


@needs_ipv6
def test_all_addresses_of_a_name_have_one_port(both: Listener) -> None:
    (six, port, *_), four = both.socknames
    assert (six, four) == ("::1", ("127.0.0.1", port))
    assert both.sockname == both.socknames[0]


@needs_ipv6
def test_the_repr_names_all_addresses(both: Listener) -> None:
    port = both.sockname[1]
    assert repr(both) == f"<Listener [::1]:{port} and 127.0.0.1:{port}>"


@needs_ipv6
@pytest.mark.parametrize("end", ["listener", "loop"])
def test_all_addresses_of_a_name_are_closed_together(
    loop: EventLoop, both: Listener, selector: SpySelector, end: str
) -> None:
    if end == "listener":
        both.close()
        assert selector.watched == 0
    else:
        loop.close()
    for name in both.socknames:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(name[:2])


@needs_ipv6
def test_a_limit_pauses_all_addresses_of_a_name(
    loop: EventLoop,
    clock: ManualClock,
    both: Listener,
    doors: list[FaultySocket],
    call: Call,
    selector: SpySelector,
) -> None:
    taken = doors[-2:]  # a port that another has in one family is chosen again
    taken[0].script("accept", [errno.EMFILE])
    for door, name in zip(taken, both.socknames, strict=True):
        call(name)
        wait_for(door)
    selector.arrange = lambda ready: sorted(ready, key=lambda event: event[0].fd)
    for _ in range(5):
        loop.run_once(0)
    assert (both.pauses, both.accepted, selector.watched) == (1, 0, 0)
    clock.advance(0.1)
    run_until(loop, lambda: both.accepted == 2)


@needs_ipv6
def test_a_selector_that_has_no_room_for_the_second_address_leaves_nothing(
    loop: EventLoop, doors: list[FaultySocket], selector: SpySelector
) -> None:
    before = open_descriptors()
    selector.room = 1
    with pytest.raises(OSError, match="No space"):
        listen(loop, StreamHandler, "a.name", 0)
    assert (open_descriptors(), selector.watched) == (before, 0)
