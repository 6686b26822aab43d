"""A client of the program under test: says commands, hears lines, and writes down what came."""

import re
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

__all__ = ["LIMIT", "WORDS_OF_CHAPTERS", "Answer", "Client", "Silence", "says"]

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


def says(answer: Answer, word: str) -> bool:
    """Whether it is a line that begins with this word, OK or ERROR.

    >>> says(b"OK 3", "OK"), says(b"ERROR: no", "ERROR"), says(b"OKAY", "OK")
    (True, True, False)
    """
    return isinstance(answer, bytes) and bool(re.match(rf"{word}\b".encode(), answer))


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

    def send_in_pieces(self, pieces: Sequence[bytes], *, pause: float = 0) -> None:
        """Each is sent when the program has read the one before; the last, so many seconds on."""
        self._transcript.did("sends", who=self.name, data=shown_pieces(pieces))
        for piece in pieces[:-1]:
            self._send(piece)
            self.wait_until_read()
        time.sleep(pause)
        self._send(pieces[-1])

    def _send(self, data: bytes) -> None:
        try:
            self.sock.sendall(data)
        except OSError:
            self._transcript.saw("cannot_send", who=self.name)

    def wait_until_read(self) -> None:
        """Until the program has received what was sent."""
        wait_until_read(self._program.port, self.sock.getsockname()[1])

    def wait_until_stuck(self) -> None:
        """Until the program has nothing more to send, or no room: for who does not read."""
        own = self.sock.getsockname()[1]
        wait_until_stuck(self._program.port, own, self._program.wants_processor)

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

    def read(self) -> bytes:
        """The next bytes, be they lines or not; b"" if the end came, or nothing for LIMIT.
        Nothing of them stands in the transcript: there may be many.
        """
        if not self._received and self.is_answered(LIMIT):
            self._received = self._receive()
        data, self._received = self._received, b""
        return data

    def peek(self) -> bytes:
        """What has come, and is still to be read."""
        return self._received or self.sock.recv(_PIECE, socket.MSG_PEEK)

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

    def ask(self, command: bytes, *, shown_as: str = "") -> Answer:
        """Say a line, and hear one."""
        self.send(command + b"\n", shown_as=f"{shown_as}↵" if shown_as else "")
        return self.hear()

    def ask_ok(self, command: bytes, *, shown_as: str = "") -> None:
        """Say what has to be answered OK. Raises Diagnosis as `expect` does."""
        self.expect(self.ask(command, shown_as=shown_as), shown_as or shown(command), "OK")

    def ask_error(self, command: bytes) -> None:
        """Say what is no command, and has to be answered ERROR. Raises Diagnosis as `expect`."""
        answer, said = self.ask(command), shown(command)
        if says(answer, "ERROR"):
            return
        complaint = self.complaint(answer, said, "ERROR")
        if says(answer, "OK") and " | " not in str(complaint.figures["came"]):
            complaint = Diagnosis("E00-ACCEPTS-ANYTHING", **complaint.figures)
        raise complaint

    def ask_to_watch(self, port: int) -> None:
        """CONECTAR with a port, which is a `<port>` in the transcript."""
        self.ask_ok(b"CONECTAR %d" % port, shown_as="CONECTAR <port>")

    def expect(self, answer: Answer, command: str, expected: str) -> None:
        """Raises Diagnosis, one of the E00s, unless the answer to `command` is OK, or ERROR."""
        if not says(answer, expected):
            raise self.complaint(answer, command, expected)

    def complaint(self, answer: Answer, command: str, expected: str) -> Diagnosis:
        """What to raise when `command` got this answer, and another was expected."""
        figures: dict[str, Figure] = {"who": self.name, "command": command, "expected": expected}
        if isinstance(answer, bytes):
            word = command.partition(" ")[0]
            if word in WORDS_OF_CHAPTERS and says(answer, "ERROR"):
                return Diagnosis("E00-UNKNOWN-WORD", words=word, came=shown(answer), **figures)
            figures["came"] = " | ".join(map(_shown_line, [answer, *self._what_follows()]))
            return Diagnosis("E00-WRONG-ANSWER", **figures)
        is_alive = self._program.is_alive()
        figures["last_line"] = self._program.last_line
        if not is_alive:
            return Diagnosis("E00-DIED", **figures)
        if answer is Silence.END:
            return Diagnosis("E00-HANGS-UP", **figures)
        if is_unread(self._program.port, self.sock.getsockname()[1]):
            self._transcript.saw("is_unread", who=self.name)
        return Diagnosis("E00-NO-ANSWER", seconds=LIMIT, **figures)

    def _what_follows(self) -> list[bytes]:
        """Whoever answered something twice has the answer to what was said last still to give."""
        self._transcript.did("says_no_more", who=self.name)
        following = self.hear(_MOMENT)
        return [following] if isinstance(following, bytes) else []


def _shown_line(line: bytes) -> str:
    """An empty one is not nothing."""
    return shown(line or b"\n")
