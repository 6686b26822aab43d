"""The relay as the original assignment solved it: a thread per client, a mutex, `sendto`.

python3 -m tests.benchmarks.contenders.threads

One thread for each client's commands, one for the datagrams, and a table of clients that
all of them lock. In Python like ours, so that the comparison is one of designs.
"""

import socket
import threading
from typing import NoReturn

from .sockets import BACKLOG, announce, udp_socket

Address = tuple[str, int]


class ClientTable:
    """Who is to get a copy; every access takes the mutex."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._clients: dict[Address, bool] = {}

    def set(self, client: Address, active: bool) -> None:
        with self._mutex:
            self._clients[client] = active

    def remove(self, client: Address) -> None:
        with self._mutex:
            self._clients.pop(client, None)

    def send_to_active(self, sock: socket.socket, datagram: bytes) -> None:
        with self._mutex:
            for client, active in self._clients.items():
                if active:
                    sock.sendto(datagram, client)


def serve_client(connection: socket.socket, host: str, table: ClientTable) -> None:
    """Answer one client's commands until it leaves."""
    client: Address = (host, 0)
    with connection, connection.makefile("rb") as lines:
        for line in lines:
            match line.split():
                case [b"CONECTAR", port]:
                    client = (host, int(port))
                    table.set(client, True)
                case [b"INTERRUMPIR"]:
                    table.set(client, False)
                case [b"CONTINUAR"]:
                    table.set(client, True)
                case _:
                    break
            connection.sendall(b"OK\n")
        table.remove(client)


def relay(ingest: socket.socket, table: ClientTable) -> NoReturn:
    """Receive each datagram, whether anybody wants it or not, and copy it to all."""
    while True:
        table.send_to_active(ingest, ingest.recv(65536))


def main() -> NoReturn:
    table = ClientTable()
    ingest = udp_socket()
    listener = socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)
    threading.Thread(target=relay, args=(ingest, table), daemon=True).start()
    announce(listener.getsockname(), ingest.getsockname())
    while True:
        connection, (host, _) = listener.accept()
        arguments = (connection, host, table)
        threading.Thread(target=serve_client, args=arguments, daemon=True).start()


if __name__ == "__main__":
    main()
