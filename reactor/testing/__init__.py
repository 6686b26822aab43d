"""Tools to test a server written with `reactor`: owned time, connected streams, a diary."""

from .clock import ManualClock
from .streams import RecordingHandler, run_until, stream_pair

__all__ = ["ManualClock", "RecordingHandler", "run_until", "stream_pair"]
