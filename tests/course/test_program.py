"""Whatever a program does, it is ended with all that it started, in bounded time and memory."""

import os
import resource
import signal
import sys
from pathlib import Path

import pytest

from examples.course.grade import program as under_test
from examples.course.grade import receive_queue
from examples.course.grade.ports import PROGRAMS
from examples.course.grade.processor import Spent, family, spent, wants_one
from examples.course.grade.program import NotStarted, Program
from examples.course.grade.result import grade
from examples.course.grade.screen import Screen
from tests.doubles.program import ROOT

ODDLY = str(Path(__file__).parent / "programs" / "00_oddly.py")
LINUX = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs Linux's /proc")

pytestmark = pytest.mark.usefixtures("watchdog")


def is_there(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    # Who has ended and waits for a parent is still there, and does nothing.
    return ") Z " not in Path(f"/proc/{process}/stat").read_text()


@LINUX
@pytest.mark.thorough
def test_nobody_is_left_behind_wherever_it_went(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    os.mkfifo(pids)
    command = [sys.executable, ODDLY, "fertile", "{port}", "{ingest}", str(pids)]
    program = Program(command)
    children: set[int] = set()
    while len(children) < 2:  # each opens the pipe when it is born
        children |= set(map(int, pids.read_text().split()))
    assert all(map(is_there, children))
    program.stop()
    assert not any(map(is_there, children))


@pytest.mark.thorough
def test_a_program_that_will_not_end_is_graded_as_any_other(tmp_path: Path) -> None:
    command = [sys.executable, ODDLY, "fertile", "{port}", "{ingest}", str(tmp_path / "pids")]
    assert grade("05", command, seed=1).id == ""


@pytest.mark.thorough
def test_a_gigabyte_of_output_costs_no_memory() -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert grade("05", [sys.executable, ODDLY, "deafening", "{port}", "{ingest}"], seed=1).id == ""
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 50_000, "kilobytes"


@pytest.mark.thorough
def test_who_ignores_sigterm_is_killed() -> None:
    program = Program(["sh", "-c", "trap '' TERM; echo deaf; sleep 60; sleep 60", "{port}"])
    while program.last_line != "deaf":
        assert program.is_alive(0.01)
    program.stop()
    assert program.status == -signal.SIGKILL


@pytest.mark.parametrize("command", [["no-such-command"], ["/"], [__file__]])
def test_what_cannot_be_run_is_said_by_the_system(command: list[str]) -> None:
    with pytest.raises(NotStarted) as refused:
        Program(command)
    assert refused.value.command == command[0]
    assert refused.value.problem in ("No such file or directory", "Permission denied")


def test_ports_are_put_where_they_belong_or_behind() -> None:
    program = Program(["echo", "--at=127.0.0.1:{port}", "{ingest}"])
    assert not program.is_alive(10)
    assert program.last_line == f"--at=127.0.0.1:{program.port} {program.ingest}"
    program.stop()
    program = Program(["echo"])
    assert not program.is_alive(10)
    assert program.last_line == f"{program.port} {program.ingest}"
    program.stop()


def test_ports_are_none_that_the_system_gives_by_itself_nor_a_screens_a_programs() -> None:
    program, screen = Program(["true"]), Screen()
    program.stop()
    screen.close()
    given = Path("/proc/sys/net/ipv4/ip_local_port_range")
    first = int(given.read_text().split()[0]) if given.exists() else 49_152
    assert 1024 < screen.port < min(PROGRAMS)
    assert {program.port, program.ingest} <= set(PROGRAMS)
    assert max(PROGRAMS) < first


def test_a_program_runs_in_the_folder_it_is_told(tmp_path: Path) -> None:
    program = Program(["pwd", "{port}"], folder=tmp_path)
    assert not program.is_alive(10)
    assert program.last_line == str(tmp_path.resolve())
    program.stop()


def test_the_last_line_moves_nothing_on_a_terminal() -> None:
    program = Program(["printf", r"first\n\033[2Jlast %.0s\n", "{port}"])
    assert not program.is_alive(10)
    assert program.last_line == r"\x1b[2Jlast"
    program.stop()


@pytest.mark.parametrize(
    ("printed", "line"),
    [
        ("Traceback:\n  File x\nValueError: no", "ValueError: no"),
        ('Exception in thread "main" java.x: no\n\tat a.b(c)\n\t... 3 more\n', None),
        (
            "Error: no\n    at x\nEmitted 'error' event\n  errno: -104,\n}\n\nNode.js v20",
            "Error: no",
        ),
        ("ValueError: no\nreactor.timeline: drawn to run.html\n", "ValueError: no"),
        ("    at last\n", "at last"),
        ("\n\n", ""),
    ],
)
def test_the_last_line_is_the_one_that_says_what_went_wrong(printed: str, line: str | None) -> None:
    program = Program(["sh", "-c", 'printf %s "$0"', printed, "{port}"])
    assert not program.is_alive(10)
    assert program.last_line == (printed.splitlines()[0] if line is None else line)
    program.stop()


def test_the_status_is_the_programs() -> None:
    program = Program(["sh", "-c", "kill -9 $$", "{port}"])
    assert not program.is_alive(10)
    assert program.status == -signal.SIGKILL
    program.stop()


@pytest.mark.thorough
@LINUX
def test_who_spins_asks_for_all_of_a_processor() -> None:
    program = Program(["sh", "-c", "while :; do :; done", "{port}"])
    share = program.idle_share()
    program.stop()
    assert share is not None
    assert share > 0.5


@pytest.mark.thorough
def test_who_stood_in_the_queue_all_the_while_is_not_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(under_test, "spent", lambda process: {"8": Spent(1.5, 0.5)})
    monkeypatch.setattr(under_test, "wants_one", lambda process: True)
    program = Program(["sh", "-c", "exec sleep 60", "{port}"])
    share = program.idle_share()
    program.stop()
    assert share == 1


@pytest.mark.parametrize(("state", "wants"), [("R", True), ("S", False), ("Z", False)])
def test_the_state_of_a_thread_says_whether_it_wants_a_processor(
    state: str, wants: bool, tmp_path: Path
) -> None:
    thread = tmp_path / "7" / "task" / "8"
    thread.mkdir(parents=True)
    (thread / "stat").write_text(f"8 (a (strange) R name) {state} 1 7 7 0 -1")
    assert wants_one(7, tmp_path) is wants


@pytest.mark.thorough
@LINUX
def test_who_waits_asks_for_none_of_it() -> None:
    program = Program(["sh", "-c", "exec sleep 60", "{port}"])
    share = program.idle_share()
    program.stop()
    assert share is not None
    assert share < 0.1


@pytest.mark.thorough
@LINUX
def test_children_count() -> None:
    program = Program(["sh", "-c", "(while :; do :; done) & (sleep 60) & wait", "{port}"])
    share = program.idle_share()
    descriptors = program.descriptors()
    program.stop()
    assert share is not None
    assert share > 0.5
    assert descriptors is not None
    assert descriptors >= 6


# -- where there is no /proc -------------------------------------------------------------------


def fake_ps(folder: Path, monkeypatch: pytest.MonkeyPatch, says: str) -> None:
    (folder / "ps").write_text(f"#!/bin/sh\n{says}\n")
    (folder / "ps").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def test_where_only_ps_tells_it_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_ps(tmp_path, monkeypatch, "echo 1 0 0:07.00; echo 7 1 1:01.50; echo 8 7 1-00:00:00.25")
    assert spent(7, tmp_path / "nowhere") == {"": Spent(86_461.75, 0)}
    assert spent(9, tmp_path / "nowhere") is None
    assert family(7, tmp_path / "nowhere") == [7]


@pytest.mark.parametrize("says", ["echo 7 1 00:00:01", "exit 1", "echo 7 1 -"])
def test_where_nobody_tells_nothing_is_made_up(
    says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_ps(tmp_path, monkeypatch, says)
    assert spent(7, tmp_path / "nowhere") is None


def test_where_there_is_no_ps_either_nothing_is_made_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert spent(7, tmp_path / "nowhere") is None


@pytest.mark.thorough
def test_what_cannot_be_seen_is_said_and_no_diagnosis(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(under_test, "spent", lambda process: None)
    result = grade("05", [sys.executable, ODDLY, "usual", "{port}", "{ingest}"], seed=1)
    assert (result.id, result.transcript[3].key) == ("", "idle_unseen")


@pytest.mark.thorough
def test_descriptors_that_cannot_be_seen_are_no_leak(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(under_test, "_DESCRIPTORS", tmp_path / "fd")
    leak = ROOT / "examples" / "course" / "10" / "broken_leak.py"
    result = grade("10", [sys.executable, str(leak)], seed=1)
    assert result.id == ""
    assert "descriptors_unseen" in {entry.key for entry in result.transcript}


@pytest.mark.thorough
def test_where_nobody_tells_what_was_read_it_is_said_and_waited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receive_queue, "_TABLES", (tmp_path / "tcp",))
    result = grade("03", [sys.executable, ODDLY, "usual", "{port}", "{ingest}"], seed=1)
    assert (result.id, result.transcript[0].key) == ("", "reads_unseen")
