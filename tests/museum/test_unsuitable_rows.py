"""A row about sockets that a program hands in, and that can't do what they are wanted for."""

import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from reactor import DatagramHandler, EventLoop, Stream, StreamHandler, bind_udp, listen
from tests.doubles.faulty_socket import FaultySocket
from tests.doubles.peer import tcp_pair
from tests.museum.row import ROOT

# -- 210: a socket of the wrong kind is taken ------------------------------------------------


def listening() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0))


def connected() -> socket.socket:
    near, far = tcp_pair()
    far.close()
    return near


def datagrams() -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", 0))
    return sock


def unbound_datagrams() -> socket.socket:
    return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)


def local_datagrams() -> socket.socket:
    near, far = socket.socketpair(type=socket.SOCK_DGRAM)
    far.close()
    return near


class TlsSocket(FaultySocket):
    def do_handshake(self) -> None:
        """What `ssl.SSLSocket` has, and no other."""


def tls() -> socket.socket:
    return TlsSocket.adopt(connected())


def closed() -> socket.socket:
    sock = connected()
    sock.close()
    return sock


def closed_datagrams() -> socket.socket:
    sock = datagrams()
    sock.close()
    return sock


def stream(loop: EventLoop, sock: socket.socket) -> None:
    Stream(loop, sock, StreamHandler(), peername="somebody")


def listener(loop: EventLoop, sock: socket.socket) -> None:
    listen(loop, StreamHandler, sock=sock)


def endpoint(loop: EventLoop, sock: socket.socket) -> None:
    bind_udp(loop, DatagramHandler(), sock=sock)


Construct = Callable[[EventLoop, socket.socket], None]
UNSUITABLE: dict[Construct, list[Callable[[], socket.socket]]] = {
    stream: [listening, datagrams, tls, closed],
    listener: [connected, datagrams, tls, closed],
    endpoint: [
        connected,
        listening,
        unbound_datagrams,
        local_datagrams,
        tls,
        closed_datagrams,
    ],
}
each_unsuitable = pytest.mark.parametrize(
    ("construct", "make"),
    [(construct, make) for construct, makers in UNSUITABLE.items() for make in makers],
)


@pytest.fixture
def keep() -> Iterator[Callable[[socket.socket], socket.socket]]:
    """Closes a socket in the end."""
    with ExitStack() as stack:
        yield stack.enter_context


@each_unsuitable
def test_row_210_it_is_refused_in_the_call_in_one_line(
    loop: EventLoop,
    keep: Callable[[socket.socket], socket.socket],
    construct: Construct,
    make: Callable[[], socket.socket],
) -> None:
    with pytest.raises(ValueError, match=r"^expected a (connected|bound) .*, not .*$"):
        construct(loop, keep(make()))


@each_unsuitable
def test_row_210_it_is_left_as_it_was(
    loop: EventLoop,
    keep: Callable[[socket.socket], socket.socket],
    construct: Construct,
    make: Callable[[], socket.socket],
) -> None:
    sock = keep(make())
    before = sock.fileno(), sock.getblocking()
    with pytest.raises(ValueError, match="expected"):
        construct(loop, sock)
    assert (sock.fileno(), sock.getblocking()) == before


def test_row_210_a_stream_without_a_peer_is_refused_in_the_call(
    loop: EventLoop, keep: Callable[[socket.socket], socket.socket]
) -> None:
    with pytest.raises(OSError, match="not connected"):
        Stream(loop, keep(socket.socket()), StreamHandler())


def test_row_210_who_asks_for_no_tls_does_not_load_it() -> None:
    program = "import reactor, sys; print('ssl' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        cwd=ROOT,
    )
    assert done.stdout == "False\n"
