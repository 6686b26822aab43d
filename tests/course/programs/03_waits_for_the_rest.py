"""Gives the rest of a command 50 ms to come, and takes what is there then for the command.

python3 03_waits_for_the_rest.py PORT
"""

import socket
import sys
import threading
import time

WORDS = (b"CONECTAR", b"INTERRUMPIR", b"CONTINUAR", b"DESCONECTAR")


def answer(line):
    words = line.split()
    return b"OK\n" if words and words[0] in WORDS else b"ERROR DESCONOCIDO\n"


def serve(client):
    try:
        with client:
            while client.recv(1, socket.MSG_PEEK):
                time.sleep(0.05)
                command = client.recv(1024)
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
