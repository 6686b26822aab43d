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
    def error(self, message: str) -> NoReturn:
        raise SystemExit(fail(f"{message} (--help shows the options)"))


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """What is asked for: `drawing`, and `program`, or None if `draw` is a record to draw."""
    parser = _parser()
    options = parser.parse_args(arguments)
    words: list[str] = options.words
    if words and words[0] == "--":
        del words[0]
    options.program = None
    if options.draw is not None:
        if words or options.module:
            parser.error("--draw takes no program")
    elif not words:
        parser.error("say which program to run, or --draw and a record")
    else:
        options.program = Program(words[0], tuple(words[1:]), options.module)
    if options.last is not None and options.last < options.first:
        parser.error(f"--from {options.first} is behind --to {options.last}")
    options.drawing = Drawing(
        options.kind, options.lang, options.title, options.lead, options.first, options.last,
        tuple(options.only),
    )  # fmt: skip
    return options


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog=NAME,
        usage=_USAGE,
        description="See the loop: run a program as it is, record what it does with sockets and "
        "selectors, and draw every turn of its loop.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("-m", dest="module", action="store_true", help="what follows is a module and its arguments")
    add("--draw", metavar="RECORD", type=Path, help="run nothing, draw what was recorded before")
    add("-o", dest="output", metavar="FILE",
        help="where to draw (run.html), the record beside it; NAME.jsonl is the record alone; "
             "- is standard output")  # fmt: skip
    for kind, what in (
        (Kind.SVG, "a picture instead of a page"),
        (Kind.TEXT, "for a terminal: on standard output unless -o is given"),
        (Kind.SEQUENCE, "a sequence diagram: who said what to whom"),
    ):
        flag = f"--{kind.name.lower()}"
        add(flag, dest="kind", action="store_const", const=kind, default=Kind.PAGE, help=what)
    add("--lang", choices=sorted(LANGUAGES), default=language_of(os.environ),
        help="the language (as the environment has it)")  # fmt: skip
    add("--from", dest="first", metavar="TURN", type=_number(0), default=0, help="draw no earlier")
    add("--to", dest="last", metavar="TURN", type=_number(0), help="draw no later turn")
    add("--only", metavar="LANE", action="append", default=[],
        help="a lane by its name or address; again for more")  # fmt: skip
    add("--title", default="", help="the heading")
    add("--lead", default="", help="a sentence below it")
    add("--check", action="store_true",
        help="say what is wrong with the run: exit status 1 if anything is")  # fmt: skip
    add("--limit", metavar="MB", type=_number(1), default=64,
        help="record no more than this (64)")  # fmt: skip
    add("--preview", metavar="BYTES", type=_number(0), default=64,
        help="of what comes and goes, record the first so many (64)")  # fmt: skip
    add("words", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    return parser


def _number(least: int) -> Any:
    def parse(text: str) -> int:
        if text.isascii() and text.isdigit() and len(text) < 10 and int(text) >= least:
            return int(text)
        raise argparse.ArgumentTypeError(f"expected a number from {least} on, not {text!r}")

    return parse
