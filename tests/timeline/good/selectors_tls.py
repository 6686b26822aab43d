"""An echo server by hand on selectors, over TLS: python3 -m ... CERTIFICATE_AND_KEY.

A record does not see what TLS reads and writes by itself: nothing may be concluded from that.
"""

import selectors
import socket
import ssl
import sys

context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1])


def accept() -> None:
    client, _ = listener.accept()
    client.setblocking(False)
    try:
        secure = context.wrap_socket(client, server_side=True, do_handshake_on_connect=False)
    except OSError:  # gone again
        client.close()
    else:
        selector.register(secure, selectors.EVENT_READ, bytearray())


def serve(sock: ssl.SSLSocket, queue: bytearray) -> int:
    """What to wait for next; 0 if it is over."""
    try:
        if not queue:
            queue += sock.recv(65536)
            if not queue:
                return 0
        while queue:
            del queue[: sock.send(queue)]
    except ssl.SSLWantReadError:
        return selectors.EVENT_READ
    except ssl.SSLWantWriteError:
        return selectors.EVENT_WRITE
    except OSError:
        return 0
    return selectors.EVENT_READ


with selectors.DefaultSelector() as selector, socket.create_server(("127.0.0.1", 0)) as listener:
    listener.setblocking(False)
    selector.register(listener, selectors.EVENT_READ)
    print(listener.getsockname()[1], flush=True)
    while True:
        for key, _ in selector.select():
            if key.fileobj is listener:
                accept()
                continue
            assert isinstance(key.fileobj, ssl.SSLSocket)
            if events := serve(key.fileobj, key.data):
                selector.modify(key.fileobj, events, key.data)
            else:
                selector.unregister(key.fileobj)
                key.fileobj.close()
