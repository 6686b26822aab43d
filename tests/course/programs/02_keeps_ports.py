"""Takes down who has which port, and never that somebody has left.

python3 02_keeps_ports.py PORT
"""

import socket
import sys
import threading

WORDS = (b"INTERRUMPIR", b"CONTINUAR", b"DESCONECTAR")

lock = threading.Lock()
owners = {}  # port -> the client who watches there: no port is given to two


def answer(line, client):
    word, *arguments = line.split() or [b""]
    if word == b"CONECTAR" and len(arguments) == 1:
        return b"OK\n" if take(arguments[0], client) else b"ERROR PUERTO_OCUPADO\n"
    if word == b"LISTA" and len(arguments) == 1 and arguments[0].isdigit():
        return b"".join(b"cliente %06d\n" % n for n in range(int(arguments[0]))) + b"OK\n"
    return b"OK\n" if word in WORDS else b"ERROR DESCONOCIDO\n"


def take(port, client):
    with lock:  # between the look and the entry, nobody else may look
        if port in owners:
            return False
        owners[port] = client
        return True


def serve(client):
    with client, client.makefile("rb") as lines:
        try:
            for line in lines:
                client.sendall(answer(line, client))
                if line.startswith(b"DESCONECTAR"):
                    break
        except OSError:
            pass  # left without a word


def main():
    listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
    while True:
        client, _ = listener.accept()
        threading.Thread(target=serve, args=[client], daemon=True).start()


if __name__ == "__main__":
    main()
