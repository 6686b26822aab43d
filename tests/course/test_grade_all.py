"""A class is graded to its end, whatever its students have handed in."""

import csv
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from examples.course.grade.class_report import as_csv
from examples.course.grade.result import Result
from examples.course.grade.student import Student
from examples.course.grade_all import parse
from tests.doubles.program import ROOT, Program

BROKEN = ROOT / "examples" / "course" / "05" / "broken.py"
_PATIENCE = 60.0


def handed_in(folder: Path, name: str, run: bytes | None) -> Student:
    (folder / name).mkdir()
    if run is not None:
        (folder / name / "run").write_bytes(run)
    return Student(folder / name)


def grade_all(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "examples.course.grade_all", "--lang", "en"]
    return subprocess.run(
        [*command, *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
    )


@pytest.mark.parametrize(
    ("run", "problem"),
    [
        (None, "there is no file `run`"),
        (b"", "the file `run` is empty"),
        (b"\xef\xbb\xbf \r\n# nothing yet\r\n", "the file `run` is empty"),
        (b"python3 'mine.py {port}\n", "the file `run`: a quote is opened and not closed"),
        (b"cd mine\npython3 mine.py\n", "the file `run` has more than one line"),
        (b"\xff\xfe\n", "the file `run` is no text in UTF-8"),
        (b"python3\0mine.py\n", "the file `run` is no text in UTF-8"),
    ],
)
def test_a_students_mistake_is_a_result(run: bytes | None, problem: str, tmp_path: Path) -> None:
    result = handed_in(tmp_path, "ana", run).grade("05", 1, "en", _PATIENCE)
    assert (result.id, result.figures["problem"]) == ("E00-NOT-STARTED", problem)


@pytest.mark.thorough
def test_a_class_has_a_table_a_report_and_a_spreadsheet(tmp_path: Path) -> None:
    handed_in(tmp_path, "ana", b'\xef\xbb\xbf"%s" mine.py {port}\r\n' % sys.executable.encode())
    (tmp_path / "ana" / "mine.py").write_text(BROKEN.read_text())
    handed_in(tmp_path, "bea", None)
    handed_in(tmp_path, ".git", None)
    marks, report = tmp_path / "marks.csv", tmp_path / "report.json"
    done = grade_all(tmp_path, "5", "--seed", "7", "--csv", marks, "--out", report)
    assert (done.returncode, done.stdout) == (0, "")
    ana, bea = done.stderr.splitlines()
    assert ana.split()[0] == "ana"
    assert ana.endswith("05 E05-EOF-SPIN")
    assert bea.endswith("05 E00-NOT-STARTED")
    told = json.loads(report.read_text())
    assert [told["students"][name][0]["id"] for name in ("ana", "bea")] == [
        "E05-EOF-SPIN",
        "E00-NOT-STARTED",
    ]
    assert told["seed"] == told["students"]["ana"][0]["seed"] == 7
    rows = list(csv.reader(marks.read_text("utf-8-sig").splitlines()))
    assert [row[:2] for row in rows] == [
        ["student", "05"],
        ["ana", "E05-EOF-SPIN"],
        ["bea", "E00-NOT-STARTED"],
    ]


@pytest.mark.thorough
def test_a_grader_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    slow = handed_in(tmp_path, "ana", b"sleep 60\n")
    result = slow.grade("05", 1, "en", 0.5)
    assert result.id == "E99-GRADER"
    assert "longer than 0.5 s" in str(result.figures["problem"])


@pytest.mark.thorough
@pytest.mark.usefixtures("watchdog")
def test_what_was_found_until_ctrl_c_is_not_lost(tmp_path: Path) -> None:
    handed_in(tmp_path, "ana", None)
    handed_in(tmp_path, "bea", b"sh -c 'echo >../begun; exec sleep 60'\n")
    os.mkfifo(tmp_path / "begun")
    report = tmp_path / "report.json"
    with Program(
        "examples.course.grade_all", tmp_path, "5", "--lang", "en", "--out", report
    ) as program:
        (tmp_path / "begun").read_text()
        assert program.finish(signal.SIGINT) == 130
    assert json.loads(report.read_text())["students"]["ana"][0]["id"] == "E00-NOT-STARTED"


def test_the_seed_is_the_classs_or_each_students_own(tmp_path: Path) -> None:
    ana, bea = (handed_in(tmp_path, name, None) for name in ("ana", "bea"))
    assert len({ana.own_seed(1), bea.own_seed(1), ana.own_seed(2)}) == 3
    assert ana.own_seed(1) == Student(tmp_path / "ana").own_seed(1)


def test_no_name_is_a_formula() -> None:
    passed = Result("05", 1, "", {}, 2.4)
    assert as_csv({"=1+1": [passed]}, ["05", "06"], "es").splitlines() == [
        "estudiante;05;06;aprobados;segundos",
        "'=1+1;BIEN;;1;2",
    ]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "folder"),
        (["nowhere"], "there is no folder 'nowhere'"),
        (["."], "has no folder in it"),
        (["class", "12"], "there is no chapter '12'"),
        (["class", "--limit", "0"], "seconds from 1 on, not '0'"),
        (["class", "--out", "no/such/file"], "no/such/file: No such file or directory"),
    ],
)
def test_wrong_use_is_one_line(
    arguments: list[str],
    complaint: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    if "class" in arguments:
        (tmp_path / "class" / "ana").mkdir(parents=True)
    with pytest.raises(SystemExit, match=r"^2$"):
        parse(["--lang", "en", *arguments])
    (line,) = capsys.readouterr().err.splitlines()
    assert complaint in line
