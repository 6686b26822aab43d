"""A thread for each client: while one waits for its client, the others go on.

python3 fixed.py PORT
"""

import socket
import sys
import threading

WORDS = (b"CONECTAR", b"INTERRUMPIR", b"CONTINUAR", b"DESCONECTAR")


def answer(line):
    words = line.split()
    return b"OK\n" if words and words[0] in WORDS else b"ERROR DESCONOCIDO\n"


def serve(client):
    try:
        with client, client.makefile("rb") as lines:
            for line in lines:  # the next line, as soon as there is one
                client.sendall(answer(line))
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
