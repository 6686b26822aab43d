"""Clients that come and go while others watch: do those lose anything, and who waits how long?"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from .bench import Bench
from .delivery import Delivery, Work, deliver
from .relays import HOST, OURS, Relay, RunningRelay, relays
from .tables import Outcome, Verdict, percent, show
from .toolbox import python

_ANSWER_LIMIT_MS: Final = 20
# The load generator itself may fall a little short of the rate.
_LEAST_SHARE: Final = 0.95


@dataclass(frozen=True)
class Plan:
    """The stream that must not suffer, and the commands meanwhile."""

    work: Work
    commands_per_second: int


FULL: Final = Plan(Work(50, 25, 6), 1000)
QUICK: Final = Plan(Work(4, 2, 1), 50)


@dataclass(frozen=True)
class Churn:
    """What came of the stream, and what of the commands."""

    delivery: Delivery
    commands: dict[str, Any]


def run(bench: Bench) -> Outcome:
    plan = QUICK if bench.quick else FULL
    measured = [measure(bench, plan, relay) for relay in relays(bench) if relay.takes_commands]
    show(
        f"{plan.commands_per_second:,} commands a second while relaying "
        f"{plan.work.clients} x {plan.work.mbps:g} Mbit/s",
        ["", "lost", "commands", "refused", "per second", "p50 ms", "p99 ms", "max ms"],
        [
            [
                churn.delivery.relay,
                percent(churn.delivery.loss),
                churn.commands["commands"],
                churn.commands["refused"],
                f"{churn.commands['per_second']:.0f}",
                *(f"{churn.commands['answer_ms'][key]:.2f}" for key in ("p50", "p99", "max")),
            ]
            for churn in measured
        ],
    )
    figures = {
        churn.delivery.relay: {**churn.delivery.as_json(), "commands": churn.commands}
        for churn in measured
    }
    return Outcome(_judge(plan, measured[0]), {"relays": figures})


def _judge(plan: Plan, ours: Churn) -> list[Verdict]:
    assert ours.delivery.relay == OURS
    work = (
        f"{plan.commands_per_second:,} CONECTAR/INTERRUMPIR/CONTINUAR a second while relaying "
        f"{plan.work.clients} x {plan.work.mbps:g} Mbit/s"
    )
    commands, delivery = ours.commands, ours.delivery
    measured = (
        f"{percent(delivery.loss)} lost, {commands['per_second']:.0f} commands a second, "
        f"{commands['refused']} refused"
    )
    enough = commands["per_second"] >= plan.commands_per_second * _LEAST_SHARE
    doubt = delivery.doubt() or (None if enough else "the commands came too slowly")
    lossless = not delivery.lost and delivery.intact and not commands["refused"]
    slowest = commands["answer_ms"]["max"]
    times = f"p99 {commands['answer_ms']['p99']:.2f} ms, max {slowest:.2f} ms"
    return [
        Verdict.missing(work, "no loss", doubt, measured)
        if doubt
        else Verdict.of(work, "no loss", measured, lossless),
        Verdict.of(
            "commands under that load",
            f"answered within {_ANSWER_LIMIT_MS} ms",
            times,
            slowest <= _ANSWER_LIMIT_MS,
        ),
    ]


def measure(bench: Bench, plan: Plan, relay: Relay) -> Churn:
    """Let clients come and go while `relay` serves the steady ones."""
    commands: dict[str, Any] = {}

    @contextmanager
    def churning(running: RunningRelay) -> Iterator[None]:
        assert running.control_port is not None
        # A little shorter than the stream: the steady ones' counts are to be exact.
        seconds = plan.work.seconds * 0.9
        module = "tests.benchmarks.traffic.commands"
        command = python(module, HOST, running.control_port, plan.commands_per_second, seconds)
        with bench.start_load(command) as clients:
            clients.wait_for("^ready")
            clients.say("go")
            yield
            commands.update(clients.wait_for_report())

    return Churn(deliver(bench, relay, plan.work, churning), commands)
