"""What a program prints: read at once, so that it never waits for us, and its end kept."""

import os
import re
import threading
from typing import Final

from reactor.timeline.words.printable import printable

__all__ = ["Output"]

_KEPT: Final = 16_384
_PIECE: Final = 65_536
_LONGEST: Final = 500
_RECORDER: Final = "reactor.timeline: "
"""What draws a program's run says so behind the program's own last words."""
_WHERE_FROM: Final = re.compile(r"\s+(at|\.\.\.) |\s+\w+: |}$|Node\.js v|Emitted 'error' event")


class Output:
    """Reads `pipe`, a descriptor that is closed here, to its end in a thread of its own."""

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe
        self._tail = b""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        with open(self._pipe, "rb", buffering=0) as file:
            while data := os.read(file.fileno(), _PIECE):
                self._tail = (self._tail + data)[-_KEPT:]

    def last_line(self, within: float) -> str:
        """Of what was printed; its end has so many seconds to come. '' if nothing was printed.

        If that ends with where an error came from, as in Java and Node, it is the line above.
        Nothing in it moves what is on a terminal.
        """
        self._reader.join(within)
        lines = self._tail.decode(errors="backslashreplace").splitlines()
        said = [line for line in lines if line.strip() and not line.startswith(_RECORDER)]
        telling = [line for line in said if not _WHERE_FROM.match(line)]
        line = printable("".join((telling or said)[-1:]).strip())
        return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"
