"""A program that is recorded, from its first line to the line that says what was seen.

Its record is closed when all is over: behind its threads, and behind its own exit handlers.
Also when it is ended by SIGTERM, of which it notices nothing.
"""

import atexit
import os
import shlex
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Final

from ..picture.drawing import Drawing, read_record
from ..recording.recorder import Recorder
from ..run.run import Run
from .fatal_signals import FatalSignals
from .options import NAME

__all__ = ["Session", "write"]

_FOUND: Final = 1
_LARGE: Final = 1_000_000
"""Bytes of a record that takes a while to draw."""


def write(picture: str, path: Path | None) -> None:
    """Into the file, or to standard output. Raises OSError."""
    if path is not None:
        path.write_text(picture, encoding="utf-8")
        return
    encoding = sys.stdout.encoding
    sys.stdout.write(picture.encode(encoding, "replace").decode(encoding))
    sys.stdout.flush()


class Session:
    """Records this process into `record`, from `begin` on, until it ends; then draws it.

    The picture goes to `picture`, or to standard output if that is None; there is none if it
    would lie where the record lies. With `check` the process ends with status 1 if there is
    something to be said against the run.
    """

    def __init__(
        self,
        recorder: Recorder,
        record: Path,
        drawing: Drawing,
        *,
        picture: Path | None,
        check: bool = False,
    ) -> None:
        self._recorder = recorder
        self._drawing = drawing
        self._checks = check
        self._words = drawing.words
        self._names = str(record), str(picture or self._words.standard_output)
        # The program may go elsewhere.
        self._record = record.absolute()
        self._picture = None if picture is None else picture.absolute()
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._is_over = self._is_suspect = False
        self.status: object = None
        """What the program ended with, for who has to be told though the process ends otherwise."""

    def begin(self) -> None:
        """Raises OSError if the record can't be made."""
        self._recorder.__enter__()
        # What is registered first is called last.
        atexit.register(self.end)
        self._signals = FatalSignals(self._end_by)

    def end(self) -> None:
        """Close the record, draw it, and say where it is: once, and not in a forked child.

        If the run is to be checked, and there is something to be said, the process ends here.
        """
        if os.getpid() != self._process:
            return
        with self._lock:
            if not self._is_over:
                self._is_over = True
                # The program is: no signal waits any more for what is drawn of it.
                self._signals.let_go()
                self._recorder.__exit__()
                self._tell()
        if self._is_suspect:
            # The interpreter has made up its mind about the exit status.
            for stream in filter(None, (sys.stdout, sys.stderr)):
                with suppress(OSError, ValueError):  # nobody is there, or it is closed
                    stream.flush()
            os._exit(_FOUND)

    def _end_by(self, signum: int) -> None:
        self.status = signal.Signals(signum).name
        self.end()

    def _tell(self) -> None:
        """Draw, and say in one line what has become of it."""
        words, turns, error = self._words, self._recorder.record.turn, self._recorder.error
        record, picture = self._names
        try:
            outcome = self._draw()
        except KeyboardInterrupt:
            outcome = words.run_not_drawn
        except Exception as exc:  # whatever it is, the record is there, and to be told of
            reason = exc.strerror if isinstance(exc, OSError) else exc
            outcome = words.run_not_drawn_for.format(picture=picture, reason=reason)
        seen = words.run_recorded if turns else words.run_no_loop
        parts = (
            words.run_cut_short.format(reason=error.strerror) if error else "",
            outcome,
            seen.format(turns=words.count(turns, words.turns), record=record),
            words.run_again.format(command=f"{NAME} --draw {shlex.quote(record)}"),
        )
        _say("; ".join(filter(None, parts)))

    def _draw(self) -> str:
        """Draw it if there is anything in it, and check it if that is wished; what came of it."""
        words, turns, outcome = self._words, self._recorder.record.turn, ""
        is_drawn = self._picture != self._record
        if not is_drawn and not self._checks:
            return outcome
        if self._record.stat().st_size > _LARGE:
            _say(words.run_drawing.format(turns=words.count(turns, words.turns)))
        run = read_record(self._record)
        if is_drawn and not run.lanes and not turns:
            outcome = words.run_not_drawn
        elif is_drawn:
            write(self._drawing.of(run), self._picture)
            outcome = words.run_drawn.format(picture=self._names[1])
        if self._checks:
            self._check(run)
        return outcome

    def _check(self, run: Run) -> None:
        findings = self._drawing.findings(run)
        self._is_suspect = bool(findings)
        for finding in findings:
            _say(finding)
        if findings:
            _say(self._words.run_ended.format(status=self.status or 0))


def _say(line: str) -> None:
    sys.stderr.write(f"reactor.timeline: {line}\n")
