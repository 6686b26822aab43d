"""The whole relay in one process and on one loop: source, server, clients, players.

python3 -m examples.demo
"""

import argparse
import sys
from typing import Final

import reactor
from examples import console
from examples.synthetic import SIZE, Sink, Source
from reactor.relay import RelayClient, RelayServer
from reactor.relay.events import ClientEvent, Replied
from reactor.relay.protocol import Connect, Error, Pause, Resume

_LINES_INTERVAL: Final = 1.0
_SCREEN_INTERVAL: Final = 0.25
_GRACE: Final = 2.0


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
        return f"{self.name:<10}{self.state:<12}{rate:>8.2f}{arrived:>12}{self.lost:>8}"

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
        self._wait_since = loop.time()
        self._table = Table(loop, self._watchers)
        for watcher in self._watchers:
            watcher.client.connect()
        self._poll = loop.call_every(0.02, self._start_when_ready)

    @property
    def succeeded(self) -> bool:
        total = self._server.counters
        due = total.sent + total.dropped
        return self._arrived == due > 0 and not self._lost and not total.lost

    def verdict(self) -> str:
        if self.succeeded:
            return f"all {self._arrived} datagrams that were due arrived, unchanged and in order"
        total = self._server.counters
        return (
            f"{total.sent + total.dropped} datagrams were due, {self._arrived} arrived unchanged "
            f"and in order; {self._lost} missing or damaged, {total.dropped} dropped on sending, "
            f"{total.lost or 0} lost on the way into the relay"
        )

    def finish(self) -> None:
        """The time is up: let what is on its way arrive, then say good-bye."""
        if self._source is None:
            self._loop.stop()
            return
        self._source.stop()
        self._wait_since = self._loop.time()
        self._poll.cancel()
        self._poll = self._loop.call_every(0.02, self._leave_when_settled)

    def _start_when_ready(self) -> None:
        if self._loop.time() - self._wait_since > _GRACE:
            self._loop.stop()
        elif all(watcher.state == "active" for watcher in self._watchers):
            self._poll.cancel()
            seconds = self._options.seconds
            self._source = Source(self._loop, self._server.ingest_address, self._options.mbps)
            last = self._watchers[-1]
            self._loop.call_later(seconds / 3, last.pause)
            self._loop.call_later(seconds * 2 / 3, last.client.resume)
            self._loop.call_later(seconds, self.finish)

    @property
    def _arrived(self) -> int:
        return sum(watcher.sink.arrived for watcher in self._watchers)

    @property
    def _lost(self) -> int:
        return sum(watcher.lost for watcher in self._watchers)

    def _leave_when_settled(self) -> None:
        waiting = self._loop.time() - self._wait_since
        if waiting < 0.1 or (self._arrived < self._server.counters.sent and waiting < _GRACE):
            return
        self._poll.cancel()
        for watcher in self._watchers:
            watcher.client.disconnect()
        self._poll = self._loop.call_every(0.02, self._end_when_all_left)

    def _end_when_all_left(self) -> None:
        if self._server.admission.clients and self._loop.time() - self._wait_since < 2 * _GRACE:
            return
        self._table.show()
        self._loop.stop()


class Table:
    """Refreshes in place on a terminal; elsewhere, a block of lines each second."""

    def __init__(self, loop: reactor.EventLoop, watchers: list[Watcher]) -> None:
        self._loop = loop
        self._watchers = watchers
        self._in_place = sys.stdout.isatty()
        self._shown_at = loop.time()
        self._shown = False
        loop.call_every(_SCREEN_INTERVAL if self._in_place else _LINES_INTERVAL, self.show)

    def show(self) -> None:
        now = self._loop.time()
        seconds, self._shown_at = max(now - self._shown_at, 1e-3), now
        head = f"{'':<10}{'state':<12}{'Mbit/s':>8}{'datagrams':>12}{'lost':>8}"
        lines = [head, *(watcher.row(seconds) for watcher in self._watchers)]
        if self._in_place:
            up = f"\x1b[{len(lines)}F" if self._shown else ""
            lines = [line + "\x1b[K" for line in lines]
            lines[0] = up + lines[0]
        self._shown = True
        console.say("\n".join(lines))


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = console.Parser(prog="python3 -m examples.demo", description="The relay at work.")
    add = parser.add_argument
    above_zero = console.number(0, above=True)
    add("--seconds", metavar="S", type=above_zero, default=10.0, help="how long (default 10)")
    add("--clients", metavar="N", type=console.count(1), default=3, help="how many (default 3)")
    add("--mbps", metavar="M", type=above_zero, default=8.0, help="bit rate (default 8)")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    try:
        with reactor.EventLoop() as loop:
            demo = Demo(loop, options)
            console.on_interrupt(loop, demo.finish)
            loop.run()
            console.say(demo.verdict())
            return 0 if demo.succeeded else 1
    except OSError as exc:
        return console.fail("demo", exc)


if __name__ == "__main__":
    sys.exit(main())
