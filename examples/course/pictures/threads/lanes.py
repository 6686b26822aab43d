"""A record as plain data: what each thread did when, and who had which lock.

Whatever the record says, nothing is made up: a thread waits for a lock only while another one
has it, and for room only if a send took so long that there was none. What was not over when the
record ended lasts until there.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

__all__ = ["Kind", "Lane", "Run", "Saying", "Span", "read"]


class Kind(Enum):
    """What a thread is at."""

    WORK = "work"
    """Or it waits for what is not recorded."""
    ACCEPT = "accept"
    HEAR = "hear"
    SEND = "send"
    LOCK = "lock"


_AT_ONCE: Final = 0.001
"""Seconds: a send that is over sooner found room."""
_CALLS: Final = {
    "accept": Kind.ACCEPT, "recv": Kind.HEAR, "recv_into": Kind.HEAR, "recvfrom": Kind.HEAR,
    "send": Kind.SEND, "sendall": Kind.SEND,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Span:
    """From when to when, in seconds; `whom` is the thread that has the lock that is waited for."""

    begin: float
    end: float
    kind: Kind
    whom: int = 0


@dataclass(frozen=True, slots=True)
class Saying:
    """What was heard, or is going to be said, at that time: `size` bytes that begin with `data`."""

    time: float
    is_heard: bool
    data: str
    size: int


@dataclass(slots=True)
class Lane:
    """One thread. `client` is the connection that it serves, 0 if it is none, or several."""

    thread: int
    name: str
    spans: list[Span] = field(default_factory=list)
    holds: list[Span] = field(default_factory=list)
    """When it had a lock; `whom` is the number of that."""
    says: list[Saying] = field(default_factory=list)
    clients: set[int] = field(default_factory=set)

    @property
    def client(self) -> int:
        return min(self.clients) if len(self.clients) == 1 else 0


@dataclass(slots=True)
class Run:
    """Lanes in the order in which the threads were first seen, clients in that of their coming."""

    lanes: dict[int, Lane] = field(default_factory=dict)
    clients: list[int] = field(default_factory=list)
    end: float = 0.0


def read(lines: Iterable[str]) -> Run:
    """What can't be read is passed over."""
    reader = _Reader()
    for event in sorted(_events(lines), key=lambda event: event["t"]):
        reader.take(event)
    return reader.finished()


def _events(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict) and {"t", "thread", "e"} <= event.keys():
            yield event


class _Reader:
    def __init__(self) -> None:
        self._run = Run()
        self._now: dict[int, tuple[float, Kind, int]] = {}
        """What each thread is at, since when, and whom it waits for."""
        self._wants: dict[int, int] = {}
        self._owners: dict[int, tuple[float, int]] = {}

    def take(self, event: dict[str, Any]) -> None:
        time, thread = event["t"], event["thread"]
        self._run.end = time
        lane = self._run.lanes.setdefault(thread, Lane(thread, event.get("name", "")))
        match event["e"]:
            case "starts":
                self._turn_to(lane, time, Kind.WORK)
            case "ends":
                self._stop(lane, time)
            case "calls":
                self._calls(lane, time, event)
            case "returns":
                self._returns(lane, time, event)
            case "wants" | "has" | "leaves" | "gives":
                self._lock(lane, time, event)

    def _calls(self, lane: Lane, time: float, event: dict[str, Any]) -> None:
        kind = _CALLS.get(event["what"], Kind.WORK)
        self._turn_to(lane, time, kind)
        if kind is not Kind.ACCEPT and event.get("socket"):
            lane.clients.add(event["socket"])
        if kind is Kind.SEND:
            lane.says.append(Saying(time, False, event["data"], event["n"]))

    def _returns(self, lane: Lane, time: float, event: dict[str, Any]) -> None:
        if "socket" in event:
            self._run.clients.append(event["socket"])
        if "data" in event:
            lane.says.append(Saying(time, True, event["data"], event["n"]))
        self._turn_to(lane, time, Kind.WORK)

    def _lock(self, lane: Lane, time: float, event: dict[str, Any]) -> None:
        number = event["lock"]
        match event["e"]:
            case "wants":
                self._wants[lane.thread] = number
                self._wait_for(lane, time, number)
            case "has" | "leaves":
                self._wants.pop(lane.thread, None)
                self._turn_to(lane, time, Kind.WORK)
                if event["e"] == "has":
                    self._give(lane.thread, number, time)
            case "gives":
                self._end_hold(number, time)
                self._wake(number, time)

    def _wait_for(self, lane: Lane, time: float, number: int) -> None:
        owner = self._owners.get(number, (0.0, lane.thread))[1]
        if owner != lane.thread:
            self._turn_to(lane, time, Kind.LOCK, owner)

    def _give(self, thread: int, number: int, time: float) -> None:
        self._end_hold(number, time)
        self._owners[number] = (time, thread)
        self._wake(number, time)

    def _wake(self, number: int, time: float) -> None:
        """Whoever wants that lock waits for another from now on, or for nobody."""
        for thread, wanted in self._wants.items():
            if wanted == number:
                lane = self._run.lanes[thread]
                self._turn_to(lane, time, Kind.WORK)
                self._wait_for(lane, time, number)

    def _end_hold(self, number: int, time: float) -> None:
        if number in self._owners:
            since, thread = self._owners.pop(number)
            self._run.lanes[thread].holds.append(Span(since, time, Kind.LOCK, number))

    def _turn_to(self, lane: Lane, time: float, kind: Kind, whom: int = 0) -> None:
        self._stop(lane, time)
        self._now[lane.thread] = (time, kind, whom)

    def _stop(self, lane: Lane, time: float) -> None:
        since, kind, whom = self._now.pop(lane.thread, (time, Kind.WORK, 0))
        if since == time:
            return
        if kind is Kind.SEND and time - since < _AT_ONCE:
            kind = Kind.WORK
        last = lane.spans[-1] if lane.spans else None
        if last and last.end == since and (last.kind, last.whom) == (kind, whom):
            since = lane.spans.pop().begin
        lane.spans.append(Span(since, time, kind, whom))

    def finished(self) -> Run:
        for number in list(self._owners):
            self._end_hold(number, self._run.end)
        for thread in list(self._now):
            self._stop(self._run.lanes[thread], self._run.end)
        return self._run
