"""The runs of the documents are what their programs do today, drawn as they are drawn today."""

import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from examples.timeline import stage
from examples.timeline.__main__ import draw, main, record
from examples.timeline.runs import RUNS
from examples.timeline.stage import Stage
from reactor.timeline.findings.diagnosis import diagnose
from reactor.timeline.run.events import Io
from reactor.timeline.run.run import Run, read
from tests.doubles.program import ROOT

FOLDER = ROOT / "docs" / "timeline"

each_run = pytest.mark.parametrize("name", RUNS)
needs_linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")


@pytest.fixture(autouse=True)
def deadline(watchdog: None) -> None:
    """No wait for a program lasts for ever."""


def kept(name: str, folder: Path = FOLDER) -> Run:
    with (folder / f"{name}.jsonl").open() as lines:
        return read(lines)


@each_run
def test_the_pictures_are_those_of_the_records(name: str) -> None:
    stale = [path.name for path, text in draw(RUNS[name], FOLDER).items() if not is_at(path, text)]
    assert stale == [], "draw them anew: python3 -m examples.timeline --redraw"


def is_at(path: Path, text: str) -> bool:
    return path.exists() and path.read_text(encoding="utf-8") == text


def test_nothing_is_kept_that_is_not_made_here() -> None:
    made = {path for name in RUNS for path in draw(RUNS[name], FOLDER)}
    made |= {FOLDER / f"{name}.jsonl" for name in RUNS}
    assert {*FOLDER.iterdir()} == made


def test_what_is_kept_is_small() -> None:
    sizes = {path.name: path.stat().st_size for path in FOLDER.iterdir()}
    assert {name: size for name, size in sizes.items() if size > 100_000} == {}
    assert sum(sizes.values()) < 1_000_000


@each_run
def test_a_kept_record_is_whole(name: str) -> None:
    run = kept(name)
    assert (run.is_whole, run.unreadable) == (True, 0)


# Which faults are shown on purpose, and that the other programs have none.
FINDINGS = {
    "slow-callback": {"blocking-call", "late-timer"},
    "end-of-stream-spin": {"spin-end-of-stream"},
}


@each_run
def test_what_is_found_is_what_is_shown(name: str) -> None:
    assert findings_of(kept(name)) == FINDINGS.get(name, set())


@needs_linux
@pytest.mark.thorough
@each_run
def test_the_programs_still_do_what_the_records_tell(name: str, tmp_path: Path) -> None:
    record(RUNS[name], tmp_path)
    assert account_of(kept(name, tmp_path)) == account_of(kept(name))


@needs_linux
@pytest.mark.thorough
def test_one_command_records_and_draws(tmp_path: Path) -> None:
    assert main(["fragments", "--out", str(tmp_path / "new")]) == 0
    assert {path.name for path in (tmp_path / "new").iterdir()} == {
        "fragments.jsonl", "fragments.svg", "fragments.html", "fragments.es.html",
    }  # fmt: skip


def test_a_run_that_nobody_knows_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as refusal:
        main(["fragment"])
    assert refusal.value.code == 2
    assert "no run is called 'fragment'" in capsys.readouterr().err


@needs_linux
@pytest.mark.thorough
def test_a_program_that_fails_is_told_of(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="No module named"):
        Stage(tmp_path / "run.jsonl", "-m", "examples.timeline.nowhere")


def test_a_wait_for_what_does_not_come_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "_PATIENCE", 0.01)
    with pytest.raises(TimeoutError):
        stage.wait_until(lambda: False)


# -- what has to be equal, whenever and wherever a run is recorded --------------------------


def findings_of(run: Run) -> set[str]:
    return {str(finding.id.value) for finding in diagnose(run)}


def account_of(run: Run) -> dict[str, object]:
    """Lanes with their bytes, commands in their order, and what is wrong with it."""
    ours = {serial: lane for serial, lane in run.lanes.items() if lane.kind != "wakeup"}
    number = {serial: place for place, serial in enumerate(ours)}
    came: defaultdict[int, int] = defaultdict(int)
    went: defaultdict[int, int] = defaultdict(int)
    for event in operations(run):
        (came if event.op == "recv" else went)[event.serial] += event.size
    return {
        "lanes": [
            (lane.kind, number.get(lane.by), came[serial], went[serial], lane.died is None)
            for serial, lane in ours.items()
        ],
        "commands": [(number[serial], line) for serial, line in commands(operations(run))],
        "findings": findings_of(run),
    }


def operations(run: Run) -> Iterator[Io]:
    for turn in run.turns:
        yield from (event for event in turn.events if isinstance(event, Io))


def commands(events: Iterable[Io]) -> Iterator[tuple[int, str]]:
    """Each line in the order in which its end came, with five digits for any port."""
    begun: defaultdict[int, bytes] = defaultdict(bytes)
    for event in events:
        if event.op == "recv" and event.size == len(event.data):
            *lines, begun[event.serial] = (begun[event.serial] + event.data).split(b"\n")
            for line in lines:
                yield event.serial, re.sub(r"\d{5}", "#####", line.decode(errors="replace"))
