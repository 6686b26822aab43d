"""What the pages say of a run is what a student sees who does the same today."""

from pathlib import Path

import pytest

from examples.course.grade.result import Result
from examples.course.record.__main__ import record
from examples.course.record.recorded_run import run_named
from examples.course.record.runs import PlannedRun, planned
from tests.doubles.program import ROOT

RUNS = [run for run in planned(ROOT).values() if run.program]


@pytest.mark.thorough
@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.name)
def test_a_run_that_is_graded_anew_tells_the_same(
    run: PlannedRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    assert account_of(record(run, tmp_path).result) == account_of(run_named(run.name, ROOT).result)


def account_of(result: Result) -> dict[str, object]:
    """All but what was measured, which is numbers."""
    return {
        "id": result.id,
        "transcript": [
            (entry.kind, entry.key, {k: v for k, v in entry.figures.items() if isinstance(v, str)})
            for entry in result.transcript
        ],
    }
