"""Sockets of any making tell what is done with them, and are what they would be unrecorded."""

import copy
import os
import pickle
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import reactor
from reactor.testing import Faults, RecordingHandler
from reactor.testing.simulated.kernel import Kernel
from reactor.testing.simulated.network import SimulatedNetwork
from reactor.testing.simulated.selector import SimulatedSelector
from reactor.testing.simulated.tcp import TcpSocket
from reactor.timeline import label
from reactor.timeline.recording.recorded_selector import record_selector
from reactor.timeline.recording.recorded_socket import RecordedNetwork
from reactor.timeline.run.events import Close, Io, Named
from tests.timeline.tale import Recorded, Tale, recorded

from .conftest import Pair


@pytest.fixture
def udp(told: Recorded) -> Iterator[socket.socket]:
    """The first lane: a datagram socket that is bound."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock


def written(sock: socket.socket) -> str:
    host, port = sock.getsockname()
    return f"{host}:{port}"


# -- birth -------------------------------------------------------------------------------


def test_a_server_and_its_client_are_born_with_their_addresses(told: Recorded) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        with socket.create_connection(server.getsockname()) as client:
            connection, _ = server.accept()
            with connection:
                at, near, far = written(server), written(client), written(connection)
    assert at == far
    lanes = told.run.lanes
    assert [(lane.kind, lane.local, lane.peer, lane.by) for lane in lanes.values()] == [
        ("listener", at, "", 0),
        ("stream", near, at, 0),
        ("stream", "", near, 1),
    ]
    assert [lane.how for lane in lanes.values()] == ["closed"] * 3


def test_a_datagram_socket_is_told_by_its_kind(told: Recorded, udp: socket.socket) -> None:
    named = written(udp)
    udp.close()
    assert [lane.kind for lane in told.run.lanes.values()] == ["datagram"]
    assert told.run.lanes[1].local == named


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="no local sockets here")
def test_a_socket_in_the_file_system_is_told_by_its_path(told: Recorded) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "s")
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path)
    assert told.run.lanes[1].local == path


def test_a_pair_is_two_streams(told: Recorded, pair: Pair) -> None:
    for sock in pair:
        sock.close()
    assert [lane.kind for lane in told.run.lanes.values()] == ["stream", "stream"]


def test_what_a_loop_wakes_itself_with_is_no_connection(told: Recorded) -> None:
    reactor.EventLoop().close()
    assert [lane.kind for lane in told.run.lanes.values()] == ["wakeup", "wakeup"]


def test_a_socket_of_another_kind_is_told_as_such(told: Recorded) -> None:
    try:
        socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP).close()
    except PermissionError:
        pytest.skip("only for the privileged")
    assert [lane.kind for lane in told.run.lanes.values()] == ["other"]


def test_a_socket_made_around_a_descriptor_is_born_when_it_is_used(
    told: Recorded, pair: Pair
) -> None:
    near, far = pair
    with near.dup() as unused, near.dup() as again:
        fd = again.fileno()
        again.send(b"x")
        far.recv(9)
    far.close()
    near.close()
    assert unused.fileno() < 0
    lanes = told.run.lanes
    assert [*lanes] == [1, 2, 3]
    assert (lanes[3].fd, lanes[3].kind) == (fd, "stream")
    assert [io.serial for io in told.all(Io)] == [3, 2]


def test_a_connection_made_around_a_descriptor_knows_both_its_ends(told: Recorded) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        with socket.create_connection(server.getsockname()) as client:
            names = written(client), written(server)
            with socket.socket(fileno=client.detach()) as again:
                again.send(b"x")
            server.accept()[0].close()
    lane = told.run.lanes[3]
    assert (lane.local, lane.peer) == names
    assert told.run.lanes[2].how == "detached"


def test_a_socket_is_not_what_had_its_number_before(told: Recorded) -> None:
    reading, writing = os.pipe()
    label(reading, "a pipe")
    os.close(reading)
    os.close(writing)
    with socket.socket() as sock:
        assert sock.fileno() == reading
    assert [lane.kind for lane in told.run.lanes.values()] == ["other", "stream"]


# -- death -------------------------------------------------------------------------------


def test_a_file_made_of_a_socket_keeps_it_alive(told: Recorded, pair: Pair) -> None:
    near, far = pair
    with near.makefile("rwb") as file:
        near.close()
        file.write(b"hola\n")
        file.flush()
        assert far.recv(9) == b"hola\n"
    far.close()
    done = [event for event in told.events if isinstance(event, Io | Close)]
    assert [event.serial for event in done] == [1, 2, 1, 2]
    assert [type(event) for event in done] == [Io, Io, Close, Close]


def test_closing_twice_is_one_death(told: Recorded, pair: Pair) -> None:
    for sock in (*pair, *pair):
        sock.close()
    assert len(told.all(Close)) == 2


def test_a_socket_that_the_program_forgot_is_told_as_collected(told: Recorded) -> None:
    forgotten = [socket.socket()]
    with pytest.warns(ResourceWarning, match="unclosed <socket.socket fd=") as warned:
        forgotten.clear()
    assert [each.filename for each in warned] == [__file__]
    with socket.socket():
        pass
    assert next(close.how for close in told.all(Close)) == "collected"


def test_a_socket_whose_descriptor_was_closed_behind_it_is_forgotten_in_silence(
    told: Recorded,
) -> None:
    forgotten = [socket.socket()]
    os.close(forgotten[0].fileno())
    with pytest.warns(ResourceWarning):
        forgotten.clear()
    assert [close.how for close in told.all(Close)] == ["collected"]


def test_a_socket_that_was_forgotten_unused_was_never_born(told: Recorded) -> None:
    fd = socket.socket().detach()
    forgotten = [socket.socket(fileno=fd)]
    with pytest.warns(ResourceWarning):
        forgotten.clear()
    assert [close.how for close in told.all(Close)] == ["detached"]


# -- operations --------------------------------------------------------------------------


def receive(how: str, sock: socket.socket) -> Any:
    room = bytearray(20)
    calls: dict[str, Callable[[], Any]] = {
        "recv": lambda: sock.recv(20),
        "recvfrom": lambda: sock.recvfrom(20),
        "recvmsg": lambda: sock.recvmsg(20),
        "recv_into": lambda: sock.recv_into(room),
        "recv_into a part": lambda: sock.recv_into(room, 20, 0),
        "recvfrom_into": lambda: sock.recvfrom_into(room),
        "recvmsg_into": lambda: sock.recvmsg_into([memoryview(room)[:2], memoryview(room)[2:]]),
    }
    return calls[how]()


RECEIVING = [
    "recv", "recvfrom", "recvmsg", "recv_into", "recv_into a part", "recvfrom_into",
    "recvmsg_into",
]  # fmt: skip


@pytest.mark.parametrize("how", RECEIVING)
def test_what_comes_is_told(how: str) -> None:
    with recorded() as told:
        near, far = socket.socketpair()
        with near, far:
            far.send(b"hola\n")
            receive(how, near)
    came = told.all(Io)[-1]
    assert (came.serial, came.op, came.size, came.asked) == (1, "recv", 5, 20)
    assert came.data == b"hola\n"


@pytest.mark.parametrize("how", RECEIVING)
def test_what_does_not_come_is_told(how: str) -> None:
    with recorded() as told:
        near, far = socket.socketpair()
        with near, far:
            near.setblocking(False)
            with pytest.raises(BlockingIOError):
                receive(how, near)
    assert [(io.op, io.error, io.asked) for io in told.all(Io)] == [("recv", "EAGAIN", 20)]


LOOKING: dict[str, Callable[[socket.socket], Any]] = {
    "recv": lambda sock: sock.recv(9, socket.MSG_PEEK),
    "recv_into": lambda sock: sock.recv_into(bytearray(9), 9, socket.MSG_PEEK),
    "recvfrom": lambda sock: sock.recvfrom(9, socket.MSG_PEEK),
    "recvfrom_into": lambda sock: sock.recvfrom_into(bytearray(9), 9, socket.MSG_PEEK),
    "recvmsg": lambda sock: sock.recvmsg(9, 0, socket.MSG_PEEK),
    "recvmsg_into": lambda sock: sock.recvmsg_into([bytearray(9)], 0, socket.MSG_PEEK),
}


@pytest.mark.parametrize("how", LOOKING)
def test_what_was_only_looked_at_has_not_come(how: str) -> None:
    with recorded() as told:
        near, far = socket.socketpair()
        with near, far:
            near.send(b"hola")
            LOOKING[how](far)
            assert far.recv(9) == b"hola"
    assert [(io.op, io.size, io.data[:4]) for io in told.all(Io)[1:]] == [
        ("peek", 4, b"hola"),
        ("recv", 4, b"hola"),
    ]


FROM_WHOM: dict[str, Callable[[socket.socket], Any]] = {
    "recvfrom": lambda sock: sock.recvfrom(9),
    "recvfrom_into": lambda sock: sock.recvfrom_into(bytearray(9)),
    "recvmsg": lambda sock: sock.recvmsg(9),
    "recvmsg_into": lambda sock: sock.recvmsg_into([bytearray(9)]),
}


@pytest.mark.parametrize("how", FROM_WHOM)
def test_datagrams_are_told_with_where_they_come_from(
    told: Recorded, udp: socket.socket, how: str
) -> None:
    sender = written(udp)
    udp.sendto(b"one", udp.getsockname())
    FROM_WHOM[how](udp)
    udp.close()
    assert told.all(Io)[1].sender == sender


@pytest.mark.parametrize(
    ("how", "told_as"), [(socket.SHUT_RD, "r"), (socket.SHUT_WR, "w"), (socket.SHUT_RDWR, "rw")]
)
def test_a_shutdown_tells_what_it_ends(how: int, told_as: str) -> None:
    with recorded() as told:
        near, far = socket.socketpair()
        with near, far:
            near.shutdown(how)
    assert [io.how for io in told.all(Io)] == [told_as]


SENDING: dict[str, Callable[[socket.socket], Any]] = {
    "send": lambda sock: sock.send(b"hola\n"),
    "send bytearray": lambda sock: sock.send(bytearray(b"hola\n"), 0),
    "sendall": lambda sock: sock.sendall(memoryview(b"hola\n")),
    "sendmsg": lambda sock: sock.sendmsg(part for part in (b"ho", b"la\n")),
}


@pytest.mark.parametrize("how", SENDING)
def test_what_goes_is_told(how: str) -> None:
    with recorded() as told:
        near, far = socket.socketpair()
        with near, far:
            SENDING[how](near)
            assert far.recv(9) == b"hola\n"
    went = told.all(Io)[0]
    op = "sendall" if how == "sendall" else "send"
    assert (went.serial, went.op, went.size, went.asked, went.data) == (1, op, 5, 5, b"hola\n")


@pytest.mark.parametrize("how", SENDING)
def test_what_cannot_go_is_told(how: str) -> None:
    with recorded() as told:
        near, far = socket.socketpair()
        far.close()
        with near, pytest.raises(BrokenPipeError):
            SENDING[how](near)
    (io,) = told.all(Io)
    assert (io.error, io.asked, io.rest) == ("EPIPE", 5, b"hola\n")


def test_what_the_system_did_not_take_is_told(told: Recorded, pair: Pair) -> None:
    near, far = pair
    near.setblocking(False)
    data = b"a" * 10_000_000 + b"b"
    size = near.send(data)
    near.close()
    far.close()
    (io,) = told.all(Io)
    assert (io.size, io.asked) == (size, len(data))
    assert io.rest == data[size : size + 64]


def test_a_datagram_that_cannot_go_is_told(told: Recorded, udp: socket.socket) -> None:
    with pytest.raises(OSError, match="too long"):
        udp.sendto(b"x" * 70_000, udp.getsockname())
    to = written(udp)
    udp.close()
    assert [(io.error, io.to) for io in told.all(Io)] == [("EMSGSIZE", to)]


def test_datagrams_are_told_with_where_they_go(told: Recorded, udp: socket.socket) -> None:
    at = udp.getsockname()
    udp.sendto(b"one", at)
    udp.sendto(b"two", 0, at)
    udp.sendmsg([b"three"], (), 0, at)
    udp.close()
    assert [(io.data, io.to) for io in told.all(Io)] == [
        (data, f"127.0.0.1:{at[1]}") for data in (b"one", b"two", b"three")
    ]


def test_a_file_is_told_once_however_it_is_sent(told: Recorded, pair: Pair, tmp_path: Path) -> None:
    near, far = pair
    (tmp_path / "file").write_bytes(b"hola\n")
    with open(tmp_path / "file", "rb") as file:
        assert near.sendfile(file) == 5
        assert far.recv(9) == b"hola\n"
    with tempfile.SpooledTemporaryFile() as memory:  # has no descriptor
        memory.write(b"adios\n")
        memory.seek(0)
        assert near.sendfile(memory) == 6
    for sock in pair:
        sock.close()
    went = [io for io in told.all(Io) if io.op != "recv"]
    assert sum(io.size for io in went) == 11


def test_a_file_that_cannot_be_sent_is_told(told: Recorded, pair: Pair, tmp_path: Path) -> None:
    near, far = pair
    far.close()
    (tmp_path / "file").write_bytes(b"hola\n")
    with open(tmp_path / "file", "rb") as file, pytest.raises(BrokenPipeError):
        near.sendfile(file)
    near.close()
    assert [io.error for io in told.all(Io)] == ["EPIPE"]


def test_a_half_close_is_told(told: Recorded, pair: Pair) -> None:
    near, far = pair
    near.shutdown(socket.SHUT_WR)
    far.close()
    near.close()
    with socket.socket() as alone, pytest.raises(OSError, match="not connected"):
        alone.shutdown(socket.SHUT_WR)
    assert [(io.op, io.error) for io in told.all(Io)] == [
        ("shutdown", ""),
        ("shutdown", "ENOTCONN"),
    ]


def test_an_accept_that_brings_nobody_is_told(told: Recorded) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.accept()
    assert [(io.op, io.error) for io in told.all(Io)] == [("accept", "EAGAIN")]


def test_a_connect_is_told_with_whom_it_went_to(told: Recorded, dead_port: int) -> None:
    at = ("127.0.0.1", dead_port)
    with socket.socket() as sock, pytest.raises(ConnectionRefusedError):
        sock.connect(at)
    with socket.socket() as sock:
        assert sock.connect_ex(at) != 0
    assert [(io.op, io.error) for io in told.all(Io)] == [("connect", "ECONNREFUSED")] * 2
    assert [named.peer for named in told.all(Named) if named.peer] == [f"127.0.0.1:{dead_port}"] * 2


def test_a_connect_that_is_under_way_is_told(told: Recorded, port: int) -> None:
    with socket.socket() as sock:
        sock.setblocking(False)
        sock.connect_ex(("127.0.0.1", port))
    assert [io.op for io in told.all(Io)] == ["connect"]


class Busy:
    """A socket of another system, at which everything waits until a signal ends the program."""

    def __init__(self, signal: type[BaseException]) -> None:
        self._signal = signal
        self.type = socket.SOCK_STREAM

    def fileno(self) -> int:
        return 1000

    def _wait(self, *arguments: object) -> None:
        raise self._signal

    accept = shutdown = recv = recvfrom = recv_into = recvmsg_into = send = sendmsg = _wait

    def sendall(self, data: bytes) -> None:
        raise self._signal


BROKEN_OFF: dict[str, Callable[[Any], Any]] = {
    "accept": lambda sock: sock.accept(),
    "shutdown": lambda sock: sock.shutdown(socket.SHUT_WR),
    "recv": lambda sock: sock.recv(20),
    "recvfrom": lambda sock: sock.recvfrom(20),
    "recv_into": lambda sock: sock.recv_into(bytearray(20)),
    "recvmsg_into": lambda sock: sock.recvmsg_into([bytearray(20)]),
    "send": lambda sock: sock.send(b"hola\n"),
    "sendall": lambda sock: sock.sendall(b"hola\n"),
    "sendmsg": lambda sock: sock.sendmsg([b"hola\n"]),
}


@pytest.mark.parametrize("signal", [KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("how", BROKEN_OFF)
def test_what_a_signal_has_broken_off_is_told(
    tale: Tale, monkeypatch: pytest.MonkeyPatch, how: str, signal: type[BaseException]
) -> None:
    network = SimulatedNetwork(Kernel(1, Faults(), None))
    monkeypatch.setattr(network, "socket", lambda family, type: Busy(signal))
    sock = RecordedNetwork(network, tale.record).socket(socket.AF_INET, socket.SOCK_STREAM)
    with pytest.raises(signal):
        BROKEN_OFF[how](sock)
    tale.record.close()
    (io,) = tale.all(Io)
    assert (io.op[:4], io.error) == (how[:4], "EINTR")


def test_what_is_done_with_a_closed_socket_is_refused_as_ever(told: Recorded) -> None:
    sock = socket.socket()
    sock.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        sock.connect(("127.0.0.1", 9))
    assert [io.error for io in told.all(Io)] == ["EBADF"]


def test_what_is_unknown_and_closed_already_is_refused_as_ever(told: Recorded, pair: Pair) -> None:
    again = pair[0].dup()
    again.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        again.recv(9)
    with pytest.raises(OSError, match="Bad file descriptor"):
        again.connect("nowhere")
    assert not told.all(Io)


@pytest.mark.parametrize("address", [["127.0.0.1", 9], ("one",), b"\0abstract", ""])
def test_an_address_that_is_none_is_refused_as_ever(address: Any) -> None:
    with recorded():
        with socket.socket() as sock:
            with pytest.raises(TypeError, match="must be"):
                sock.connect(address)
            with pytest.raises(TypeError, match="must be"):
                sock.sendto(b"x", address)


# -- what the program sees ---------------------------------------------------------------


def test_a_recorded_socket_looks_like_any_other() -> None:
    with recorded():
        with socket.socket() as sock:
            fd = sock.fileno()
            assert repr(sock) == repr(sock).replace("recorded", "")
            assert repr(sock).startswith(f"<socket.socket fd={fd}, family=")
            assert type(sock).__name__ == "socket"
            for refuse in (pickle.dumps, copy.copy):
                with pytest.raises(TypeError, match="cannot pickle 'socket' object"):
                    refuse(sock)


def test_sockets_made_before_during_and_after_are_sockets() -> None:
    with socket.socket() as before:
        with recorded():
            assert isinstance(before, socket.socket)
            assert not isinstance("a string", socket.socket)
            during = socket.socket()
            assert isinstance(during, socket.socket)
        with during, socket.socket() as after:
            assert isinstance(during, socket.socket)
            assert type(after) is socket.socket


def test_a_programs_own_class_of_sockets_is_recorded() -> None:
    with recorded() as told:

        class Own(socket.socket):
            def recv(self, size: int, flags: int = 0) -> bytes:
                return super().recv(size, flags).upper()

        near, far = socket.socketpair()
        with far, Own(fileno=near.detach()) as own:
            far.send(b"hola")
            assert own.recv(9) == b"HOLA"
            assert not isinstance(far, Own)
            assert issubclass(Own, socket.socket)
            assert not issubclass(int, Own)
    assert told.all(Io)[-1].data == b"hola"


def test_sockets_outlive_the_recorder() -> None:
    with recorded() as told:
        near, far = socket.socketpair()
    size = len(told.file.getvalue())
    with near, far:
        near.send(b"x")
        assert far.recv(9) == b"x"
    assert len(told.file.getvalue()) == size


def test_tls_is_not_disturbed() -> None:
    ssl = pytest.importorskip("ssl")
    with recorded() as told:
        near, far = socket.socketpair()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        near.setblocking(False)
        with far, context.wrap_socket(near, do_handshake_on_connect=False) as wrapped:
            with pytest.raises(ssl.SSLWantReadError):
                wrapped.do_handshake()
            assert far.recv(5)[:1] == b"\x16"  # RFC 8446, 5.1: a handshake
    assert next(close.how for close in told.all(Close)) == "detached"


# -- without standing in for anything ----------------------------------------------------


@pytest.fixture
def tale() -> Tale:
    return Tale()


@pytest.fixture
def network(tale: Tale) -> RecordedNetwork:
    """A simulated network, recorded."""
    kernel = Kernel(1, Faults(), None)
    return RecordedNetwork(SimulatedNetwork(kernel), tale.record)


def test_sockets_of_another_network_stay_what_they_are(network: RecordedNetwork) -> None:
    sock = network.socket(socket.AF_INET, socket.SOCK_STREAM)
    assert isinstance(sock, TcpSocket)
    assert type(sock) is not TcpSocket


def test_what_a_simulated_socket_does_is_told_once(tale: Tale, network: RecordedNetwork) -> None:
    one, other = (network.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
    one.bind(("127.0.0.1", 7000))
    other.sendto(b"hola", ("127.0.0.1", 7000))
    other.detach()
    tale.record.close()
    assert [(io.serial, io.op, io.size, io.to) for io in tale.all(Io)] == [
        (2, "send", 4, "127.0.0.1:7000")
    ]
    assert [(close.serial, close.how) for close in tale.all(Close)] == [(2, "detached")]
    assert tale.run.lanes[1].local == "127.0.0.1:7000"


def test_pairs_and_names_come_from_the_network_too(tale: Tale, network: RecordedNetwork) -> None:
    near, far = network.socketpair()
    near.setblocking(False)
    far.send(b"x")
    assert network.getaddrinfo("localhost", 7, type=socket.SOCK_STREAM)
    near.close()
    far.close()
    tale.record.close()
    assert [lane.kind for lane in tale.run.lanes.values()] == ["stream", "stream"]


def test_a_whole_run_in_another_system_is_told() -> None:
    tale = Tale()
    kernel = Kernel(1, Faults(), None)
    selector = SimulatedSelector(kernel, lambda: None)
    record_selector(selector, tale.record)
    network = RecordedNetwork(SimulatedNetwork(kernel), tale.record)
    with reactor.EventLoop(selector=selector, clock=kernel.clock, network=network) as loop:
        listener = reactor.listen(loop, RecordingHandler, "127.0.0.1", 7000)
        near = RecordingHandler()
        reactor.connect(loop, near, "127.0.0.1", 7000)
        while not near.events:
            loop.run_once()
        listener.close()
    tale.record.close()
    assert type(selector) is not SimulatedSelector
    lanes = tale.run.lanes.values()
    assert [lane.kind for lane in lanes] == ["wakeup", "wakeup", "listener", "stream", "stream"]
    assert [lane.how for lane in lanes] == ["closed"] * 5
    assert [lane.by for lane in lanes][-1] == 3
