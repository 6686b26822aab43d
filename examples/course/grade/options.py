"""The command line of the grader: what stands behind `--` is the program's own."""

import argparse
import os
import re
import secrets
import sys
from collections.abc import Sequence
from itertools import pairwise, takewhile
from pathlib import Path
from typing import Any, Final, NoReturn

from reactor.timeline.picture.drawing import language_of

from .chapters import NUMBERS
from .command_words import CommandWords, command_words
from .sentences import LANGUAGES

__all__ = ["Parser", "parse", "recorded"]

_NAME: Final = "python3 -m examples.course.grade"
_USAGE: Final = f"""{_NAME} CHAPTER [OPTION ...] -- COMMAND {{port}} {{ingest}}
       {_NAME} --all [OPTION ...] -- COMMAND {{port}} {{ingest}}"""
_WRONG: Final = 2
_SEEDS: Final = 1_000_000
_PYTHON: Final = re.compile(r"(python[\d.]*|py)(\.exe)?", re.IGNORECASE)
_TAKE_A_VALUE: Final = ("-W", "-X")


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, in the language that was asked for; exits with 2."""

    def __init__(self, name: str, usage: str, arguments: Sequence[str]) -> None:
        words = [part for word in arguments for part in word.split("=", 1)]
        asked = (value for option, value in pairwise(words) if option == "--lang")
        language = next(asked, language_of(os.environ))
        self.words: CommandWords = command_words(language if language in LANGUAGES else "en")
        super().__init__(
            prog=name,
            usage=usage.replace("%", "%%"),
            description=self.words.about[name],
            allow_abbrev=False,
            add_help=False,
            exit_on_error=False,
        )
        self._group = self.add_argument_group(self.words.title)
        self.option("-h", "--help", action="help")
        self.option("--lang", metavar="|".join(LANGUAGES), type=self._language)
        self.set_defaults(lang=self.words.language)
        self.option("--seed", metavar="N", type=self._seed, default=secrets.randbelow(_SEEDS))

    def option(self, *flags: str, **how: Any) -> None:
        self._group.add_argument(*flags, help=self.words.options[flags[-1]], **how)

    def understand(self, arguments: Sequence[str]) -> argparse.Namespace:
        """What is asked for. argparse itself complains in one language only."""
        try:
            options, unknown = self.parse_known_args(arguments)
        except argparse.ArgumentError as exc:
            self.wrong("value", option=exc.argument_name)
        if unknown:
            self.wrong("unknown", option=repr(unknown[0]))
        return options

    def wrong(self, key: str, **figures: object) -> NoReturn:
        """End here, for this reason."""
        self.error(self.words.wrong[key].format(**figures))

    def error(self, message: str) -> NoReturn:
        line = " ".join(message.split())
        sys.stderr.write(f"{self.prog}: {line} {self.words.hint}\n")
        raise SystemExit(_WRONG)

    def chapter(self, text: str) -> str:
        """One of NUMBERS: 5 or 05."""
        number = text.zfill(2)
        if number not in NUMBERS:
            self.wrong("chapter", chapter=repr(text))
        return number

    def folder(self, text: str) -> Path:
        if not Path(text).is_dir():
            self.wrong("folder", folder=repr(text))
        return Path(text)

    def seconds(self, text: str) -> float:
        if not (text.isascii() and text.isdigit() and int(text[:9]) > 0):
            self.wrong("limit", limit=repr(text))
        return float(text)

    def _language(self, text: str) -> str:
        if text not in LANGUAGES:
            self.wrong("language", language=repr(text))
        return text

    def _seed(self, text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) < 19):
            self.wrong("seed", seed=repr(text))
        return int(text)


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """What is asked for: `chapters`, `command`, and the options by their names."""
    ours = list(takewhile(lambda word: word != "--", arguments))
    command = list(arguments[len(ours) + 1 :])
    parser = Parser(_NAME, _USAGE, ours)
    parser.add_argument("given", nargs="*", help=argparse.SUPPRESS)
    parser.option("--all", action="store_true")
    parser.option("--json", action="store_true")
    parser.option("--timeline", metavar="FILE", type=Path)
    parser.option("--in", metavar="FOLDER", dest="folder", type=parser.folder)
    options = parser.understand(ours)
    if len(ours) == len(arguments) or not command:
        parser.wrong("command")
    if len(options.given) + options.all != 1:
        parser.wrong("which")
    options.chapters = NUMBERS if options.all else (parser.chapter(options.given[0]),)
    options.command = command
    if options.timeline:
        options.command = _to_be_drawn(parser, options)
    return options


def _to_be_drawn(parser: Parser, options: argparse.Namespace) -> list[str]:
    if options.all:
        parser.wrong("picture_of_all")
    if options.timeline.suffix != ".html":
        parser.wrong("picture", picture=repr(str(options.timeline)))
    parser.folder(str(options.timeline.parent))
    command = recorded(options.command, options.timeline, options.lang)
    if command is None:
        parser.wrong("python", command=repr(options.command[0]))
    return command


def recorded(command: Sequence[str], picture: Path, language: str) -> list[str] | None:
    """The command under `python3 -m reactor.timeline`; None if it is no Python with a file.

    >>> " ".join(recorded(["python3", "-u", "mine.py", "{port}"], Path("/run.html"), "es"))
    'python3 -u -m reactor.timeline --lang es -o /run.html mine.py {port}'
    >>> recorded(["node", "mine.js"], Path("run.html"), "en")
    """
    python, *words = command
    if not _PYTHON.fullmatch(Path(python).name):
        return None
    program = 0
    while program < len(words) and words[program].startswith("-") and words[program] != "-m":
        program += 2 if words[program] in _TAKE_A_VALUE else 1
    if "-c" in words[:program] or program >= len(words):
        return None
    recorder = ["-m", "reactor.timeline", "--lang", language, "-o", str(picture.absolute())]
    return [python, *words[:program], *recorder, *words[program:]]
