"""The diagnosis: what a run shows that a good program does not do, and where to look at it.

A finding is never a guess: what may just as well be a good program on a busy machine, or
a record that was cut short, is none.
"""

from ..run.run import Run
from .delays import find_delays
from .finding import Finding, Id
from .losses import find_losses
from .spins import find_spins

__all__ = ["Finding", "Id", "diagnose"]

_ORDER = {cause: place for place, cause in enumerate(Id)}


def diagnose(run: Run) -> list[Finding]:
    """What is wrong, one finding for each cause, in the order of the turns that show it.

    A part of a run is judged by the whole: what is not in it may have happened all the same.
    """
    if run.whole is not None:
        return [finding for finding in diagnose(run.whole) if _is_shown(finding, run)]
    found = [*find_spins(run), *find_delays(run), *find_losses(run)]
    return sorted(found, key=lambda finding: (finding.turn, _ORDER[finding.id]))


def _is_shown(finding: Finding, run: Run) -> bool:
    is_there = any(turn.number <= finding.turn <= turn.last for turn in run.turns)
    return is_there and (run.only is None or finding.serial in run.only)
