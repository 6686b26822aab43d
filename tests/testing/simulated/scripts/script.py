"""The list of all scripts."""

from tests.testing.systems import Script

SCRIPTS: list[Script] = []


def script(function: Script) -> Script:
    """One more way to try a system."""
    SCRIPTS.append(function)
    return function
