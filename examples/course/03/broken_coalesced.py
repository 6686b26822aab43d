"""Seems right: bytes are kept until the line is at its end, and then it is answered.

python3 broken_coalesced.py PORT
"""

import socket
import sys
import threading

WORDS = (b"CONECTAR", b"INTERRUMPIR", b"CONTINUAR", b"DESCONECTAR")
LIMIT = 256  # bytes of a line, without its end


def answer(line):
    if len(line) > LIMIT:
        return b"ERROR LARGO\n"
    words = line.split()
    return b"OK\n" if words and words[0] in WORDS else b"ERROR DESCONOCIDO\n"


def serve(client):
    line = b""
    try:
        with client:
            while data := client.recv(1024):
                line += data
                if line.endswith(b"\n") or len(line) > LIMIT:  # now it is whole
                    client.sendall(answer(line))
                    if len(line) > LIMIT or line.startswith(b"DESCONECTAR"):
                        break
                    line = b""
    except OSError:
        pass  # left without a word


def main():
    listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
    while True:
        client, _ = listener.accept()
        threading.Thread(target=serve, args=[client], daemon=True).start()


if __name__ == "__main__":
    main()
