"""A program that is run by us finds, says and leaves what it would without us."""

import os
import py_compile
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from types import SimpleNamespace, TracebackType
from typing import Any, NamedTuple

import pytest

from reactor.timeline.command.program import Program

_ROOT = Path(__file__).resolve().parents[2]
_PATIENCE = 20.0

FINDINGS = """
    import os, pickle, sys
    class Thing: pass
    print(__name__, __package__, __doc__, __spec__ and __spec__.name, __file__)
    print(type(__loader__).__name__, __builtins__ is sys.modules["builtins"])
    print(sys.argv, sys.path[0], sorted(globals()))
    print(type(pickle.loads(pickle.dumps(Thing()))) is Thing, sys.modules["__main__"].Thing)
"""
FAILURE = """
    def fail():
        try:
            [][1]
        except IndexError as error:
            raise ValueError("of no use") from error
    fail()
"""


class Ended(NamedTuple):
    """How a process ended, and what it had said."""

    status: int
    out: str
    err: str


def run(*command: str, folder: Path, **environment: str) -> Ended:
    done = subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def with_us(program: Program, folder: Path, *options: str) -> Ended:
    # As -m has it, by which we are run.
    code = "\n".join(
        [
            "import os, sys; sys.path[0] = sys.path[0] or os.getcwd()",
            "from reactor.timeline.command.program import Program",
            f"Program({program.name!r}, {program.arguments!r}, {program.is_module}).run()",
        ]
    )
    # Of a program that is recorded, the other options of the interpreter are ours.
    return run(*options, "-c", code, folder=folder, PYTHONPATH=str(_ROOT))


def without_us(program: Program, folder: Path, *options: str) -> Ended:
    return run(*options, *program.command, folder=folder, PYTHONPATH=str(_ROOT))


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], Path]:
    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))
        return path

    return write


Write = Callable[[str, str], Path]


# -- beside the interpreter itself ----------------------------------------------------------


@pytest.mark.thorough
@pytest.mark.parametrize(
    "text",
    [
        FINDINGS,
        FAILURE,
        "print('half a program'",
        "import sys; sys.exit(3)",
        "import sys; sys.exit('good bye')",
        "import sys; sys.exit()",
        "raise KeyboardInterrupt",
        "import os, signal; os.kill(os.getpid(), signal.SIGINT)",
        "import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
        "import os; print('lost'); os._exit(4)",
        "import sys; sys.excepthook = lambda *a: print(a[0], a[1], a[2].tb_next); [][1]",
        "import atexit; atexit.register(print, 'in the end'); print(5)",
        "import threading; threading.Timer(0.05, lambda: print(__name__)).start()",
        "print(input(), end='!')",
        "import warnings; warnings.warn('of this line')",
        "from __future__ import annotations\ndef f(x: nonsense): ...\nprint(f.__annotations__)",
    ],
)
def test_a_file_does_what_it_does_without_us(write: Write, tmp_path: Path, text: str) -> None:
    write("app/main.py", text)
    program = Program(os.path.join("app", "main.py"), ("-m", "--draw", "x y"))
    assert with_us(program, tmp_path) == without_us(program, tmp_path)


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["package", "package.inner", "package.none", "package.broken"])
def test_a_module_does_what_it_does_without_us(write: Write, tmp_path: Path, name: str) -> None:
    write("package/__init__.py", "")
    write("package/__main__.py", FINDINGS)
    write("package/inner.py", "from . import __main__ as them\n" + dedent(FAILURE))
    write("package/broken.py", "import nowhere")
    program = Program(name, ("one",), is_module=True)
    assert with_us(program, tmp_path) == without_us(program, tmp_path)


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["folder", "folder.zip", "empty", "main.pyc", "link.py"])
def test_what_is_no_plain_file_does_what_it_does_without_us(
    write: Write, tmp_path: Path, name: str
) -> None:
    path = write("folder/__main__.py", FINDINGS)
    (tmp_path / "empty").mkdir()
    (tmp_path / "link.py").symlink_to(path)
    with zipfile.ZipFile(tmp_path / "folder.zip", "w") as archive:
        archive.write(path, "__main__.py")
    py_compile.compile(str(path), str(tmp_path / "main.pyc"))
    ours, theirs = (run(Program(name), tmp_path) for run in (with_us, without_us))
    # A file that is compiled has a loader of another kind, for which nobody asks.
    assert Ended(ours.status, ours.out.replace("Sourceless", "Source"), ours.err) == Ended(
        theirs.status, theirs.out.replace("Sourceless", "Source"), theirs.err
    )


@pytest.mark.thorough
def test_a_safe_path_stays_safe(write: Write, tmp_path: Path) -> None:
    write("main.py", "import sys; print(sys.path)")
    program = Program("main.py")
    assert with_us(program, tmp_path, "-P") == without_us(program, tmp_path, "-P")


@pytest.mark.thorough
def test_a_process_that_is_spawned_finds_what_it_is_to_run(write: Write, tmp_path: Path) -> None:
    text = """
        import multiprocessing
        def work(pipe):
            pipe.send(__name__)
        if __name__ == "__main__":
            here, there = multiprocessing.Pipe()
            child = multiprocessing.get_context("spawn").Process(target=work, args=(there,))
            child.start()
            print(here.recv())
            child.join()
    """
    write("main.py", text)
    for program in (Program("main.py"), Program("main", is_module=True)):
        assert with_us(program, tmp_path) == Ended(0, "__mp_main__\n", "")


# -- the same in this process ---------------------------------------------------------------


@pytest.fixture
def _at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """What belongs to the program is put back when it has ended."""
    monkeypatch.setattr(sys, "argv", sys.argv)
    monkeypatch.setattr(sys, "path", ["here", *sys.path])
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])


@pytest.mark.usefixtures("_at_home")
def test_a_file_has_its_arguments_and_its_folder(write: Write, tmp_path: Path) -> None:
    path = write("main.py", "import sys; found = sys.argv, sys.path[0], __file__, __name__")
    Program(str(path), ("a", "-b")).run()
    main: Any = sys.modules["__main__"]
    assert main.found == ([str(path), "a", "-b"], str(tmp_path), str(path), "__main__")


@pytest.mark.usefixtures("_at_home")
def test_a_path_that_is_to_be_safe_is_left_as_it_is(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "flags", SimpleNamespace(safe_path=True))
    before = list(sys.path)
    Program(str(write("main.py", ""))).run()
    assert sys.path == before


@pytest.mark.usefixtures("_at_home")
def test_byte_code_is_run_as_it_is(write: Write, tmp_path: Path) -> None:
    compiled = tmp_path / "main.pyc"
    py_compile.compile(str(write("main.py", "found = 5")), str(compiled))
    Program(str(compiled)).run()
    assert vars(sys.modules["__main__"])["found"] == 5


@pytest.mark.usefixtures("_at_home")
@pytest.mark.skipif(not os.path.exists("/dev/fd"), reason="pipes have no names here")
def test_a_pipe_can_be_run(capsys: pytest.CaptureFixture[str]) -> None:
    read, write = os.pipe()
    os.write(write, b"print('from a pipe')")
    os.close(write)
    Program(f"/dev/fd/{read}").run()
    os.close(read)
    assert capsys.readouterr().out == "from a pipe\n"


@pytest.mark.usefixtures("_at_home")
def test_a_folder_is_where_its_modules_are_looked_for(write: Write, tmp_path: Path) -> None:
    write("app/beside_it.py", "word = 'beside'")
    write("app/__main__.py", "import beside_it, sys; found = beside_it.word, sys.argv")
    folder = str(tmp_path / "app")
    Program(folder, ("a",)).run()
    assert vars(sys.modules["__main__"])["found"] == ("beside", [folder, "a"])
    del sys.modules["beside_it"]


@pytest.mark.usefixtures("_at_home")
def test_a_module_has_its_arguments_and_its_package(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write("a_package/mine.py", "import sys; found = sys.argv, __package__")
    monkeypatch.syspath_prepend(tmp_path)
    Program("a_package.mine", ("a",), is_module=True).run()
    main = vars(sys.modules["__main__"])
    assert main["found"] == ([str(path), "a"], "a_package")
    sys.modules.pop("a_package", None)


@pytest.mark.usefixtures("_at_home")
def test_an_exit_leaves_as_it_is(write: Write) -> None:
    before = sys.excepthook
    with pytest.raises(SystemExit) as caught:
        Program(str(write("main.py", "raise SystemExit(3)"))).run()
    assert caught.value.code == 3
    assert sys.excepthook is before


Shown = list[tuple[BaseException, list[str]]]


@pytest.fixture
def shown(_at_home: None, monkeypatch: pytest.MonkeyPatch) -> Shown:
    """What the program's excepthook was given: each error, and the names of its functions."""
    seen: Shown = []

    def hook(kind: object, error: BaseException, traceback: TracebackType | None) -> None:
        names = []
        while traceback is not None:
            names.append(traceback.tb_frame.f_code.co_name)
            traceback = traceback.tb_next
        seen.append((error, names))

    monkeypatch.setattr(sys, "excepthook", hook)
    return seen


def raised_by(program: Program) -> Exception:
    """What leaves the program, once it was shown as the interpreter would."""
    with pytest.raises(Exception) as caught:  # noqa: PT011
        program.run()
    sys.excepthook(caught.type, caught.value, caught.tb)
    return caught.value


def test_an_error_is_shown_without_us(write: Write, shown: Shown) -> None:
    error = raised_by(Program(str(write("main.py", FAILURE))))
    assert shown == [(error, ["<module>", "fail"])]


def test_what_stands_in_for_functions_is_not_shown_in_the_midst_of_an_error(
    write: Write, shown: Shown, tmp_path: Path
) -> None:
    text = """
        from reactor.timeline import Recorder
        import time
        with Recorder("{record}"):
            time.sleep(-1)
    """
    path = write("main.py", text.format(record=tmp_path / "run.jsonl"))
    raised_by(Program(str(path)))
    ((_, names),) = shown
    assert names == ["<module>"]


def test_what_an_error_came_of_is_shown_without_us_too(write: Write, shown: Shown) -> None:
    error = raised_by(Program(str(write("main.py", FAILURE))))
    assert error.__cause__ is not None
    assert error.__cause__.__traceback__ is not None
    assert error.__cause__.__traceback__.tb_frame.f_code.co_name == "fail"


def test_a_file_that_is_no_python_is_shown_as_that_alone(write: Write, shown: Shown) -> None:
    error = raised_by(Program(str(write("main.py", "half a program"))))
    assert isinstance(error, SyntaxError)
    assert shown == [(error, [])]
