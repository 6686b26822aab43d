"""The relay's server: the way of a command, and the object that a program starts.

Command: stream -> parser -> session -> reply. What a command changes for the datagrams
is told to the fan-out, which knows nothing of commands.
"""

from collections import deque
from collections.abc import Callable
from typing import Final

from reactor import (
    Address,
    EventLoop,
    LineTooLong,
    ReceiveBuffer,
    Stream,
    StreamHandler,
    Timer,
    listen,
    unmapped,
)

from .admission import Admission
from .events import BadInput, ClientJoined, ClientLeft, ClientRefused, ServerEvent, StateChanged
from .fanout import FanOut, RelayCounters, Viewer
from .protocol import (
    BadCommand,
    Command,
    CommandEvent,
    CommandParser,
    EndOfInput,
    Error,
    ErrorCode,
    HttpRequest,
    Reply,
    encode,
)
from .session import Session, SessionState

__all__ = ["DEFAULT_INGEST", "RelayServer"]

DEFAULT_INGEST: Final = ("127.0.0.1", 65534)
"""Where VLC streams to."""

# Of what clients have pipelined, so much is answered in one iteration, by turns: a flood
# from any number of them keeps nobody else waiting.
_COMMANDS_PER_TURN: Final = 8
_TURNS_PER_ITERATION: Final = 8
_CLOSE_TIMEOUT: Final = 1.0


class RelayServer:
    """Copies the datagrams that arrive at `ingest` to the clients that asked at `control`.

    Both are pairs of host and port; port 0 lets the system choose. `coalesce` and
    `command_timeout` are in seconds; for the limits, 0 means none. `segmentation` False
    switches segmentation offload off. `report` is called with every ServerEvent; what it
    raises goes to the loop's exception handler.

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
        self.admission = Admission(max_clients, max_clients_per_host)
        # In the order of joining, so that two equal runs end equally.
        self.connections: dict[ControlConnection, None] = {}
        self._line: deque[ControlConnection] = deque()
        self.fan_out = FanOut(
            loop, ingest, coalesce=coalesce, segmentation=segmentation, report=self.tell
        )
        try:
            host, port = control
            self._listener = listen(
                loop, lambda: ControlConnection(self), host, port, dual_stack=host == "::"
            )
        except BaseException:
            self.fan_out.close()
            raise

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

    def line_up(self, connection: "ControlConnection") -> None:
        """Give `connection` turns, one after the other, until it says that it needs none."""
        if not self._line:
            self.loop.call_soon(self._serve_line)
        self._line.append(connection)

    def _serve_line(self) -> None:
        for _ in range(min(_TURNS_PER_ITERATION, len(self._line))):
            connection = self._line.popleft()
            if connection.take_turn():
                self._line.append(connection)
        if self._line:
            self.loop.call_soon(self._serve_line)

    def close(self) -> None:
        """End in good order: no more clients, no more datagrams, open replies still leave."""
        self._listener.close()
        self.fan_out.close()
        for connection in self.connections:
            connection.close()


class ControlConnection(StreamHandler):
    """One client, from its first byte to its last."""

    def __init__(self, server: RelayServer) -> None:
        self._server = server
        self._parser = CommandParser()
        self._session = Session(self._admit)
        self._stream: Stream
        self._client: Address
        self._viewer: Viewer | None = None
        self._in_line = False  # for its next turn; nothing is read meanwhile
        self._admitted = False
        self._congested = False
        self._errors = 0
        self._bad_input_told = False
        self._deadline: Timer | None = None
        self._deadline_for = -1  # position of the line that the deadline is for

    def close(self) -> None:
        """The server ends."""
        self._end_session()
        self._stream.close(_CLOSE_TIMEOUT)

    # -- the stream's calls ----------------------------------------------------------

    def connection_made(self, stream: Stream) -> None:
        self._stream = stream
        self._client = unmapped(stream.peername)
        refusal = self._server.admission.enter(self._client[0])
        if refusal is not None:
            error = Error.of(refusal)
            self._server.tell(ClientRefused(self._client, error))
            self._finish_with(error)
            return
        self._admitted = True
        self._server.connections[self] = None
        stream.set_keepalive()
        self._server.tell(ClientJoined(self._client))

    def data_received(self, buffer: ReceiveBuffer) -> None:
        self._parser.receive_data(buffer.take_all())
        self._answer_all()

    def eof_received(self) -> bool:
        self._parser.receive_data(b"")
        self._answer_all()
        return True  # EndOfInput closes, once all that came before it is answered

    def resume_writing(self) -> None:
        self._congested = False
        if not (self._stream.closing or self._in_line):
            self._stream.resume_reading()
            self._answer_all()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end_session()
        self._cancel_deadline()
        if self._admitted:
            self._server.admission.leave(self._client[0])
            self._server.connections.pop(self, None)
            viewer = self._viewer
            sent, dropped = (viewer.sent, viewer.dropped) if viewer else (0, 0)
            self._server.tell(ClientLeft(self._client, exc, sent, dropped, self._errors))

    # -- the way of a command --------------------------------------------------------

    def take_turn(self) -> bool:
        """Answer some more; False when there is nothing to answer any more, or for now."""
        if self._answer_some():
            return True
        self._in_line = False
        if not (self._stream.closing or self._congested):
            self._stream.resume_reading()
        return False

    def _answer_all(self) -> None:
        """Answer a few at once; whoever has more waits in line with all others who do."""
        if not self._in_line and self._answer_some():
            self._in_line = True
            self._stream.pause_reading()
            self._server.line_up(self)

    def _answer_some(self) -> bool:
        """Whether there may be more to answer."""
        for _ in range(_COMMANDS_PER_TURN):
            if self._stream.closing or self._congested:
                return False
            try:
                event = self._parser.next_event()
            except LineTooLong:
                self._note_bad_input(b"", ErrorCode.TOO_LONG)
                self._finish_with(Error.of(ErrorCode.TOO_LONG))
                return False
            if event is None:
                self._watch_incomplete()
                return False
            self._answer(event)
        return True

    def _answer(self, event: CommandEvent) -> None:
        match event:
            case BadCommand(line=line, reply=reply):
                self._note_bad_input(line, reply.code)
                self._reply(reply)
            case HttpRequest(line=line):
                # Whatever follows was written by a web page, not by a client of ours.
                self._note_bad_input(line, "HTTP")
                self._stream.abort()
            case EndOfInput():
                self._end_session()
                self._stream.close()
            case command:
                self._carry_out(command)

    def _carry_out(self, command: Command) -> None:
        session = self._session
        before = session.state
        reply = session.receive(command)
        if session.state is not before:
            self._direct_datagrams()
            self._server.tell(StateChanged(self._client, session.state, session.port))
        self._reply(reply)
        if session.state is SessionState.CLOSED:
            self._stream.close()

    def _direct_datagrams(self) -> None:
        """Let the client's datagrams do what the session's state says."""
        viewer = self._viewer
        if viewer is None:
            return
        fan_out = self._server.fan_out
        match self._session.state:
            case SessionState.ACTIVE:
                fan_out.activate(viewer)
            case SessionState.CLOSED:
                # At once: the connection may linger, but the port is another's to ask for.
                fan_out.release(viewer)
            case _:
                fan_out.deactivate(viewer)

    def _end_session(self) -> None:
        self._session.close()
        self._direct_datagrams()

    def _admit(self, port: int) -> ErrorCode | None:
        # Only ever to the address that asked, whatever the port: no reflection.
        host, _, *rest = self._client
        address = (host, port, *rest)
        fan_out = self._server.fan_out
        if fan_out.is_own(address):
            return ErrorCode.SERVER_PORT
        try:
            viewer = fan_out.claim(address, unmapped(self._stream.sockname))
        except OSError:
            return ErrorCode.UNAVAILABLE
        if viewer is None:
            return ErrorCode.PORT_IN_USE
        self._viewer = viewer
        return None

    def _reply(self, reply: Reply) -> None:
        if isinstance(reply, Error):
            self._errors += 1
        if not self._stream.write(encode(reply)):
            # A client that does not read its replies is not asked for more commands.
            self._congested = True
            self._stream.pause_reading()

    def _finish_with(self, error: Error) -> None:
        self._reply(error)
        self._end_session()
        self._stream.close(_CLOSE_TIMEOUT)

    def _note_bad_input(self, line: bytes, reason: str) -> None:
        if not self._bad_input_told:
            self._bad_input_told = True
            self._server.tell(BadInput(self._client, line, str(reason)))

    # -- commands that do not end ----------------------------------------------------

    def _watch_incomplete(self) -> None:
        """The time-out counts from a command's first byte: later bytes do not extend it."""
        if not self._parser.incomplete:
            self._cancel_deadline()
        elif self._deadline is None or self._deadline_for != self._parser.position:
            self._cancel_deadline()
            self._deadline_for = self._parser.position
            self._deadline = self._server.loop.call_later(
                self._server.command_timeout, self._on_deadline
            )

    def _on_deadline(self) -> None:
        self._deadline = None
        # The line may have ended while more commands than one turn takes came behind it.
        if self._stream.closing or self._deadline_for != self._parser.position:
            return
        self._parser.discard_incomplete()
        self._note_bad_input(b"", ErrorCode.INCOMPLETE)
        error = Error.of(ErrorCode.INCOMPLETE)
        if self._session.state is SessionState.NEW:
            # Who has no video loses nothing by starting afresh; who only takes up a
            # place does not keep it.
            self._finish_with(error)
        else:
            # A slip of typing must not cost the video.
            self._reply(error)

    def _cancel_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
