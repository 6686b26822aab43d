"""Copies to many clients: is any lost, how late are they, and what does each cost?"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import Any, Final

from .bench import Bench
from .cores import Effort, Reading, wait_until_asleep
from .delivery import TS, Delivery, Work, deliver
from .relays import HOST, OURS, Relay, ours, relays
from .tables import Outcome, Ratio, Verdict, milliseconds, percent, show
from .traffic.pattern import Pattern

# RTP packets as VLC sends them, short last ones, and runs of sizes that alternate.
_MIXED: Final = "1328x40,188,1316x8,700x8,1316x8,1400x3,16,1328,1400,1328,1316,1328,16"
_COALESCE: Final = 0.002
# In a fair rotation, every client's mean rank is 0.5.
_HIGHEST_FAIR_RANK: Final = 0.6


@dataclass(frozen=True)
class Plan:
    """How much load, for how long."""

    many: Work
    most: Work
    few: Work
    mixed: Work
    nobody: Work
    sweep_clients: Sequence[Work]
    sweep_rates: Sequence[Work]


FULL: Final = Plan(
    many=Work(100, 50, 4),
    most=Work(200, 50, 4),
    few=Work(10, 50, 3),
    mixed=Work(20, 100, 3, _MIXED),
    nobody=Work(0, 50, 10),
    sweep_clients=[Work(clients, 50, 2) for clients in (1, 10, 50, 100, 200)],
    sweep_rates=[Work(50, mbps, 2) for mbps in (5, 25, 50, 100)],
)
QUICK: Final = Plan(
    many=Work(8, 2, 0.5),
    most=Work(12, 2, 0.5),
    few=Work(4, 2, 0.5),
    mixed=Work(3, 4, 0.5, _MIXED),
    nobody=Work(0, 2, 0.5),
    sweep_clients=[Work(clients, 2, 0.3) for clients in (1, 4)],
    sweep_rates=[Work(2, mbps, 0.3) for mbps in (1, 2)],
)
# The curves that a picture is drawn of; more would take too long.
_SWEPT: Final = (OURS, "asyncio", "GStreamer", "C")


def run(bench: Bench) -> Outcome:
    plan = QUICK if bench.quick else FULL
    outcome = Outcome()
    for part in (fill_the_house, overfill, compare_costs, mix_sizes, relay_to_nobody, sweep):
        part(bench, plan, outcome)
    return outcome


def fill_the_house(bench: Bench, plan: Plan, outcome: Outcome) -> None:
    work = plan.many
    results = [deliver(bench, relay, work) for relay in relays(bench)]
    _show_deliveries(f"{_load(work)}: a full house", results)
    outcome.figures["many"] = _as_json(results)
    first = results[0]
    p99 = first.latency["p99"] / 1000
    outcome.verdicts.append(
        _judge(
            f"{_load(work)}, {TS}-byte datagrams",
            "no loss, at most 60 % of the core, p99 latency under 10 ms",
            first,
            f"{percent(first.loss)} lost, {percent(first.share)} of the core, p99 {p99:.2f} ms",
            not first.lost and first.intact and first.share <= 0.6 and p99 < 10,
        )
    )
    spread = first.spread["p99"] / 1000
    rank = max(first.mean_rank)
    outcome.verdicts.append(
        _judge(
            f"from the first to the last of {work.clients} clients to get the same datagram",
            "no client is systematically last, p99 of the spread under 5 ms",
            first,
            f"p99 {spread:.2f} ms; highest mean rank of a client {rank:.2f} "
            "(0 is always first, 1 always last)",
            spread < 5 and rank <= _HIGHEST_FAIR_RANK,
        )
    )


def overfill(bench: Bench, plan: Plan, outcome: Outcome) -> None:
    work = plan.most
    results = [deliver(bench, relay, work) for relay in relays(bench)]
    _show_deliveries(f"{_load(work)}: {work.clients * work.mbps / 1000:g} Gbit/s", results)
    outcome.figures["most"] = _as_json(results)
    outcome.verdicts.append(
        _judge(
            f"{_load(work)} = {work.clients * work.mbps / 1000:g} Gbit/s",
            "no loss",
            results[0],
            f"{percent(results[0].loss)} lost ({results[0].lost} of {results[0].due}), "
            f"{percent(results[0].share)} of the core",
            not results[0].lost and results[0].intact,
        )
    )


def compare_costs(bench: Bench, plan: Plan, outcome: Outcome) -> None:
    work = plan.few
    contenders = relays(bench)
    rounds = [[deliver(bench, relay, work) for relay in contenders] for _ in range(bench.repeat)]
    columns = [list(column) for column in zip(*rounds, strict=True)]
    _show_deliveries(f"{_load(work)}, round {bench.repeat} of {bench.repeat}", rounds[-1])
    ratios = {
        column[0].relay: (
            Ratio.of([d.cost for d in columns[0]], [d.cost for d in column]),
            Ratio.of([d.process_cost for d in columns[0]], [d.process_cost for d in column]),
        )
        for column in columns[1:]
    }
    show(
        f"{_load(work)}: ours divided by theirs, CPU per delivered datagram, "
        f"median of {bench.repeat} (lowest to highest)",
        ["", "larger of process and core", "process alone"],
        [[name, *pair] for name, pair in ratios.items()],
    )
    outcome.figures["few"] = [_as_json(results) for results in rounds]
    outcome.figures["few_ratios"] = {
        name: {"larger": larger.as_json(), "process": process.as_json()}
        for name, (larger, process) in ratios.items()
    }
    doubt = next((d.doubt() for results in rounds for d in results[:1] if d.doubt()), None)
    for name, limit in (("asyncio", 1 / 3), ("uvloop", 1 / 3), ("GStreamer", 1 / 3), ("C", 1.1)):
        described = "the same loop in C" if name == "C" else name
        title = f"CPU per delivered datagram, {_load(work)}, against {described}"
        target = f"at most {limit:.2f} x"
        if name not in ratios:
            outcome.verdicts.append(Verdict.missing(title, target, f"no {name} here"))
        elif doubt is not None:
            outcome.verdicts.append(Verdict.missing(title, target, doubt))
        else:
            larger, process = ratios[name]
            measured = f"{larger}; process alone {process}"
            outcome.verdicts.append(Verdict.of(title, target, measured, larger.median <= limit))


def mix_sizes(bench: Bench, plan: Plan, outcome: Outcome) -> None:
    work = plan.mixed
    result = deliver(bench, ours(bench), work)
    fewest = Pattern(work.sizes).fewest_runs(work.count) * work.clients
    # A batch ends wherever the wait does, and a run with it.
    batches = int(result.effort.elapsed / _COALESCE) * work.clients
    outcome.figures["mixed"] = {**result.as_json(), "fewest_runs": fewest, "batches": batches}
    outcome.verdicts.append(
        _judge(
            "mixed sizes (RTP 1328, a short last datagram, runs of alternating sizes)",
            "same bytes, same order, offload used for each run of equal size",
            result,
            f"{result.received} of {result.due} arrived, {result.damaged} changed, "
            f"{result.out_of_order} out of order, in {result.runs} runs "
            f"({fewest} at best, and up to {batches} more where a batch ended)",
            not result.lost and result.intact and result.runs <= fewest + batches,
        )
    )


def relay_to_nobody(bench: Bench, plan: Plan, outcome: Outcome) -> None:
    work = plan.nobody
    efforts = {
        relay.name: watch_with_nobody(bench, relay, work)
        for relay in relays(bench)
        if relay.takes_commands
    }
    show(
        f"nobody active, source at {work.mbps:g} Mbit/s for {work.seconds:g} s",
        ["", "wake-ups", "CPU ms"],
        [[name, e.switches, f"{e.process * 1000:.2f}"] for name, e in efforts.items()],
    )
    outcome.figures["nobody"] = {
        name: {"context_switches": effort.switches, "cpu_seconds": effort.process}
        for name, effort in efforts.items()
    }
    first = efforts[OURS]
    outcome.verdicts.append(
        Verdict.of(
            f"nobody active, source at {work.mbps:g} Mbit/s",
            f"0 wake-ups and 0 CPU in {work.seconds:g} s",
            f"{first.switches} wake-ups, {first.process * 1000:.3f} ms of CPU",
            not first.switches and not first.process,
        )
    )


def watch_with_nobody(bench: Bench, relay: Relay, work: Work) -> Effort:
    """What a relay does while the source sends and no client has asked for a copy."""
    with ExitStack() as programs:
        running = programs.enter_context(closing(relay.start(bench, [])))
        to_relay = (HOST, running.ingest_port, work.count, work.rate, work.sizes)
        command = bench.tools.traffic("source", *to_relay)
        source = programs.enter_context(bench.start_load(command))
        source.wait_for("^ready")
        wait_until_asleep(running.program.pid)
        before = Reading.take(running.program.pid, bench.cores.relay)
        source.say("go")
        source.wait_for("^sent", work.seconds + 10)
        return Effort.between(before, Reading.take(running.program.pid, bench.cores.relay))


def sweep(bench: Bench, plan: Plan, outcome: Outcome) -> None:
    contenders = [relay for relay in relays(bench) if relay.name in _SWEPT]
    by_clients = _sweep(bench, contenders, plan.sweep_clients)
    _show_sweep(
        "microseconds of CPU per delivered datagram, by clients "
        f"at {plan.sweep_clients[0].mbps:g} Mbit/s (share lost)",
        by_clients,
        label=lambda work: f"{work.clients}",
        figure=lambda delivery: f"{delivery.cost:.2f}",
    )
    by_rate = _sweep(bench, contenders, plan.sweep_rates)
    _show_sweep(
        f"share of the core, by Mbit/s to {plan.sweep_rates[0].clients} clients (share lost)",
        by_rate,
        label=lambda work: f"{work.mbps:g}",
        figure=lambda delivery: percent(delivery.share),
    )
    outcome.figures["sweep_clients"] = _as_json([d for row in by_clients for d in row])
    outcome.figures["sweep_rates"] = _as_json([d for row in by_rate for d in row])
    outcome.figures["first_loss"] = losses = {
        relay.name: _first_loss([row[index] for row in by_clients])
        for index, relay in enumerate(contenders)
    }
    show(
        f"begins to lose at {plan.sweep_clients[0].mbps:g} Mbit/s",
        ["", "clients"],
        [
            [name, clients or f"above {plan.sweep_clients[-1].clients}"]
            for name, clients in losses.items()
        ],
    )


def _sweep(bench: Bench, contenders: list[Relay], works: Sequence[Work]) -> list[list[Delivery]]:
    return [[deliver(bench, relay, work) for relay in contenders] for work in works]


def _first_loss(deliveries: list[Delivery]) -> int | None:
    """The first number of clients at which datagrams were lost, and not by the sinks."""
    return next(
        (d.work.clients for d in deliveries if d.lost > d.lost_at_sinks),
        None,
    )


# -- showing -----------------------------------------------------------------------------


def _load(work: Work) -> str:
    return f"{work.clients} clients x {work.mbps:g} Mbit/s"


def _judge(work: str, target: str, delivery: Delivery, measured: str, met: bool) -> Verdict:
    doubt = delivery.doubt()
    if doubt is not None and not met:
        return Verdict.missing(work, target, doubt, measured)
    return Verdict.of(work, target, measured, met)


def _as_json(deliveries: list[Delivery]) -> list[dict[str, Any]]:
    return [delivery.as_json() for delivery in deliveries]


def _show_deliveries(title: str, deliveries: list[Delivery]) -> None:
    headings = [
        "", "lost", "by sinks", "wrong", "core", "others'", "us/datagram", "process",
        "p50 ms", "p99 ms", "max ms", "spread p99 ms", "highest rank", "per call",
    ]  # fmt: skip
    rows = [
        [
            d.relay,
            percent(d.loss),
            d.lost_at_sinks,
            d.damaged + d.out_of_order,
            percent(d.share),
            percent(d.foreign),
            f"{d.cost:.2f}",
            f"{d.process_cost:.2f}",
            *(milliseconds(d.latency[key]) for key in ("p50", "p99", "max")),
            milliseconds(d.spread["p99"]),
            f"{max(d.mean_rank):.2f}",
            f"{d.received / max(1, d.runs):.1f}",
        ]
        for d in deliveries
    ]
    show(title, headings, rows)


def _show_sweep(
    title: str,
    rows: list[list[Delivery]],
    label: Callable[[Work], str],
    figure: Callable[[Delivery], str],
) -> None:
    def cell(delivery: Delivery) -> str:
        return figure(delivery) + (f" ({percent(delivery.loss)})" if delivery.lost else "")

    show(
        title,
        ["", *(delivery.relay for delivery in rows[0])],
        [[label(row[0].work), *map(cell, row)] for row in rows],
    )
