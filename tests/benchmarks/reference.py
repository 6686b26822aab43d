"""The fan-out beside the same loop in C: what is Python's share, and whose tail is longer?"""

from dataclasses import dataclass
from typing import Final

from .bench import Bench
from .delivery import Delivery, Work, deliver
from .relays import BESIDE, OURS, relays
from .tables import Outcome, Ratio, Verdict, milliseconds, percent, show

_C: Final = "C"
_TICK: Final = 0.002


@dataclass(frozen=True)
class Target:
    """Ours divided by C's at most, or microseconds that a tick may cost above C's."""

    cost: float | None = None
    tail: float | None = None
    tick: float | None = None


FULL: Final = {
    Work(10, 50, 2): Target(tick=25),
    Work(100, 50, 2): Target(cost=1.05, tail=1.5),
    Work(200, 50, 2): Target(cost=1.05, tail=1.5),
    Work(1000, 8, 2): Target(cost=1.05, tail=1.5),
}
QUICK: Final = {Work(4, 2, 0.3): Target()}


def run(bench: Bench) -> Outcome:
    contenders = [relay for relay in relays(bench) if relay.name in (OURS, BESIDE, _C)]
    outcome = Outcome()
    for work, target in (QUICK if bench.quick else FULL).items():
        series: dict[str, list[Delivery]] = {relay.name: [] for relay in contenders}
        for _ in range(bench.repeat):
            for relay in contenders:
                series[relay.name].append(deliver(bench, relay, work))
        _show(work, series)
        outcome.figures[_name(work)] = {
            name: [delivery.as_json() for delivery in rounds] for name, rounds in series.items()
        }
        if _C in series:
            outcome.verdicts += _judge(work, target, series[OURS], series[_C])
    return outcome


def tick_over(ours: Delivery, theirs: Delivery) -> float:
    """Microseconds of CPU that a tick of ours costs above one of theirs."""
    spent = [d.effort.cpu / d.effort.elapsed for d in (ours, theirs)]
    return (spent[0] - spent[1]) * _TICK * 1e6


def _name(work: Work) -> str:
    return f"{work.clients} clients x {work.mbps:g} Mbit/s"


def _judge(
    work: Work, target: Target, ours: list[Delivery], theirs: list[Delivery]
) -> list[Verdict]:
    name = f"{_name(work)}, against the same loop in C"
    doubt = next((d.doubt() for d in [*ours, *theirs] if d.doubt()), None)
    verdicts = []
    if target.cost is not None:
        cost = Ratio.of([d.cost for d in ours], [d.cost for d in theirs])
        wanted = f"CPU for a datagram at most {target.cost:g} x"
        verdicts.append(Verdict.of(name, wanted, f"{cost}", cost.median <= target.cost))
    if target.tail is not None:
        tail = Ratio.of([d.latency["p99"] for d in ours], [d.latency["p99"] for d in theirs])
        wanted = f"p99 of the latency at most {target.tail:g} x"
        verdicts.append(Verdict.of(name, wanted, f"{tail}", tail.median <= target.tail))
    if target.tick is not None:
        over = sorted(map(tick_over, ours, theirs))
        measured = f"{over[len(over) // 2]:.0f} ({over[0]:.0f} to {over[-1]:.0f})"
        wanted = f"at most {target.tick:g} microseconds a tick above it"
        verdicts.append(Verdict.of(name, wanted, measured, over[len(over) // 2] <= target.tick))
    if doubt is None:
        return verdicts
    return [Verdict.missing(v.work, v.target, doubt, v.measured) for v in verdicts]


def _show(work: Work, series: dict[str, list[Delivery]]) -> None:
    reference = series.get(_C, series[OURS])
    rows = []
    for name, rounds in series.items():
        cost = Ratio.of([d.cost for d in rounds], [d.cost for d in reference])
        tail = Ratio.of([d.latency["p99"] for d in rounds], [d.latency["p99"] for d in reference])
        over = sorted(map(tick_over, rounds, reference))
        last = rounds[-1]
        rows.append(
            [
                name, percent(max(d.loss for d in rounds)), percent(last.share),
                f"{last.cost:.2f}", milliseconds(last.latency["p50"]),
                milliseconds(last.latency["p99"]), milliseconds(last.latency["max"]),
                f"{last.received / max(1, last.runs):.1f}", cost, tail,
                f"{over[len(over) // 2]:.0f}",
            ]
        )  # fmt: skip
    show(
        f"{_name(work)}, {len(reference)} rounds by turns (figures of the last)",
        ["", "most lost", "core", "us/datagram", "p50 ms", "p99 ms", "max ms", "per call",
         "us/datagram, to C", "p99, to C", "us a tick over C"],
        rows,
    )  # fmt: skip
