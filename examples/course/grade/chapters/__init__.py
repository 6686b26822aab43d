"""What each chapter asks of a program: `examine(exam)` in a module of its own.

It returns the figures of a success, or raises a Diagnosis.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Final

from ..diagnosis import Figure
from ..exam import Exam

__all__ = ["NUMBERS", "Examine", "examination"]

Examine = Callable[[Exam], Mapping[str, Figure]]

NUMBERS: Final = tuple(f"{number:02}" for number in range(1, 12))


def examination(number: str) -> Examine:
    """That of a chapter, one of NUMBERS."""
    examine: Examine = import_module(f".chapter{number}", __package__).examine
    return examine
