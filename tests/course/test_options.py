"""The command line of the grader: wrong use is one line that says what to do, in the language."""

import pytest

from examples.course.grade.chapters import NUMBERS
from examples.course.grade.options import parse

COMMAND = ["--", "python3", "mine.py", "{port}", "{ingest}"]


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "C.UTF-8")


@pytest.mark.parametrize("typed", ["5", "05"])
def test_a_chapter_is_a_number(typed: str) -> None:
    options = parse([typed, *COMMAND])
    assert options.chapters == ("05",)
    assert options.command == COMMAND[1:]


def test_options_stand_before_or_behind_the_chapter() -> None:
    before = parse(["--seed", "7", "--json", "5", *COMMAND])
    behind = parse(["5", "--seed", "7", "--json", *COMMAND])
    assert vars(before) == vars(behind)
    assert (before.seed, before.json) == (7, True)


def test_what_stands_behind_the_dashes_is_the_programs_own() -> None:
    command = ["mine", "--seed", "3", "--", "--json", "5"]
    options = parse(["5", "--seed", "7", "--", *command])
    assert (options.command, options.seed, options.json) == (command, 7, False)


def test_all_is_each_chapter_in_turn() -> None:
    assert parse(["--all", *COMMAND]).chapters == NUMBERS


def test_a_seed_is_drawn_unless_it_is_given() -> None:
    assert len({parse(["5", *COMMAND]).seed for _ in range(9)}) > 1


@pytest.mark.parametrize(("language", "code"), [("es_UY.UTF-8", "es"), ("fr_FR.UTF-8", "en")])
def test_the_language_is_that_of_the_environment_or_asked_for(
    language: str, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANG", language)
    assert parse(["5", *COMMAND]).lang == code
    assert parse(["5", "--lang", "en", *COMMAND]).lang == "en"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "put -- and then the command that starts the program"),
        (["5", "python3", "mine.py"], "put -- and then the command that starts the program"),
        (["5", "--"], "put -- and then the command that starts the program"),
        (COMMAND, "name one chapter, 1 to 11, or say --all"),
        (["5", "6", *COMMAND], "name one chapter, 1 to 11, or say --all"),
        (["5", "--all", *COMMAND], "name one chapter, 1 to 11, or say --all"),
        (["12", *COMMAND], "there is no chapter '12': they are 1 to 11"),
        (["5", "--seed", "-1", *COMMAND], "from 0 on, not '-1'"),
        (["5", "--seed", "x", *COMMAND], "a seed is a whole number from 0 on, not 'x'"),
        (["5", "--lang", "fr", *COMMAND], "'fr'"),
        (["5", "--in", "nowhere", *COMMAND], "there is no folder 'nowhere'"),
        (["5", "--what", *COMMAND], "--what"),
        (["5", "--timeline", "run.py", *COMMAND], "ends in .html, not 'run.py'"),
        (["--all", "--timeline", "run.html", *COMMAND], "name a chapter in place of --all"),
        (["5", "--timeline", "run.html", "--", "node", "mine.js"], "only Python"),
        (["5", "--timeline", "run.html", "--", "python3", "-c", "1"], "only Python"),
        (["5", "--lang", "es", "--"], "poné -- y después el comando"),
        (["77", "--lang", "es", *COMMAND], "no hay capítulo '77': van del 1 al 11"),
        (["5", "--lang=es", "--what", *COMMAND], "no hay ninguna opción '--what'"),
        (["5", "--lang", "es", "--seed", *COMMAND], "detrás de --seed falta un valor"),
        (["5", "--lang", "es", "--json=7", *COMMAND], "detrás de --json falta un valor, o no"),
        (["5", "--timeline", "nowhere/run.html", *COMMAND], "there is no folder 'nowhere'"),
    ],
)
def test_wrong_use_is_one_line_that_says_what_to_do(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match=r"^2$"):
        parse(arguments)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("python3 -m examples.course.grade: ")
    assert complaint in line


def test_a_program_that_is_drawn_is_run_by_the_recorder() -> None:
    ours = ["5", "--lang", "es", "--timeline", "run.html"]
    options = parse([*ours, "--", "python3", "-X", "dev", "-m", "mine"])
    python, *words = options.command
    assert (python, words[:4]) == ("python3", ["-X", "dev", "-m", "reactor.timeline"])
    assert words[4:6] == ["--lang", "es"]
    assert words[-2:] == ["-m", "mine"]


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_help_names_each_option(language: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match=r"^0$"):
        parse(["--lang", language, "--help"])
    told = capsys.readouterr().out
    for option in ("--all", "--json", "--seed", "--lang", "--timeline", "--in", "{port}"):
        assert option in told
