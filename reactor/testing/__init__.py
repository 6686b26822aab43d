"""Tools to test a server written with `reactor`: owned time, connected streams, a diary.

And a simulated system, in which a whole program meets every fault that a real one may
meet: `simulate` runs it with many seeds.
"""

from .clock import ManualClock
from .faults import Cut, Fault, Faults, Injection, Jump, Lie, Refusal, legal_faults
from .simulated.auditor import Violation
from .simulation import Scenario, Simulation, SimulationFailed, simulate
from .streams import RecordingHandler, run_until, stream_pair
from .torture import injections, torture

__all__ = [
    "Cut",
    "Fault",
    "Faults",
    "Injection",
    "Jump",
    "Lie",
    "ManualClock",
    "RecordingHandler",
    "Refusal",
    "Scenario",
    "Simulation",
    "SimulationFailed",
    "Violation",
    "injections",
    "legal_faults",
    "run_until",
    "simulate",
    "stream_pair",
    "torture",
]
