"""What has passed through a UDP socket, kept honestly: what was lost is counted by its reason."""

from collections import Counter
from dataclasses import dataclass, field

__all__ = ["DatagramCounters"]


@dataclass(slots=True)
class DatagramCounters:
    """What has passed through an endpoint; all numbers count datagrams unless they say bytes."""

    received: int = 0
    received_bytes: int = 0
    sent: int = 0
    sent_bytes: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    """Not sent, by the name of the errno."""
    rejected: int = 0
    """Came from somebody else than the only one who may send."""
    discarded: int = 0
    """Had waited too long: thrown away on resuming."""
    receive_errors: int = 0
    """Errors that the system reported on receiving; none ends the endpoint."""
