"""What a simulated system may do to a program: how often, and what is legal for each call.

A fault is legal if a manual page allows it there: a program that can't bear it has a bug.
"""

import errno
import random
from dataclasses import dataclass, fields
from typing import Final, TypeAlias

__all__ = [
    "SPONTANEOUS",
    "Cut",
    "Fault",
    "Faults",
    "Injection",
    "Jump",
    "Lie",
    "Refusal",
    "legal_faults",
]


@dataclass(frozen=True, slots=True)
class Refusal:
    """The call raises OSError with this errno."""

    errno: int

    def __str__(self) -> str:
        return errno.errorcode[self.errno]


@dataclass(frozen=True, slots=True)
class Cut:
    """The call moves only `size` bytes, or, if that is negative, so many less than it could."""

    size: int

    def __str__(self) -> str:
        return f"cut to {self.size}"

    def apply(self, length: int) -> int:
        """How many of `length` bytes are moved; a negative size leaves at least one."""
        if self.size < 0:
            return max(min(1, length), length + self.size)
        return min(length, self.size)


@dataclass(frozen=True, slots=True)
class Jump:
    """The process was not run for so many seconds."""

    seconds: float

    def __str__(self) -> str:
        return f"time jumps by {self.seconds:g} s"


@dataclass(frozen=True, slots=True)
class Lie:
    """A select that says of everything (or of nothing) that it is ready."""

    ready: bool

    def __str__(self) -> str:
        return "everything is said to be ready" if self.ready else "woken for nothing"


Fault: TypeAlias = Refusal | Cut | Jump | Lie


def _refusals(names: str) -> tuple[Refusal, ...]:
    return tuple(Refusal(getattr(errno, name)) for name in names.split())


SPONTANEOUS: Final = frozenset({errno.EAGAIN, errno.EINTR})
"""Said by a system that is well; the same call may be made again at once."""

# What says "try again" can't be said for ever: the system would be broken, not the program.
_LONGEST_HICCUP: Final = 5

_AGAIN: Final = _refusals("EAGAIN EINTR")
_OPTIONS: Final = _refusals("ENOPROTOOPT EINVAL EPERM ENOBUFS")
_BROKEN: Final = _refusals("ECONNRESET ETIMEDOUT EHOSTUNREACH")
_NEWS: Final = _refusals("ECONNREFUSED ECONNRESET EHOSTUNREACH")
_SEGMENTED: Final = _refusals("EIO EINVAL EMSGSIZE ENOPROTOOPT EOPNOTSUPP")
_DATAGRAM: Final = (
    *_AGAIN,
    *_NEWS,
    *_refusals("ENOBUFS ENOMEM EPERM EACCES ENETUNREACH"),
)
_NEW_SOCKET: Final = _refusals("EMFILE ENFILE ENOBUFS ENOMEM")

_LEGAL: Final[dict[str, tuple[Fault, ...]]] = {
    # socket(2), socketpair(2), bind(2), listen(2)
    "socket": (*_NEW_SOCKET, *_refusals("EACCES EAFNOSUPPORT")),
    "socketpair": _NEW_SOCKET,
    "bind": _refusals("EADDRINUSE EACCES EADDRNOTAVAIL"),
    "listen": _refusals("EADDRINUSE"),
    # accept(2), and its paragraph on errors that are pending on the new socket
    "accept": (
        *_AGAIN,
        *_NEW_SOCKET,
        *_refusals("ECONNABORTED EPROTO EPERM ENETDOWN EHOSTUNREACH ENETUNREACH"),
    ),
    "connect": _refusals("EADDRNOTAVAIL ENETUNREACH EACCES EAGAIN"),
    "connect_ex": _refusals("EADDRNOTAVAIL ENETUNREACH ECONNREFUSED EPERM EAGAIN ETIMEDOUT"),
    # getpeername(2), shutdown(2); getsockname fails for a reset connection on some systems
    "getpeername": _refusals("ENOTCONN ENOBUFS"),
    "getsockname": _refusals("ENOBUFS"),
    "shutdown": _refusals("ENOTCONN ENOBUFS"),
    # getsockopt(2); EINVAL is said on some systems by a connection that was reset
    "getsockopt": _OPTIONS,
    "setsockopt": _OPTIONS,
    # recv(2), send(2), tcp(7), ip(7), udp(7)
    "recv": (*_AGAIN, *_BROKEN, *_refusals("ENOMEM"), Cut(1)),
    "send": (*_AGAIN, *_BROKEN, *_refusals("EPIPE ENOBUFS ENOMEM"), Cut(0), Cut(1), Cut(-1)),
    "receive_datagram": (*_AGAIN, *_NEWS, *_refusals("ENOMEM")),
    "send_datagram": _DATAGRAM,
    "send_run": (*_DATAGRAM, *_SEGMENTED),
    # epoll_ctl(2), epoll_wait(2)
    "register": _refusals("ENOSPC ENOMEM"),
    "modify": _refusals("ENOMEM"),
    "select": (Lie(ready=True), Lie(ready=False)),
    "clock": (Jump(0.001), Jump(1.0), Jump(3600.0)),
}


def legal_faults(call: str) -> tuple[Fault, ...]:
    """What may happen to a call of this name; nothing for those that can't fail.

    >>> [str(fault) for fault in legal_faults("modify")], legal_faults("fileno")
    (['ENOMEM'], ())
    """
    return _LEGAL.get(call, ())


@dataclass(frozen=True)
class Injection:
    """One fault, put into one call of a run."""

    index: int
    """Which call of the run, from 0."""
    call: str
    who: str
    """Whose call it is, as the transcript has it."""
    fault: Fault
    lasting: bool
    """Whether later calls of the same name and owner meet the same fate."""

    def __str__(self) -> str:
        often = "from then on" if self.lasting else "once"
        return f"call {self.index}, {self.call} of {self.who}: {self.fault}, {often}"

    @property
    def times(self) -> int | None:
        """How often it strikes; None if for good."""
        if not self.lasting:
            return 1
        match self.fault:
            case Refusal(errno=code) if code not in SPONTANEOUS:
                return None
            case Cut(size=size) if size:
                return None
        return _LONGEST_HICCUP


@dataclass(frozen=True, slots=True)
class Faults:
    """How a simulated system behaves. Chances are from 0 to 1, times in seconds.

    The first six change nothing that a program may rely on; the others hurt.

    >>> Faults().is_gentle, Faults(reset=0.1).is_gentle
    (True, False)
    """

    cut: float = 0.0
    """Chance that a send or receive moves fewer bytes than it could."""
    false_readiness: float = 0.0
    """Chance, for each descriptor and wait, of being reported ready without being so."""
    interruption: float = 0.0
    """Chance that a call or a wait ends early: EAGAIN, EINTR, or woken for nothing."""
    delay: float = 0.0
    """The longest that a segment or datagram is under way."""
    buffer: int = 65536
    """Bytes that each side of a TCP connection buffers for the other."""
    reordering: float = 0.0
    """Chance that a datagram may overtake others. Matters only with a delay."""

    duplication: float = 0.0
    """Chance that a datagram arrives twice."""
    loss: float = 0.0
    """Chance that a datagram gets lost on its way."""
    refusal: float = 0.0
    """Chance that the system does not take a datagram, or takes no run of them."""
    reset: float = 0.0
    """Chance, for each segment, that the connection is reset instead."""
    exhaustion: float = 0.0
    """Chance that there is no descriptor or memory for one more connection."""

    @classmethod
    def gentle(cls, chance: random.Random) -> "Faults":
        """Some of what changes nothing for a program without bugs."""
        # A slow network with small buffers would only be a long wait.
        delay, buffer = chance.choice(
            [(0.0, 1), (0.0, 65536), (0.0001, 100), (0.01, 4096), (0.3, 65536)]
        )
        return cls(
            cut=_sometimes(chance, 0.9),
            false_readiness=_sometimes(chance, 0.3),
            interruption=_sometimes(chance, 0.3),
            delay=delay,
            buffer=buffer,
            reordering=_sometimes(chance, 0.5),
        )

    @classmethod
    def harsh(cls, chance: random.Random) -> "Faults":
        """Some of everything."""
        gentle = cls.gentle(chance)
        kept = {field.name: getattr(gentle, field.name) for field in fields(cls)[:6]}
        return cls(
            **kept,
            duplication=_sometimes(chance, 0.1),
            loss=_sometimes(chance, 0.2),
            refusal=_sometimes(chance, 0.2),
            reset=_sometimes(chance, 0.02),
            exhaustion=_sometimes(chance, 0.3),
        )

    @property
    def is_gentle(self) -> bool:
        """Whether a program without bugs does not notice anything."""
        harm = (self.duplication, self.loss, self.refusal, self.reset, self.exhaustion)
        return not any(harm)

    def __str__(self) -> str:
        """What differs from a perfect system."""
        given = [
            f"{field.name}={getattr(self, field.name):.4g}"
            for field in fields(self)
            if getattr(self, field.name) != field.default
        ]
        return ", ".join(given) or "none"


def _sometimes(chance: random.Random, most: float) -> float:
    """Off in half of all cases: some bugs show only where other faults do not get in first."""
    return chance.uniform(0, most) if chance.random() < 0.5 else 0.0
