"""What the command lines of the course say about themselves, in one language."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

__all__ = ["CommandWords", "command_words"]


@dataclass(frozen=True, slots=True)
class CommandWords:
    """Those of `texts/LANGUAGE/command.toml`."""

    language: str
    title: str
    """Of the list of options."""
    hint: str
    """How to learn more; stands behind whatever is wrong."""
    about: Mapping[str, str]
    """By the command."""
    options: Mapping[str, str]
    wrong: Mapping[str, str]
    said: Mapping[str, str]


@cache
def command_words(language: str) -> CommandWords:
    """`language` is one of LANGUAGES."""
    path = files(__package__).joinpath("texts", language, "command.toml")
    return CommandWords(language, **tomllib.loads(path.read_text("utf-8")))
