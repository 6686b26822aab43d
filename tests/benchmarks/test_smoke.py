"""The benchmarks at a small load, with their Python tools alone: is anything lost, or wrong?

Counts and content only. Nothing here depends on how fast or how busy the machine is.
"""

import json
import os
import xml.etree.ElementTree
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from . import churn, commands, fanout, idle, lines, recorder, reference
from .bench import Bench, open_bench
from .delivery import Work, deliver
from .pictures import main as draw
from .relays import ours, relays
from .tables import MET, Outcome
from .traffic.pattern import Pattern

pytestmark = [
    pytest.mark.thorough,
    pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the benchmarks need Linux"),
]


@pytest.fixture
def bench() -> Iterator[Bench]:
    with open_bench(quick=True, repeat=1) as bench:
        yield bench


@pytest.mark.parametrize("sizes", ["1316", "1328x10,188,700x3,1400,16"])
def test_every_copy_arrives_unchanged_and_is_counted(bench: Bench, sizes: str) -> None:
    delivery = deliver(bench, ours(bench), Work(clients=4, mbps=2, seconds=0.5, sizes=sizes))
    assert (delivery.received, delivery.lost) == (delivery.due, 0)
    assert delivery.intact
    assert delivery.totals is not None
    assert delivery.totals.sent + delivery.totals.dropped == delivery.totals.received * 4
    # The source repeats its end mark until all have seen it; the last may come too late.
    data, ends = int(delivery.source["data"]), int(delivery.source["ends"])
    assert data < delivery.totals.received <= data + ends


@pytest.mark.parametrize("name", ["threads", "asyncio"])
def test_the_contenders_work_as_well(bench: Bench, name: str) -> None:
    (relay,) = (relay for relay in relays(bench) if relay.name == name)
    delivery = deliver(bench, relay, Work(clients=3, mbps=1, seconds=0.3))
    assert (delivery.received, delivery.intact) == (delivery.due, True)


def test_nobody_active_means_no_wake_up(bench: Bench) -> None:
    effort = fanout.watch_with_nobody(bench, ours(bench), Work(0, 2, 0.5))
    assert effort.switches == 0


@pytest.mark.parametrize("scenario", [lines, commands])
def test_every_line_is_answered(bench: Bench, scenario: ModuleType) -> None:
    outcome = scenario.run(bench)
    assert outcome.figures
    for figures in outcome.figures.values():
        assert figures["mismatches"] == 0
        assert all(rate > 0 for rates in figures["per_second"].values() for rate in rates)


def test_the_price_of_a_record_is_measured(bench: Bench) -> None:
    outcome = recorder.run(bench)
    assert [figures["mismatches"] for figures in outcome.figures.values()] == [0, 0]
    assert len(outcome.verdicts) == 1


def test_idle_connections_are_measured(bench: Bench) -> None:
    assert idle.run(bench).figures["servers"].keys() == {"ours", "asyncio"}


def test_churn_costs_the_steady_clients_nothing(bench: Bench) -> None:
    result = churn.measure(bench, churn.QUICK, ours(bench))
    assert (result.delivery.lost, result.delivery.intact) == (0, True)
    assert result.commands["commands"] > 0
    assert result.commands["refused"] == 0


def test_pictures_are_drawn_from_the_figures(bench: Bench, tmp_path: Path) -> None:
    outcome = Outcome()
    fanout.sweep(bench, fanout.QUICK, outcome)
    results = tmp_path / "results.json"
    results.write_text(json.dumps({"fanout": outcome.as_json()}))
    draw([str(results), str(tmp_path)])
    for name in ("cost-by-clients.svg", "load-by-rate.svg"):
        root = xml.etree.ElementTree.parse(tmp_path / name).getroot()
        assert len(list(root.iter("{http://www.w3.org/2000/svg}polyline"))) == 2


def test_the_loop_in_c_is_not_needed_to_see_ours(bench: Bench) -> None:
    outcome = reference.run(bench)
    (rounds,) = outcome.figures.values()
    assert [delivery["loss"] for delivery in rounds["ours"]] == [0]
    assert not outcome.verdicts


def test_mixed_sizes_meet_their_target(bench: Bench) -> None:
    outcome = Outcome()
    fanout.mix_sizes(bench, fanout.QUICK, outcome)
    assert [verdict.verdict for verdict in outcome.verdicts] == [MET]


@pytest.mark.parametrize(
    ("sizes", "runs"), [("1316", 1), ("1328x3,188", 2), ("700,1316", 5), ("1316,188", 4)]
)
def test_fewest_runs_of_eight(sizes: str, runs: int) -> None:
    assert Pattern(sizes).fewest_runs(8) == runs
