"""One thread that goes round and waits a millisecond for each: slow, and right."""

import socket
import sys

WORDS = (b"CONECTAR", b"INTERRUMPIR", b"CONTINUAR", b"DESCONECTAR")

listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
listener.settimeout(0.001)
rest = {}  # client -> bytes that are no whole line yet
while True:
    try:
        client, _ = listener.accept()
        client.settimeout(0.001)
        rest[client] = b""
    except TimeoutError:
        pass
    for client in list(rest):
        try:
            data = client.recv(4096)
        except TimeoutError:
            continue
        except OSError:
            data = b""
        if not data:
            client.close()
            del rest[client]
            continue
        *lines, rest[client] = (rest[client] + data).split(b"\n")
        for line in lines:
            word = (line.split() or [b""])[0]
            client.sendall(b"OK\n" if word in WORDS else b"ERROR DESCONOCIDO\n")
