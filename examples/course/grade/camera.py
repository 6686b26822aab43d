"""Films into the program's ingest, as VLC would."""

import socket

__all__ = ["Camera"]


class Camera:
    """Sends datagrams to a port of this machine."""

    def __init__(self, ingest: int) -> None:
        self._sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._ingest = ingest

    def film(self, datagram: bytes) -> None:
        """Whether anybody listens is not told to who films."""
        try:
            self._sock.sendto(datagram, ("127.0.0.1", self._ingest))
        except ConnectionRefusedError:
            pass

    def close(self) -> None:
        self._sock.close()
