"""A session's states: what a program does in each, asked of it, beside what it should do."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import drawing
from .moves import read

__all__ = ["draw", "recorded"]


def recorded(arguments: list[str], record: Path) -> list[str]:
    """The command that explores the program, writes the record, and runs it then."""
    return [sys.executable, "-m", __name__, str(record), *arguments]


def draw(record: Path, language: str, settings: Mapping[str, Any]) -> str:
    """SVG. `notes` in the settings are words about states: a table of languages for each."""
    notes = {state: note[language] for state, note in settings.get("notes", {}).items()}
    return drawing.draw(
        read(record.read_text("utf-8")), language, settings["title"][language], notes
    )
