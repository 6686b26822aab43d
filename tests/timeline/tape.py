"""A run written by hand, event by event, on a clock that goes only when it is told to."""

from dataclasses import replace
from typing import Any

from reactor.timeline.run.events import (
    Again,
    Blocked,
    Callback,
    Close,
    End,
    Event,
    Io,
    Open,
    Ready,
    Returned,
    Select,
    Start,
    Watch,
)
from reactor.timeline.run.run import Run

from .strategies import run_of


class Tape:
    """What happened so far. The listener is lane 1."""

    def __init__(self) -> None:
        self.now = 0.0
        self.number = 0
        self.events: list[Event] = [Start(version=1)]
        self.open(1, "listener")
        self.add(Watch(serial=1, after="r"))

    def run(self, *end: Event) -> Run:
        """The whole of it; with `end`, other last lines than that of a complete record."""
        last = end or (End(time=self.now, turn=self.number),)
        return run_of(*self.events, *last)

    def add(self, event: Event) -> None:
        """Let something happen now."""
        self.events.append(replace(event, time=self.now, turn=self.number))

    def wait(self, seconds: float) -> None:
        """Let time go by."""
        self.now += seconds

    def open(self, serial: int, kind: str = "stream", by: int = 0) -> None:
        self.add(Open(serial=serial, fd=serial + 3, kind=kind, by=by))

    def client(self, serial: int) -> None:
        """A turn in which somebody is accepted, and watched for what he sends."""
        self.turn((1, "r"))
        self.io(1, "accept")
        self.open(serial, by=1)
        self.watch(serial, "r")

    def watch(self, serial: int, after: str) -> None:
        self.add(Watch(serial=serial, after=after))

    def turn(self, *ready: tuple[int, str], slept: float = 0.0, missed: float = 0.0) -> None:
        """The turn before took 10 us from its last event on; this one begins."""
        self.wait(1e-5)
        self.number += 1
        self.add(Select(missed=missed))
        self.wait(slept)
        self.add(Ready(ready=ready))

    def io(self, serial: int, op: str, size: int = 0, *, took: float = 0.0, **more: Any) -> None:
        self.add(Io(serial=serial, op=op, size=size, took=took, **more))
        self.wait(took)

    def recv(self, serial: int, data: bytes = b"", **more: Any) -> None:
        self.io(serial, "recv", len(data), data=data, asked=4096, **more)

    def send(self, serial: int, data: bytes, taken: int, **more: Any) -> None:
        """Of `data`, the system takes `taken` bytes."""
        preview, rest = data[:taken][:64], data[taken:][:64]
        self.io(serial, "send", taken, asked=len(data), data=preview, rest=rest, **more)

    def callback(self, name: str, seconds: float, kind: str = "ready", late: float = 0.0) -> None:
        """One from its beginning to its end, without anything done in it."""
        self.add(Callback(name=name, kind=kind, late=late))
        self.wait(seconds)
        self.add(Returned())

    def sleep(self, seconds: float) -> None:
        self.add(Blocked(what="time.sleep", about=str(seconds), took=seconds))
        self.wait(seconds)

    def close(self, serial: int, how: str = "closed") -> None:
        self.add(Close(serial=serial, how=how))

    def again(self, times: int, seconds: float, slept: float = 0.0) -> None:
        """The same turn over and over, and nothing done in it; `seconds` for all of them."""
        self.wait(1e-5)
        first = self.number + 1
        self.number += times
        last, until = self.number, self.now + seconds
        self.events.append(Again(time=self.now, turn=first, last=last, until=until, slept=slept))
        self.wait(seconds)
