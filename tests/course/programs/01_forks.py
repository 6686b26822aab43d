"""A process for each client, as inetd had it. Right."""

import socketserver
import sys

WORDS = (b"CONECTAR", b"INTERRUMPIR", b"CONTINUAR", b"DESCONECTAR")


class Conversation(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            word = (line.split() or [b""])[0]
            self.wfile.write(b"OK\r\n" if word in WORDS else b"ERROR DESCONOCIDO\r\n")


class Server(socketserver.ForkingTCPServer):
    request_queue_size = 128


with Server(("127.0.0.1", int(sys.argv[1])), Conversation) as server:
    server.serve_forever()
