"""A program is run, recorded and drawn, and ends as it would; a record is drawn again."""

import atexit
import errno
import os
import runpy
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from reactor.timeline.__main__ import main
from reactor.timeline.command import session
from reactor.timeline.picture.drawing import Drawing, read_record
from reactor.timeline.recording.recorder import Recorder

pytestmark = pytest.mark.usefixtures("watchdog")

_ROOT = Path(__file__).resolve().parents[2]
_PATIENCE = 20.0

LOOP = """
    import reactor, sys, time
    with reactor.EventLoop() as loop:
        loop.call_soon(print, "the program's own")
        loop.run()
"""
SLEEPER = """
    import reactor, sys, time
    with reactor.EventLoop() as loop:
        loop.call_soon(time.sleep, 0.02)
        loop.run()
    sys.exit(3)
"""
WAITING = """
    import selectors, socket
    with socket.create_server(("127.0.0.1", 0)) as server:
        selector = selectors.DefaultSelector()
        selector.register(server, selectors.EVENT_READ)
        print("waiting", flush=True)
        selector.select()
"""


class Ending(list[Callable[[], object]]):
    """What is to be called when the process ends, and how it ends then."""

    status: int | None = None

    def come(self) -> None:
        while self:
            self.pop()()


@pytest.fixture
def ending(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Ending]:
    """A process that ends when the test says so, in a folder of its own."""
    ending = Ending()
    monkeypatch.setattr(atexit, "register", ending.append)
    monkeypatch.setattr(os, "_exit", lambda status: setattr(ending, "status", status))
    monkeypatch.setattr(sys, "argv", sys.argv)
    monkeypatch.setattr(sys, "path", ["here", *sys.path])
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    monkeypatch.setenv("LANG", "C")
    monkeypatch.chdir(tmp_path)
    handlers = {signum: signal.getsignal(signum) for signum in (signal.SIGTERM, signal.SIGHUP)}
    yield ending
    for signum, handler in handlers.items():
        signal.signal(signum, handler)
    ending.come()


def write(name: str, text: str) -> str:
    Path(name).write_text(dedent(text))
    return name


def run(ending: Ending, *arguments: str) -> int:
    """Run a program to the end of its process; what it would have ended with."""
    try:
        status: Any = main(arguments)
    except SystemExit as exc:
        status = exc.code
    ending.come()
    return status if ending.status is None else ending.status


# -- recording -----------------------------------------------------------------------------


def test_a_program_is_run_recorded_and_drawn(
    ending: Ending, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(ending, write("server.py", LOOP), "5000") == 0
    said = capfd.readouterr()
    assert said.out == "the program's own\n"
    assert said.err == (
        "reactor.timeline: drawn to run.html; 1 turn recorded in run.jsonl; to draw it, or a part "
        "of it: python3 -m reactor.timeline --draw run.jsonl\n"
    )
    assert Path("run.html").read_text().lower().startswith("<!doctype")
    record = read_record(Path("run.jsonl"))
    assert record.program == ("server.py", "5000")
    assert record.is_whole


def test_a_module_is_run_recorded_and_drawn(
    ending: Ending, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("a_server.py", LOOP)
    monkeypatch.syspath_prepend(os.getcwd())
    assert run(ending, "-m", "a_server", "5000") == 0
    assert read_record(Path("run.jsonl")).program == ("-m", "a_server", "5000")


@pytest.mark.parametrize(
    ("options", "files"),
    [
        ((), {"run.html", "run.jsonl"}),
        (("-o", "mine.html"), {"mine.html", "mine.jsonl"}),
        (("-o", "mine.jsonl"), {"mine.jsonl"}),
        (("--svg",), {"run.svg", "run.jsonl"}),
        (("--sequence",), {"run-sequence.svg", "run.jsonl"}),
        (("--text",), {"run.jsonl"}),
        (("--text", "-o", "mine.txt"), {"mine.txt", "mine.jsonl"}),
        (("--svg", "-o", "-"), {"run.jsonl"}),
    ],
)
def test_files_have_the_names_that_are_said(
    ending: Ending, options: tuple[str, ...], files: set[str]
) -> None:
    run(ending, *options, write("server.py", LOOP))
    assert {path.name for path in Path().iterdir()} == {"server.py", *files}


def test_text_comes_when_the_program_has_said_all(
    ending: Ending, capfd: pytest.CaptureFixture[str]
) -> None:
    run(ending, "--text", write("server.py", LOOP))
    out = capfd.readouterr().out
    assert out.startswith("the program's own\nserver.py\n")


def test_the_last_line_is_in_the_language_of_the_picture(
    ending: Ending, capfd: pytest.CaptureFixture[str]
) -> None:
    run(ending, "--lang", "es", write("server.py", LOOP))
    assert capfd.readouterr().err == (
        "reactor.timeline: dibujado en run.html; registro de 1 vuelta en run.jsonl; para "
        "dibujarlo, entero o en parte: python3 -m reactor.timeline --draw run.jsonl\n"
    )


def test_a_program_of_which_nothing_can_be_seen_is_told_of_and_not_drawn(
    ending: Ending, capfd: pytest.CaptureFixture[str]
) -> None:
    run(ending, write("server.py", "print('no socket')"))
    assert "timeline: not drawn; no loop was seen, for nothing waited" in capfd.readouterr().err
    assert not Path("run.html").exists()


def test_a_program_without_a_loop_is_drawn_and_told_of(
    ending: Ending, capfd: pytest.CaptureFixture[str]
) -> None:
    run(ending, write("server.py", "import socket; socket.socket().close()"))
    assert "drawn to run.html; no loop was seen, for nothing waited" in capfd.readouterr().err
    assert Path("run.html").exists()


def test_who_has_to_wait_for_a_picture_is_told(
    ending: Ending, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "_LARGE", 0)
    run(ending, write("server.py", LOOP))
    first, _ = capfd.readouterr().err.splitlines()
    assert first == "reactor.timeline: drawing 1 turn; Ctrl-C leaves it at the record"


def test_an_exit_is_the_program_s_own(ending: Ending) -> None:
    assert run(ending, write("server.py", SLEEPER)) == 3


def test_what_a_program_raises_leaves_as_it_is(ending: Ending) -> None:
    with pytest.raises(ZeroDivisionError):
        main([write("server.py", "1 / 0")])
    ending.come()
    assert read_record(Path("run.jsonl")).is_whole


def test_a_check_that_finds_something_ends_with_1_and_says_what_the_program_ended_with(
    ending: Ending, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(ending, "--check", write("server.py", SLEEPER)) == 1
    finding, status, _ = capfd.readouterr().err.splitlines()
    assert finding.startswith("reactor.timeline: blocking-call")
    assert status == "reactor.timeline: the program itself ended with 3"


def test_a_record_is_checked_without_a_picture(
    ending: Ending, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(ending, "--check", "-o", "run.jsonl", write("server.py", SLEEPER)) == 1
    *_, last = capfd.readouterr().err.splitlines()
    assert last.startswith("reactor.timeline: 1 turn recorded in run.jsonl; ")
    assert read_record(Path("run.jsonl")).is_whole


def test_a_check_that_finds_nothing_leaves_the_program_its_status(
    ending: Ending, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(ending, "--check", write("server.py", LOOP)) == 0
    assert len(capfd.readouterr().err.splitlines()) == 1


def test_a_check_knows_a_program_that_failed(
    ending: Ending, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ZeroDivisionError):
        main(["--check", write("server.py", SLEEPER.replace("sys.exit(3)", "1 / 0"))])
    ending.come()
    assert ending.status == 1
    assert "the program itself ended with ZeroDivisionError" in capfd.readouterr().err


def test_a_program_that_goes_elsewhere_is_drawn_where_it_was(
    ending: Ending, tmp_path: Path
) -> None:
    run(
        ending, write("server.py", "import os; os.mkdir('away'); os.chdir('away')\n" + dedent(LOOP))
    )
    assert (tmp_path / "run.html").exists()


def test_the_record_is_as_long_as_was_allowed(ending: Ending) -> None:
    run(ending, "--preview", "2", write("server.py", "import socket\na, b = socket.socketpair()\n"
                                        "a.send(b'secret'); a.close(); b.close()"))  # fmt: skip
    assert "secret" not in Path("run.jsonl").read_text()
    assert '"se"' in Path("run.jsonl").read_text()


def test_a_record_that_ended_early_is_told_of(
    ending: Ending, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Recorder, "error", OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    run(ending, write("server.py", LOOP))
    assert (
        "the record ends early (No space left on device); drawn to run.html; "
        in capfd.readouterr().err
    )


def test_a_picture_that_can_not_be_drawn_leaves_the_record_and_the_status(
    ending: Ending, capfd: pytest.CaptureFixture[str]
) -> None:
    Path("run.html").mkdir()
    assert run(ending, write("server.py", SLEEPER)) == 3
    assert "not drawn to run.html (Is a directory); 1 turn recorded" in capfd.readouterr().err
    assert read_record(Path("run.jsonl")).is_whole


def test_who_does_not_wait_for_the_picture_has_the_record(
    ending: Ending, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*arguments: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(Drawing, "of", interrupt)
    run(ending, write("server.py", LOOP))
    assert "not drawn; 1 turn recorded in run.jsonl" in capfd.readouterr().err


def test_a_forked_child_leaves_the_record_to_its_parent(
    ending: Ending, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    main(["--check", write("server.py", SLEEPER.replace("sys.exit(3)", ""))])
    at_exit = list(ending)
    with monkeypatch.context() as child:
        child.setattr(os, "getpid", lambda: -1)
        ending.come()
    assert capfd.readouterr().err == ""
    ending.extend(at_exit)
    ending.come()
    assert ending.status == 1


# -- signals -------------------------------------------------------------------------------


def test_a_signal_that_ends_the_program_finds_it_drawn_and_checked(
    ending: Ending, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    main(["--check", write("server.py", SLEEPER.replace("sys.exit(3)", ""))])
    handler: Any = signal.getsignal(signal.SIGTERM)
    killed = threading.Event()
    with monkeypatch.context() as patch:
        patch.setattr(os, "kill", lambda pid, signum: killed.set())
        handler(signal.SIGTERM, None)
        assert killed.wait(_PATIENCE)
    assert Path("run.html").exists()
    assert ending.status == 1
    assert "the program itself ended with SIGTERM" in capfd.readouterr().err


def test_a_signal_does_not_wait_for_the_picture_of_a_program_that_is_over(
    ending: Ending, monkeypatch: pytest.MonkeyPatch
) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    heard: list[object] = []

    def draw(drawing: Drawing, run: object) -> str:
        heard.append(signal.getsignal(signal.SIGTERM))
        return ""

    monkeypatch.setattr(Drawing, "of", draw)
    main([write("server.py", LOOP)])
    assert signal.getsignal(signal.SIGTERM) != signal.SIG_DFL
    ending.come()
    assert heard == [signal.SIG_DFL]


# -- drawing -------------------------------------------------------------------------------


@pytest.fixture
def recorded(ending: Ending, capfd: pytest.CaptureFixture[str]) -> None:
    """A record of a program that sleeps in a callback."""
    run(ending, "-o", "run.jsonl", write("server.py", SLEEPER))
    capfd.readouterr()


@pytest.mark.usefixtures("recorded")
@pytest.mark.parametrize(
    ("options", "file"),
    [
        ((), "run.html"),
        (("--svg",), "run.svg"),
        (("--sequence",), "run-sequence.svg"),
        (("--svg", "-o", "mine"), "mine"),
    ],
)
def test_a_record_is_drawn_beside_it_or_where_it_is_said(
    options: tuple[str, ...], file: str
) -> None:
    assert main(["--draw", "run.jsonl", *options]) == 0
    assert Path(file).exists()


@pytest.mark.usefixtures("recorded")
@pytest.mark.parametrize("options", [("--text",), ("--svg", "-o", "-")])
def test_a_record_is_drawn_on_standard_output(
    options: tuple[str, ...], capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["--draw", "run.jsonl", *options]) == 0
    assert capfd.readouterr().out


@pytest.mark.usefixtures("recorded")
def test_a_check_of_a_record_says_what_it_found_and_draws_nothing(
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert main(["--draw", "run.jsonl", "--check"]) == 1
    assert capfd.readouterr().out.startswith("blocking-call")
    assert not Path("run.html").exists()


@pytest.mark.usefixtures("recorded")
def test_a_check_of_a_record_draws_it_where_it_is_said() -> None:
    assert main(["--draw", "run.jsonl", "--check", "-o", "mine.html"]) == 1
    assert Path("mine.html").exists()


def test_a_check_that_finds_nothing_ends_with_0(
    ending: Ending, capfd: pytest.CaptureFixture[str]
) -> None:
    run(ending, "-o", "run.jsonl", write("server.py", LOOP))
    capfd.readouterr()
    assert main(["--draw", "run.jsonl", "--check"]) == 0
    assert capfd.readouterr().out == ""


@pytest.mark.usefixtures("recorded")
def test_who_has_read_enough_is_no_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    def break_off(*arguments: object) -> None:
        raise BrokenPipeError

    with monkeypatch.context() as patch:
        patch.setattr("reactor.timeline.__main__.write", break_off)
        patch.setattr(os, "dup2", lambda source, target: os.close(source))
        assert main(["--draw", "run.jsonl", "--text"]) == 0


@pytest.mark.usefixtures("recorded")
@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("nosuch.py", "nosuch.py: No such file or directory"),
        ("-o no/such/run.html server.py", "no/such/run.jsonl: No such file or directory"),
        ("--draw nosuch.jsonl", "nosuch.jsonl: No such file or directory"),
        ("--draw .", ".: Is a directory"),
        ("--draw server.py", "server.py: is not the record of a run"),
        ("--draw run.jsonl -o no/such/run.html", "no/such/run.html: No such file or directory"),
        ("--draw run.jsonl -o run.jsonl", "run.jsonl would be drawn over itself"),
        ("--draw run.jsonl --only nobody", "run.jsonl: no lane is called 'nobody'"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    capfd: pytest.CaptureFixture[str], line: str, complaint: str
) -> None:
    assert main(line.split()) == 2
    said = capfd.readouterr()
    assert said.out == ""
    assert said.err.startswith(f"python3 -m reactor.timeline: {complaint}")
    assert said.err.count("\n") == 1


def test_signs_that_a_terminal_can_not_show_are_replaced(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "out"
    with path.open("w", encoding="ascii") as terminal:
        monkeypatch.setattr(sys, "stdout", terminal)
        session.write("años\n", None)
    assert path.read_text() == "a?os\n"


def test_the_module_is_the_command(
    ending: Ending, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["timeline", "--draw", "nosuch.jsonl"])
    monkeypatch.delitem(sys.modules, "reactor.timeline.__main__")
    with pytest.raises(SystemExit) as caught:
        runpy.run_module("reactor.timeline", run_name="__main__")
    assert caught.value.code == 2
    assert "nosuch.jsonl" in capfd.readouterr().err


# -- as its users do -----------------------------------------------------------------------


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "reactor.timeline", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(_ROOT), "LANG": "C"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


@pytest.mark.thorough
@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_server_that_is_ended_by_a_signal_dies_of_it_and_is_drawn(
    tmp_path: Path, signum: int
) -> None:
    (tmp_path / "server.py").write_text(dedent(WAITING))
    with start(tmp_path, "server.py") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "waiting\n"
        process.send_signal(signum)
        _, err = process.communicate(timeout=_PATIENCE)
    assert process.returncode == -signum
    assert "drawn to run.html; " in err
    assert str(_ROOT / "reactor") not in err
    assert (tmp_path / "run.html").exists()


@pytest.mark.thorough
def test_what_outlives_the_last_line_is_recorded(tmp_path: Path) -> None:
    text = """
        import atexit, socket, threading
        atexit.register(lambda: socket.socket().close())
        threading.Timer(0.05, lambda: socket.socketpair()[0].close()).start()
    """
    (tmp_path / "server.py").write_text(dedent(text))
    with start(tmp_path, "server.py") as process:
        process.communicate(timeout=_PATIENCE)
    assert len(read_record(tmp_path / "run.jsonl").lanes) == 3


@pytest.mark.thorough
def test_a_check_ends_the_process_with_1(tmp_path: Path) -> None:
    (tmp_path / "server.py").write_text(dedent(SLEEPER))
    with start(tmp_path, "--check", "server.py") as process:
        _, err = process.communicate(timeout=_PATIENCE)
    assert process.returncode == 1
    assert "blocking-call" in err


@pytest.mark.thorough
def test_a_process_that_is_killed_leaves_a_record(tmp_path: Path) -> None:
    (tmp_path / "server.py").write_text(dedent(WAITING))
    with start(tmp_path, "server.py") as process:
        assert process.stdout is not None
        process.stdout.readline()
        while b'"watch"' not in (tmp_path / "run.jsonl").read_bytes():
            assert process.poll() is None
        process.kill()
    assert len(read_record(tmp_path / "run.jsonl").lanes) == 1
