"""Right in an unusual way: a thread for each client, whose time-out is the lease.

python3 10_threads.py PORT INGEST
"""

import contextlib
import socket
import sys
import threading

viewers = {}  # connection -> port
lock = threading.Lock()


def lines(sock):
    """Until the client leaves, in whatever way, or is silent for a second."""
    sock.settimeout(1.0)
    with sock, sock.makefile("rb") as file, contextlib.suppress(OSError):
        yield from file


def serve(sock):
    port = None
    for line in lines(sock):
        word, _, argument = line.decode(errors="replace").strip().partition(" ")
        with lock:
            is_active = sock in viewers
            if word == "CONECTAR" and argument.isdecimal():
                text = "ERROR YA_CONECTADO" if port else "OK"
                if not port:
                    port = viewers[sock] = int(argument)
            elif word == "INTERRUMPIR":
                text = "OK" if is_active else "ERROR NO_CONECTADO"
                viewers.pop(sock, None)
            elif word == "CONTINUAR":
                text = "OK" if port and not is_active else "ERROR NO_INTERRUMPIDO"
                if port:
                    viewers[sock] = port
            elif word in ("DESCONECTAR", "VIVO"):
                text = "OK"
            else:
                text = "ERROR DESCONOCIDO"
        with contextlib.suppress(OSError):
            sock.sendall(text.encode() + b"\n")
        if word == "DESCONECTAR":
            break
    with lock:
        viewers.pop(sock, None)


def feed(ingest):
    while True:
        data = ingest.recv(65536)
        with lock:
            ports = list(viewers.values())
        for port in ports:
            ingest.sendto(data, ("127.0.0.1", port))


def main():
    listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
    ingest = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    ingest.bind(("127.0.0.1", int(sys.argv[2])))
    threading.Thread(target=feed, args=(ingest,), daemon=True).start()
    while True:
        sock, _ = listener.accept()
        threading.Thread(target=serve, args=(sock,), daemon=True).start()


if __name__ == "__main__":
    main()
