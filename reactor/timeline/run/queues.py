"""What waits in the program because the system did not take it: told by the program, or derived.

A send that took less than it was given leaves the rest with the program. Whoever tells of
its queue is believed; of all others the record has what they gave to their sends.
"""

from dataclasses import dataclass

from .events import Io

__all__ = ["Queues"]


@dataclass(slots=True)
class _Rest:
    size: int
    begins: bytes = b""
    """The first bytes of it, as far as they are known."""


class Queues:
    """The bytes that wait for room, by lane."""

    def __init__(self) -> None:
        self._rests: dict[int, _Rest] = {}

    def sizes(self) -> dict[int, int]:
        """How many, by lane; lanes that have none are left out."""
        return {serial: rest.size for serial, rest in self._rests.items()}

    def tell(self, serial: int, size: int) -> None:
        """The program says how many there are."""
        self._leave(serial, _Rest(size))

    def send(self, event: Io) -> None:
        """Something was given to the system, which took `size` of the `asked` bytes."""
        size = max(0, event.asked - event.size)
        before = self._rests.get(event.serial)
        if event.error not in ("", "EAGAIN", "EWOULDBLOCK", "EINTR"):
            size = 0
        elif before is not None and _goes_on(before, event):
            # Perhaps a piece of what is owed was given, not all: the rest of that is still there.
            size = max(size, before.size - event.size)
        self._leave(event.serial, _Rest(size, event.rest))

    def close(self, serial: int) -> None:
        self._rests.pop(serial, None)

    def _leave(self, serial: int, rest: _Rest) -> None:
        if rest.size:
            self._rests[serial] = rest
        else:
            self._rests.pop(serial, None)


def _goes_on(rest: _Rest, event: Io) -> bool:
    """Whether a send was given the rest of an earlier one, rather than something new."""
    given = event.data + event.rest if len(event.data) == event.size else event.data
    common = min(len(given), len(rest.begins))
    return given[:common] == rest.begins[:common]
