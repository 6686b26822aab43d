"""What stands on the pages is what stands in the programs, the records and the originals now."""

import re
from pathlib import Path

import pytest

from examples.course.grade.sentences import LANGUAGES
from examples.course.pages.__main__ import stale
from examples.course.record.__main__ import draw
from examples.course.record.recorded_run import picture_file
from examples.course.record.runs import PlannedRun, planned
from tests.doubles.program import ROOT
from tests.timeline.wellformed import check_svg

FOLDER = ROOT / "docs" / "course"
RUNS = planned(ROOT)
PICTURES = [run for run in RUNS.values() if run.picture is not None]
LARGEST = 60_000


def test_every_page_is_there_and_filled_and_every_translation_in_step() -> None:
    assert list(stale()) == []


@pytest.mark.parametrize("run", PICTURES, ids=lambda run: run.name)
def test_a_picture_is_that_of_its_record(run: PlannedRun) -> None:
    old = [
        path.name
        for path, text in draw(run, FOLDER).items()
        if not path.exists() or path.read_text("utf-8") != text
    ]
    assert old == [], "draw them anew: python3 -m examples.course.record --redraw"


@pytest.mark.parametrize(
    "path", sorted((FOLDER / "pictures").iterdir()), ids=lambda path: path.name
)
def test_a_picture_is_well_formed_and_small(path: Path) -> None:
    check_svg(text := path.read_text("utf-8"))
    assert len(text.encode()) < LARGEST


def test_nothing_is_kept_that_is_not_recorded_or_drawn() -> None:
    made = {picture_file(run.name, language) for run in PICTURES for language in LANGUAGES}
    made |= {f"{name}.{kind}" for name in RUNS for kind in ("json", "jsonl")}
    kept = {path.name for folder in ("runs", "pictures") for path in (FOLDER / folder).iterdir()}
    assert kept - made == set()


def test_every_run_that_is_planned_has_been_recorded() -> None:
    recorded = {path.stem for path in (FOLDER / "runs").glob("*.json")}
    assert {name for name, run in RUNS.items() if run.program} - recorded == set()


def test_no_record_tells_of_the_machine_that_it_was_made_on() -> None:
    for path in (FOLDER / "runs").glob("*"):
        assert re.findall(r"/(?:tmp|home|root|usr|work)/\S*", path.read_text("utf-8")) == []
