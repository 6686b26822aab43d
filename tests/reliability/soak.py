"""A relay whose clients come and go for hours: nothing may be left of those that went.

Relay, viewers and crowd share one loop, and the collector of reference cycles stays off, so
that an object which only that would free is seen. In regular pauses all are sent away:
descriptors, objects and memory must then be what they were in the pause before.
"""

import gc
import resource
import socket
import statistics
import time
import tracemalloc
from array import array
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random
from typing import Final

from examples.synthetic import Source
from reactor import EventLoop
from reactor.gso import known_runs
from reactor.relay import RelayClient, RelayServer
from reactor.relay.events import (
    ClientEvent,
    ClientJoined,
    ClientLeft,
    Disconnected,
    IngestFailed,
    NoSocket,
    Refused,
    ServerLost,
    ServerUnreachable,
    TimedOut,
)
from tests.doubles.descriptors import open_descriptors

from .crowd import KINDS, Crowd
from .outcome import Outcome, Plan

SECONDS: Final = 120.0

_ENDINGS: Final = (Disconnected, NoSocket, Refused, ServerLost, ServerUnreachable, TimedOut)
LONG_SECONDS: Final = 4 * 3600.0

_HOST: Final = "127.0.0.1"
# Those that come and go are many; one that floods and one that never reads are work enough.
_CROWD: Final = [*KINDS, *2 * [kind for kind in KINDS if kind not in ("flooding", "never reading")]]
_WINDOW: Final = 50
_VIEWERS: Final = 6
_MBPS: Final = 1.0
_TURN: Final = 0.05
_CYCLES: Final = 16
_SHORTEST_CYCLE: Final = 0.4
_LONGEST_CYCLE: Final = 15.0
_COMMAND_TIMEOUT: Final = 0.2
_PATIENCE: Final = 60.0

# Half of the run lies between the two medians: with thousands of connections in it, one
# object of the smallest size left by each of them would be more than this.
_MOST_GROWTH: Final = 64 * 1024
# What the system counts moves in whole arenas, and with the buffers of the moment.
_MOST_RESIDENT_GROWTH: Final = 4 * 1024 * 1024

# Cancelled timers are kept until they outnumber the live ones by 64.
_TIMER_SLACK: Final = 80


def run(plan: Plan) -> Outcome:
    """As long as the plan says: minutes or hours."""
    seconds = plan.seconds or (LONG_SECONDS if plan.long else SECONDS)
    return check(seconds, plan.seed)


def check(seconds: float, seed: int) -> Outcome:
    """Let clients come and go for so many seconds, without the collector."""
    outcome = Outcome()
    with without_collector(), tracing():
        descriptors = open_descriptors()
        with ExitStack() as opened:
            Soak(seed, outcome, opened).run(seconds)
        outcome.expect(
            open_descriptors() == descriptors,
            f"{open_descriptors()} descriptors in the end instead of {descriptors}",
        )
    return outcome


class Ending:
    """Hears how a RelayClient ended, without knowing it: no cycle of this test's making."""

    def __init__(self) -> None:
        self.event: ClientEvent | None = None

    def __call__(self, event: ClientEvent) -> None:
        if isinstance(event, _ENDINGS):
            self.event = event


class Soak:
    """A relay, and those who come and go; all that it opens is closed with `opened`."""

    def __init__(self, seed: int, outcome: Outcome, opened: ExitStack) -> None:
        self._chance = Random(seed)
        self._outcome = outcome
        self._loop = opened.enter_context(EventLoop())
        self._loop.set_exception_handler(lambda text, exc: outcome.fail(f"{text}: {exc!r}"))
        self._relay = RelayServer(
            self._loop,
            (_HOST, 0),
            ingest=(_HOST, 0),
            command_timeout=_COMMAND_TIMEOUT,
            report=self._on_event,
        )
        # A player that nobody looks at: what does not fit is dropped by the system.
        player = opened.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        player.bind((_HOST, 0))
        self._player: tuple[str, int] = player.getsockname()
        self._source = Source(self._loop, self._relay.ingest_address, _MBPS)
        self._viewers: list[tuple[RelayClient, Ending]] = []
        self._opened = opened
        self._joined = self._left = 0
        self._totals = Counter[str]()
        self._lives = Counter[str]()
        self._baseline: tuple[int, Counter[str]] | None = None
        self._traced, self._resident = array("q"), array("q")

    def run(self, seconds: float) -> None:
        """Busy times and pauses by turns, for so long."""
        began, worked = time.monotonic(), time.process_time()
        cycle = min(_LONGEST_CYCLE, max(_SHORTEST_CYCLE, seconds / _CYCLES))
        while time.monotonic() - began < seconds or len(self._traced) < 4:
            self._be_busy(cycle)
            self._compare_with_last_pause()
            if self._outcome.hopeless:
                break
        load = (time.process_time() - worked) / (time.monotonic() - began)
        left = found_by_collector()
        self._outcome.expect(not left, f"only the collector of cycles frees {dict(left)}")
        self._outcome.figures = {
            "pauses": len(self._traced),
            "connections": self._joined,
            "viewers": self._totals["viewers"],
            "bad clients": self._lives.total(),
            "datagrams received": self._relay.counters.received,
            "copies sent": self._relay.counters.sent,
            "share of a core": f"{load:.0%}",
            "growth between quarters, bytes": self._growth(self._traced, _MOST_GROWTH, "traced"),
            "growth of the process, bytes": self._growth(
                self._resident, _MOST_RESIDENT_GROWTH, "resident"
            ),
        }
        self._source.stop()
        self._relay.close()

    # -- busy times ----------------------------------------------------------------------

    def _be_busy(self, seconds: float) -> None:
        """Have clients of all kinds, then see them all off."""
        crowd = Crowd(self._relay.address, _CROWD, self._chance, _WINDOW)
        with ExitStack() as opened:
            opened.callback(crowd.close)
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                crowd.turn()
                self._let_viewers_act()
                self._turn()
            crowd.see_off(self._turn)
        self._lives += crowd.lives
        self._outcome.failures += crowd.complaints
        for viewer, _ in self._viewers:
            viewer.disconnect()
        done = self._turn_until(lambda: not (self._viewers or self._relay.connections))
        self._outcome.expect(done, f"{len(self._relay.connections)} clients could not leave")

    def _let_viewers_act(self) -> None:
        self._tally_viewers()
        for viewer, _ in self._viewers:
            act = self._chance.choices(
                [None, viewer.pause, viewer.resume, viewer.disconnect, viewer.close],
                [80, 8, 8, 2, 2],
            )[0]
            if act is not None:
                act()
        if len(self._viewers) < _VIEWERS:
            ending = Ending()
            viewer = RelayClient(self._loop, self._relay.address, self._player, report=ending)
            viewer.connect()
            self._viewers.append((viewer, ending))
            self._totals["viewers"] += 1

    def _tally_viewers(self) -> None:
        """Let go of those that ended; all that came to one has to have gone to its player."""
        for viewer, ending in [
            (viewer, ending) for viewer, ending in self._viewers if ending.event
        ]:
            self._viewers.remove((viewer, ending))
            came, went = viewer.received.received, viewer.forwarded
            self._totals["came"] += came
            if went.sent + went.dropped.total() != came:
                self._outcome.fail(f"{came} datagrams came to a client, and only {went} went on")
            if not isinstance(ending.event, Disconnected):
                self._outcome.fail(f"a client ended: {ending.event}")

    def _turn(self) -> None:
        end = time.monotonic() + _TURN
        while (rest := end - time.monotonic()) > 0:
            self._loop.run_once(rest)

    def _turn_until(self, condition: Callable[[], object]) -> bool:
        deadline = time.monotonic() + _PATIENCE
        while not condition():
            if time.monotonic() > deadline:
                return False
            self._turn()
            self._tally_viewers()
        return True

    def _on_event(self, event: object) -> None:
        match event:
            case ClientJoined():
                self._joined += 1
            case ClientLeft():
                self._left += 1
                self._totals.update(sent=event.sent, dropped=event.dropped)
            case IngestFailed():
                self._outcome.fail(str(event))

    # -- pauses --------------------------------------------------------------------------

    def _compare_with_last_pause(self) -> None:
        """Nobody is here: all has to be as it was, and the accounts have to add up."""
        if self._baseline is not None:
            descriptors = self._baseline[0]
            self._turn_until(lambda: open_descriptors() == descriptors)
        # How batches were cut before is remembered within a bound.
        known_runs.cache_clear()
        self._traced.append(tracemalloc.get_traced_memory()[0])
        self._resident.append(resident_memory())
        now = open_descriptors(), inventory()
        if self._baseline is None:  # the first pause: all has been used once
            self._baseline = now
        self._outcome.expect(
            now[0] == self._baseline[0],
            f"{now[0]} descriptors in a pause instead of {self._baseline[0]}",
        )
        more = now[1] - self._baseline[1] - Counter(Timer=_TIMER_SLACK)
        self._outcome.expect(not more, f"more objects than in the first pause: {dict(more)}")
        self._compare_accounts()

    def _compare_accounts(self) -> None:
        counters, totals = self._relay.counters, self._totals
        expect = self._outcome.expect
        expect(
            (counters.sent, counters.dropped) == (totals["sent"], totals["dropped"]),
            f"{counters} in all, but {totals['sent']} sent and {totals['dropped']} dropped of each",
        )
        expect(totals["came"] <= counters.sent, f"{totals['came']} came of {counters.sent} copies")
        expect(self._joined == self._left, f"{self._joined} clients joined, {self._left} left")
        expect(not counters.active, f"{counters.active} are active, and nobody is here")

    def _growth(self, samples: "array[int]", bound: int, kind: str) -> int:
        """From the second quarter to the last, in the median."""
        quarter = max(1, len(samples) // 4)
        before = statistics.median(samples[quarter : 2 * quarter])
        growth = int(statistics.median(samples[-quarter:]) - before)
        self._outcome.expect(growth <= bound, f"{kind} memory grew by {growth} bytes, over {bound}")
        return growth


# -- looking at the process ----------------------------------------------------------------


@contextmanager
def without_collector() -> Iterator[None]:
    """Free nothing that only the collector of reference cycles would free."""
    was_enabled = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@contextmanager
def tracing() -> Iterator[None]:
    """Have Python count the memory that it gives away."""
    tracemalloc.start()
    try:
        yield
    finally:
        tracemalloc.stop()


def is_ours(thing: object) -> bool:
    """Whether its type is the library's."""
    return str(type(thing).__module__).partition(".")[0] == "reactor"


def inventory() -> Counter[str]:
    """The objects of the library that there are, by the names of their types."""
    return Counter(type(thing).__name__ for thing in gc.get_objects() if is_ours(thing))


def found_by_collector() -> Counter[str]:
    """The objects of the library that can't be reached and yet were not freed."""
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        gc.collect()
        return Counter(type(thing).__name__ for thing in gc.garbage if is_ours(thing))
    finally:
        gc.set_debug(0)
        gc.garbage.clear()


def resident_memory() -> int:
    """Bytes of memory that the process has; 0 where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * resource.getpagesize()
