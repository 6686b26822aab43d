"""Seems right: select sleeps for as long as the first timer allows, and then it is due.

python3 broken_early.py PORT
"""

import heapq
import selectors
import socket
import sys
import time

LIMIT = 256  # bytes of a line
DAY = 86_400_000  # ms: people can write down more than the system can wait

selector = selectors.DefaultSelector()
timers = []  # a heap of (when, number, client): timers[0] is due first


class Client:
    """A connection, and the bytes whose turn has not come."""

    def __init__(self, sock):
        self.sock, self.rest = sock, b""


def answer(client, line):
    match line.decode(errors="replace").split():
        case ["DORMIR", pause] if pause.isdecimal() and int(pause) <= DAY:
            selector.unregister(client.sock)  # its next line waits; nobody else's does
            when = time.monotonic() + int(pause) / 1000
            heapq.heappush(timers, (when, client.sock.fileno(), client))
            return None  # not yet
        case ["CONECTAR", _] | ["INTERRUMPIR"] | ["CONTINUAR"] | ["DESCONECTAR"]:
            return b"OK\n"
    return b"ERROR DESCONOCIDO\n"


def wake(client):
    selector.register(client.sock, selectors.EVENT_READ, client)
    client.sock.send(b"OK\n")
    answer_lines(client)  # those that came behind DORMIR, in the same piece


def answer_lines(client):
    while b"\n" in client.rest:
        line, _, client.rest = client.rest.partition(b"\n")
        if (text := answer(client, line)) is None:
            return
        client.sock.send(text)
        if line.strip() == b"DESCONECTAR":
            drop(client)
            return


def receive(client):
    try:
        data = client.sock.recv(1024)
    except BlockingIOError:
        return
    if not data or len(client.rest) > LIMIT:
        drop(client)
        return
    client.rest += data
    answer_lines(client)


def drop(client):
    selector.unregister(client.sock)
    client.sock.close()


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
    listener.setblocking(False)
    selector.register(listener, selectors.EVENT_READ)
    while True:
        timeout = max(0, timers[0][0] - time.monotonic()) if timers else None
        ready = selector.select(timeout)
        if timers:  # it has slept until this one was due
            attempt(wake, heapq.heappop(timers)[2])
        for key, _ in ready:
            if key.fileobj is listener:
                accept(listener)
            else:
                attempt(receive, key.data)


if __name__ == "__main__":
    main()
