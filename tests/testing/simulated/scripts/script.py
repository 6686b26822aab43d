"""The list of all scripts."""

from tests.doubles.bench import Script

SCRIPTS: list[Script] = []


def script(function: Script) -> Script:
    """One more way to try a system."""
    SCRIPTS.append(function)
    return function
