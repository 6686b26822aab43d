"""What is written must be true: every example in docstrings, docs and README is run."""

import doctest
import importlib
import pkgutil
import re
import signal
import socket
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pytest

import examples
import reactor
from reactor.relay.protocol import CLOSING_CODES, ErrorCode
from reactor.testing import SimulationFailed, simulate
from tests.doubles.program import ROOT

DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "tests" / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
]


def modules_of(package: types.ModuleType) -> list[str]:
    found = pkgutil.walk_packages(package.__path__, package.__name__ + ".")
    return [package.__name__, *(module.name for module in found)]


def code_in(document: str, language: str) -> list[str]:
    text = (ROOT / document).read_text()
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("name", modules_of(reactor) + modules_of(examples))
def test_the_examples_in_docstrings_run(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_the_tutorial_runs_from_top_to_bottom() -> None:
    blocks = code_in("docs/tutorial.md", "python")
    assert len(blocks) >= 7
    exec("\n".join(blocks), {"__name__": "tutorial"})


def test_the_server_of_the_tutorial_serves() -> None:
    source = "\n".join(code_in("docs/tutorial.md", "python")) + '\nserve("127.0.0.1", 0)'
    with subprocess.Popen(
        [sys.executable, "-c", source], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        port = int(server.stdout.readline().rpartition(":")[2])
        assert talk(port, b"VOTE ada\nRESULT\n") == b"OK\nada 1\n.\n"
        server.send_signal(signal.SIGTERM)
    assert server.returncode == 0


@pytest.mark.thorough
def test_the_planted_bug_of_the_reliability_page_is_found_and_the_mended_server_holds(
    capsys: pytest.CaptureFixture[str],
) -> None:
    exec("\n".join(code_in("docs/reliability.md", "python")), {"__name__": "reliability"})
    assert "run it again with: simulate(scenario, seeds=[" in capsys.readouterr().out


def test_the_story_on_the_reliability_page_is_told_word_by_word() -> None:
    server, client, *_ = code_in("docs/reliability.md", "python")
    names: dict[str, Any] = {"__name__": "reliability"}
    exec(server + client.partition("try:")[0], names)
    (story,) = code_in("docs/reliability.md", "text")
    (seed,) = re.findall(r"^seed (\d+):", story)
    with pytest.raises(SimulationFailed) as failure:
        simulate(names["scenario"], seeds=[int(seed)])
    told = str(failure.value).splitlines()
    assert [line for line in story.splitlines() if line not in told] == ["..."]


def test_the_ten_lines_of_the_readme_echo() -> None:
    (source,) = code_in("README.md", "python")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    source = source.replace("7000", str(port)).replace("loop.run()", "print(1)\n    loop.run()")
    with subprocess.Popen(
        [sys.executable, "-u", "-c", source], cwd=ROOT, stdout=subprocess.PIPE
    ) as server:
        assert server.stdout is not None
        server.stdout.readline()
        assert talk(port, b"hola\n") == b"hola\n"
        server.terminate()


def talk(port: int, words: bytes) -> bytes:
    """All that a server answers."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(words)
        client.shutdown(socket.SHUT_WR)
        with client.makefile("rb") as file:
            return file.read()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_and_file_names_lead_somewhere(document: Path) -> None:
    text = document.read_text()
    linked = re.findall(r"\]\(([^)#:]+)\)", text)
    named = re.findall(r"`((?:reactor|examples|tests|docs)/[\w/.]*)`", text)
    missing = [name for name in linked if not (document.parent / name).exists()]
    missing += [name for name in named if not (ROOT / name).exists()]
    assert missing == []


def test_every_program_in_the_readme_exists() -> None:
    commands = "\n".join(code_in("README.md", "sh"))
    programs = set(re.findall(r"python3 -m (examples\.[\w.]+)", commands))
    names = ("demo", "timeline", "course.grade", "server", "client")
    assert programs == {f"examples.{name}" for name in names}
    for program in programs:
        help_text = subprocess.run(
            [sys.executable, "-m", program, "--help"], cwd=ROOT, capture_output=True, text=True
        )
        assert help_text.returncode == 0


def test_every_error_code_is_documented_with_its_text() -> None:
    text = (ROOT / "docs" / "protocol.md").read_text()
    rows = re.findall(r"^\| `([A-Z_]+)` \| ([^|]+) \| (goes on|is closed) \|$", text, re.MULTILINE)
    assert rows == [
        (str(code), code.text, "is closed" if code in CLOSING_CODES else "goes on")
        for code in ErrorCode
    ]


def test_every_room_is_in_the_map_of_the_house() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    rooms = re.findall(r"^\| `(reactor/[\w/]+(?:\.py|/))` \|", text, re.MULTILINE)
    files = {str(path.relative_to(ROOT)) for path in (ROOT / "reactor").rglob("*.py")}
    homeless = [
        file
        for file in files
        if not file.endswith("/__init__.py") and not file.startswith(tuple(rooms))
    ]
    assert homeless == []
    assert [room for room in rooms if not (ROOT / room).exists()] == []


def test_the_map_of_the_tests_names_each_of_them_or_its_folder() -> None:
    text = (ROOT / "tests" / "README.md").read_text()
    named = tuple(re.findall(r"`(tests/[\w/]+(?:\.py|/))`", text))
    files = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "tests").rglob("test_*.py"))
    assert [file for file in files if not file.startswith(named)] == []


def test_every_public_name_has_a_docstring() -> None:
    bare = [name for name in reactor.__all__ if not getattr(reactor, name).__doc__]
    assert bare == []
