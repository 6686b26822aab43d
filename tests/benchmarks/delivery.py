"""One measurement of a fan-out: source, relay and sinks, and what came of it."""

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, closing, nullcontext
from dataclasses import dataclass
from typing import Any, Final

from .bench import Bench
from .cores import Effort, Reading
from .processes import PATIENCE
from .relays import HOST, OURS, Relay, RunningRelay, Totals
from .traffic.pattern import Pattern

TS: Final = "1316"
"""The size of a datagram of seven transport stream packets, in bytes."""

# How long a relay that is behind may take for what it has buffered.
_BACKLOG_SECONDS: Final = 5.0
# A sink orders some millions of arrivals before it gives its account.
_ACCOUNT_SECONDS: Final = 120.0


@dataclass(frozen=True)
class Work:
    """How much is to be relayed."""

    clients: int
    mbps: float
    """10^6 bits of payload a second, before copying."""
    seconds: float
    sizes: str = TS

    @property
    def rate(self) -> float:
        """Datagrams a second."""
        return self.mbps * 1e6 / 8 / Pattern(self.sizes).mean_size

    @property
    def count(self) -> int:
        """Datagrams in all."""
        return int(self.rate * self.seconds)


@dataclass(frozen=True)
class Delivery:
    """What a relay made of its work. Times in microseconds, unless they say otherwise."""

    relay: str
    work: Work
    due: int
    """Datagrams that all clients together should have got."""
    received: int
    damaged: int
    out_of_order: int
    lost_at_ingest: int
    """Dropped by the system in front of the relay, each due to all clients."""
    lost_at_sinks: int
    """Dropped by the system in front of the sinks: their fault, not the relay's."""
    runs: int
    """Into how many pieces the copies were cut on their way out: about one a system call."""
    latency: dict[str, int]
    spread: dict[str, int]
    mean_rank: list[float]
    """For each client: 0 if it always was the first to get a datagram, 1 if the last."""
    times_last: list[int]
    source: dict[str, float]
    effort: Effort
    totals: Totals | None

    @property
    def lost(self) -> int:
        """Copies that had not come some seconds after the source had ended."""
        return self.due - self.received

    @property
    def loss(self) -> float:
        """Share of what was due."""
        return self.lost / self.due

    @property
    def share(self) -> float:
        """Of the core, from the first datagram to the last."""
        return self.effort.cpu / self.effort.elapsed

    @property
    def foreign(self) -> float:
        """Share of the core that others took: above some hundredths, try a quieter hour."""
        return self.effort.foreign / self.effort.elapsed

    @property
    def cost(self) -> float:
        """Microseconds for each datagram delivered."""
        return self.effort.cpu / max(1, self.received) * 1e6

    @property
    def process_cost(self) -> float:
        """The same by the process's own clock."""
        return self.effort.process / max(1, self.received) * 1e6

    @property
    def intact(self) -> bool:
        """Whether all that came was right, and in order."""
        return not self.damaged and not self.out_of_order

    def doubt(self) -> str | None:
        """Why the figures say nothing about the relay, if so."""
        if self.lost_at_sinks:
            return f"the sinks were too slow and lost {self.lost_at_sinks}"
        if self.source["failed"]:
            return f"the source could not send {self.source['failed']:.0f}"
        if self.source["latest_tick_ms"] > 100:
            return f"the source stood still for {self.source['latest_tick_ms']:.0f} ms"
        return None

    def as_json(self) -> dict[str, Any]:
        return {
            "relay": self.relay,
            "clients": self.work.clients,
            "mbps": self.work.mbps,
            "sizes": self.work.sizes,
            "due": self.due,
            "received": self.received,
            "loss": self.loss,
            "damaged": self.damaged,
            "out_of_order": self.out_of_order,
            "lost_at_ingest": self.lost_at_ingest,
            "lost_at_sinks": self.lost_at_sinks,
            "runs": self.runs,
            "latency_us": self.latency,
            "spread_us": self.spread,
            "highest_mean_rank": max(self.mean_rank),
            "most_times_last": max(self.times_last),
            "source": self.source,
            "core_share": self.share,
            "foreign_share": self.foreign,
            "cpu_process_seconds": self.effort.process,
            "cpu_core_seconds": self.effort.core,
            "cpu_core_softirq_seconds": self.effort.core_softirq,
            "context_switches": self.effort.switches,
            "us_per_datagram": self.cost,
            "us_per_datagram_process": self.process_cost,
            "doubt": self.doubt(),
        }


Companion = Callable[[RunningRelay], AbstractContextManager[object]]


def deliver(
    bench: Bench, relay: Relay, work: Work, during: Companion = lambda running: nullcontext()
) -> Delivery:
    """Let `relay` do `work`; `during` is entered before the stream starts, left when it ends."""
    with ExitStack() as programs:
        arguments = (HOST, work.clients, work.count, work.sizes)
        sinks = programs.enter_context(bench.start_load(bench.tools.traffic("sink", *arguments)))
        ports = [int(port) for port in sinks.wait_for(r"^ports (.*)")[1].split()]
        running = programs.enter_context(closing(relay.start(bench, ports)))
        running.connect(ports)
        to_relay = (HOST, running.ingest_port, work.count, work.rate, work.sizes)
        source = programs.enter_context(
            bench.start_load(bench.tools.traffic("source", *to_relay), urgent=True)
        )
        source.wait_for("^ready")

        with during(running):
            before = Reading.take(running.program.pid, bench.cores.relay)
            source.say("go")
            source.wait_for("^sent", work.seconds + PATIENCE)
        try:
            sinks.wait_for("^ended", _BACKLOG_SECONDS)
        except TimeoutError:
            sinks.say("stop")
        after = Reading.take(running.program.pid, bench.cores.relay)
        lost_at_ingest = running.lost_at_ingest()

        source.say("stop")
        sent = source.wait_for_report()
        account = sinks.wait_for_report(_ACCOUNT_SECONDS)
        totals = running.end() if relay.name == OURS else None
    return Delivery(
        relay=relay.name,
        work=work,
        due=work.clients * work.count,
        received=account["received"],
        damaged=account["damaged"],
        out_of_order=account["out_of_order"],
        lost_at_ingest=lost_at_ingest,
        lost_at_sinks=account["sink_drops"],
        runs=account["runs"],
        latency=account["latency_us"],
        spread=account["spread_us"],
        mean_rank=account["mean_rank"],
        times_last=account["times_last"],
        source=sent,
        effort=Effort.between(before, after),
        totals=totals,
    )
