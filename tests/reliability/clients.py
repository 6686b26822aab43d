"""A client in the relay's own loop, and the account of what was due to it."""

import socket

from reactor import Address, EventLoop
from reactor.relay.events import ClientLeft
from reactor.socket_options import dropped_by_system
from tests.doubles.controller import Controller
from tests.doubles.player import Player

from .bursts import Share

__all__ = ["Client"]


class Client:
    """A control connection and a player, and which part of the current burst is due to it."""

    def __init__(self, loop: EventLoop, relay: Address, player: Player) -> None:
        self.player = player
        self.host: str = player.sock.getsockname()[0]
        self._control = Controller(loop, relay, self.host)
        self.address: Address = self._control.sock.getsockname()
        """By which the relay knows it."""
        self.replies_due = 0
        self.refusals = b""
        """Replies that were not OK."""
        self.share = Share.NONE
        self.arrived = 0
        """Datagrams that came in bursts before the current one."""
        self.due_at_least = self.due_at_most = 0
        """Datagrams that the relay received while this one was active, as far as can be known."""
        self.left: ClientLeft | None = None
        self._drops_before = dropped_by_system(player.sock) or 0
        self.say(b"CONECTAR %d" % player.port)
        self.active = True

    def __str__(self) -> str:
        return f"the client at {self.host}:{self.player.port}"

    @property
    def arrived_now(self) -> int:
        """Datagrams that came, those of the current burst included."""
        return self.arrived + len(self.player.datagrams())

    @property
    def lost_by_socket(self) -> int:
        """Datagrams that reached its socket when that was full: the test's fault, not the relay's.

        Linux tells; elsewhere nothing is known of any.
        """
        return (dropped_by_system(self.player.sock) or 0) - self._drops_before

    def say(self, *commands: bytes) -> None:
        self._control.say(b"".join(command + b"\n" for command in commands))
        self.replies_due += len(commands)

    def hear(self) -> None:
        """Take the replies that are there."""
        while self.replies_due:
            try:
                heard = self._control.sock.recv(4096)
            except BlockingIOError:
                return
            if not heard:
                self.refusals += b"(the end)"
                return
            self.replies_due -= heard.count(b"\n")
            self.refusals += heard.replace(b"OK\n", b"")

    def leave(self, way: str) -> None:
        """Go: with a word, without one, or with a reset."""
        if way == "DESCONECTAR":
            self.say(b"DESCONECTAR")
            self._control.sock.shutdown(socket.SHUT_WR)
        elif way == "reset":
            self._control.reset()
            self.replies_due = 0
        else:
            self._control.sock.close()
            self.replies_due = 0
        self.active = False

    def take(self) -> list[bytes]:
        """The datagrams of the current burst, which is over."""
        datagrams = self.player.datagrams()
        taken = datagrams.copy()
        datagrams.clear()
        self.arrived += len(taken)
        return taken

    def close(self) -> None:
        self._control.sock.close()
