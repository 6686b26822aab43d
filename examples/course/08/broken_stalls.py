"""Seems right: whole datagrams, and so few wake-ups that the fan is not heard.

python3 broken_stalls.py PORT INGEST
"""

import selectors
import socket
import sys
import time

LIMIT = 256  # bytes of a line
LARGEST = 65_507  # bytes of a datagram
CAP = 1000  # datagrams relayed before the clients have their turn
NAP = 0.4  # s: 2.5 wake-ups a second, in place of 475

selector = selectors.DefaultSelector()
viewers = {}  # client -> the address at which it wants its copy of the video


class Client:
    """A connection, and the bytes that are no whole line yet."""

    def __init__(self, sock):
        self.sock, self.rest = sock, b""


def relay(ingest):
    for _ in range(CAP):
        try:
            datagram = ingest.recv(LARGEST)
        except OSError:
            return  # BlockingIOError, mostly: no more for now
        for address in viewers.values():
            try:
                ingest.sendto(datagram, address)
            except OSError:
                pass  # lost on its way, as any datagram may be


def answer(client, line):
    match line.decode(errors="replace").split():
        case ["CONECTAR", port] if port.isdecimal() and 1024 <= int(port) <= 65535:
            viewers[client] = ("127.0.0.1", int(port))
            return b"OK\n"
        case ["INTERRUMPIR"] | ["CONTINUAR"] | ["DESCONECTAR"]:
            return b"OK\n"
    return b"ERROR DESCONOCIDO\n"


def receive(client):
    try:
        data = client.sock.recv(1024)
    except BlockingIOError:
        return
    if not data or len(client.rest) > LIMIT:
        drop(client)
        return
    *lines, client.rest = (client.rest + data).split(b"\n")
    for line in lines:
        client.sock.send(answer(client, line))
        if line.strip() == b"DESCONECTAR":
            drop(client)
            return


def drop(client):
    selector.unregister(client.sock)
    client.sock.close()
    viewers.pop(client, None)


def attempt(step, client):
    """Whatever goes wrong in a step of one client ends this client, and nobody else."""
    try:
        step(client)
    except Exception as error:  # also a full socket: it has read none of very many answers
        print(f"a client is lost: {error!r}", file=sys.stderr)
        drop(client)


def accept(listener):
    try:
        sock, _ = listener.accept()
    except OSError:
        return  # who knocked has gone already
    sock.setblocking(False)
    selector.register(sock, selectors.EVENT_READ, Client(sock))


def main():
    listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
    ingest = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    ingest.bind(("127.0.0.1", int(sys.argv[2])))
    for sock in (listener, ingest):
        sock.setblocking(False)
        selector.register(sock, selectors.EVENT_READ)
    # region loop
    while True:
        time.sleep(NAP)  # what comes meanwhile is kept by the system
        for key, _ in selector.select():
            if key.fileobj is listener:
                accept(listener)
            elif key.fileobj is ingest:
                relay(ingest)
            else:
                attempt(receive, key.data)
    # endregion


if __name__ == "__main__":
    main()
