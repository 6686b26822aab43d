"""What a record says of what a test did: the events, read back from its lines."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import TypeVar

from reactor.testing import ManualClock
from reactor.timeline import Recorder
from reactor.timeline.recording.record import Record
from reactor.timeline.run.events import Event, parse
from reactor.timeline.run.run import Run, read

E = TypeVar("E", bound=Event)


def events_in(text: bytes) -> list[Event]:
    """All events of a record; each of its lines must be one."""
    events = []
    for line in text.splitlines():
        event = parse(line)
        assert event is not None, line
        events.append(event)
    return events


class Recorded:
    """What a Recorder writes; who asks for it ends the record."""

    record: Record

    def __init__(self) -> None:
        self.file = BytesIO()

    def finish(self) -> None:
        """Have all written that happened so far, and nothing more."""
        self.record.close()

    @property
    def events(self) -> list[Event]:
        self.finish()
        return events_in(self.file.getvalue())

    @property
    def run(self) -> Run:
        self.finish()
        return read(self.file.getvalue().splitlines())

    def all(self, kind: type[E]) -> list[E]:
        """The events of one kind, in order."""
        return [event for event in self.events if isinstance(event, kind)]


@contextmanager
def recorded() -> Iterator[Recorded]:
    """Records what is done inside."""
    found = Recorded()
    with Recorder(found.file) as recorder:
        found.record = recorder.record
        yield found


class Tale(Recorded):
    """A record that a test tells what happened, on a clock of its own."""

    def __init__(self, *, limit: int = 1_000_000, patience: float | None = None) -> None:
        super().__init__()
        self.clock = ManualClock()
        self.record = Record(
            self.file, limit=limit, patience=patience, clock=self.clock, program=["server.py"]
        )

    def finish(self) -> None:
        """Nothing: a test says when."""

    def turn(self, *ready: tuple[int, int], seconds: float = 0.0, slept: float = 0.0) -> None:
        """A turn begins."""
        self.record.select(None)
        self.clock.advance(slept)
        self.record.ready(ready)
        self.clock.advance(seconds)

    def spin(self, serial: int = 1) -> None:
        """A turn in which a socket that is at its end is read."""
        self.turn((serial, 1), seconds=1e-5)
        self.record.came(serial, "recv", self.record.now(), 0, 4096, b"")
