"""Seems right: who asked for a pause gets one, and a mistake costs nobody else anything.

python3 broken.py PORT
"""

import selectors
import socket
import sys
import time

LIMIT = 256  # bytes of a line

selector = selectors.DefaultSelector()


class Client:
    """A connection, and the bytes that are no whole line yet."""

    def __init__(self, sock):
        self.sock, self.rest = sock, b""


def answer(line):
    match line.decode(errors="replace").split():
        case ["DORMIR", pause] if pause.isdecimal():
            time.sleep(int(pause) / 1000)  # only who asked for it waits for the answer
            return b"OK\n"
        case ["CONECTAR", _] | ["INTERRUMPIR"] | ["CONTINUAR"] | ["DESCONECTAR"]:
            return b"OK\n"
    return b"ERROR DESCONOCIDO\n"


def answer_lines(client):
    while b"\n" in client.rest:
        line, _, client.rest = client.rest.partition(b"\n")
        client.sock.send(answer(line))
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
        for key, _ in selector.select():  # until somebody is ready
            if key.fileobj is listener:
                accept(listener)
            else:
                attempt(receive, key.data)


if __name__ == "__main__":
    main()
