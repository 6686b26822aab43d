"""What a record of a run says, line by line: each line is one event, and nothing else is trusted.

A record may have been cut short, or come from a version that knows more: a line that can't
be read, or that tells of an event unknown here, is None, and whoever reads goes on. The
format is described in docs/timeline.md.
"""

import json
from collections.abc import Callable as Function
from dataclasses import dataclass, field, fields
from sys import intern
from typing import Any, ClassVar, Final

__all__ = [
    "VERSION",
    "Again",
    "Blocked",
    "Callback",
    "Close",
    "Drop",
    "End",
    "Event",
    "Io",
    "Label",
    "Leave",
    "Named",
    "Open",
    "Queue",
    "Ready",
    "Returned",
    "Select",
    "Start",
    "Watch",
    "parse",
]

VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Event:
    """`time` in seconds since the record began, `turn` 0 before the loop's first wait."""

    word: ClassVar[str] = ""
    """What its lines have as `e`."""
    time: float = field(default=0.0, metadata={"key": "t"})
    turn: int = field(default=0, metadata={"key": "i"})
    thread: str = ""
    """The name of the thread, if it was not the loop's."""


def _key(name: str, default: Any = 0) -> Any:
    return field(default=default, metadata={"key": name})


@dataclass(frozen=True, slots=True)
class Start(Event):
    """The first line."""

    word: ClassVar[str] = "start"
    version: int = 0
    program: tuple[str, ...] = ()
    """The command, as it was typed."""
    python: str = ""
    """The version of the interpreter."""


@dataclass(frozen=True, slots=True)
class Open(Event):
    """A descriptor is born. Serial numbers are never used again; those of descriptors are."""

    word: ClassVar[str] = "open"
    serial: int = _key("s")
    fd: int = 0
    kind: str = ""
    """listener, stream, datagram, wakeup or other."""
    local: str = ""
    peer: str = ""
    by: int = 0
    """The serial number of the listener that accepted it."""


@dataclass(frozen=True, slots=True)
class Named(Event):
    """What became of a descriptor: bind, listen or connect said so. "" says nothing new."""

    word: ClassVar[str] = "named"
    serial: int = _key("s")
    kind: str = ""
    local: str = ""
    peer: str = ""


@dataclass(frozen=True, slots=True)
class Label(Event):
    """The program has given a descriptor a name."""

    word: ClassVar[str] = "label"
    serial: int = _key("s")
    label: str = ""


@dataclass(frozen=True, slots=True)
class Select(Event):
    """A turn begins: the loop goes to wait for `timeout` seconds, None for ever."""

    word: ClassVar[str] = "select"
    timeout: float | None = None
    timers: int = 0
    calls: int = 0
    missed: float = 0.0
    """Seconds at most for which the system ran others in the turn before, if that was long."""


@dataclass(frozen=True, slots=True)
class Ready(Event):
    """The wait is over; serial numbers with "r", "w" or "rw", in the order of the selector."""

    word: ClassVar[str] = "ready"
    ready: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Watch(Event):
    """What a descriptor is watched for has changed: "", "r", "w" or "rw"."""

    word: ClassVar[str] = "watch"
    serial: int = _key("s")
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class Io(Event):
    """One operation on a descriptor. `data` holds the first bytes of what came or went."""

    word: ClassVar[str] = "io"
    serial: int = _key("s")
    op: str = ""
    """accept, connect, recv, peek, send, sendall, sendfile or shutdown."""
    took: float = 0.0
    size: int = _key("n")
    """Bytes that came, or that the system took."""
    asked: int = 0
    """Bytes that were to be sent, or for which there was room."""
    data: bytes = b""
    rest: bytes = b""
    """The first of the bytes that the system did not take."""
    error: str = _key("err", "")
    """The name of the errno."""
    to: str = ""
    """The address that a datagram went to."""
    sender: str = _key("from", "")
    """The address that a datagram came from."""
    how: str = ""
    """What a shutdown ends: "r", "w" or "rw"; "" in a record that does not tell."""


@dataclass(frozen=True, slots=True)
class Callback(Event):
    """A callback begins; what follows until its `Returned` happened in it."""

    word: ClassVar[str] = "callback"
    serial: int = _key("s")
    """0 if it has no descriptor."""
    name: str = ""
    kind: str = ""
    """ready, call, timer or flush; "" if not known."""
    late: float = 0.0
    """Seconds after a timer's time."""


@dataclass(frozen=True, slots=True)
class Returned(Event):
    """The callback that began last is over."""

    word: ClassVar[str] = "returned"
    raised: str = ""


@dataclass(frozen=True, slots=True)
class Queue(Event):
    """So many bytes wait in the program for the socket to have room; 0 when the queue is empty."""

    word: ClassVar[str] = "queue"
    serial: int = _key("s")
    size: int = _key("n")


@dataclass(frozen=True, slots=True)
class Drop(Event):
    """So many datagrams were not sent; `reason` is the name of the errno."""

    word: ClassVar[str] = "drop"
    serial: int = _key("s")
    count: int = _key("n")
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Blocked(Event):
    """The program called what blocks a thread: a sleep, a look-up of a name."""

    word: ClassVar[str] = "blocked"
    what: str = ""
    """The function's name: time.sleep, socket.getaddrinfo."""
    about: str = ""
    """What it was given: seconds, a name."""
    took: float = 0.0


@dataclass(frozen=True, slots=True)
class Close(Event):
    """A descriptor's death."""

    word: ClassVar[str] = "close"
    serial: int = _key("s")
    how: str = "closed"
    """closed, detached, or collected: the program forgot it, and Python closed it."""


@dataclass(frozen=True, slots=True)
class Leave(Event):
    """The selector was closed: this loop is over, and what follows is not its doing."""

    word: ClassVar[str] = "leave"
    missed: float = 0.0
    """As that of Select: of the turn that is over by this."""


@dataclass(frozen=True, slots=True)
class Again(Event):
    """Turns `turn` to `last` were as the one before them, and nothing was done in any of them."""

    word: ClassVar[str] = "again"
    last: int = _key("to")
    until: float = 0.0
    slept: float = 0.0
    """Seconds of all their waits together."""


@dataclass(frozen=True, slots=True)
class End(Event):
    """The last line, if the record was not cut short; what was left out is counted."""

    word: ClassVar[str] = "end"
    turns_left_out: int = 0
    events_left_out: int = 0
    missed: float = 0.0
    """As that of Select: of what the record ends in."""


_KINDS: Final = {
    kind.word: kind
    for kind in (
        Start, Open, Named, Label, Select, Ready, Watch, Io, Callback, Returned, Queue, Drop,
        Blocked, Close, Leave, Again, End,
    )
}  # fmt: skip


def parse(line: str | bytes) -> Event | None:
    """The event that a line tells of; None for what can't be read or is not known.

    >>> parse('{"e": "queue", "t": 0.5, "i": 3, "s": 7, "n": 100}')
    Queue(time=0.5, turn=3, thread='', serial=7, size=100)
    >>> parse('{"e": "earthquake"}'), parse('{"e": "queue", "n": "much"}'), parse('{"e": "que')
    (None, None, None)
    """
    try:
        found = _decode(line if isinstance(line, str) else str(line, "utf-8", "replace"))
        kind = _KINDS[found["e"]]
        return kind(
            **{name: read(found[key]) for key, name, read in _READERS[kind] if key in found}
        )
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


_decode: Final = json.JSONDecoder().decode


def _number(value: Any) -> float:
    """Whatever else JSON's numbers can be, no clock and no counter gets there."""
    if type(value) not in (int, float) or not 0 <= value < 1e15:
        raise ValueError
    return float(value)


def _count(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 10**15:
        raise ValueError
    return value


def _text(value: Any) -> str:
    """What can be written out again: half a surrogate pair, as in names of files, can't."""
    if not isinstance(value, str):
        raise TypeError
    if value.isascii():
        return intern(value)  # the same few names stand in thousands of lines
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _bytes(value: Any) -> bytes:
    if not isinstance(value, str):
        raise TypeError
    return value.encode("latin-1")


def _timeout(value: Any) -> float | None:
    return None if value is None else _number(value if value > 0 else 0)


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError
    return value


def _words(value: Any) -> tuple[str, ...]:
    return tuple(map(_text, _list(value)))


def _pairs(value: Any) -> tuple[tuple[int, str], ...]:
    return tuple((_count(serial), _text(events)) for serial, events in map(_list, _list(value)))


_BY_TYPE: Final[dict[Any, Function[[Any], Any]]] = {
    float: _number,
    int: _count,
    str: _text,
    bytes: _bytes,
    float | None: _timeout,
    tuple[str, ...]: _words,
    tuple[tuple[int, str], ...]: _pairs,
}
_READERS: Final = {
    kind: [(f.metadata.get("key", f.name), f.name, _BY_TYPE[f.type]) for f in fields(kind)]
    for kind in _KINDS.values()
}
