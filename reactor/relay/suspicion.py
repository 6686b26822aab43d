r"""Is this a person who slips, or a protocol that is not ours? Told from wrong lines alone.

Whoever can make somebody else's program connect to us (a web page its reader's browser, a
mail its server) chooses some of the bytes that come, but not the first, and can't read the
answers. So nothing is granted to who sends what people do not type, or goes on without
having read.
"""

import re
from typing import Final

__all__ = ["MAX_WRONG_LINES", "Suspicion"]

MAX_WRONG_LINES: Final = 5
"""With this one, patience ends."""

# What a person types in a line: no control bytes, but those that arrow keys and their
# neighbours leave when nobody edits the line (ECMA-48, 5.4: CSI and SS3). "/" and ":" are
# in every request and header of HTTP, RTSP and SIP, in mail's commands, in URLs; a command
# of ours has neither. Bytes above 127 are letters, in whatever encoding.
_TYPED: Final = re.compile(rb"(?:[\t -.0-9;-~\x80-\xff]|\x1b\[[0-9;]*[@-~]|\x1bO[A-Z])*+")


class Suspicion:
    r"""What the wrong lines of a client that has had nothing granted yet make of it.

    >>> suspicion = Suspicion()
    >>> suspicion.condemns(b"CONECTRA 5000", behind=0)
    False
    >>> suspicion.condemns(b"GET /", behind=0), suspicion.condemns(b"EHLO x", behind=15)
    (True, True)
    """

    __slots__ = ("_wrong",)

    def __init__(self) -> None:
        self._wrong = 0

    def condemns(self, line: bytes, behind: int) -> bool:
        """Whether `line`, which is no command, was the last that is put up with.

        `behind` is how many bytes came behind it before it was answered.
        """
        self._wrong += 1
        return bool(behind) or self._wrong == MAX_WRONG_LINES or not _TYPED.fullmatch(line)
