"""How much is tried: a quick run has what tells most, and `--all` whatever there is."""

from typing import Any

import pytest

__all__ = ["thoroughly"]


def thoroughly(*values: object) -> Any:
    """Values of parameters that are tried in a run of everything only."""
    return pytest.param(*values, marks=pytest.mark.thorough)
