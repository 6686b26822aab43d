"""Opens connections to a line echo server, uses each once, and then keeps still.

python3 -m tests.benchmarks.traffic.idlers HOST PORT CONNECTIONS

Says "ready", holds the connections until input ends, and resets them: 10,000 sockets
that linger in TIME_WAIT would stand in the way of the next measurement.
"""

import socket
import struct
import sys


def open_used(server: tuple[str, int]) -> socket.socket:
    """A connection that has had one question and one answer, as a real one has."""
    sock = socket.create_connection(server, timeout=10)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.sendall(b"hello\n")
    if sock.recv(64) != b"hello\n":
        raise ConnectionError("the server does not echo")
    return sock


def main(arguments: list[str]) -> None:
    host, port, count = arguments
    sockets = [open_used((host, int(port))) for _ in range(int(count))]
    print("ready", flush=True)
    sys.stdin.readline()
    for sock in sockets:
        sock.close()


if __name__ == "__main__":
    main(sys.argv[1:])
