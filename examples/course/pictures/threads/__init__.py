"""Threads and what they wait for: a recorder, and a drawing in which each has a lane."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...grade.diagnosis import Figure
from . import drawing
from .lanes import Kind, Run, read

__all__ = ["cut", "draw", "recorded"]


def recorded(arguments: list[str], record: Path) -> list[str]:
    """The command that runs Python with these arguments and writes the record."""
    return [sys.executable, "-m", __name__, str(record), *arguments]


def draw(record: Path, language: str, settings: Mapping[str, Any]) -> str:
    """SVG, at most 8 threads. See `drawing.draw`."""
    return drawing.draw(_read(record), language, settings)


def cut(record: Path, settings: Mapping[str, Any]) -> Mapping[str, Figure]:
    """Leaves the record as it is: it is short. `waited` is the longest wait for a lock, in
    seconds.
    """
    spans = [span for lane in _read(record).lanes.values() for span in lane.spans]
    waits = (span.end - span.begin for span in spans if span.kind is Kind.LOCK)
    return {"waited": round(max(waits, default=0.0), 2)}


def _read(record: Path) -> Run:
    return read(record.read_text("utf-8").splitlines())
