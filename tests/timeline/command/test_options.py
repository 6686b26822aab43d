"""The command line says what to run or draw; what is the program's own is left to it."""

import pytest

from reactor.timeline.command.options import parse
from reactor.timeline.command.program import Program
from reactor.timeline.picture.drawing import Drawing, Kind
from reactor.timeline.words.languages import LANGUAGES


@pytest.fixture(autouse=True)
def _plain_language(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("line", "program"),
    [
        ("server.py", Program("server.py")),
        ("server.py 5000 --check -o x", Program("server.py", ("5000", "--check", "-o", "x"))),
        ("--check server.py --lang fr", Program("server.py", ("--lang", "fr"))),
        ("-m chat -m --help", Program("chat", ("-m", "--help"), is_module=True)),
        ("-o x.html -m chat 7000", Program("chat", ("7000",), is_module=True)),
        ("-- server.py -- x", Program("server.py", ("--", "x"))),
        ("server.py -h", Program("server.py", ("-h",))),
    ],
)
def test_what_stands_behind_the_program_is_its_own(line: str, program: Program) -> None:
    assert parse(line.split()).program == program


def test_nothing_is_asked_for_unless_it_is_said() -> None:
    options = parse(["server.py"])
    assert options.drawing == Drawing()
    assert (options.output, options.check, options.draw) == (None, False, None)


def test_what_is_to_be_drawn_can_be_said() -> None:
    line = "--draw run.jsonl --svg --lang es --from 3 --to 9 --only A --only B --title T --lead L"
    options = parse(line.split())
    assert options.program is None
    assert options.drawing == Drawing(Kind.SVG, "es", "T", "L", 3, 9, ("A", "B"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_help_explains_each_option_in_the_language_of_the_environment(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    monkeypatch.setenv("LANG", language)
    monkeypatch.setenv("COLUMNS", "1000")
    with pytest.raises(SystemExit) as caught:
        parse(["--help"])
    assert caught.value.code == 0
    said = capsys.readouterr().out
    assert [text for text in LANGUAGES[language].options.values() if text not in said] == []


def test_the_language_is_that_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "es_UY.UTF-8")
    assert parse(["server.py"]).drawing.language == "es"
    assert parse(["--lang", "en", "server.py"]).drawing.language == "en"


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("", "which program"),
        ("-m", "which program"),
        ("--draw", "--draw"),
        ("--draw run.jsonl server.py", "takes no program"),
        ("--draw run.jsonl -m", "takes no program"),
        ("--draw run.jsonl --from 9 --to 3", "--from 9 is behind --to 3"),
        ("--draw run.jsonl --from -1", "--from"),
        ("--draw run.jsonl --to many", "expected a number from 0 on, not 'many'"),
        ("--draw run.jsonl --lang fr", "'fr'"),
        ("--limit 0 server.py", "expected a number from 1 on, not '0'"),
        ("--chekc server.py", "--chekc"),
        ("--che server.py", "--che"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    capsys: pytest.CaptureFixture[str], line: str, complaint: str
) -> None:
    with pytest.raises(SystemExit) as caught:
        parse(line.split())
    assert caught.value.code == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert said.err.startswith("python3 -m reactor.timeline: ")
    assert complaint in said.err


def test_help_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse(["--help"])
    assert caught.value.code == 0
    assert "--draw RECORD" in capsys.readouterr().out
