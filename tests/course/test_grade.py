"""The grader as its users run it: as a process, with a program of theirs."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from examples.course.grade.__main__ import main
from examples.course.grade.report import from_json, tell
from examples.course.grade.result import Result
from examples.course.grade.transcript import Entry
from tests.doubles.program import ROOT, Program

BROKEN = "examples/course/05/broken.py"
TWICE = "tests/course/programs/00_answers_twice.py"
UNENDED = "tests/course/programs/00_never_ends_an_answer.py"
DEAF = "examples/course/05/skeleton.py"
SERVER = ("-m", "examples.server", "127.0.0.1", "{port}", "--ingest", "127.0.0.1:{ingest}")
_PATIENCE = 60


def grader(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "examples.course.grade", "--lang", "en", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
    )


def unmeasured(result: Result) -> list[Entry]:
    """The transcript without what a clock measured."""
    return [entry for entry in result.transcript if "share" not in entry.figures]


@pytest.mark.thorough
def test_a_seed_repeats_what_is_done() -> None:
    command = ("--", sys.executable, *SERVER)
    first, again = (from_json(grader("5", "--json", "--seed", "7", *command).stdout) for _ in "12")
    assert (first.passed, first.seed) == (True, 7)
    assert unmeasured(first) == unmeasured(again)


@pytest.mark.thorough
def test_what_is_said_to_people_and_to_programs_is_the_same() -> None:
    command = ("--seed", "1", "--", sys.executable, BROKEN)
    told, written = grader("5", *command), grader("5", "--json", *command)
    assert told.returncode == written.returncode == 1
    assert tell(from_json(written.stdout), "en").splitlines()[6] == "FAIL E05-EOF-SPIN"
    assert told.stdout.splitlines()[6] == "FAIL E05-EOF-SPIN"


def test_a_command_that_does_not_exist_is_wrong_use(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(signal, "signal", lambda signum, handler: None)
    assert main(["5", "--lang", "en", "--", "no-such-command"]) == 2
    assert "FAIL E00-NOT-STARTED" in capsys.readouterr().out


@pytest.mark.thorough
def test_a_program_that_never_listens_ends_a_run_of_all_chapters() -> None:
    done = grader("--all", "--", sys.executable, "-c", "")
    assert done.returncode == 3
    assert done.stdout.count("FAIL E00-NOT-LISTENING") == 1
    assert done.stdout.splitlines()[-1].startswith("01  FAIL ")


@pytest.mark.thorough
@pytest.mark.usefixtures("watchdog")
@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_who_ends_the_grader_ends_the_program(signum: signal.Signals, tmp_path: Path) -> None:
    mute = tmp_path / "mute.py"
    mute.write_text(
        "import os, signal, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "open(sys.argv[1], 'w').write(str(os.getpid()))\n"
        "time.sleep(60)\n"
    )
    written = tmp_path / "pid"
    os.mkfifo(written)
    with Program(
        "examples.course.grade", "5", "--lang", "en", "--", sys.executable, mute, written
    ) as program:
        process = int(written.read_text())
        assert program.finish(signum) == 130
        assert program.err == "interrupted\n"
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


@pytest.mark.thorough
def test_the_picture_of_this_very_run(tmp_path: Path) -> None:
    picture = tmp_path / "run.html"
    done = grader("5", "--timeline", str(picture), "--", sys.executable, BROKEN)
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == f"The picture of this run: {picture}"
    assert "CONECTAR" in picture.read_text()


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("chapter", "word"), [("02", "LISTA"), ("06", "LISTA"), ("07", "DORMIR"), ("10", "VIVO")]
)
def test_the_relay_of_this_project_is_told_which_word_it_lacks(chapter: str, word: str) -> None:
    done = grader(chapter, "--json", "--", sys.executable, *SERVER)
    result = from_json(done.stdout)
    assert (result.id, result.figures["words"]) == ("E00-UNKNOWN-WORD", word)


@pytest.mark.thorough
def test_what_is_behind_a_wrong_answer_is_heard_too() -> None:
    result = from_json(grader("5", "--json", "--", sys.executable, TWICE).stdout)
    assert result.figures["came"] == "OK | ERROR DESCONOCIDO"


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("program", "seen", "printed"),
    [(UNENDED, "hears_no_end", "answered"), (DEAF, "is_unread", "")],
)
def test_of_a_line_without_answer_it_is_said_what_became_of_it(
    program: str, seen: str, printed: str
) -> None:
    result = from_json(grader("5", "--json", "--", sys.executable, program).stdout)
    assert (result.transcript[-1].key, result.figures["last_line"]) == (seen, printed)
    assert (f"printed   {printed}\n" in tell(result, "en")) == bool(printed)


@pytest.mark.thorough
def test_json_is_one_object_a_line() -> None:
    done = grader("5", "--json", "--", sys.executable, BROKEN)
    (line,) = done.stdout.splitlines()
    assert json.loads(line)["id"] == "E05-EOF-SPIN"
    assert done.stderr == ""


@pytest.mark.thorough
def test_who_has_seen_enough_may_go() -> None:
    with Program("examples.course.grade", "5", "--", sys.executable, BROKEN) as program:
        program.stop_reading()
        program.finish()
        assert program.err == ""
