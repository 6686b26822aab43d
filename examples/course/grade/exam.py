"""One examination: a program, those who talk to it, chance from a seed, and the transcript."""

import random
import socket
import time
from contextlib import ExitStack
from typing import Final, Self

from .camera import Camera
from .client import LIMIT, Client
from .diagnosis import Diagnosis
from .program import Program
from .receive_queue import can_be_seen
from .screen import Screen
from .transcript import Transcript

__all__ = ["Exam"]

_STARTS_WITHIN: Final = 10.0
_LOOK_AGAIN: Final = 0.02
_BUSY: Final = 0.3
_NO_COMMANDS: Final = (b"CONECTARSE", b"INTERRUMPE", b"CONTINUARA", b"DESCONECTADO", b"HOLA")


class Exam:
    """Ends the program and closes all sockets when its block is left."""

    def __init__(self, program: Program, transcript: Transcript, seed: int) -> None:
        self.program = program
        self.transcript = transcript
        self.chance = random.Random(seed)
        self._open = ExitStack()
        self._open.callback(program.stop)
        self._has_listened = False
        if not can_be_seen():
            transcript.saw("reads_unseen")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._open.close()

    def client(self, name: str, *, receive_buffer: int = 0) -> Client:
        """A client who is connected. The first waits until the program listens: there is no
        probe, which would be a client too.

        Raises Diagnosis if nobody listens, or not any more.
        """
        sock = self._connect(name, receive_buffer, time.monotonic() + _STARTS_WITHIN)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._open.callback(sock.close)
        self.transcript.did("connects", who=name)
        return Client(name, sock, self.program, self.transcript)

    def _connect(self, name: str, receive_buffer: int, deadline: float) -> socket.socket:
        while True:
            sock = socket.socket()
            sock.settimeout(LIMIT)
            if receive_buffer:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            try:
                sock.connect(("127.0.0.1", self.program.port))
            except OSError:
                sock.close()
            else:
                self._has_listened = True
                return sock
            is_alive = self.program.is_alive(_LOOK_AGAIN)
            if not is_alive or self._has_listened or time.monotonic() > deadline:
                raise self._nobody(name, is_alive)

    def _nobody(self, name: str, is_alive: bool) -> Diagnosis:
        id = "E00-NOT-LISTENING" if is_alive or not self._has_listened else "E00-DIED"
        return Diagnosis(id, who=name, command="", last_line=self.program.last_line)

    def viewer(self, name: str) -> tuple[Client, Screen]:
        """A client who has said CONECTAR, and where the video is to come."""
        client, screen = self.client(name), self.screen()
        client.ask_to_watch(screen.port)
        return client, screen

    def screen(self) -> Screen:
        screen = Screen()
        self._open.callback(screen.close)
        return screen

    def camera(self) -> Camera:
        camera = Camera(self.program.ingest)
        self._open.callback(camera.close)
        return camera

    def idle_share(self, looks: int = 3) -> float:
        """The share of a processor that the program uses while nobody asks anything of it. A look
        takes half a second at most.

        Where this can't be seen it is said, and 0.
        """
        share = self.program.idle_share(looks)
        if share is None:
            self.transcript.saw("idle_unseen")
            return 0.0
        self.transcript.saw("idle", share=round(share, 2))
        return share

    def is_busy(self, share: float | None) -> bool:
        """Whether this is more than a program that waits may use. What is unknown is not."""
        return share is not None and share > _BUSY

    def some_port(self) -> int:
        """For a CONECTAR of which no datagram is expected. Not the ingest, nor one twice."""
        return self.screen().port

    def wrong_word(self) -> bytes:
        """What is no command of any chapter, though it may begin like one."""
        return self.chance.choice(_NO_COMMANDS)
