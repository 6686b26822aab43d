"""The whole relay in one process and on one loop: source, server, clients, players.

python3 -m examples.demo
"""

import argparse
import os
import sys
from dataclasses import dataclass
from shutil import get_terminal_size
from typing import Final

import reactor
from examples import console
from examples.synthetic import SIZE, Sink, Source
from reactor.relay import RelayClient, RelayServer
from reactor.relay.events import ClientEvent, Replied
from reactor.relay.protocol import Connect, Error, Pause, Resume

_LINES_INTERVAL: Final = 1.0
_SCREEN_INTERVAL: Final = 0.25
_POLL: Final = 0.02
_GRACE: Final = 2.0
_SETTLED: Final = 0.1


class Watcher:
    """One client with its player: what it should get, and what it got."""

    def __init__(self, loop: reactor.EventLoop, name: str, server: reactor.Address) -> None:
        self.name = name
        self.state = "new"
        self.sink = Sink(loop)
        self.client = RelayClient(
            loop, (server[0], server[1]), self.sink.address[:2], report=self._report
        )
        self._arrived_before = 0

    @property
    def lost(self) -> int:
        return self.sink.missing + self.sink.damaged

    def pause(self) -> None:
        self.sink.allow_gap()
        self.client.pause()

    def row(self, seconds: float) -> str:
        """A line of the table; the rate is that of the last `seconds`."""
        arrived = self.sink.arrived
        rate = (arrived - self._arrived_before) * SIZE * 8 / 1e6 / seconds
        self._arrived_before = arrived
        return f"{self.name:<18}{self.state:<12}{rate:>8.2f}{arrived:>12}{self.lost:>8}"

    def _report(self, event: ClientEvent) -> None:
        match event:
            case Replied(reply=Error()):
                self.state = "refused"
            case Replied(command=Connect() | Resume()):
                self.state = "active"
            case Replied(command=Pause()):
                self.state = "paused"
            case Replied():
                self.state = "left"


class Demo:
    """Starts everything, lets one client pause and resume, and checks the books."""

    def __init__(self, loop: reactor.EventLoop, options: argparse.Namespace) -> None:
        self._loop = loop
        self._server = RelayServer(loop, ("127.0.0.1", 0), ingest=("127.0.0.1", 0))
        self._watchers = [
            Watcher(loop, f"client {number}", self._server.address)
            for number in range(1, options.clients + 1)
        ]
        self._options = options
        self._source: Source | None = None
        self._wait_since = self._moved_at = loop.time()
        self._arrived_before = 0
        self._table = Table(loop, self._watchers)
        for watcher in self._watchers:
            watcher.client.connect()
        self._programme: list[reactor.Timer] = []
        self._poll = loop.call_every(_POLL, self._start_when_ready)

    @property
    def succeeded(self) -> bool:
        return self._books().complete

    def verdict(self) -> str:
        if self._source is None:
            joined = sum(watcher.state == "active" for watcher in self._watchers)
            of_all = f"{joined} of {len(self._watchers)} clients could join{_limit()}"
            return f"nothing was streamed: {of_all}"
        rate = f"{self._options.mbps:g} Mbit/s"
        if not self._source.sent:
            return f"nothing was streamed: no datagram was due in so short a time, at {rate}"
        account = self._books().account()
        if not self._source.skipped:
            return account
        return f"{account}; the source reached {self._source.reached:.1f} of the {rate} asked for"

    def finish(self) -> None:
        """The time is up: let what is on its way arrive, then say good-bye."""
        if self._source is None:
            self._loop.stop()
            return
        self._source.stop()
        for timer in (self._poll, *self._programme):
            timer.cancel()
        self._wait_since = self._loop.time()
        self._poll = self._loop.call_every(_POLL, self._leave_when_settled)

    def _start_when_ready(self) -> None:
        if self._loop.time() - self._wait_since > _GRACE:
            self._loop.stop()
        elif all(watcher.state == "active" for watcher in self._watchers):
            self._poll.cancel()
            part = self._options.seconds / 3
            self._source = Source(self._loop, self._server.ingest_address, self._options.mbps)
            last = self._watchers[-1]
            self._programme = [
                self._loop.call_later(part, last.pause),
                self._loop.call_later(part * 2, last.client.resume),
                self._loop.call_later(self._options.seconds, self.finish),
            ]

    def _books(self) -> "Books":
        total = self._server.counters
        clients = [watcher.client for watcher in self._watchers]
        received = sum(client.received.received for client in clients)
        forwarded = sum(client.forwarded.sent for client in clients)
        arrived = sum(watcher.sink.arrived for watcher in self._watchers)
        damaged = sum(watcher.sink.damaged for watcher in self._watchers)
        return Books(
            due=total.sent + total.dropped,
            arrived=arrived,
            losses={
                "dropped on sending": total.dropped,
                "lost on the way to a client": total.sent - received,
                "dropped by a client": received - forwarded,
                "lost on the way to a player": forwarded - arrived - damaged,
                "damaged": damaged,
            },
            missing=sum(watcher.sink.missing for watcher in self._watchers),
            lost_before=(total.lost or 0) + (self._source.lost if self._source else 0),
        )

    def _leave_when_settled(self) -> None:
        now, arrived = self._loop.time(), self._books().arrived
        if arrived != self._arrived_before:
            self._arrived_before, self._moved_at = arrived, now
        waited, still = now - self._wait_since, now - self._moved_at
        if waited < _GRACE and min(waited, still) < _SETTLED:
            return
        self._poll.cancel()
        for watcher in self._watchers:
            watcher.client.disconnect()
        self._poll = self._loop.call_every(_POLL, self._end_when_all_left)

    def _end_when_all_left(self) -> None:
        if self._server.admission.clients and self._loop.time() - self._wait_since < 2 * _GRACE:
            return
        self._table.show()
        self._loop.stop()


@dataclass(frozen=True)
class Books:
    """What became of the copies that the relay owed: arrivals and losses add up to `due`."""

    due: int
    arrived: int
    losses: dict[str, int]
    missing: int
    """Datagrams that players had to do without, wherever they were lost."""
    lost_before: int
    """Datagrams that never became copies: they did not reach the relay."""

    @property
    def complete(self) -> bool:
        """Whether something was due, and nothing was lost or damaged anywhere."""
        lost = any(self.losses.values()) or self.missing or self.lost_before
        return self.due > 0 and not lost

    def account(self) -> str:
        if self.complete:
            return f"all {self.due} datagrams that were due arrived, unchanged and in order"
        losses = ", ".join(f"{count} {where}" for where, count in self.losses.items())
        return (
            f"{self.due} datagrams were due: {self.arrived} arrived unchanged and in order, "
            f"{losses}; {self.lost_before} lost on the way into the relay"
        )


class Table:
    """Refreshes in place on a terminal; elsewhere, a block of lines each second."""

    def __init__(self, loop: reactor.EventLoop, watchers: list[Watcher]) -> None:
        self._loop = loop
        self._watchers = watchers
        self._in_place = os.isatty(1)
        self._shown_at = loop.time()
        self._height = 0
        """Lines that stand on the terminal."""
        loop.call_every(_SCREEN_INTERVAL if self._in_place else _LINES_INTERVAL, self.show)

    def show(self) -> None:
        now = self._loop.time()
        seconds, self._shown_at = max(now - self._shown_at, 1e-3), now
        head = f"{'':<18}{'state':<12}{'Mbit/s':>8}{'datagrams':>12}{'lost':>8}"
        lines = [head, *(watcher.row(seconds) for watcher in self._watchers)]
        if self._in_place:
            up = f"\x1b[{self._height}F" if self._height else ""
            lines = [line + "\x1b[K" for line in fitted(lines, get_terminal_size().lines)]
            lines[0] = up + lines[0]
            self._height = len(lines)
        console.write("".join(f"{line}\n" for line in lines))


def fitted(lines: list[str], height: int) -> list[str]:
    """As much of a table as a terminal of `height` has room for above the cursor's line."""
    room = max(height - 1, 2)
    if len(lines) <= room:
        return lines
    return [*lines[: room - 1], f"and {len(lines) - room + 1} more"]


def _limit() -> str:
    """What most often keeps clients out, where the system has such a limit."""
    limit = os.sysconf("SC_OPEN_MAX") if hasattr(os, "sysconf") else -1
    return "" if limit < 0 else f" (each takes some descriptors, and ulimit -n allows {limit})"


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = console.Parser(prog="python3 -m examples.demo", description="The relay at work.")
    add = parser.add_argument
    above_zero = console.number(0, sys.float_info.max, above=True)
    add("--seconds", metavar="S", type=above_zero, default=10.0, help="how long (default 10)")
    add("--clients", metavar="N", type=console.count(1), default=3, help="how many (default 3)")
    add("--mbps", metavar="M", type=above_zero, default=8.0, help="bit rate (default 8)")
    return parser.parse_args(arguments)


def show(arguments: list[str] | None) -> int:
    options = parse(arguments)
    with reactor.EventLoop() as loop:
        demo = Demo(loop, options)
        with console.on_interrupt(loop, demo.finish):
            loop.run()
        console.say(demo.verdict())
        return 0 if demo.succeeded else 1


def main(arguments: list[str] | None = None) -> int:
    return console.run("demo", show, arguments)


if __name__ == "__main__":
    sys.exit(main())
