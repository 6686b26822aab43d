"""The relay's server: the object that a program starts, and whose turn it is."""

from collections import deque
from collections.abc import Callable
from typing import Final

from reactor import Address, EventLoop, listen

from .admission import Admission
from .control import ControlConnection
from .events import ServerEvent
from .fanout import FanOut, RelayCounters
from .protocol import ErrorCode

__all__ = ["DEFAULT_INGEST", "RelayServer"]

DEFAULT_INGEST: Final = ("127.0.0.1", 65534)
"""Where VLC streams to."""

# So many of those who have pipelined commands have their turn in one iteration: a flood from
# any number of them keeps nobody else waiting.
_TURNS_PER_ITERATION: Final = 8
# When the system has no descriptor left, so many silent connections make room at once: the
# listener tries again ten times a second, and its whole backlog is let in within 7 seconds.
_ROOM_AT_ONCE: Final = 16


class RelayServer:
    """Copies the datagrams that arrive at `ingest` to the clients that asked at `control`.

    Both are pairs of host and port; port 0 lets the system choose. `coalesce` and
    `command_timeout` are in seconds; for the limits, 0 means none. At a limit, who has
    never had a CONECTAR granted makes room for a newcomer. `segmentation` False switches
    segmentation offload off. `report` is called with every ServerEvent; an Exception that
    it raises goes to the loop's exception handler.

    Raises OSError, naming the address, if one can't be bound.
    """

    def __init__(
        self,
        loop: EventLoop,
        control: tuple[str, int],
        *,
        ingest: tuple[str, int] = DEFAULT_INGEST,
        coalesce: float = 0.002,
        command_timeout: float = 10.0,
        max_clients: int = 0,
        max_clients_per_host: int = 0,
        segmentation: bool | None = None,
        report: Callable[[ServerEvent], object] = lambda event: None,
    ) -> None:
        self.loop = loop
        self._report = report
        self.command_timeout = command_timeout
        self.admission = Admission[ControlConnection](max_clients, max_clients_per_host)
        # In the order of joining, so that two equal runs end equally.
        self.connections: dict[ControlConnection, None] = {}
        self._line: deque[ControlConnection] = deque()
        self.fan_out = FanOut(
            loop, ingest, coalesce=coalesce, segmentation=segmentation, report=self.tell
        )
        try:
            host, port = control
            self._listener = listen(loop, lambda: ControlConnection(self), host, port)
        except BaseException:
            self.fan_out.close()
            raise
        self._listener.on_exhausted = self._make_room

    @property
    def address(self) -> Address:
        """Where clients connect."""
        address: Address = self._listener.sockname
        return address

    @property
    def ingest_address(self) -> Address:
        """Where the stream is to be sent."""
        return self.fan_out.address

    @property
    def counters(self) -> RelayCounters:
        """What has come in and gone out, as of now."""
        return self.fan_out.counters

    def tell(self, event: ServerEvent) -> None:
        """Report `event`. A log that can't be written must cost nobody the stream."""
        try:
            self._report(event)
        except Exception as exc:
            self.loop.call_exception_handler("the relay's report raised", exc)

    def line_up(self, connection: ControlConnection) -> None:
        """Give `connection` turns, one after the other, until it says that it needs none."""
        if not self._line:
            self.loop.call_soon(self._serve_line)
        self._line.append(connection)

    def _serve_line(self) -> None:
        # Whatever a turn raises, the line is as it has to be, and goes on.
        try:
            for _ in range(min(_TURNS_PER_ITERATION, len(self._line))):
                connection = self._line[0]
                self._line.rotate(-1)
                if not connection.take_turn():
                    self._line.pop()
        finally:
            if self._line:
                self.loop.call_soon(self._serve_line)

    def admit(self, connection: ControlConnection, host: str) -> ErrorCode | None:
        """Give a newcomer a place, if need be that of another who makes no use of it."""
        refusal = self.admission.enter(connection, host)
        idlest = self.admission.idlest(host) if refusal else None
        if idlest is None:
            return refusal
        idlest.give_way()
        return self.admission.enter(connection, host)

    def free_descriptor(self, asker: ControlConnection) -> bool:
        """End at once who makes no use of its place; False if nobody but `asker` does so."""
        idlest = self.admission.idlest(but=asker)
        if idlest is None:
            return False
        idlest.give_way_at_once()
        return True

    def _make_room(self) -> None:
        for _ in range(_ROOM_AT_ONCE):
            idlest = self.admission.idlest()
            if idlest is not None:
                idlest.give_way()

    def close(self) -> None:
        """End in good order: no more clients, no more datagrams, open replies still leave.

        What there is to tell is told afterwards. Harmless if repeated, and when the loop
        is closed.
        """
        self._listener.close()
        self.fan_out.close()
        for connection in self.connections:
            connection.close()
