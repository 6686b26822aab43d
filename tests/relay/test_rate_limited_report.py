"""A flood of clients must not become a flood of lines, nor hide a line that is vital.
Time is the test's own: a flood is as long as it says.
"""

from collections.abc import Iterator
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reactor import EventLoop
from reactor.relay import RateLimitedReport
from reactor.relay.events import (
    BadInput,
    ClientJoined,
    ClientLeft,
    ClientRefused,
    EventsLeftOut,
    IngestDrops,
    IngestFailed,
    ReceiveBufferCut,
    SegmentationRefused,
    ServerEvent,
    StateChanged,
)
from reactor.relay.protocol import Error, ErrorCode
from reactor.relay.session import SessionState
from reactor.testing import ManualClock

PEER = ("192.0.2.1", 5000)
OF_CLIENTS: list[ServerEvent] = [
    ClientJoined(PEER),
    ClientRefused(PEER, Error.of(ErrorCode.FULL)),
    StateChanged(PEER, SessionState.ACTIVE, 6000),
    BadInput(PEER, b"hola", "DESCONOCIDO"),
    ClientLeft(PEER, None, 10, 2, 1),
    SegmentationRefused(PEER, OSError("refused")),
]
OF_THE_INGEST: list[ServerEvent] = [
    ReceiveBufferCut(4096, 1024),
    IngestDrops(3, 7),
    IngestFailed(ValueError("a defect")),
]


class Log:
    """A report with a limit, on a loop whose time moves only by `sleep`."""

    def __init__(self, **limits: float) -> None:
        self._clock = ManualClock()
        self.loop = EventLoop(clock=self._clock)
        self.lines: list[ServerEvent | EventsLeftOut] = []
        self.report = RateLimitedReport(self.loop, self.lines.append, **limits)  # type: ignore[arg-type]

    def sleep(self, seconds: float) -> None:
        self._clock.advance(seconds)
        self.loop.run_once(0)

    def flood(self, count: int) -> None:
        for _ in range(count):
            self.report(OF_CLIENTS[0])

    @property
    def left_out(self) -> list[int]:
        """What each summary says."""
        return [line.count for line in self.lines if isinstance(line, EventsLeftOut)]


@pytest.fixture
def log() -> Iterator[Log]:
    made = Log(burst=3, rate=2.0)
    with made.loop:
        yield made


def test_every_kind_of_event_is_either_a_clients_or_the_ingests() -> None:
    assert {type(event) for event in OF_CLIENTS + OF_THE_INGEST} == set(get_args(ServerEvent))


def test_few_events_pass_as_they_are(log: Log) -> None:
    for event in OF_CLIENTS:
        log.report(event)
        log.sleep(0.5)
    assert log.lines == OF_CLIENTS


@pytest.mark.parametrize("event", OF_CLIENTS, ids=lambda event: type(event).__name__)
def test_whatever_a_client_can_cause_has_a_limit(log: Log, event: ServerEvent) -> None:
    for _ in range(10):
        log.report(event)
    assert log.lines == [event] * 3


@pytest.mark.parametrize("event", OF_THE_INGEST, ids=lambda event: type(event).__name__)
def test_what_the_ingest_has_to_say_is_told_in_the_middle_of_a_flood(
    log: Log, event: ServerEvent
) -> None:
    log.flood(10)
    log.lines.clear()
    log.report(event)
    assert log.lines == [event]


def test_what_the_ingest_has_to_say_takes_no_line_from_a_client(log: Log) -> None:
    for _ in range(10):
        log.report(OF_THE_INGEST[0])
    log.flood(3)
    assert log.lines[-3:] == [OF_CLIENTS[0]] * 3


def test_how_many_were_left_out_is_told_within_a_second_though_the_flood_is_over(log: Log) -> None:
    log.flood(10)
    log.sleep(0.99)
    assert log.left_out == []
    log.sleep(0.01)
    assert log.left_out == [7]


def test_a_flood_that_goes_on_is_told_of_every_second(log: Log) -> None:
    for _ in range(24):
        log.flood(10)
        log.sleep(1 / 8)
    assert len(log.left_out) == 3


def test_after_the_last_summary_nothing_is_due_any_more(log: Log) -> None:
    log.flood(10)
    log.sleep(1)
    log.loop.run()  # returns: there is nothing to wait for
    assert log.left_out == [7]


def test_flush_tells_at_once_and_only_what_was_not_told(log: Log) -> None:
    log.flood(10)
    log.report.flush()
    assert log.left_out == [7]
    log.report.flush()
    log.sleep(1)
    assert log.left_out == [7]


def test_what_is_left_out_after_a_flush_is_told_a_second_later(log: Log) -> None:
    log.flood(10)
    log.sleep(0.5)
    log.report.flush()
    log.flood(10)
    log.sleep(0.5)
    assert log.left_out == [7]
    log.sleep(0.5)
    assert log.left_out == [7, 9]


def test_events_of_a_loop_that_is_closed_are_told_by_flush(log: Log) -> None:
    log.loop.close()
    log.flood(10)
    log.report.flush()
    assert log.left_out == [7]


moments = st.lists(st.tuples(st.integers(0, 20), st.sampled_from([0, 1, 1, 2, 16])), max_size=30)


@settings(deadline=None)
@given(moments)
def test_every_event_is_shown_or_counted_and_the_lines_stay_few(
    moments: list[tuple[int, int]],
) -> None:
    log = Log(burst=3, rate=2.0)
    with log.loop:
        told = seconds = 0.0
        for count, sixteenths in moments:
            log.flood(count)
            log.sleep(sixteenths / 16)
            told += count
            seconds += sixteenths / 16
        log.report.flush()
        shown = len(log.lines) - len(log.left_out)
        assert shown + sum(log.left_out) == told
        assert shown <= 3 + 2 * seconds
        assert len(log.left_out) <= seconds + 1
