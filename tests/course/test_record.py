"""A run is graded and recorded at once, and drawn from its record, the same to the byte."""

import json
import re
from pathlib import Path

import pytest

from examples.course.grade.result import Result
from examples.course.pictures import cut, draw
from examples.course.record import __main__ as command
from examples.course.record.recorded_run import RecordedRun, load
from examples.course.record.runs import PlannedRun, planned
from tests.doubles.program import ROOT
from tests.timeline.wellformed import check_svg

PICTURE = {"kind": "timeline", "last": 7, "title": {"en": "The spin", "es": "Gira en vacío"}}
BROKEN = PlannedRun("05", "broken", "broken.py", 1, PICTURE)


def event(kind: str, turn: int, time: float, **more: object) -> dict[str, object]:
    return {"e": kind, "i": turn, "t": time, **more}


def write(path: Path, *events: dict[str, object]) -> Path:
    start = event("start", 0, 0, program=["/home/of/somebody/broken.py", "40001", "40002"])
    path.write_text("".join(json.dumps(each) + "\n" for each in (start, *events)))
    return path


def test_runs_are_planned_beside_the_programs(tmp_path: Path) -> None:
    folder = tmp_path / "examples/course/05"
    folder.mkdir(parents=True)
    (folder / "runs.toml").write_text(
        '[broken]\nprogram = "broken.py"\nseed = 7\n[broken.picture]\nkind = "sequence"\n'
        '[states.picture]\nkind = "states"\n'
    )
    runs = planned(tmp_path)
    assert runs["05-broken"] == PlannedRun("05", "broken", "broken.py", 7, {"kind": "sequence"})
    assert runs["05-broken"].path == "examples/course/05/broken.py"
    assert runs["05-states"].program == ""


def test_a_record_is_cut_behind_the_last_turn_that_is_shown_and_names_no_machine(
    tmp_path: Path,
) -> None:
    record = write(
        tmp_path / "run.jsonl",
        event("select", 1, 0.1),
        event("select", 2, 0.2),
        event("again", 3, 0.2, to=102, until=0.25, slept=0),
        event("again", 103, 0.25, to=202, until=0.3, slept=0),
        event("select", 203, 0.3),
        event("end", 203, 0.4),
    )
    counted = cut(record, {**PICTURE, "last": 3})
    kept = [json.loads(line) for line in record.read_text().splitlines()]
    assert [each["i"] for each in kept] == [0, 1, 2, 3, 103]
    assert kept[0]["program"] == ["broken.py", "PORT", "INGEST"]
    assert counted == {"turns": 203, "spin": 200, "spin_rate": 2000}


def test_turns_are_named_by_what_happens_in_them(tmp_path: Path) -> None:
    record = write(
        tmp_path / "run.jsonl",
        event("open", 0, 0.1, s=1, fd=4),
        *(
            each
            for turn, line in enumerate(["CONECTAR 1", "LISTA 3", "CONECTAR 2", "VIVO", "VIVO"], 1)
            for each in (
                event("select", turn, turn),
                event("callback", turn, turn + 0.1, s=1, name=f"Client.turn_{turn}"),
                event("io", turn, turn + 0.2, s=1, op="recv", data=line),
                event("returned", turn, turn + 0.3),
            )
        ),
    )
    commands = {**PICTURE, "around": ["LISTA", "CONECTAR"], "last": 1}
    assert _numbers(draw(record, "en", commands)) == ["2", "3", "4"]
    callback = {**PICTURE, "around": ["Client.turn_3"], "first": -1, "last": 0}
    cut(record, callback)
    assert _numbers(draw(record, "en", callback)) == ["2", "3"]


def _numbers(drawn: str) -> list[str]:
    """Of the turns."""
    return re.findall(r'class="num"[^>]*>(\d+)<', drawn)


@pytest.mark.parametrize("kind", ["timeline", "sequence"])
@pytest.mark.parametrize("language", ["en", "es"])
def test_a_record_is_drawn_in_each_language(tmp_path: Path, kind: str, language: str) -> None:
    record = write(
        tmp_path / "run.jsonl", event("select", 1, 0.1), event("ready", 1, 0.2, ready=[])
    )
    drawn = draw(record, language, {**PICTURE, "kind": kind})
    check_svg(drawn)
    assert {"en": "The spin", "es": "Gira en vacío"}[language] in drawn


def test_a_run_that_nobody_planned_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as refusal:
        command.main(["05-brken"])
    assert refusal.value.code == 2
    assert "no run is called '05-brken'" in capsys.readouterr().err


@pytest.mark.thorough
def test_a_run_is_graded_recorded_and_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(command, "planned", lambda root: {"05-broken": BROKEN})
    assert command.main(["--out", str(tmp_path)]) == 0
    files = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.*")}
    assert files == {
        "runs/05-broken.json", "runs/05-broken.jsonl",
        "pictures/05-broken.svg", "pictures/05-broken.es.svg",
    }  # fmt: skip
    text = (tmp_path / "runs/05-broken.json").read_text()
    assert str(tmp_path) not in text
    run = load(text)
    assert (run.result.id, run.program) == ("E05-EOF-SPIN", "examples/course/05/broken.py")
    assert "✕" not in (tmp_path / "pictures/05-broken.svg").read_text()
    before = (tmp_path / "pictures/05-broken.svg").read_bytes()
    assert command.main(["--redraw", "05-broken", "--out", str(tmp_path)]) == 0
    assert (tmp_path / "pictures/05-broken.svg").read_bytes() == before


@pytest.mark.thorough
def test_a_program_that_has_no_picture_is_only_graded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    run = command.record(PlannedRun("05", "broken", "broken.py", 1, None), tmp_path)
    assert run == RecordedRun("examples/course/05/broken.py", run.result)
    assert isinstance(run.result, Result)
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["05-broken.json"]
