"""Attempts to connect beside each other, against RFC 8305 as a loop over ticks.

Each address has a fate: it can't be tried at all, refuses or answers after a while, or never
says anything. When each was tried, which was taken and what was left open must be as the model
has it, for any fates and any time-out.
"""

import errno
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from math import inf
from typing import Any, ClassVar, Final

from hypothesis import example, given
from hypothesis import strategies as st

from reactor import EventLoop, connect
from reactor.testing import ManualClock, RecordingHandler
from tests.doubles.door import Door
from tests.model import machine_settings

_TICK: Final = 1 / 128
_DELAY: Final = 0.25
_MOST_ITERATIONS: Final = 30


class End(Enum):
    """What becomes of an address that is tried."""

    IMPOSSIBLE = "can't be tried"
    REFUSED = "refuses"
    MADE = "answers"
    SILENT = "says nothing"


@dataclass(frozen=True)
class Fate:
    """How an attempt ends, and how many seconds after its start."""

    end: End
    after: float

    def settled(self, elapsed: float) -> End | None:
        """The end, if it has come by then."""
        if self.end is End.IMPOSSIBLE:
            return self.end
        return self.end if elapsed >= self.after and self.end is not End.SILENT else None


# Even numbers of ticks, so that nothing happens at the very time that is out.
FATES = st.builds(Fate, st.sampled_from(End), st.integers(0, 30).map(lambda n: 2 * n * _TICK))
TIME_OUTS = st.integers(0, 150).map(lambda n: (2 * n + 1) * _TICK)


class Model:
    """What RFC 8305, section 5, says of these fates."""

    def __init__(self, fates: list[Fate], timeout: float) -> None:
        self.starts: list[float] = []
        self.winners: set[int] = set()
        self._fates = fates
        self._running: list[int] = []
        self._delay = min(_DELAY, timeout / len(fates))
        self._next_start = inf
        self._now = 0.0
        self._start_next()
        while self._now < timeout and not self.winners and self._running:
            self._tick()
            self._now += _TICK

    def _tick(self) -> None:
        while (lost := self._settled(End.REFUSED)) and not self._settled(End.MADE):
            self._running.remove(min(lost))
            self._start_next()
        self.winners = self._settled(End.MADE)
        if not self.winners and self._now >= self._next_start:
            self._start_next()
            self._tick()

    def _settled(self, end: End) -> set[int]:
        return {
            place
            for place in self._running
            if self._fates[place].settled(self._now - self.starts[place]) is end
        }

    def _start_next(self) -> None:
        self._next_start = inf
        while len(self.starts) < len(self._fates):
            place = len(self.starts)
            self.starts.append(self._now)
            if self._fates[place].end is not End.IMPOSSIBLE:
                self._running.append(place)
                if place + 1 < len(self._fates):
                    self._next_start = self._now + self._delay
                return


class FatedSocket(socket.socket):
    """Goes nowhere: the time says what became of it."""

    fates: ClassVar[list[Fate]]
    clock: ClassVar[Callable[[], float]]
    made: ClassVar[list["FatedSocket"]]
    began = 0.0
    address: Any = None

    def _end(self) -> End | None:
        place = self.address[1] - 1
        fate: Fate = self.fates[place]
        return fate.settled(type(self).clock() - self.began)

    def connect_ex(self, address: Any) -> int:
        if self.address is None:
            self.made.append(self)
            self.address, self.began = address, type(self).clock()
            impossible = self.fates[address[1] - 1].end is End.IMPOSSIBLE
            return errno.ENETUNREACH if impossible else errno.EINPROGRESS
        return {End.REFUSED: errno.ECONNREFUSED, End.MADE: errno.EISCONN}.get(
            self._end() or End.SILENT, errno.EALREADY
        )

    def getpeername(self) -> Any:
        if self._end() is not End.MADE:
            raise OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN))
        return self.address


def attempts_of(fates: list[Fate], timeout: float) -> tuple[list[FatedSocket], RecordingHandler]:
    """Connect to a name whose addresses have these fates."""
    clock, network, handler = ManualClock(), Door(), RecordingHandler()
    made: list[FatedSocket] = []
    network.socket = type(
        "Fated", (FatedSocket,), {"fates": fates, "clock": staticmethod(clock), "made": made}
    )
    network.getaddrinfo = lambda *args, **kwargs: [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", place + 1))
        for place in range(len(fates))
    ]
    with EventLoop(clock=clock, network=network) as loop:
        connect(loop, handler, "a.name", 1, timeout=timeout)
        while not handler.events:
            for _ in range(_MOST_ITERATIONS):
                if not handler.events:
                    loop.run_once(0)
            clock.advance(_TICK)
            assert clock() <= timeout + 2 * _TICK, "neither made nor given up"
        winner = handler.stream.peername if handler.stream is not None else None
        open_after = [sock.address for sock in made if sock.fileno() >= 0]
        assert open_after == ([winner] if winner is not None else [])
    return made, handler


@machine_settings(examples=150, steps=1)
@given(st.lists(FATES, min_size=1, max_size=5), TIME_OUTS)
@example([Fate(End.SILENT, 0.0), Fate(End.MADE, 0.0)], 129 * _TICK)
@example([Fate(End.MADE, 0.375), Fate(End.SILENT, 0.0)], 129 * _TICK)
@example([Fate(End.IMPOSSIBLE, 0.0), Fate(End.REFUSED, 0.0)], _TICK)
def test_attempts_begin_and_end_as_rfc_8305_has_it(fates: list[Fate], timeout: float) -> None:
    model = Model(fates, timeout)
    made, handler = attempts_of(fates, timeout)
    assert [sock.began for sock in made if sock.began < timeout] == model.starts
    taken = handler.stream.peername[1] - 1 if handler.stream is not None else None
    # At the last moment, too, it is looked whether there is an answer.
    last = [fates[place].settled(timeout - sock.began) for place, sock in enumerate(made)]
    late = {place for place, end in enumerate(last) if end is End.MADE}
    expected: set[int | None] = {*(model.winners or late)} or {None}
    assert taken in expected
    if taken is None:
        assert handler.events == ["connection_failed"]
        assert isinstance(handler.error, TimeoutError) is (None in last)
