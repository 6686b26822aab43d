"""Seems right: what a client says is read, and answered.

python3 broken.py PORT
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
        with client:
            while command := client.recv(1024):  # no command is longer than that
                client.sendall(answer(command))
                if command.startswith(b"DESCONECTAR"):
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
