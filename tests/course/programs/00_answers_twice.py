"""Answers each line twice, so that what looks like an answer belongs to the line before.

python3 00_answers_twice.py PORT
"""

import socket
import sys
import threading


def main():
    listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
    while True:
        client, _ = listener.accept()
        threading.Thread(target=serve, args=[client], daemon=True).start()


def serve(client):
    with client, client.makefile("rb") as lines:
        try:
            for line in lines:
                known = line.split()[0] == b"CONECTAR"
                client.sendall(2 * (b"OK\n" if known else b"ERROR DESCONOCIDO\n"))
        except OSError:
            pass


if __name__ == "__main__":
    main()
