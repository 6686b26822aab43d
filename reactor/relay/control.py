"""The way of a command: one client's control connection, from its first byte to its last.

Command: stream -> parser -> session -> reply. What a command changes for the datagrams
is told to the fan-out, which knows nothing of commands.
"""

import errno
from typing import Final, Protocol

from reactor import (
    Address,
    EventLoop,
    LineTooLong,
    ReceiveBuffer,
    Stream,
    StreamHandler,
    Timer,
    unmapped,
)

from .admission import Admission, household
from .events import BadInput, ClientJoined, ClientLeft, ClientRefused, ServerEvent, StateChanged
from .fanout import FanOut, Viewer
from .protocol import (
    BadCommand,
    Command,
    CommandEvent,
    CommandParser,
    EndOfInput,
    Error,
    ErrorCode,
    Reply,
    encode,
)
from .session import Session, SessionState
from .suspicion import Suspicion

__all__ = ["ControlConnection", "Server"]

# Of what a client has pipelined, so much is answered in one turn.
_COMMANDS_PER_TURN: Final = 8
_CLOSE_TIMEOUT: Final = 1.0
# bind(2), socket(2): what a connection that ends gives back.
_EXHAUSTED: Final = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
_DESCRIPTORS_OF_A_VIEWER: Final = 2
# A stranger's wrong line is answered after so long, and whoever sends more meanwhile can't
# have read the answer. A person does not notice; a second small segment, which waits for
# the acknowledgment of the first (RFC 1122, 4.2.3.2 and 4.2.3.4), is here by then.
_READING_TIME: Final = 0.25


class Server(Protocol):
    """What all connections have in common."""

    loop: EventLoop
    fan_out: FanOut
    command_timeout: float
    admission: Admission["ControlConnection"]
    connections: dict["ControlConnection", None]

    def tell(self, event: ServerEvent) -> None:
        """Report `event`; of what that raises, no Exception comes out."""

    def admit(self, connection: "ControlConnection", host: str) -> ErrorCode | None:
        """Give a newcomer a place, or say why not."""

    def line_up(self, connection: "ControlConnection") -> None:
        """Give `connection` turns, one after the other, until it says that it needs none."""

    def free_descriptor(self, asker: "ControlConnection") -> bool:
        """End at once who makes no use of its place; False if nobody but `asker` does so."""


class ControlConnection(StreamHandler):
    """One client, from its first byte to its last.

    Whatever a method has to do is done before it tells of it: what the report raises, be
    it an order to exit, finds nothing half done.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._parser = CommandParser()
        self._session = Session(self._admit)
        self._suspicion = Suspicion()
        self._stream: Stream
        self._client: Address
        self._viewer: Viewer | None = None
        self._in_line = False  # for its next turn; nothing is read meanwhile
        self._congested = False
        self._slip: BadCommand | None = None  # a wrong line that waits for its answer
        self._slip_timer: Timer | None = None
        self._said_good_bye = False
        self._errors = 0
        self._bad_input_told = False
        self._deadline: Timer | None = None
        self._deadline_for = -1  # position of the line that the deadline is for

    def close(self) -> None:
        """The server ends."""
        if not self._stream.closing:
            self._answer_slip()
        self._end_session()
        self._stream.close(_CLOSE_TIMEOUT)

    def give_way(self) -> None:
        """Another needs the place, and is being let in: that comes before all telling."""
        error = Error.of(ErrorCode.REPLACED)
        # At once: it has nothing to say, and the newcomer needs the descriptor too.
        self._finish_with(error, timeout=0.0)
        self._server.loop.call_soon(self._server.tell, ClientRefused(self._client, error))

    def give_way_at_once(self) -> None:
        """Like `give_way`, and without a word: the other can't wait for one to leave."""
        self.give_way()
        self._stream.abort()

    # -- the stream's calls ----------------------------------------------------------

    def connection_made(self, stream: Stream) -> None:
        self._stream = stream
        self._client = unmapped(stream.peername)
        refusal = self._server.admit(self, household(self._client))
        if refusal is not None:
            error = Error.of(refusal)
            self._finish_with(error)
            self._server.tell(ClientRefused(self._client, error))
            return
        self._server.connections[self] = None
        stream.set_keepalive()
        # Nobody is said to idle before the loop has looked at its socket.
        loop = self._server.loop
        loop.call_soon(loop.call_soon, self._note_idle)
        self._server.tell(ClientJoined(self._client))

    def data_received(self, buffer: ReceiveBuffer) -> None:
        data = buffer.take_all()
        if self._stream.closing:
            return  # it has broken, and nobody hears an answer any more
        self._parser.receive_data(data)
        if self._slip is None:
            self._answer_all()
        else:
            self._turn_away(ErrorCode.STRANGER, self._slip.line)

    def eof_received(self) -> bool:
        self._parser.receive_data(b"")
        self._answer_all()
        return True  # EndOfInput closes, once all that came before it is answered

    def resume_writing(self) -> None:
        self._congested = False
        if not self._in_line:
            self._stream.resume_reading()
            self._answer_all()

    def connection_lost(self, exc: Exception | None) -> None:
        try:
            self._end_session()
        finally:
            self._leave(exc)

    def _leave(self, exc: Exception | None) -> None:
        self._cancel_deadline()
        if self not in self._server.connections:
            return
        del self._server.connections[self]
        if self._said_good_bye and isinstance(exc, OSError) and not isinstance(exc, TimeoutError):
            exc = None  # who does not wait for the last OK resets the connection
        viewer = self._viewer
        sent, dropped = (viewer.sent, viewer.dropped) if viewer else (0, 0)
        slip = self._slip  # it left without waiting for the answer
        left = ClientLeft(self._client, exc, sent, dropped, self._errors + (slip is not None))
        try:
            if slip is not None:
                self._note_bad_input(slip.line, slip.reply.code)
        finally:
            self._server.tell(left)

    # -- the way of a command --------------------------------------------------------

    def take_turn(self) -> bool:
        """Answer some more; False when there is nothing to answer any more, or for now."""
        if self._answer_some():
            return True
        self._in_line = False
        if not self._congested:
            self._stream.resume_reading()
        return False

    def _answer_all(self) -> None:
        """Answer a few at once; whoever has more waits in line with all others who do."""
        more = not self._in_line
        try:
            more = more and self._answer_some()
        finally:
            if more:
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
                self._turn_away(ErrorCode.TOO_LONG, self._parser.overlong)
                return False
            if event is None:
                self._watch_unfinished()
                return False
            self._answer(event)
        if self._parser.exhausted:
            self._watch_unfinished()
            return False
        return True

    def _answer(self, event: CommandEvent) -> None:
        match event:
            case BadCommand():
                self._answer_wrong(event)
            case EndOfInput():
                self._answer_slip()
                self._part()
            case command:
                self._carry_out(command)

    def _carry_out(self, command: Command) -> None:
        session = self._session
        before = session.state
        reply = session.receive(command)
        self._reply(reply)
        if session.state is before:
            return
        if session.state is SessionState.CLOSED:
            self._part()
        else:
            self._follow_session()
        self._server.tell(StateChanged(self._client, session.state, session.port))

    def _follow_session(self) -> None:
        """Let the client's place and its datagrams be what the session's state says."""
        admission, fan_out, viewer = self._server.admission, self._server.fan_out, self._viewer
        state = self._session.state
        # At once: the connection may linger, but place and port are others' to ask for.
        if state is SessionState.CLOSED:
            admission.leave(self)
        if viewer is None:
            return
        match state:
            case SessionState.ACTIVE:
                fan_out.activate(viewer)
            case SessionState.CLOSED:
                fan_out.release(viewer)
            case _:
                fan_out.deactivate(viewer)

    def _part(self) -> None:
        """The client has said good-bye, or will say nothing more."""
        self._said_good_bye = True
        self._end_session()
        self._stream.close()

    def _end_session(self) -> None:
        self._stop_slip_timer()
        self._session.close()
        self._follow_session()

    def _admit(self, port: int) -> ErrorCode | None:
        # Only ever to the address that asked, whatever the port: no reflection.
        host, _, *rest = self._client
        address = (host, port, *rest)
        lacking = _DESCRIPTORS_OF_A_VIEWER
        while True:
            try:
                return self._claim(address)
            except OSError as exc:
                may_help = lacking and exc.errno in _EXHAUSTED
                if not (may_help and self._server.free_descriptor(self)):
                    return ErrorCode.UNAVAILABLE
            lacking -= 1

    def _claim(self, address: Address) -> ErrorCode | None:
        fan_out = self._server.fan_out
        if fan_out.is_own(address):
            return ErrorCode.SERVER_PORT
        viewer = fan_out.claim(address, unmapped(self._stream.sockname))
        if viewer is None:
            return ErrorCode.PORT_IN_USE
        self._viewer = viewer
        self._server.admission.settle(self)
        return None

    def _note_idle(self) -> None:
        if self._session.state is SessionState.NEW:
            self._server.admission.mark_idle(self)

    def _reply(self, reply: Reply) -> None:
        if isinstance(reply, Error):
            self._errors += 1
        if not self._stream.write(encode(reply)) and self._stream.write_buffer_size:
            # A client that does not read its replies is not asked for more commands. Where
            # nothing waits, the connection has broken: what it says of that is to be read.
            self._congested = True
            self._stream.pause_reading()

    def _finish_with(self, error: Error, timeout: float = _CLOSE_TIMEOUT) -> None:
        self._reply(error)
        self._end_session()
        self._stream.close(timeout)

    # -- lines that are no commands --------------------------------------------------

    def _answer_wrong(self, wrong: BadCommand) -> None:
        if self._session.state is not SessionState.NEW:
            self._reply(wrong.reply)
            self._note_bad_input(wrong.line, wrong.reply.code)
        elif self._suspicion.condemns(wrong.line, self._parser.waiting):
            self._turn_away(ErrorCode.STRANGER, wrong.line)
        else:
            self._slip = wrong
            self._slip_timer = self._server.loop.call_later(_READING_TIME, self._answer_slip)

    def _answer_slip(self) -> None:
        wrong, self._slip = self._slip, None
        if wrong is not None:
            self._stop_slip_timer()
            self._reply(wrong.reply)
            # Later: it may be the server that closes, or the end that is met.
            self._server.loop.call_soon(self._note_bad_input, wrong.line, wrong.reply.code)

    def _stop_slip_timer(self) -> None:
        if self._slip_timer is not None:
            self._slip_timer.cancel()
            self._slip_timer = None

    def _turn_away(self, code: ErrorCode, line: bytes) -> None:
        """Say why, and hear no more."""
        self._slip = None
        self._finish_with(Error.of(code))
        self._note_bad_input(line, code)

    def _note_bad_input(self, line: bytes, reason: str) -> None:
        if not self._bad_input_told:
            self._bad_input_told = True
            self._server.tell(BadInput(self._client, line, str(reason)))

    # -- commands that do not end ----------------------------------------------------

    def _watch_unfinished(self) -> None:
        """The time-out counts from a command's first byte: later bytes do not extend it."""
        if not self._parser.waiting:
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
        line = self._parser.take_incomplete()
        if self._session.state is SessionState.NEW:
            # Who has no video loses nothing by starting afresh; who only takes up a
            # place does not keep it.
            self._turn_away(ErrorCode.INCOMPLETE, line)
        else:
            # A slip of typing must not cost the video.
            self._reply(Error.of(ErrorCode.INCOMPLETE))
            self._note_bad_input(line, ErrorCode.INCOMPLETE)

    def _cancel_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
