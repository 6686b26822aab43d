"""A client of the program under test: says commands, hears lines, and writes down what came."""

import select
import socket
import struct
import time
from collections.abc import Sequence
from enum import Enum
from typing import Final

from .diagnosis import Diagnosis, Figure
from .program import Program
from .receive_queue import is_unread, wait_until_read, wait_until_stuck
from .transcript import Transcript, shown, shown_pieces

__all__ = ["LIMIT", "WORDS_OF_CHAPTERS", "Answer", "Client", "Silence"]

LIMIT: Final = 2.0
"""Seconds: an answer that takes longer never comes."""

WORDS_OF_CHAPTERS: Final = ("LISTA", "DORMIR", "VIVO")
"""Those that only some chapters need: to others a program may answer ERROR."""

_PIECE: Final = 65_536
_LONGEST_LINE: Final = 1_000_000
_MOMENT: Final = 0.3
_RESET: Final = struct.pack("ii", 1, 0)


class Silence(Enum):
    """What may come in place of a line."""

    NOTHING = "nothing"
    END = "end"


Answer = bytes | Silence
"""A line without its end, or what came in its place."""


class Client:
    """One connection, under the name that it has in the transcript."""

    def __init__(
        self, name: str, sock: socket.socket, program: Program, transcript: Transcript
    ) -> None:
        self.name = name
        self.sock = sock
        self._program = program
        self._transcript = transcript
        self._received = b""

    # -- saying --------------------------------------------------------------------------------

    def send(self, data: bytes, *, shown_as: str = "") -> None:
        """All of it at once. `shown_as` stands in the transcript for what differs in each run."""
        self._transcript.did("sends", who=self.name, data=shown_as or shown(data))
        self._send(data)

    def send_in_pieces(self, pieces: Sequence[bytes]) -> None:
        """Each is sent when the program has read the one before."""
        self._transcript.did("sends", who=self.name, data=shown_pieces(pieces))
        for piece in pieces[:-1]:
            self._send(piece)
            self.wait_until_read()
        self._send(pieces[-1])

    def _send(self, data: bytes) -> None:
        try:
            self.sock.sendall(data)
        except OSError:
            self._transcript.saw("cannot_send", who=self.name)

    def wait_until_read(self) -> bool:
        """Until the program has received what was sent. False where this could not be seen."""
        return wait_until_read(self._program.port, self.sock.getsockname()[1])

    def wait_until_stuck(self) -> None:
        """Until the program has nothing more to send, or no room: for who does not read."""
        wait_until_stuck(self._program.port, self.sock.getsockname()[1])

    def hang_up(self) -> None:
        self._transcript.did("hangs_up", who=self.name)
        self.sock.close()

    def reset(self) -> None:
        """Leave rudely: what is on its way is thrown away, and the program gets an error."""
        self._transcript.did("resets", who=self.name)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.sock.close()

    # -- hearing -------------------------------------------------------------------------------

    def hear(self, within: float = LIMIT) -> Answer:
        """The next line, or what came in its place within so many seconds."""
        answer = self._next_line(time.monotonic() + within)
        if answer is Silence.NOTHING:
            if self._received:
                part = shown(self._received)
                self._transcript.saw("hears_no_end", who=self.name, data=part)
            else:
                self._transcript.saw("hears_nothing", who=self.name)
        elif answer is Silence.END:
            self._transcript.saw("hears_end", who=self.name)
        else:
            self._transcript.saw("hears", who=self.name, data=_shown_line(answer))
        return answer

    def _next_line(self, deadline: float) -> Answer:
        """Of one that does not end, a million bytes: who sends for ever is not heard for ever."""
        while b"\n" not in self._received and len(self._received) < _LONGEST_LINE:
            if not self._has_more(max(0.0, deadline - time.monotonic())):
                return Silence.NOTHING
            data = self._receive()
            if not data:
                return Silence.END
            self._received += data
        line, _, self._received = self._received.partition(b"\n")
        return line.removesuffix(b"\r")

    def read(self, most: int = _PIECE, within: float = LIMIT) -> bytes:
        """The next bytes, be they lines or not; b"" if the end came, or nothing for so many
        seconds. Nothing of them stands in the transcript: there may be many.
        """
        if not self._received and self.is_answered(within):
            self._received = self._receive()
        data, self._received = self._received[:most], self._received[most:]
        return data

    def take(self, count: int, within: float = LIMIT) -> bytes:
        """As `read`, but all of so many bytes; fewer if no more came."""
        pieces = []
        while count and (data := self.read(count, within)):
            pieces.append(data)
            count -= len(data)
        return b"".join(pieces)

    def _receive(self) -> bytes:
        """b"" at the end, be it polite or rude."""
        try:
            return self.sock.recv(_PIECE)
        except OSError:
            return b""

    def is_answered(self, within: float = 0.0) -> bool:
        """Whether there is something to be heard, a byte or the end, within so many seconds."""
        return bool(self._received) or self._has_more(within)

    def _has_more(self, within: float) -> bool:
        return bool(select.select([self.sock], [], [], within)[0])

    # -- asking --------------------------------------------------------------------------------

    def ask(self, command: bytes, *, shown_as: str = "", within: float = LIMIT) -> Answer:
        """Say a line, and hear one."""
        self.send(command + b"\n", shown_as=f"{shown_as}↵" if shown_as else "")
        return self.hear(within)

    def ask_ok(self, command: bytes, *, shown_as: str = "", otherwise: str = "") -> None:
        """Say what has to be answered OK.

        Raises Diagnosis: `otherwise` if given, else one of the E00s.
        """
        answer = self.ask(command, shown_as=shown_as)
        if isinstance(answer, Silence) or answer.split(b" ")[0] != b"OK":
            raise self.complaint(answer, shown_as or shown(command), "OK", otherwise)

    def ask_error(self, command: bytes, *, otherwise: str = "") -> None:
        """Say what has to be answered ERROR. Raises Diagnosis as `ask_ok` does."""
        answer = self.ask(command)
        if isinstance(answer, bytes) and answer.split(b" ")[0] == b"ERROR":
            return
        if isinstance(answer, bytes) and answer.split(b" ")[0] == b"OK" and not otherwise:
            otherwise = "E00-ACCEPTS-ANYTHING"
        raise self.complaint(answer, shown(command), "ERROR", otherwise)

    def ask_to_watch(self, port: int, *, otherwise: str = "") -> None:
        """CONECTAR with a port, which is a `<port>` in the transcript."""
        self.ask_ok(b"CONECTAR %d" % port, shown_as="CONECTAR <port>", otherwise=otherwise)

    def complaint(
        self, answer: Answer, command: str, expected: str, otherwise: str = ""
    ) -> Diagnosis:
        """What to raise when `command` got this answer.

        A word that only some chapters need, answered ERROR, is E00-UNKNOWN-WORD whatever else.
        """
        figures: dict[str, Figure] = {"who": self.name, "command": command, "expected": expected}
        if isinstance(answer, bytes):
            word = command.partition(" ")[0]
            if word in WORDS_OF_CHAPTERS and answer.startswith(b"ERROR"):
                otherwise, figures["words"] = "E00-UNKNOWN-WORD", word
            came = _shown_line(answer)
            if otherwise in ("", "E00-ACCEPTS-ANYTHING"):
                # Whoever answered something twice has this answer still to give.
                self._transcript.did("says_no_more", who=self.name)
                following = self.hear(_MOMENT)
                if isinstance(following, bytes):
                    otherwise, came = "", f"{came} | {_shown_line(following)}"
            return Diagnosis(otherwise or "E00-WRONG-ANSWER", came=came, **figures)
        is_alive = self._program.is_alive()
        figures["last_line"] = self._program.last_line
        if not is_alive:
            return Diagnosis(otherwise or "E00-DIED", **figures)
        if answer is Silence.END:
            return Diagnosis(otherwise or "E00-HANGS-UP", **figures)
        if is_unread(self._program.port, self.sock.getsockname()[1]):
            self._transcript.saw("is_unread", who=self.name)
        return Diagnosis(otherwise or "E00-NO-ANSWER", seconds=LIMIT, **figures)


def _shown_line(line: bytes) -> str:
    """An empty one is not nothing."""
    return shown(line or b"\n")
