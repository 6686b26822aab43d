"""The control protocol as pure functions of bytes: commands and replies, in and out.

A parser is fed chunks of any size and asked for events. Bad input is an event too, so
that a conversation survives it; only a line over the limit is an error, and final.
The wire is described in docs/protocol.md.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Generic, TypeAlias, TypeVar, assert_never

from reactor import LineTooLong, ReceiveBuffer, StreamClosed

__all__ = [
    "CLOSING_CODES",
    "MAX_LINE",
    "MAX_PORT",
    "MIN_PORT",
    "BadCommand",
    "BadReply",
    "Command",
    "CommandEvent",
    "CommandParser",
    "Connect",
    "Disconnect",
    "EndOfInput",
    "Error",
    "ErrorCode",
    "Ok",
    "Pause",
    "Reply",
    "ReplyEvent",
    "ReplyParser",
    "Resume",
    "encode",
]

MAX_LINE: Final = 256
"""Longest line accepted, in bytes without its terminator."""

MIN_PORT: Final = 1024
MAX_PORT: Final = 65535


class ErrorCode(StrEnum):
    """The stable word after ERROR; `text` is what a person reads."""

    UNKNOWN = "DESCONOCIDO", "Comando desconocido"
    BAD_PORT = "PUERTO", f"El puerto debe ser un numero de {MIN_PORT} a {MAX_PORT}"
    INCOMPLETE = "INCOMPLETO", "No se recibio el comando correctamente, intente denuevo"
    TOO_LONG = "LARGO", f"El comando pasa de {MAX_LINE} bytes, se cierra la conexion"
    NOT_CONNECTED = "NO_CONECTADO", "Primero envie CONECTAR y su puerto"
    ALREADY_CONNECTED = "YA_CONECTADO", "Ya esta conectado"
    ALREADY_PAUSED = "YA_INTERRUMPIDO", "La transmision ya esta interrumpida"
    NOT_PAUSED = "NO_INTERRUMPIDO", "La transmision no esta interrumpida"
    PORT_IN_USE = "PUERTO_OCUPADO", "Otro cliente de su equipo ya recibe en ese puerto"
    SERVER_PORT = "PUERTO_SERVIDOR", "Ese puerto lo usa el servidor"
    UNAVAILABLE = "NO_DISPONIBLE", "El servidor no puede atenderle ahora, intente mas tarde"
    STRANGER = "EXTRANO", "No se entiende este protocolo, se cierra la conexion"
    FULL = "LLENO", "El servidor esta lleno, intente mas tarde"
    HOST_FULL = "LLENO_EQUIPO", "Su equipo tiene demasiadas conexiones abiertas"
    REPLACED = "CEDIDO", "Su lugar paso a otro cliente, conectese de nuevo"

    text: str

    def __new__(cls, value: str, text: str) -> "ErrorCode":
        member = str.__new__(cls, value)
        member._value_ = value
        member.text = text
        return member


CLOSING_CODES: Final = frozenset(
    {
        ErrorCode.TOO_LONG,
        ErrorCode.STRANGER,
        ErrorCode.FULL,
        ErrorCode.HOST_FULL,
        ErrorCode.REPLACED,
    }
)
"""After these the server closes the connection."""


@dataclass(frozen=True, slots=True)
class _Message:
    position: int = field(default=0, kw_only=True, compare=False, repr=False)
    """Offset in the input of the first byte of the line, however it was cut."""


@dataclass(frozen=True, slots=True)
class Connect(_Message):
    """CONECTAR: send me the stream at this UDP port."""

    port: int


@dataclass(frozen=True, slots=True)
class Pause(_Message):
    """INTERRUMPIR: stop sending for now."""


@dataclass(frozen=True, slots=True)
class Resume(_Message):
    """CONTINUAR: go on sending."""


@dataclass(frozen=True, slots=True)
class Disconnect(_Message):
    """DESCONECTAR: good-bye."""


@dataclass(frozen=True, slots=True)
class Ok(_Message):
    """OK: done."""


@dataclass(frozen=True, slots=True)
class Error(_Message):
    """ERROR: not done; `code` is for programs, `text` for people."""

    code: str
    text: str

    @classmethod
    def of(cls, code: ErrorCode) -> "Error":
        """The error with its usual text."""
        return cls(str(code), code.text)


@dataclass(frozen=True, slots=True)
class BadCommand(_Message):
    """A line that is no command, and the reply that it deserves."""

    line: bytes
    reply: Error


@dataclass(frozen=True, slots=True)
class BadReply(_Message):
    """A line that is no reply: the other side is no relay."""

    line: bytes


@dataclass(frozen=True, slots=True)
class EndOfInput(_Message):
    """The peer has closed its side; the last event of any input."""


Command: TypeAlias = Connect | Pause | Resume | Disconnect
Reply: TypeAlias = Ok | Error
CommandEvent: TypeAlias = Command | BadCommand | EndOfInput
ReplyEvent: TypeAlias = Reply | BadReply | EndOfInput

_WORDS: Final[dict[bytes, type[Pause | Resume | Disconnect]]] = {
    b"INTERRUMPIR": Pause,
    b"CONTINUAR": Resume,
    b"DESCONECTAR": Disconnect,
}
_CONNECT: Final = b"CONECTAR"
_LINES: Final[dict[type[Pause | Resume | Disconnect | Ok], bytes]] = {
    **{kind: word + b"\n" for word, kind in _WORDS.items()},
    Ok: b"OK\n",
}


def encode(message: Command | Reply) -> bytes:
    r"""The line that says `message`.

    >>> encode(Connect(5000)), encode(Pause()), encode(Ok())
    (b'CONECTAR 5000\n', b'INTERRUMPIR\n', b'OK\n')
    >>> encode(Error.of(ErrorCode.FULL))
    b'ERROR LLENO El servidor esta lleno, intente mas tarde\n'
    """
    match message:
        case Ok() | Pause() | Resume() | Disconnect():
            return _LINES[type(message)]
        case Connect(port=port):
            return b"CONECTAR %d\n" % port
        case Error(code=code, text=text):
            return f"ERROR {code} {text}".rstrip().encode("ascii") + b"\n"
        case _:
            assert_never(message)


_Event = TypeVar("_Event")


class _LineParser(Generic[_Event]):
    """Cuts input into lines and pulls one event out of each; holds one line at most."""

    def __init__(self, limit: int = MAX_LINE) -> None:
        self._limit = limit
        self._buffer = ReceiveBuffer()
        self._ended = False
        self._end_reported = False
        self._overlong_at: int | None = None
        self.overlong = b""
        """The beginning of the line that was over the limit, as much as a line may have."""

    @property
    def waiting(self) -> int:
        """Bytes behind the last event; once there is no other, those of an unfinished line."""
        return len(self._buffer)

    @property
    def exhausted(self) -> bool:
        """Whether all that came has been said: the next event, if any, needs more."""
        return not self._buffer and (not self._ended or self._end_reported)

    @property
    def position(self) -> int:
        """Offset in the input of the next line's first byte."""
        return self._buffer.position

    def receive_data(self, data: bytes | bytearray | memoryview) -> None:
        """Take a chunk; b"" means that the input has ended. Pull all events after each.

        Raises StreamClosed when the end has already been announced.
        """
        if self._ended:
            raise StreamClosed("the input has already ended")
        if not data:
            self._ended = True
        elif self._overlong_at is None:
            self._buffer.append(data)

    def next_event(self) -> _Event | None:
        """The next event; None when more data is needed, or after the end.

        Raises LineTooLong once a line is over the limit, and again on each further call.
        """
        if self._overlong_at is not None:
            raise LineTooLong(self._limit, self._overlong_at)
        position = self._buffer.position
        try:
            line = self._buffer.take_line(self._limit)
        except LineTooLong:
            self._overlong_at = position
            self.overlong = self._buffer.take_all()[: self._limit]
            raise
        if line is not None:
            return self._parse(line, position)
        if not self._ended or self._end_reported:
            return None
        if self._buffer:
            return self._unfinished(self._buffer.take_all(), position)
        self._end_reported = True
        return self._end(position)

    def take_incomplete(self) -> bytes:
        """The bytes of an unfinished line; to the parser, as if they had never come."""
        return self._buffer.take_all()

    def _parse(self, line: bytes, position: int) -> _Event:
        raise NotImplementedError

    def _unfinished(self, line: bytes, position: int) -> _Event:
        raise NotImplementedError

    def _end(self, position: int) -> _Event:
        raise NotImplementedError


class CommandParser(_LineParser[CommandEvent]):
    r"""What the server hears.

    >>> parser = CommandParser()
    >>> parser.receive_data(b"CONECTAR 50")
    >>> parser.next_event()
    >>> parser.receive_data(b"00\r\nhola\n")
    >>> parser.next_event()
    Connect(port=5000)
    >>> parser.next_event().reply.code
    'DESCONOCIDO'
    """

    def _parse(self, line: bytes, position: int) -> CommandEvent:
        # Most write it as it should be.
        kind = _WORDS.get(line) or _WORDS.get(line.strip().upper())
        if kind is not None:
            return kind(position=position)
        words = line.strip()
        if not words.upper().startswith(_CONNECT):
            return BadCommand(line, Error.of(ErrorCode.UNKNOWN), position=position)
        port = _port(words[len(_CONNECT) :].strip())
        if port is None:
            return BadCommand(line, Error.of(ErrorCode.BAD_PORT), position=position)
        return Connect(port, position=position)

    def _unfinished(self, line: bytes, position: int) -> CommandEvent:
        return BadCommand(line, Error.of(ErrorCode.INCOMPLETE), position=position)

    def _end(self, position: int) -> CommandEvent:
        return EndOfInput(position=position)


class ReplyParser(_LineParser[ReplyEvent]):
    r"""What the client hears.

    >>> parser = ReplyParser()
    >>> parser.receive_data(b"OK\nERROR LLENO lleno\n")
    >>> parser.next_event(), parser.next_event()
    (Ok(), Error(code='LLENO', text='lleno'))
    """

    def _parse(self, line: bytes, position: int) -> ReplyEvent:
        if line.strip() == b"OK":
            return Ok(position=position)
        word, _, rest = line.strip().partition(b" ")
        code, _, text = rest.strip().partition(b" ")
        if word == b"ERROR" and code and line.isascii():
            return Error(code.decode("ascii"), text.strip().decode("ascii"), position=position)
        return BadReply(line, position=position)

    def _unfinished(self, line: bytes, position: int) -> ReplyEvent:
        return BadReply(line, position=position)

    def _end(self, position: int) -> ReplyEvent:
        return EndOfInput(position=position)


def _port(argument: bytes) -> int | None:
    """The port in `5000` or `<5000>`; None unless it is ASCII digits and in range."""
    if argument.startswith(b"<") and argument.endswith(b">"):
        argument = argument[1:-1].strip()
    # bytes.isdigit knows only ASCII; int() alone would take "+9" and "1_0", and refuses
    # with an error of its own what has thousands of digits.
    digits = argument.lstrip(b"0")
    if not argument.isdigit() or len(digits) > 5:
        return None
    port = int(digits or b"0")
    return port if MIN_PORT <= port <= MAX_PORT else None
