"""The languages that a run can be told in, by their codes."""

from collections.abc import Mapping
from typing import Final

from .english import ENGLISH
from .spanish import SPANISH
from .words import Words

__all__ = ["LANGUAGES"]

LANGUAGES: Final[Mapping[str, Words]] = {words.code: words for words in (ENGLISH, SPANISH)}
