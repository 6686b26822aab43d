"""Whether a translation is in step with its original: it carries the hash of what it says.

What is filled in by directives is no part of that, so that a new recording, or a line more in a
program, makes no translation stale.
"""

import re
from hashlib import sha256
from typing import Final

from .directives import emptied

__all__ = ["is_in_step", "put_in_step", "source_line"]

_SOURCE: Final = re.compile(r"<!-- source: (\S+) (\w+) -->\n")
_DIGITS: Final = 12


def source_line(name: str, original: str) -> str:
    """With what the translation of `original` begins, which is the page `name`."""
    digest = sha256(emptied(original).encode()).hexdigest()[:_DIGITS]
    return f"<!-- source: {name}.md {digest} -->\n"


def is_in_step(translation: str, name: str, original: str) -> bool:
    """Whether nobody has changed the original since the translation was put in step.

    >>> is_in_step(put_in_step("# Título\\n", "05", "# Title\\n"), "05", "# Title\\n")
    True
    """
    return translation.startswith(source_line(name, original))


def put_in_step(translation: str, name: str, original: str) -> str:
    """The translation, which from now on says that it says the same."""
    return source_line(name, original) + _SOURCE.sub("", translation, count=1)
