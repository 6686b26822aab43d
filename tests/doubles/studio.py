"""A relay in the loop of a test, with all that belongs around it."""

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from reactor import Address, EventLoop, Stream
from reactor.relay import RelayServer
from tests.doubles.controller import Controller
from tests.doubles.player import Player


def stream_to(loop: EventLoop, address: Address) -> Stream:
    """The loop's own end of a connection with `address`."""
    streams = [each for each in loop.state.resources if isinstance(each, Stream)]
    (found,) = [stream for stream in streams if stream.peername == address]
    return found


def socket_to(loop: EventLoop, address: Address) -> socket.socket:
    """What the loop's own end of a connection with `address` reads from."""
    number = stream_to(loop, address).state.fd
    (found,) = [watcher.fileobj for watcher in loop.state.watchers if watcher.fd == number]
    assert isinstance(found, socket.socket)
    return found


class Studio:
    """A relay in a loop, with everything that was opened around it closed at the end."""

    def __init__(self, loop: EventLoop, cleanup: ExitStack, **options: Any) -> None:
        self.loop = loop
        self._cleanup = cleanup
        self.events: list[object] = []
        self.report: Callable[[Any], object] = self.events.append
        """Whom the relay tells: a test may put another in its place."""
        options = {"ingest": ("127.0.0.1", 0), "control": ("127.0.0.1", 0), **options}
        control = options.pop("control")
        self.server = RelayServer(loop, control, report=self._tell, **options)
        self.source = Player(loop, self.server.ingest_address[0])
        self._cleanup.callback(self.source.sock.close)

    def _tell(self, event: object) -> None:
        self.report(event)

    def stream_of(self, controller: Controller) -> Stream:
        """The relay's end of the connection."""
        return stream_to(self.loop, controller.sock.getsockname())

    def socket_of(self, controller: Controller) -> socket.socket:
        """What the relay's end of the connection reads from."""
        return socket_to(self.loop, controller.sock.getsockname())

    def controller(self, source: str | None = None, server: Address | None = None) -> Controller:
        controller = Controller(self.loop, server or self.server.address, source)
        self._cleanup.callback(controller.sock.close)
        return controller

    def player(self, host: str = "127.0.0.1", port: int = 0) -> Player:
        player = Player(self.loop, host, port)
        self._cleanup.callback(player.sock.close)
        return player

    def adopt(self, *sockets: socket.socket) -> None:
        """Close these as well in the end."""
        for sock in sockets:
            self._cleanup.callback(sock.close)

    def viewer(
        self, host: str = "127.0.0.1", server_host: str | None = None
    ) -> tuple[Controller, Player]:
        """A client that is active, and came to this address of the server's."""
        here, port = self.server.address[:2]
        controller, player = self.controller(server=(server_host or here, port)), self.player(host)
        assert controller.ask(b"CONECTAR %d" % player.port) == b"OK"
        return controller, player

    def stream(self, *datagrams: bytes) -> None:
        """Send to the ingest."""
        for datagram in datagrams:
            self.source.sock.sendto(datagram, self.server.ingest_address)


@contextmanager
def studio(loop: EventLoop, **options: Any) -> Iterator[Studio]:
    """A relay for one test."""
    with ExitStack() as cleanup:
        yield Studio(loop, cleanup, **options)
