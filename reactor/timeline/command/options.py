"""The command line of `python3 -m reactor.timeline`.

What stands behind the program's name is the program's own.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NoReturn

from ..picture.drawing import Drawing, Kind, language_of
from ..words.languages import LANGUAGES
from ..words.words import Words
from .program import Program

__all__ = ["NAME", "fail", "parse"]

NAME: Final = "python3 -m reactor.timeline"
_WRONG: Final = 2

_USAGE: Final = f"""{NAME} [OPTION ...] FILE [ARGUMENT ...]
       {NAME} [OPTION ...] -m MODULE [ARGUMENT ...]
       {NAME} [OPTION ...] --draw RECORD"""


def fail(message: object) -> int:
    """Say in one line what is wrong with what was typed; the exit status."""
    line = " ".join(str(message).split())
    sys.stderr.write(f"{NAME}: {line}\n")
    return _WRONG


class _Parser(argparse.ArgumentParser):
    hint = "{message}"

    def error(self, message: str) -> NoReturn:
        raise SystemExit(fail(self.hint.format(message=message)))


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """What is asked for: `drawing`, and `program`, or None if `draw` is a record to draw."""
    words = LANGUAGES[language_of(os.environ)]
    parser = _parser(words)
    options = parser.parse_args(arguments)
    given: list[str] = options.words
    if given and given[0] == "--":
        del given[0]
    options.program = None
    if options.draw is not None:
        if given or options.module:
            parser.error(words.wrong_program_too)
    elif not given:
        parser.error(words.wrong_no_program)
    else:
        options.program = Program(given[0], tuple(given[1:]), options.module)
    if options.last is not None and options.last < options.first:
        parser.error(words.wrong_order.format(first=options.first, last=options.last))
    options.drawing = Drawing(
        options.kind, options.lang, options.title, options.lead, options.first, options.last,
        tuple(options.only),
    )  # fmt: skip
    return options


def _parser(words: Words) -> argparse.ArgumentParser:
    parser = _Parser(
        prog=NAME, usage=_USAGE, description=words.command, allow_abbrev=False, add_help=False
    )
    parser.hint = words.wrong_hint
    group = parser.add_argument_group(words.options_title)

    def add(flag: str, *more: str, **how: Any) -> None:
        group.add_argument(flag, *more, help=words.options[flag], **how)

    add("-h", "--help", action="help")
    add("-m", dest="module", action="store_true")
    add("--draw", metavar="RECORD", type=Path)
    add("-o", dest="output", metavar="FILE")
    for kind in (Kind.SVG, Kind.TEXT, Kind.SEQUENCE):
        add(f"--{kind.name.lower()}", dest="kind", action="store_const", const=kind,
            default=Kind.PAGE)  # fmt: skip
    add("--lang", choices=sorted(LANGUAGES), default=words.code)
    add("--from", dest="first", metavar="TURN", type=_number(0, words), default=0)
    add("--to", dest="last", metavar="TURN", type=_number(0, words))
    add("--only", metavar="LANE", action="append", default=[])
    add("--title", default="")
    add("--lead", default="")
    add("--check", action="store_true")
    add("--limit", metavar="MB", type=_number(1, words), default=64)
    add("--preview", metavar="BYTES", type=_number(0, words), default=64)
    parser.add_argument("words", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    return parser


def _number(least: int, words: Words) -> Any:
    def parse(text: str) -> int:
        if text.isascii() and text.isdigit() and len(text) < 10 and int(text) >= least:
            return int(text)
        wrong = words.wrong_number.format(least=least, text=repr(text))
        raise argparse.ArgumentTypeError(wrong)

    return parse
