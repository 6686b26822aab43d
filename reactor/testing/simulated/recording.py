"""The record of a simulated run: the parts that record a real one, put in through the same doors.

Nothing is stood in for, no lot is drawn, and no time passes: the run is the one without it.
"""

from pathlib import Path
from typing import IO, TypeAlias

from ...instruments import Instrument, InstrumentGroup
from ...timeline.recording.callbacks import LoopCallbacks
from ...timeline.recording.record import Record
from ...timeline.recording.recorded_selector import record_selector
from ...timeline.recording.recorded_socket import RecordedNetwork
from .kernel import FIRST_DESCRIPTOR, Kernel
from .network import SimulatedNetwork
from .selector import SimulatedSelector

__all__ = ["Recording", "Timeline"]

Timeline: TypeAlias = str | Path | IO[bytes]
"""Where a record is put; what a file that is handed in held before is lost."""


class Recording:
    """Records what the program does, and not what its peers do on sockets of their own."""

    def __init__(self, file: Timeline, kernel: Kernel, name: str) -> None:
        """Begin. Raises OSError if the file can't be made."""
        if not isinstance(file, str | Path):
            file.seek(0)
            file.truncate()
        self._record = Record(
            file,
            clock=lambda: kernel.now,
            patience=None,  # a wait that is cut in two is another wait
            program=["simulation", name],
            lowest=FIRST_DESCRIPTOR,  # numbers as transcripts have them
        )

    def network(self, network: SimulatedNetwork) -> RecordedNetwork:
        """Such a network, with sockets that are recorded."""
        return RecordedNetwork(network, self._record)

    def watch(self, selector: SimulatedSelector) -> None:
        """Record what a selector is asked; it stays the one that it is."""
        record_selector(selector, self._record)

    def listen_with(self, instrument: Instrument) -> Instrument:
        """What hears of what `instrument` hears of, and records it."""
        return InstrumentGroup(instrument, LoopCallbacks(self._record))

    def close(self) -> None:
        """The run is over."""
        self._record.close()
