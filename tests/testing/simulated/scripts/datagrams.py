"""Datagrams: where they come from, how large they may be, runs of them, drops."""

import socket
import struct

from tests.doubles.bench import Bench
from tests.testing.simulated.scripts.script import script

MEMINFO = struct.Struct("9I")


@script
def a_datagram_socket(bench: Bench) -> None:
    for name, host in (("bound", "127.0.0.1"), ("unbound", None)):
        sock = bench.udp(name, host)
        bench.settle((sock, "w"))
        bench.call(sock, "getsockname")
        bench.call(sock, "recv", 10)
        bench.call(sock, "recv_into", bytearray(10))
        bench.call(sock, "recvfrom_into", bytearray(10))
        bench.error_of(sock)
        sock.close()
        bench.call(sock, "recv", 10)
        bench.call(sock, "sendto", b"x", ("127.0.0.1", 9))
        bench.call(sock, "getsockname")


@script
def a_datagram_and_its_source(bench: Bench) -> None:
    near, far = bench.udp("near"), bench.udp("far")
    bench.call(far, "sendto", b"hello", near.getsockname())
    bench.settle((near, "rw"), (far, "w"))
    receive(bench, near)
    bench.settle((near, "w"))
    bench.call(near, "recv", 10)


@script
def a_datagram_of_an_unbound_socket(bench: Bench) -> None:
    near, far = bench.udp("near"), bench.udp("far", None)
    bench.call(far, "sendto", b"hello", near.getsockname())
    bench.call(far, "getsockname")
    bench.call(far, "bind", ("127.0.0.1", 0))
    receive(bench, near)
    bench.call(near, "sendto", b"back", ("127.0.0.1", far.getsockname()[1]))
    receive(bench, far)


@script
def a_datagram_of_a_socket_bound_to_any_address(bench: Bench) -> None:
    near = bench.udp("near", "0.0.0.0")
    far = bench.udp("far", "0.0.0.0")
    bench.call(far, "sendto", b"hello", ("127.0.0.1", near.getsockname()[1]))
    receive(bench, near)
    bench.call(far, "sendto", b"hello", ("0.0.0.0", near.getsockname()[1]))
    receive(bench, near)


@script
def datagrams_between_families(bench: Bench) -> None:
    four, six = bench.udp("four"), bench.udp("six", "::")
    mapped = ("::ffff:127.0.0.1", four.getsockname()[1], 0, 0)
    bench.call(four, "sendto", b"up", ("127.0.0.1", six.getsockname()[1]))
    receive(bench, six)
    bench.call(six, "sendto", b"down", mapped)
    receive(bench, four)
    choosy = bench.adopt("choosy", bench.system.network.socket(socket.AF_INET6, socket.SOCK_DGRAM))
    choosy.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    bench.call(choosy, "sendto", b"across", ("::1", six.getsockname()[1], 0, 0))
    receive(bench, six)
    bench.call(choosy, "sendto", b"down", mapped)


@script
def datagrams_of_all_sizes(bench: Bench) -> None:
    for host, most in (("127.0.0.1", 65507), ("::1", 65527)):
        near, far = bench.udp(f"near {host}", host), bench.udp(f"far {host}", host)
        for size in (0, 1, most, most + 1):
            data = bytes(size)
            bench.call(far, "sendto", data, near.getsockname())
            bench.call(far, "sendmsg", [data], [], 0, near.getsockname())
            for _ in range(2 * (size <= most)):
                receive(bench, near)


@script
def a_datagram_that_does_not_fit_the_buffer(bench: Bench) -> None:
    near, far = bench.udp("near"), bench.udp("far")
    for _ in range(3):
        far.sendto(b"hello", near.getsockname())
        bench.settle((near, "rw"))
        bench.call(near, "recv", 2)
        far.sendto(b"hello", near.getsockname())
        bench.settle((near, "rw"))
        buffer = bytearray(3)
        bench.call(near, "recv_into", buffer)
        bench.note("buffer", bytes(buffer))
        bench.call(near, "recv", 10)


@script
def datagrams_to_nobody(bench: Bench) -> None:
    sock, gone = bench.udp("sock"), bench.udp("gone")
    nobody = gone.getsockname()
    gone.close()
    for _ in range(3):
        bench.call(sock, "sendto", b"x", nobody)
    bench.settle((sock, "w"))
    bench.error_of(sock)
    bench.call(sock, "recv", 10)
    bench.call(sock, "sendto", b"x", ("127.0.0.1", 0))
    bench.call(sock, "sendto", b"x", sock.getsockname())
    receive(bench, sock)


# Not on a gentle system: there a datagram may overtake.
@script
def datagrams_in_order(bench: Bench) -> None:
    near, far = bench.udp("near"), bench.udp("far")
    for number in range(20):
        far.sendto(b"%d" % number, near.getsockname())
    bench.note([received(bench, near)[0] for _ in range(20)])


@script
def a_run_of_datagrams(bench: Bench) -> None:
    near, far = bench.udp("near"), bench.udp("far")
    for data, size in ((b"aabbc", 2), (b"aabb", 2), (b"aa", 2), (b"a", 2), (b"abc", 0), (b"", 2)):
        bench.call(far, "sendmsg", [data[:1], data[1:]], [segments_of(size)], 0, near.getsockname())
        count = -(-len(data) // size) if size and data else 1
        bench.note(sorted(received(bench, near)[0] for _ in range(count)))
    bench.settle((near, "w"))


@script
def a_socket_that_cuts_what_it_sends(bench: Bench) -> None:
    near, far = bench.udp("near"), bench.udp("far")
    for data, size in ((b"aabbc", 2), (b"aa", 2), (b"a", 2), (b"", 2), (b"aabbc", 0)):
        far.setsockopt(socket.IPPROTO_UDP, 103, size)
        bench.call(far, "getsockopt", socket.IPPROTO_UDP, 103)
        bench.call(far, "sendto", data, near.getsockname())
        count = -(-len(data) // size) if size and data else 1
        bench.note(sorted(received(bench, near)[0] for _ in range(count)))
    bench.settle((near, "w"))


@script
def runs_that_are_too_long(bench: Bench) -> None:
    near, far = bench.udp("near"), bench.udp("far")
    # 64 segments before Linux 6.9, 128 from then on.
    for count, size in ((64, 10), (129, 10), (50, 1310), (51, 1310), (49, 1316), (1, 65507)):
        data = bytes(size) * count
        bench.call(far, "sendmsg", [data], [segments_of(size)], 0, near.getsockname())
        arriving = count * (len(data) <= 65507 and count <= 64)
        bench.note([len(received(bench, near)[0]) for _ in range(arriving)])
    bench.settle((near, "w"))


@script
def runs_that_go_astray(bench: Bench) -> None:
    far = bench.udp("far")
    bench.call(far, "sendmsg", [b"aabb"], [segments_of(2)], 0, ("127.0.0.1", 0))
    gone = bench.udp("gone")
    nobody = gone.getsockname()
    gone.close()
    bench.call(far, "sendmsg", [b"aabb"], [segments_of(2)], 0, nobody)
    bench.settle((far, "w"))


@script
def a_full_receive_buffer(bench: Bench) -> None:
    near, far = bench.udp("near"), bench.udp("far")
    near.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
    bench.call(near, "getsockopt", socket.SOL_SOCKET, socket.SO_RCVBUF)
    bench.note("no drops", drops(near))
    for number in range(200):
        assert far.sendto(b"%d" % number + bytes(500), near.getsockname())
    bench.until(lambda: drops(near))
    count = 0
    while count + drops(near) < 200:
        received(bench, near)
        count += 1
    bench.settle((near, "w"))
    bench.note("all received or dropped", count + drops(near) == 200, 0 < count < 200)
    bench.error_of(near)
    far.sendto(b"there is room again", near.getsockname())
    receive(bench, near)


@script
def the_sizes_of_buffers(bench: Bench) -> None:
    sock = bench.udp("sock")
    for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
        sock.setsockopt(socket.SOL_SOCKET, option, 100_000)
        bench.call(sock, "getsockopt", socket.SOL_SOCKET, option)


def drops(sock: socket.socket) -> int:
    info = sock.getsockopt(socket.SOL_SOCKET, 55, MEMINFO.size)
    return int(MEMINFO.unpack(info)[-1])


def segments_of(size: int) -> tuple[int, int, bytes]:
    return socket.IPPROTO_UDP, 103, struct.pack("H", size)


def received(bench: Bench, sock: socket.socket) -> tuple[bytes, object]:
    """The next datagram, however long it takes, and its source."""
    buffer = bytearray(65536)
    while True:
        try:
            size, source = sock.recvfrom_into(buffer)
        except BlockingIOError:
            bench.system.pass_time()
        else:
            return bytes(buffer[:size]), source


def receive(bench: Bench, sock: socket.socket) -> None:
    data, source = received(bench, sock)
    bench.note("received", data, bench.outcome(lambda: source))
