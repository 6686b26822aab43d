"""Pictures of runs: a module for each kind, which says how a run is recorded and how it is drawn.

It has `draw(record, language, settings)`, a pure function from a record to SVG; and, if it
draws a run, `recorded(arguments, record)`, the command that runs a program and writes one.
What it may have: `cut(record, settings)`, which leaves in a record what is drawn, and returns
figures of the whole of it.
"""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from ..grade.diagnosis import Figure

__all__ = ["Settings", "cut", "draw", "recorded"]

Settings = Mapping[str, Any]
"""The `picture` of a run in runs.toml: `kind`, `title` by language, and what the kind needs."""

_MODULES: Final = {"sequence": "timeline"}
"""Where a kind is drawn, if not in a module of its name."""


def recorded(arguments: list[str], record: Path, settings: Settings) -> list[str] | None:
    """The command that runs Python with these arguments, recorded; None if there is no need."""
    make = getattr(_module(settings), "recorded", None)
    return None if make is None else list(make(arguments, record))


def cut(record: Path, settings: Settings) -> Mapping[str, Figure]:
    """Leave in the record what is drawn; the figures of all that was in it."""
    make = getattr(_module(settings), "cut", None)
    return {} if make is None else dict(make(record, settings))


def draw(record: Path, language: str, settings: Settings) -> str:
    """SVG, the same to the byte each time."""
    return str(_module(settings).draw(record, language, settings))


def _module(settings: Settings) -> ModuleType:
    kind = settings["kind"]
    return import_module(f".{_MODULES.get(kind, kind)}", __package__)
