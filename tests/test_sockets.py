"""Sockets that are bound by name or handed in: what can't do its work is refused in the call."""

import errno
import itertools
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from reactor import (
    DatagramHandler,
    EventLoop,
    LoopClosed,
    Stream,
    StreamHandler,
    bind_udp,
    listen,
)
from reactor.sockets import Use, bound_sockets, expect
from tests.doubles.descriptors import open_descriptors
from tests.doubles.door import Door
from tests.doubles.faulty_socket import FaultySocket, has_ipv6
from tests.doubles.spy_selector import SpySelector

needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="needs IPv6")
needs_unix = pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="needs Unix sockets")
USES = [Use.LISTENER, Use.DATAGRAMS]
Bind = Callable[..., list[socket.socket]]


@pytest.fixture
def bind(network: Door) -> Iterator[Bind]:
    """Binds sockets at all addresses of a host; closes them in the end."""
    with ExitStack() as stack:
        loop = stack.enter_context(EventLoop(network=network))

        def bind(use: Use, host: str = "a.name", port: int = 0, **options: Any) -> Any:
            with bound_sockets(loop, use, host, port, **options) as found:
                return [stack.enter_context(sock) for sock in found]

        yield bind


# -- one address -------------------------------------------------------------------------


@pytest.mark.parametrize("use", USES)
def test_a_bound_socket_does_not_block(bind: Bind, use: Use) -> None:
    (sock,) = bind(use, "127.0.0.1")
    assert sock.getsockname()[0] == "127.0.0.1"
    assert not sock.getblocking()


@pytest.mark.skipif(not hasattr(socket, "SO_REUSEPORT"), reason="Windows shares ports otherwise")
@pytest.mark.parametrize(("use", "reused"), [(Use.LISTENER, True), (Use.DATAGRAMS, False)])
def test_only_a_tcp_port_may_be_taken_over_from_old_connections(
    bind: Bind, use: Use, reused: bool
) -> None:
    (sock,) = bind(use, "127.0.0.1")
    assert bool(sock.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR)) is reused


def test_a_port_in_use_is_an_os_error_that_names_the_address(bind: Bind) -> None:
    (first,) = bind(Use.DATAGRAMS, "127.0.0.1")
    port = first.getsockname()[1]
    with pytest.raises(OSError, match=rf"127\.0\.0\.1:{port}: ") as caught:
        bind(Use.DATAGRAMS, "127.0.0.1", port)
    assert caught.value.errno == errno.EADDRINUSE


def test_a_family_that_the_system_lacks_is_an_os_error_that_names_the_address(
    network: Door, bind: Bind
) -> None:
    network.socket = lacking(socket.AF_INET6)
    with pytest.raises(OSError, match=r"\[::1\]:80: ") as caught:
        bind(Use.LISTENER, "::1", 80)
    assert caught.value.errno == errno.EAFNOSUPPORT


@needs_ipv6
@pytest.mark.parametrize(("options", "only_ipv6"), [({}, 0), ({"dual_stack": False}, 1)])
def test_an_ipv6_socket_takes_ipv4_peers_unless_it_must_not(
    bind: Bind, options: dict[str, bool], only_ipv6: int
) -> None:
    (sock,) = bind(Use.LISTENER, "::", **options)
    assert sock.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY) == only_ipv6


@pytest.mark.parametrize("ours", [True, False])
def test_only_sockets_that_were_made_are_closed_when_their_use_fails(
    cupboard: "Cupboard", ours: bool
) -> None:
    given = None if ours else cupboard.bound_tcp()
    with EventLoop() as loop, pytest.raises(ZeroDivisionError):
        with bound_sockets(loop, Use.LISTENER, "127.0.0.1", 0, sock=given) as (sock,):
            raise ZeroDivisionError
    assert (sock.fileno() < 0) is ours


# -- all addresses of a name -------------------------------------------------------------

SIX = (socket.AF_INET6, ("::1", 0, 0, 0))
FOUR = (socket.AF_INET, ("127.0.0.1", 0))
FOREIGN = (socket.AF_INET, ("192.0.2.1", 0))


def lacking(lacked: int) -> Callable[..., socket.socket]:
    """Makes sockets of all families but one."""

    def make(family: int, kind: int) -> socket.socket:
        if family == lacked:
            raise OSError(errno.EAFNOSUPPORT, os.strerror(errno.EAFNOSUPPORT))
        return socket.socket(family, kind)

    return make


def let_name_be(network: Door, *addresses: tuple[int, tuple[Any, ...]]) -> None:
    """Let every name have these addresses."""
    network.getaddrinfo = lambda host, port, *, type: [
        (family, type, 0, "", (address[0], port, *address[2:])) for family, address in addresses
    ]


def names_of(socks: list[socket.socket]) -> list[Any]:
    return [sock.getsockname() for sock in socks]


@needs_ipv6
@pytest.mark.parametrize("use", USES)
def test_a_name_with_both_families_is_bound_at_both_on_one_port(
    network: Door, bind: Bind, use: Use
) -> None:
    let_name_be(network, SIX, FOUR)
    six, four = names_of(bind(use))
    assert (six[0], four[0]) == ("::1", "127.0.0.1")
    assert six[1] == four[1] != 0


@needs_ipv6
def test_a_port_that_is_given_is_taken_at_every_address(network: Door, bind: Bind) -> None:
    let_name_be(network, SIX, FOUR)
    port = names_of(bind(Use.LISTENER))[0][1]
    let_name_be(network, FOUR, SIX)
    assert {name[1] for name in names_of(bind(Use.DATAGRAMS, port=port))} == {port}


@pytest.mark.parametrize("use", USES)
def test_an_address_of_another_machine_does_not_hide_the_next(
    network: Door, bind: Bind, use: Use
) -> None:
    let_name_be(network, FOREIGN, FOUR)
    assert [name[0] for name in names_of(bind(use))] == ["127.0.0.1"]


@pytest.mark.parametrize("lacked", [SIX, FOUR], ids=["IPv6", "IPv4"])
@needs_ipv6
def test_a_family_that_is_switched_off_does_not_hide_the_other(
    network: Door, bind: Bind, lacked: tuple[int, tuple[Any, ...]]
) -> None:
    let_name_be(network, SIX, FOUR)
    network.socket = lacking(lacked[0])
    (left,) = names_of(bind(Use.LISTENER))
    assert left[0] == ({"::1", "127.0.0.1"} - {lacked[1][0]}).pop()


def test_if_no_address_can_be_had_the_error_names_them_all(network: Door, bind: Bind) -> None:
    let_name_be(network, FOREIGN, (socket.AF_INET, ("198.51.100.1", 0)))
    with pytest.raises(OSError, match=r"192\.0\.2\.1:0: .*; 198\.51\.100\.1:0: ") as caught:
        bind(Use.LISTENER)
    assert caught.value.errno == errno.EADDRNOTAVAIL


@needs_ipv6
def test_an_address_in_use_is_not_passed_over(network: Door, bind: Bind) -> None:
    let_name_be(network, SIX, FOUR)
    before = open_descriptors()
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(OSError, match=rf"127\.0\.0\.1:{port}: ") as caught:
            bind(Use.LISTENER, port=port)
    assert caught.value.errno == errno.EADDRINUSE
    assert open_descriptors() == before


@needs_ipv6
def test_where_one_address_suffices_one_in_use_is_passed_over(network: Door, bind: Bind) -> None:
    let_name_be(network, FOUR, SIX)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        (left,) = names_of(bind(Use.LISTENER, port=port, only_first=True))
    assert left[:2] == ("::1", port)


class Unlucky(FaultySocket):
    """Finds its port taken, so often."""

    times = 0

    def bind(self, address: Any) -> None:
        if self.family == socket.AF_INET and Unlucky.times:
            Unlucky.times -= 1
            raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
        super().bind(address)


@needs_ipv6
def test_a_port_that_the_system_chose_and_that_is_taken_in_the_other_family_is_chosen_again(
    network: Door, bind: Bind, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_name_be(network, SIX, FOUR)
    network.socket = Unlucky
    monkeypatch.setattr(Unlucky, "times", 3)
    six, four = names_of(bind(Use.LISTENER))
    assert six[1] == four[1]


@needs_ipv6
def test_a_port_that_is_taken_time_and_again_is_an_error_in_the_end(
    network: Door, bind: Bind, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_name_be(network, SIX, FOUR)
    network.socket = Unlucky
    monkeypatch.setattr(Unlucky, "times", 1000)
    before = open_descriptors()
    with pytest.raises(OSError, match="in use"):
        bind(Use.LISTENER)
    assert open_descriptors() == before


@pytest.mark.parametrize("call", ["getsockname", "setblocking", "setsockopt"])
@pytest.mark.parametrize("error", [OSError(errno.ENOBUFS, "no room"), KeyboardInterrupt()])
@needs_ipv6
def test_a_call_that_fails_leaves_no_socket_open(
    network: Door,
    bind: Bind,
    monkeypatch: pytest.MonkeyPatch,
    call: str,
    error: BaseException,
) -> None:
    def fail(*args: Any) -> None:
        raise error

    let_name_be(network, SIX, FOUR)
    network.socket = type("Failing", (FaultySocket,), {call: fail})
    before = open_descriptors()
    with pytest.raises(type(error)):
        bind(Use.LISTENER)
    assert open_descriptors() == before


# -- sockets that are handed in ----------------------------------------------------------


class TlsSocket(FaultySocket):
    """As far as anybody can see from outside."""

    def do_handshake(self) -> None:
        raise NotImplementedError


class Cupboard:
    """Sockets of every kind."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack

    def make(self, *args: Any, kind: type[socket.socket] = FaultySocket) -> socket.socket:
        return self._stack.enter_context(kind(*args))

    def connected_tcp(self, kind: type[socket.socket] = FaultySocket) -> socket.socket:
        sock = self.make(kind=kind)
        sock.connect(self.listening_tcp().getsockname())
        return sock

    def connected_tls(self) -> socket.socket:
        return self.connected_tcp(TlsSocket)

    def listening_tcp(self) -> socket.socket:
        sock = self.bound_tcp()
        sock.listen()
        return sock

    def bound_tcp(self) -> socket.socket:
        sock = self.make()
        sock.bind(("127.0.0.1", 0))
        return sock

    def new_tcp(self) -> socket.socket:
        return self.make()

    def closed_tcp(self) -> socket.socket:
        sock = self.make()
        sock.close()
        return sock

    def new_unix(self) -> socket.socket:
        return self.make(socket.AF_UNIX)

    def unix_pair(self) -> socket.socket:
        return self._one_of(socket.socketpair())

    def unix_datagrams(self) -> socket.socket:
        return self._one_of(socket.socketpair(type=socket.SOCK_DGRAM))

    def _one_of(self, pair: tuple[socket.socket, socket.socket]) -> socket.socket:
        for sock in pair:
            self._stack.enter_context(sock)
        return pair[0]

    def bound_udp(self) -> socket.socket:
        sock = self.make(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind(("127.0.0.1", 0))
        return sock

    def new_udp(self) -> socket.socket:
        return self.make(socket.AF_INET, socket.SOCK_DGRAM)

    def closed_udp(self) -> socket.socket:
        sock = self.bound_udp()
        sock.close()
        return sock

    def connected_udp(self) -> socket.socket:
        sock = self.bound_udp()
        sock.connect(self.bound_udp().getsockname())
        return sock

    def number(self) -> socket.socket:
        return 5  # type: ignore[return-value]


@pytest.fixture
def cupboard() -> Iterator[Cupboard]:
    with ExitStack() as stack:
        yield Cupboard(stack)


def as_stream(loop: EventLoop, sock: socket.socket) -> object:
    return Stream(loop, sock, StreamHandler())


def as_stream_of_somebody(loop: EventLoop, sock: socket.socket) -> object:
    return Stream(loop, sock, StreamHandler(), peername="somebody")


def as_listener(loop: EventLoop, sock: socket.socket) -> object:
    return listen(loop, StreamHandler, sock=sock)


def as_endpoint(loop: EventLoop, sock: socket.socket) -> object:
    return bind_udp(loop, DatagramHandler(), sock=sock)


Constructor = Callable[[EventLoop, socket.socket], object]

EXPECTED: dict[Constructor, str] = {
    as_stream: "a connected stream socket",
    as_stream_of_somebody: "a connected stream socket",
    as_listener: "a bound stream socket",
    as_endpoint: "a bound UDP socket",
}
SUITABLE: list[tuple[Constructor, str]] = [
    (as_stream, "connected_tcp"),
    (as_stream_of_somebody, "connected_tcp"),
    (as_listener, "bound_tcp"),
    (as_listener, "listening_tcp"),
    (as_endpoint, "bound_udp"),
    (as_endpoint, "connected_udp"),
]
UNSUITABLE: list[tuple[Constructor, str]] = [
    *itertools.product([as_stream, as_stream_of_somebody], ["listening_tcp"]),
    *itertools.product(
        [as_stream, as_stream_of_somebody, as_listener],
        ["bound_udp", "connected_udp", "connected_tls", "closed_tcp", "number"],
    ),
    (as_listener, "connected_tcp"),
    (as_listener, "new_tcp"),
    *itertools.product(
        [as_endpoint],
        [
            "bound_tcp",
            "new_tcp",
            "connected_tcp",
            "listening_tcp",
            "new_udp",
            "closed_udp",
            "connected_tls",
            "number",
        ],
    ),
]
UNSUITABLE_UNIX: list[tuple[Constructor, str]] = [
    (as_stream, "unix_datagrams"),
    (as_listener, "unix_pair"),
    (as_listener, "new_unix"),
    (as_endpoint, "unix_datagrams"),
    (as_endpoint, "unix_pair"),
]


@pytest.mark.parametrize(("construct", "kind"), SUITABLE)
def test_a_suitable_socket_is_taken(
    loop: EventLoop, cupboard: Cupboard, construct: Constructor, kind: str
) -> None:
    construct(loop, getattr(cupboard, kind)())


def test_a_socket_that_came_as_standard_input_is_taken() -> None:
    class OfInetd(socket.socket):
        def fileno(self) -> int:
            return 0

    with OfInetd(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        expect(sock, Use.DATAGRAMS)


@needs_unix
def test_one_of_a_unix_pair_is_a_stream(loop: EventLoop, cupboard: Cupboard) -> None:
    as_stream(loop, cupboard.unix_pair())


@pytest.mark.parametrize(
    ("construct", "kind"),
    [
        *UNSUITABLE,
        *(pytest.param(*unsuitable, marks=needs_unix) for unsuitable in UNSUITABLE_UNIX),
    ],
)
def test_an_unsuitable_socket_is_refused_in_one_line_that_says_what_was_expected(
    loop: EventLoop, cupboard: Cupboard, construct: Constructor, kind: str
) -> None:
    sock = getattr(cupboard, kind)()
    with pytest.raises(ValueError, match=f"^expected {EXPECTED[construct]}, not .*$"):
        construct(loop, sock)


@pytest.mark.parametrize("construct", [as_stream, as_listener, as_endpoint])
def test_a_socket_that_is_refused_is_left_as_it_was(
    loop: EventLoop, cupboard: Cupboard, construct: Constructor
) -> None:
    sock = cupboard.connected_tls()
    with pytest.raises(ValueError, match="speaks TLS"):
        construct(loop, sock)
    assert sock.getblocking()
    assert sock.fileno() >= 0


def state_of(sock: socket.socket) -> list[object]:
    options = [socket.SO_RCVBUF, socket.SO_SNDBUF, socket.SO_ACCEPTCONN]
    return [sock.getblocking(), *(sock.getsockopt(socket.SOL_SOCKET, each) for each in options)]


@pytest.mark.parametrize(
    ("construct", "kind", "obstacle"),
    [
        (as_listener, "bound_tcp", "owner"),
        (as_listener, "bound_tcp", "closed loop"),
        (as_endpoint, "bound_udp", "owner"),
        (as_endpoint, "bound_udp", "closed loop"),
        (as_endpoint, "bound_udp", "no room"),
    ],
)
def test_a_socket_for_which_there_is_no_place_in_the_loop_is_left_as_it_was(
    loop: EventLoop,
    cupboard: Cupboard,
    selector: SpySelector,
    construct: Constructor,
    kind: str,
    obstacle: str,
) -> None:
    sock = getattr(cupboard, kind)()
    before = state_of(sock)
    if obstacle == "owner":
        loop.register(sock, 0, print)
    elif obstacle == "closed loop":
        loop.close()
    else:
        selector.refusal = errno.ENOSPC
    with pytest.raises((ValueError, LoopClosed, OSError)):
        construct(loop, sock)
    assert state_of(sock) == before


@pytest.mark.parametrize("kind", ["new_tcp", "bound_tcp"])
def test_a_stream_socket_that_has_no_peer_is_an_error_of_the_system(
    loop: EventLoop, cupboard: Cupboard, kind: str
) -> None:
    sock = getattr(cupboard, kind)()
    with pytest.raises(OSError, match="not connected") as caught:
        as_stream(loop, sock)
    assert caught.value.errno == errno.ENOTCONN
    assert sock.getblocking()


@pytest.mark.parametrize(
    ("construct", "kind", "call"),
    [
        (as_stream, "connected_tcp", "getsockopt"),
        (as_endpoint, "bound_udp", "getsockname"),
        (as_listener, "bound_tcp", "getpeername"),
        (as_listener, "bound_tcp", "getsockname"),
    ],
)
def test_a_question_that_the_system_does_not_answer_is_no_reason_to_refuse(
    loop: EventLoop, cupboard: Cupboard, construct: Constructor, kind: str, call: str
) -> None:
    sock = getattr(cupboard, kind)()
    sock.script(call, [errno.ENOBUFS])
    construct(loop, sock)
