"""What a relay tells its program: one object, and as text one printable line, for each.

Bytes from outside appear escaped and cut short, so that nobody can forge a line of a log.
"""

from dataclasses import dataclass
from typing import Final, TypeAlias

from reactor import Address, format_address

from .protocol import MAX_LINE, Command, Error, Reply, encode
from .session import SessionState

__all__ = [
    "BadInput",
    "ClientEvent",
    "ClientJoined",
    "ClientLeft",
    "ClientRefused",
    "Connected",
    "Disconnected",
    "EventsLeftOut",
    "IngestDrops",
    "IngestFailed",
    "NoDatagrams",
    "NoSocket",
    "ReceiveBufferCut",
    "Refused",
    "Replied",
    "SegmentationRefused",
    "ServerEvent",
    "ServerLost",
    "ServerUnreachable",
    "StateChanged",
    "TimedOut",
    "describe_error",
    "printable",
]

_SHOWN_BYTES: Final = 60


def printable(data: bytes, limit: int = _SHOWN_BYTES) -> str:
    r"""Bytes as one short line of ASCII.

    >>> print(printable(b"GET /\x1b[2J\n"))
    GET /\x1b[2J\n
    """
    text = repr(data[:limit])[2:-1]
    return text + "..." if len(data) > limit else text


def describe_error(error: Exception) -> str:
    r"""What the system calls an error, without its number, on one line of ASCII.

    >>> print(describe_error(ValueError("one\ntwo")))
    one\ntwo
    """
    return ascii(getattr(error, "strerror", None) or str(error))[1:-1]


# -- the server's ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ClientJoined:
    """A control connection was accepted."""

    client: Address

    def __str__(self) -> str:
        return f"client {format_address(self.client)} joined"


@dataclass(frozen=True, slots=True)
class ClientRefused:
    """A control connection was turned away at a limit, or had to make room there."""

    client: Address
    error: Error

    def __str__(self) -> str:
        return f"client {format_address(self.client)} refused: {self.error.code}"


@dataclass(frozen=True, slots=True)
class StateChanged:
    """A command moved a client's session to another state."""

    client: Address
    state: SessionState
    port: int | None

    def __str__(self) -> str:
        port = "" if self.port is None else f", UDP port {self.port}"
        return f"client {format_address(self.client)} is {self.state.value}{port}"


@dataclass(frozen=True, slots=True)
class BadInput:
    """A client sent what is no command. Told once for each connection, then only counted."""

    client: Address
    line: bytes
    reason: str

    def __str__(self) -> str:
        return f'client {format_address(self.client)} sent "{printable(self.line)}": {self.reason}'


@dataclass(frozen=True, slots=True)
class ClientLeft:
    """A control connection is over, and with it the client's datagrams."""

    client: Address
    error: Exception | None
    sent: int
    """Datagrams sent to it."""
    dropped: int
    """Datagrams that were due to it and could not be sent."""
    errors: int
    """Lines that were answered with ERROR, or would have been if it had stayed."""

    def __str__(self) -> str:
        reason = "" if self.error is None else f" ({describe_error(self.error)})"
        return (
            f"client {format_address(self.client)} left{reason}: "
            f"{self.sent} datagrams sent, {self.dropped} dropped, {self.errors} errors"
        )


@dataclass(frozen=True, slots=True)
class SegmentationRefused:
    """Segmentation offload does not work towards a client; it is served without."""

    client: Address
    error: OSError

    def __str__(self) -> str:
        reason = describe_error(self.error)
        return f"no segmentation offload towards {format_address(self.client)}: {reason}"


@dataclass(frozen=True, slots=True)
class ReceiveBufferCut:
    """The system granted less room than asked for datagrams that wait for the relay."""

    asked: int
    granted: int

    def __str__(self) -> str:
        return (
            f"receive buffer is {self.granted} bytes instead of {self.asked}: bursts may be lost; "
            f"raise it with: sysctl -w net.core.rmem_max={self.asked}"
        )


@dataclass(frozen=True, slots=True)
class IngestDrops:
    """Datagrams came faster than the relay took them; the system dropped some."""

    count: int
    total: int

    def __str__(self) -> str:
        return f"ingest lost {self.count} datagrams (total {self.total}): the relay is too slow"


@dataclass(frozen=True, slots=True)
class IngestFailed:
    """The ingest endpoint ended, which only a defect can bring about."""

    error: Exception

    def __str__(self) -> str:
        return f"the ingest ended: {self.error!r}"


@dataclass(frozen=True, slots=True)
class EventsLeftOut:
    """There were more events than a RateLimitedReport passes on."""

    count: int

    def __str__(self) -> str:
        return f"{self.count} more events were left out"


# -- the client's ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Connected:
    """The control connection stands."""

    server: Address

    def __str__(self) -> str:
        return f"connected to {format_address(self.server)}"


@dataclass(frozen=True, slots=True)
class Replied:
    """The server answered a command."""

    command: Command
    reply: Reply

    def __str__(self) -> str:
        return printable(encode(self.reply).rstrip(), MAX_LINE)


@dataclass(frozen=True, slots=True)
class NoDatagrams:
    """The server said OK, but nothing has come since."""

    port: int
    seconds: float

    def __str__(self) -> str:
        return (
            f"no datagram within {self.seconds:g} s at UDP port {self.port}: "
            "a firewall on this machine, or nothing is being streamed"
        )


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The conversation ended as this side wished."""

    def __str__(self) -> str:
        return "disconnected"


@dataclass(frozen=True, slots=True)
class Refused:
    """The server does not want us."""

    error: Error

    def __str__(self) -> str:
        return f"the server refuses: {printable(encode(self.error).rstrip(), MAX_LINE)}"


@dataclass(frozen=True, slots=True)
class TimedOut:
    """The server did not answer in time."""

    waiting_for: str

    def __str__(self) -> str:
        return f"the server did not answer in time ({self.waiting_for})"


@dataclass(frozen=True, slots=True)
class NoSocket:
    """The server was reached, but this machine has no socket for the datagrams."""

    reason: str

    def __str__(self) -> str:
        return f"no socket to receive datagrams with: {self.reason}"


@dataclass(frozen=True, slots=True)
class ServerUnreachable:
    """There was no connection to begin with."""

    reason: str

    def __str__(self) -> str:
        return f"the server could not be reached: {self.reason}"


@dataclass(frozen=True, slots=True)
class ServerLost:
    """The server is gone, or is none."""

    reason: str

    def __str__(self) -> str:
        return f"the server is lost: {self.reason}"


ServerEvent: TypeAlias = (
    ClientJoined
    | ClientRefused
    | StateChanged
    | BadInput
    | ClientLeft
    | SegmentationRefused
    | ReceiveBufferCut
    | IngestDrops
    | IngestFailed
)
ClientEvent: TypeAlias = (
    Connected
    | Replied
    | NoDatagrams
    | Disconnected
    | Refused
    | TimedOut
    | NoSocket
    | ServerUnreachable
    | ServerLost
)
