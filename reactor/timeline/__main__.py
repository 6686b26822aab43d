"""Runs a program unchanged and draws every turn of its loop; or draws what was recorded before.

python3 -m reactor.timeline server.py 5000
python3 -m reactor.timeline --draw run.jsonl -o run.html
"""

import os
import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from .command.options import fail, parse
from .command.program import Program
from .command.session import Session, write
from .picture.drawing import Kind, read_record
from .recording.recorder import Recorder

_STANDARD_OUTPUT: Final = "-"
_MEGABYTE: Final = 1_000_000


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status. A program that is run may leave by what it raises, as without us."""
    options = parse(arguments)
    return draw(options) if options.program is None else record(options, options.program)


def draw(options: Namespace) -> int:
    """Draw a record. With --check its findings are told, and there is a picture if -o says so."""
    source: Path = options.draw
    try:
        run = read_record(source)
        if options.output or not options.check:
            picture = options.drawing.of(run)
            target = _picture(options, source.with_suffix(""))
            if target is not None and target.exists() and target.samefile(source):
                return fail(options.drawing.words.wrong_itself.format(record=source))
            write(picture, target)
    except BrokenPipeError:
        # Who reads it has seen enough: the interpreter must not try to say the rest either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as exc:
        return fail(f"{exc.filename or source}: {exc.strerror}")
    except ValueError as exc:
        return fail(f"{source}: {exc}")
    findings = options.drawing.findings(run) if options.check else []
    for finding in findings:
        write(f"{finding}\n", None)
    return 1 if findings else 0


def record(options: Namespace, program: Program) -> int:
    """Run the program, recorded."""
    if not program.is_module and not Path(program.name).exists():
        return fail(f"{program.name}: No such file or directory")
    picture = _picture(options, Path("run"))
    named = options.output not in (None, _STANDARD_OUTPUT)
    path = Path(options.output if named else "run").with_suffix(".jsonl")
    sys.argv = list(program.command)
    recorder = Recorder(path, limit=options.limit * _MEGABYTE, preview=options.preview)
    session = Session(recorder, path, options.drawing, picture=picture, check=options.check)
    try:
        session.begin()
    except OSError as exc:
        return fail(f"{path}: {exc.strerror}")
    try:
        program.run()
    except SystemExit as exc:
        session.status = exc.code
        raise
    except BaseException as exc:
        session.status = type(exc).__name__
        raise
    return 0


def _picture(options: Namespace, stem: Path) -> Path | None:
    """Where the picture goes; None is standard output."""
    if options.output == _STANDARD_OUTPUT:
        return None
    if options.output:
        return Path(options.output)
    kind: Kind = options.drawing.kind
    return None if kind is Kind.TEXT else Path(f"{stem}{kind.value}")


if __name__ == "__main__":
    sys.exit(main())
