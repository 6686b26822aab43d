"""What is run in the simulated system: small programs, and what must hold whatever happens.

Each works out for itself who may have been harmed by what went wrong; everybody else must
have got everything.
"""

import struct
from collections.abc import Iterable
from functools import partial
from itertools import pairwise

from reactor import (
    Address,
    DatagramBatch,
    DatagramEndpoint,
    DatagramHandler,
    EventLoop,
    ReceiveBuffer,
    Stream,
    StreamHandler,
    bind_udp,
    connect,
    format_address,
    listen,
)
from reactor.relay import RelayClient, RelayServer
from reactor.relay.events import (
    ClientLeft,
    Disconnected,
    NoSocket,
    Refused,
    Replied,
    ServerLost,
    ServerUnreachable,
    StateChanged,
    TimedOut,
)
from reactor.relay.protocol import Connect, Error, ErrorCode, Ok, Reply, encode
from reactor.testing import Cut, Lie, Refusal, Scenario, Simulation, Violation
from reactor.testing.faults import SPONTANEOUS

__all__ = ["SCENARIOS", "TORTURED"]

_SERVER = ("127.0.0.1", 7000)
_REFUSAL = b"!"  # there is room for it in the smallest of buffers


class Harm:
    """Who may have been harmed in a simulation, and how many at the most."""

    def __init__(self, simulation: Simulation) -> None:
        self._injection = simulation.injection
        self._gentle = simulation.faults.is_gentle

    @property
    def possible(self) -> bool:
        """Whether anybody may have been harmed at all."""
        if self._injection is None:
            return not self._gentle
        fault, call = self._injection.fault, self._injection.call
        if isinstance(fault, Refusal):
            # A send of a datagram that has to be tried again is a datagram dropped.
            again = call in ("recv", "send", "accept", "receive_datagram")
            return not (again and fault.errno in SPONTANEOUS)
        return not isinstance(fault, Cut | Lie)

    def may_concern(self, address: Address | None) -> bool:
        """Whether the connection with this address at one of its ends may have been harmed."""
        if not self.possible:
            return False
        if self._injection is None or address is None:
            return True
        who = self._injection.who
        return " to " not in who or format_address(address) in who

    @property
    def most(self) -> int | None:
        """How many connections may have been harmed; None for any number."""
        if not self.possible:
            return 0
        injection = self._injection
        if injection is None or injection.lasting or injection.call == "clock":
            return None
        return 1

    def check(self, harmed: Iterable[Address | None]) -> None:
        """These did not get what was theirs: was that legal?"""
        count = 0
        for address in harmed:
            count += 1
            if not self.may_concern(address):
                raise Violation(f"{address} was not harmed, and did not get what was due")
        if self.most is not None and count > self.most:
            raise Violation(f"{count} connections suffered, when {self.most} were harmed")


# -- streams -----------------------------------------------------------------------------


class Echo(StreamHandler):
    """Sends everything back, and follows the peer's half-close when all is sent."""

    def connection_made(self, stream: Stream) -> None:
        self.stream = stream

    def data_received(self, buffer: ReceiveBuffer) -> None:
        if not self.stream.write(buffer.take_all()):
            self.stream.pause_reading()

    def resume_writing(self) -> None:
        self.stream.resume_reading()


class Witness(StreamHandler):
    """A client that keeps what it hears, and how it ended."""

    def __init__(self, due: bytes) -> None:
        self._due = due
        self.sockname: Address | None = None
        self._heard = bytearray()
        self._ends: list[Exception | None] = []

    def connection_made(self, stream: Stream) -> None:
        try:
            self.sockname = stream.sockname
        except OSError:
            pass  # put in by torture

    def connection_failed(self, exc: OSError) -> None:
        self._ends.append(exc)

    def data_received(self, buffer: ReceiveBuffer) -> None:
        self._heard += buffer.take_all()

    def connection_lost(self, exc: Exception | None) -> None:
        self._ends.append(exc)

    def is_content(self) -> bool:
        """Whether all that was due came, and a clean end. Raises Violation for anything else."""
        if not self._due.startswith(self._heard):
            raise Violation(f"{self.sockname} heard {self._heard!r}, not {self._due!r}")
        if len(self._ends) > 1:
            raise Violation(f"{self.sockname} was told of {len(self._ends)} ends")
        return self._ends == [None] and self._heard == self._due


class Caller(Witness):
    """Says something in several pieces, half-closes, and hears it back."""

    def __init__(self, pieces: list[bytes]) -> None:
        super().__init__(due=b"".join(pieces))
        self._pieces = pieces

    def connection_made(self, stream: Stream) -> None:
        super().connection_made(stream)
        for piece in self._pieces:
            stream.write(piece)
        stream.write_eof()


def echo(simulation: Simulation, most: int) -> None:
    """Callers of an echo server, with pieces of up to `most` bytes: each hears what it said."""
    loop, chance = simulation.loop, simulation.random
    harm = Harm(simulation)
    if harm.possible:
        loop.set_exception_handler(lambda message, exc: None)
    listen(loop, Echo, *_SERVER)
    callers = [
        Caller([chance.randbytes(chance.randrange(1, most)) for _ in range(3)]) for _ in range(3)
    ]
    for caller in callers:
        connect(loop, caller, *_SERVER)
    simulation.run(20.0 + most / 10)
    harm.check([caller.sockname for caller in callers if not caller.is_content()])


class Farewell(StreamHandler):
    """Answers the first line that it hears, and closes, whatever else is still coming."""

    def __init__(self, reply: bytes) -> None:
        self._reply = reply

    def connection_made(self, stream: Stream) -> None:
        self._stream = stream

    def data_received(self, buffer: ReceiveBuffer) -> None:
        if buffer.take_line(limit=100) is not None:
            self._stream.write(self._reply)
            self._stream.close(timeout=120.0)


class Guest(Witness):
    """Says more than it is asked for, and dawdles before it listens."""

    def __init__(self, simulation: Simulation, words: bytes, due: bytes) -> None:
        super().__init__(due)
        self._loop = simulation.loop
        self._words = words
        self._pause = simulation.random.random()

    def connection_made(self, stream: Stream) -> None:
        super().connection_made(stream)
        stream.pause_reading()
        stream.write(self._words)
        self._loop.call_later(self._pause, stream.resume_reading)


def farewell(simulation: Simulation, most: int) -> None:
    """A reply is whole although junk of up to `most` bytes followed the line: RFC 2525, 2.17."""
    loop, chance = simulation.loop, simulation.random
    harm = Harm(simulation)
    if harm.possible:
        loop.set_exception_handler(lambda message, exc: None)
    reply = chance.randbytes(most)
    door = listen(loop, lambda: Farewell(reply), *_SERVER)
    guests = [
        Guest(simulation, b"hello\n" + chance.randbytes(chance.randrange(most)), reply)
        for _ in range(3)
    ]
    for guest in guests:
        connect(loop, guest, *_SERVER)
    loop.call_later(60.0, door.close)
    simulation.run(200.0)
    harm.check([guest.sockname for guest in guests if not guest.is_content()])


class Hesitant(StreamHandler):
    """Answers a line at a time, dawdles with whole lines left, and leaves the program at times.

    Whatever leaves by an exit has done nothing yet, and is done when the loop runs again.
    """

    def __init__(self, simulation: Simulation) -> None:
        self._loop = simulation.loop
        self._chance = simulation.random

    def connection_made(self, stream: Stream) -> None:
        self._stream = stream
        stream.set_write_buffer_limits(high=self._chance.choice([0, 20, 1000]))
        self._perhaps_leave()

    def data_received(self, buffer: ReceiveBuffer) -> None:
        self._perhaps_leave()
        line = buffer.take_line(limit=100)
        if line is None:
            return
        self._stream.pause_reading()
        if not self._stream.write(line + b"\n"):
            return  # until resume_writing
        resume = self._stream.resume_reading
        if self._chance.random() < 0.5:
            self._loop.call_soon(resume)
        else:
            self._loop.call_later(self._chance.random() / 10, resume)

    def eof_received(self) -> bool:
        self._loop.call_later(self._chance.random(), self._stream.write_eof)
        return True

    def resume_writing(self) -> None:
        self._perhaps_leave()
        self._stream.resume_reading()

    def _perhaps_leave(self) -> None:
        if self._chance.random() < 0.1:
            raise SystemExit


def dialogue(simulation: Simulation, most: int) -> None:
    """Up to `most` lines a caller: each is answered before the end, by which both half-close."""
    loop, chance = simulation.loop, simulation.random
    harm = Harm(simulation)
    if harm.possible:
        loop.set_exception_handler(lambda message, exc: None)
    door = listen(loop, lambda: Hesitant(simulation), *_SERVER)
    callers = [
        Caller([b"%d\n" % number for number in range(chance.randrange(1, most))]) for _ in range(3)
    ]
    for caller in callers:
        connect(loop, caller, *_SERVER)
    loop.call_later(60.0, door.close)
    run_again(simulation, 60.0 + most)
    harm.check([caller.sockname for caller in callers if not caller.is_content()])


def run_again(simulation: Simulation, seconds: float) -> None:
    """Run for so long, however often the program leaves."""
    end = simulation.now + seconds
    while simulation.now < end:
        try:
            simulation.run(end - simulation.now)
        except SystemExit:
            pass


class Refuser(StreamHandler):
    """Answers before it has read the question, and is gone when that has arrived."""

    def __init__(self, loop: EventLoop) -> None:
        self._loop = loop

    def connection_made(self, stream: Stream) -> None:
        stream.pause_reading()
        stream.write(_REFUSAL)
        self._loop.call_later(20.0, stream.abort)


class Asker(Witness):
    """Asks on, and listens only then."""

    def __init__(self, loop: EventLoop) -> None:
        super().__init__(due=_REFUSAL)
        self._loop = loop

    def connection_made(self, stream: Stream) -> None:
        super().connection_made(stream)
        stream.pause_reading()
        stream.write(b"the beginning of a question")
        self._loop.call_later(21.0, self._ask_on, stream)
        self._loop.call_later(23.0, stream.resume_reading)

    def _ask_on(self, stream: Stream) -> None:
        if not stream.closing:
            stream.write(b"and its end")

    def is_content(self) -> bool:
        return not super().is_content() and self._heard == self._due and len(self._ends) == 1


def refusal(simulation: Simulation) -> None:
    """An answer that came before the reset is heard, though the question can't be sent."""
    loop = simulation.loop
    harm = Harm(simulation)
    if harm.possible:
        loop.set_exception_handler(lambda message, exc: None)
    listen(loop, lambda: Refuser(loop), *_SERVER)
    askers = [Asker(loop) for _ in range(2)]
    for asker in askers:
        connect(loop, asker, *_SERVER)
    simulation.run(60.0)
    harm.check([asker.sockname for asker in askers if not asker.is_content()])


# -- the relay ---------------------------------------------------------------------------

_ENDINGS = (Disconnected, NoSocket, Refused, ServerLost, ServerUnreachable, TimedOut)
_SEQUENCE = struct.Struct("!I")
_SIZES = [1316, 1316, 1316, 188, 1328, 4]


class Player(DatagramHandler):
    """What a viewer sees: numbered datagrams, in order."""

    def __init__(self, simulation: Simulation) -> None:
        self.numbers: list[int] = []
        self._endpoint = bind_udp(simulation.loop, self, "127.0.0.1", 0)
        self.address: tuple[str, int] = self._endpoint.sockname

    def datagrams_received(self, endpoint: DatagramEndpoint, batch: DatagramBatch) -> None:
        for datagram in batch:
            (number,) = _SEQUENCE.unpack_from(datagram)
            if bytes(datagram) != video(number):
                raise Violation(f"datagram {number} was altered")
            self.numbers.append(number)


def video(number: int) -> bytes:
    """Datagram `number` of the stream."""
    size = _SIZES[number % len(_SIZES)]
    return _SEQUENCE.pack(number) + bytes([number % 251]) * (size - _SEQUENCE.size)


class Viewer:
    """A client of the relay with its player: it connects, pauses, resumes, pauses, leaves."""

    def __init__(self, simulation: Simulation, server: Address) -> None:
        loop, chance = simulation.loop, simulation.random
        self.player = Player(simulation)
        self.events: list[object] = []
        client = RelayClient(
            loop, (server[0], server[1]), self.player.address, report=self.events.append
        )
        self._client = client
        when = 0.0
        for step in (client.connect, client.pause, client.resume, client.pause):
            when += 1.0 + chance.random()
            loop.call_later(when, step)
        # What is under way arrives before it leaves.
        loop.call_later(when + 5.0, client.disconnect)

    @property
    def port(self) -> int | None:
        """The port that it named in CONECTAR; None if that was not answered."""
        for event in self.events:
            if isinstance(event, Replied) and isinstance(event.command, Connect):
                return event.command.port
        return None

    def is_content(self, left: ClientLeft | None) -> bool:
        """Whether each command was answered OK, and all that was sent has arrived."""
        replies = [event.reply for event in self.events if isinstance(event, Replied)]
        return (
            len(replies) == 5
            and all(isinstance(reply, Ok) for reply in replies)
            and isinstance(self.events[-1], Disconnected)
            and left is not None
            and left.error is None
            and left.dropped == 0
            and left.sent == len(self.player.numbers)
        )

    def check(self, *, in_order: bool) -> None:
        """Raises Violation for what must never be."""
        numbers = self.player.numbers
        if in_order and any(b <= a for a, b in pairwise(numbers)):
            raise Violation(f"datagrams were doubled or overtaken: {numbers}")
        endings = [event for event in self.events if isinstance(event, _ENDINGS)]
        if len(endings) > 1 or (endings and endings[0] is not self.events[-1]):
            raise Violation(f"a client told its end as {endings}")


class Talker(Guest):
    """A client by hand: pipelines commands in pieces, half-closes, and hears each reply."""

    def __init__(self, simulation: Simulation, port: int, most: int) -> None:
        chance = simulation.random
        words = chance.choices(["INTERRUMPIR", "CONTINUAR", "hola", "CONECTAR 80"], k=most)
        said = [f"CONECTAR {port}", *words[: chance.randrange(most)]]
        rest = chance.choice(["", "INTERR"])
        super().__init__(simulation, "\n".join([*said, rest]).encode(), replies_to(said, rest))

    def connection_made(self, stream: Stream) -> None:
        super().connection_made(stream)
        stream.write_eof()

    def is_content(self) -> bool:
        # Without a descriptor to send from there is no CONECTAR, and all else goes wrong with
        # it; without one for the next to come, this one may have had to make room.
        return not self._heard.startswith(b"E") and super().is_content()


def replies_to(said: list[str], rest: str) -> bytes:
    """What a client is to hear that says these lines, and then what is not one."""
    replies: list[Reply] = []
    active = True
    for line in said:
        match line:
            case "INTERRUMPIR":
                replies.append(Ok() if active else Error.of(ErrorCode.ALREADY_PAUSED))
                active = False
            case "CONTINUAR":
                replies.append(Error.of(ErrorCode.NOT_PAUSED) if active else Ok())
                active = True
            case "hola":
                replies.append(Error.of(ErrorCode.UNKNOWN))
            case "CONECTAR 80":
                replies.append(Error.of(ErrorCode.BAD_PORT))
            case _:
                replies.append(Ok())
    if rest:
        replies.append(Error.of(ErrorCode.INCOMPLETE))
    return b"".join(map(encode, replies))


def commands(simulation: Simulation, most: int) -> None:
    """Clients that pipeline up to `most` commands: each is answered, in order, before the end."""
    loop = simulation.loop
    harm = Harm(simulation)
    if harm.possible:
        loop.set_exception_handler(lambda message, exc: None)
    server = RelayServer(loop, _SERVER, ingest=("127.0.0.1", 0))
    talkers = [Talker(simulation, port, most) for port in (20_001, 20_002, 20_003)]
    for talker in talkers:
        connect(loop, talker, *_SERVER)
    simulation.run(60.0)
    server.close()
    simulation.run_until(lambda: not server.connections)
    if server.admission.clients or server.counters.active:
        raise Violation("nobody is here, and places are taken")
    harm.check([talker.sockname for talker in talkers if not talker.is_content()])


def relay(simulation: Simulation, bursts: int) -> None:
    """The relay with clients and a source of `bursts`: each gets its copies, and every reply."""
    loop, chance = simulation.loop, simulation.random
    harm = Harm(simulation)
    if harm.possible:
        loop.set_exception_handler(lambda message, exc: None)
    events: list[object] = []
    server = RelayServer(loop, _SERVER, ingest=("127.0.0.1", 0), report=events.append)
    viewers = [Viewer(simulation, server.address) for _ in range(2)]
    source = bind_udp(loop, DatagramHandler(), "127.0.0.1", 0)
    for number, when in enumerate(sorted(1.0 + chance.random() * 8.0 for _ in range(bursts))):
        # Several at a time, so that there is something to send in a run.
        for following in range(3):
            datagram = video(3 * number + following)
            loop.call_at(when, source.send, datagram, server.ingest_address)
    simulation.run(60.0)
    server.close()
    # Not for so long, but until: a clock that jumps would end it before its time.
    simulation.run_until(lambda: not server.connections)
    faults = simulation.faults
    in_order = not (faults.reordering and faults.delay) and not faults.duplication
    harm.check(unhappy(server, viewers, events, in_order=in_order))


def unhappy(
    server: RelayServer, viewers: list[Viewer], events: list[object], *, in_order: bool
) -> list[Address | None]:
    """Those who did not get all. Raises Violation if the books are not in order."""
    names = {
        event.port: event.client
        for event in events
        if isinstance(event, StateChanged) and event.port is not None
    }
    lefts = {event.client: event for event in events if isinstance(event, ClientLeft)}
    counters = server.counters
    if counters.sent != sum(left.sent for left in lefts.values()):
        raise Violation(f"{counters} is not the sum of {lefts}")
    if counters.dropped != sum(left.dropped for left in lefts.values()):
        raise Violation(f"{counters} is not the sum of {lefts}")
    harmed = []
    for viewer in viewers:
        viewer.check(in_order=in_order)
        name = names.get(viewer.port or 0)
        if not viewer.is_content(lefts.get(name) if name else None):
            harmed.append(name)
    return harmed


SCENARIOS: dict[str, Scenario] = {
    "echo": partial(echo, most=1_000),
    "farewell": partial(farewell, most=1_000),
    "dialogue": partial(dialogue, most=40),
    "refusal": refusal,
    "commands": partial(commands, most=60),
    "relay": partial(relay, bursts=60),
}
"""To be met by chance: long enough for chance to meet them often."""

TORTURED: dict[str, Scenario] = {
    "echo": partial(echo, most=40),
    "farewell": partial(farewell, most=40),
    "dialogue": partial(dialogue, most=4),
    "refusal": refusal,
    "commands": partial(commands, most=12),
    "relay": partial(relay, bursts=5),
}
"""To be met by every fault at every call: short, for there are many."""
