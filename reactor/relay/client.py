"""The relay's client: says the four commands, and hands what comes to a local player."""

import ipaddress
from collections import deque
from collections.abc import Callable
from typing import Final, assert_never

from reactor import (
    Connector,
    DatagramCounters,
    EventLoop,
    LineTooLong,
    ReceiveBuffer,
    Stream,
    StreamHandler,
    Timer,
    connect,
    format_host,
    unmapped,
)

from .events import (
    ClientEvent,
    Connected,
    Disconnected,
    NoDatagrams,
    NoSocket,
    Refused,
    Replied,
    ServerLost,
    ServerUnreachable,
    TimedOut,
    describe_error,
    printable,
)
from .forwarder import Forwarder
from .protocol import (
    CLOSING_CODES,
    MAX_PORT,
    BadReply,
    Command,
    Connect,
    Disconnect,
    EndOfInput,
    Error,
    Ok,
    Pause,
    Reply,
    ReplyEvent,
    ReplyParser,
    Resume,
    encode,
)

__all__ = ["RelayClient"]

_SILENCE_HINT: Final = 2.0
_CLOSE_TIMEOUT: Final = 1.0


class RelayClient:
    """Connects to the relay at `server` and forwards its datagrams to `player`.

    Both are pairs of host and port; the player's host is numeric. Commands may be given
    at once: they leave as soon as the connection stands. `report` is called with every
    ClientEvent; the last is a Disconnected, Refused, TimedOut, NoSocket,
    ServerUnreachable or ServerLost, and comes exactly once. An Exception that it raises
    goes to the loop's exception handler.

    `connect_timeout` and `reply_timeout` are in seconds. Raises OSError if the server's
    name is unknown, ValueError if the player's host is a name or its port is none.
    """

    def __init__(
        self,
        loop: EventLoop,
        server: tuple[str, int],
        player: tuple[str, int],
        *,
        connect_timeout: float = 10.0,
        reply_timeout: float = 10.0,
        segmentation: bool | None = None,
        report: Callable[[ClientEvent], object] = lambda event: None,
    ) -> None:
        self._loop = loop
        self._player = player
        self._reply_timeout = reply_timeout
        self._segmentation = segmentation
        self._report = report
        self._stream: Stream | None = None
        self._forwarder: Forwarder | None = None
        self._outbox: list[Callable[[Forwarder], Command]] = []
        self._unanswered: deque[Command] = deque()
        self._deadline: Timer | None = None
        self._over = False
        _check_player(*player)
        host, port = server
        self._connector: Connector = connect(
            loop, _Conversation(self), host, port, timeout=connect_timeout
        )

    # -- for the user ----------------------------------------------------------------

    @property
    def received(self) -> DatagramCounters:
        """Datagrams that came from the server; `rejected` counts those from anybody else."""
        return self._forwarder.received if self._forwarder else DatagramCounters()

    @property
    def forwarded(self) -> DatagramCounters:
        """Datagrams that went to the player."""
        return self._forwarder.forwarded if self._forwarder else DatagramCounters()

    def connect(self) -> None:
        """Say CONECTAR, with the port of our own that the datagrams are to come to."""
        self._say(lambda forwarder: Connect(forwarder.port))

    def pause(self) -> None:
        """Say INTERRUMPIR."""
        self._say(lambda forwarder: Pause())

    def resume(self) -> None:
        """Say CONTINUAR."""
        self._say(lambda forwarder: Resume())

    def disconnect(self) -> None:
        """Say DESCONECTAR; Disconnected follows when it is answered."""
        self._say(lambda forwarder: Disconnect())

    def close(self) -> None:
        """Leave without a word; Disconnected follows. Harmless if it is over already."""
        if not self._over:
            self._loop.call_soon(self._finish, Disconnected())

    # -- the way of a command --------------------------------------------------------

    def _say(self, make: Callable[[Forwarder], Command]) -> None:
        if self._over:
            return
        if self._stream is None or self._forwarder is None:
            self._outbox.append(make)
            return
        command = make(self._forwarder)
        self._unanswered.append(command)
        self._stream.write(encode(command))
        if len(self._unanswered) == 1:
            self._await_reply()

    def _await_reply(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        if self._unanswered:
            self._deadline = self._loop.call_later(self._reply_timeout, self._on_no_reply)

    def _on_no_reply(self) -> None:
        waiting_for = encode(self._unanswered[0]).decode("ascii").strip()
        self._finish(TimedOut(waiting_for))

    def _hear(self, event: ReplyEvent) -> None:
        match event:
            case Error(code=code) if code in CLOSING_CODES or not self._unanswered:
                self._finish(Refused(event))
            case Ok() | Error() if self._unanswered:
                command = self._unanswered.popleft()
                self._await_reply()
                self._follow(command, event)
            case BadReply(line=line):
                self._finish(ServerLost(f'it said "{printable(line)}": this is no relay'))
            case EndOfInput():
                self._finish(ServerLost("it closed the connection"))
            case _:
                self._finish(ServerLost("it said OK to nothing: this is no relay"))

    def _follow(self, command: Command, reply: Reply) -> None:
        try:
            self._tell(Replied(command, reply))
        finally:
            self._obey(command, reply)

    def _obey(self, command: Command, reply: Reply) -> None:
        if isinstance(reply, Error) or self._forwarder is None:
            return
        match command:
            case Connect() | Resume():
                self._forwarder.expect(_SILENCE_HINT, self._on_silence)
            case Pause():
                self._forwarder.expect_nothing()
            case Disconnect():
                self._finish(Disconnected())
            case _:
                assert_never(command)

    def _on_silence(self) -> None:
        assert self._forwarder is not None
        self._tell(NoDatagrams(self._forwarder.port, _SILENCE_HINT))

    def _tell(self, event: ClientEvent) -> None:
        """Report `event`. A screen that can't be written to must not cost the stream."""
        try:
            self._report(event)
        except Exception as exc:
            self._loop.call_exception_handler("the client's report raised", exc)

    # -- the connection --------------------------------------------------------------

    def _start(self, stream: Stream) -> None:
        try:
            self._forwarder = Forwarder(
                self._loop,
                unmapped(stream.sockname),
                format_host(unmapped(stream.peername)),
                self._player,
                self._segmentation,
            )
        except OSError as exc:
            stream.abort()
            self._finish(NoSocket(describe_error(exc)))
            return
        self._stream = stream
        stream.set_keepalive()
        outbox, self._outbox = self._outbox, []
        for make in outbox:
            self._say(make)
        self._tell(Connected(stream.peername))

    def _finish(self, event: ClientEvent) -> None:
        if self._over:
            return
        self._over = True
        self._unanswered.clear()
        self._await_reply()
        self._connector.cancel()
        if self._forwarder is not None:
            self._forwarder.close()
        if self._stream is not None:
            self._stream.close(_CLOSE_TIMEOUT)
        self._tell(event)


def _check_player(host: str, port: int) -> None:
    ipaddress.ip_address(host.partition("%")[0])
    if not 1 <= port <= MAX_PORT:
        raise ValueError(f"expected a player's port from 1 to {MAX_PORT}, not {port!r}")


class _Conversation(StreamHandler):
    """The client's side of the control connection: bytes in, replies out."""

    def __init__(self, client: RelayClient) -> None:
        self._client = client
        self._parser = ReplyParser()

    def connection_made(self, stream: Stream) -> None:
        self._client._start(stream)

    def connection_failed(self, exc: OSError) -> None:
        if isinstance(exc, TimeoutError):
            self._client._finish(TimedOut("connecting"))
        else:
            self._client._finish(ServerUnreachable(describe_error(exc)))

    def data_received(self, buffer: ReceiveBuffer) -> None:
        self._parser.receive_data(buffer.take_all())
        self._hear_all()

    def eof_received(self) -> None:
        self._parser.receive_data(b"")
        self._hear_all()

    def connection_lost(self, exc: Exception | None) -> None:
        # A server that closes is heard before: without an error it is our loop that does.
        self._client._finish(ServerLost(describe_error(exc)) if exc else Disconnected())

    def _hear_all(self) -> None:
        try:
            while (event := self._parser.next_event()) is not None:
                self._client._hear(event)
        except LineTooLong:
            self._client._finish(ServerLost("it sent an endless line: this is no relay"))
        except BaseException:
            # The report wants the program to end. If it does not, the rest is heard too.
            self._client._loop.call_soon(self._hear_all)
            raise
