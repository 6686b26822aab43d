"""Every copy of every datagram, at the client's own socket: there once, or counted as dropped.

Source, relay and clients share one loop, on virtual time, so each burst is drained to the
last datagram before the next begins: what is then missing, the relay has to account for.
"""

import errno
import socket
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from reactor import Address, EventLoop
from reactor.relay import RelayServer
from reactor.relay.events import ClientLeft, IngestFailed, SegmentationRefused
from reactor.socket_options import ask_for_buffers, granted_receive_buffer
from reactor.testing import ManualClock
from tests.doubles.door import Door
from tests.doubles.faulty_socket import FaultySocket
from tests.doubles.player import Player

from .bursts import Burst, Share, fits, is_thinned
from .clients import Client
from .outcome import Outcome, Plan

COPIES: Final = 1_000_000
LONG_COPIES: Final = 50_000_000

PATIENCE: Final = 20.0
"""Real seconds without the end of a burst after which it is taken for lost."""

_HOST: Final = "127.0.0.1"
_OTHER_HOST: Final = "127.0.0.2"
_ANCHORS: Final = 2  # these are active in every burst that is to be relayed
_CLIENTS: Final = 14
_RETIRED: Final = 6
_BUFFER_SIZE: Final = 8 * 1024 * 1024
_TICK: Final = 0.001

_DROPPED: Final = [errno.EAGAIN, errno.ENOBUFS, errno.EPERM]
_OLD_NEWS: Final = [errno.ECONNREFUSED, errno.EHOSTUNREACH]
_REFUSALS: Final = [errno.EIO, errno.EINVAL, errno.EMSGSIZE]


@dataclass(frozen=True)
class Setting:
    """How the relay sends, and how large a share of all copies it gets to send in this way."""

    name: str
    segmentation: bool | None
    failing: bool
    share: float


SETTINGS: Final = [
    Setting("offload on", None, False, 0.35),
    Setting("offload off", False, False, 0.35),
    Setting("offload on, sends that fail", None, True, 0.15),
    Setting("offload off, sends that fail", False, True, 0.15),
]


def run(plan: Plan) -> Outcome:
    """With offload and without, with sends that fail and without."""
    return check(LONG_COPIES if plan.long else COPIES, plan.seed)


def check(copies: int, seed: int, patience: float = PATIENCE) -> Outcome:
    """Have so many copies received and compared."""
    outcome = Outcome({"copies received and compared": 0})
    total = 0
    for setting in SETTINGS:
        with Trial(setting, seed, patience) as trial:
            trial.run(int(copies * setting.share))
        total += trial.counts["copies"]
        outcome.figures |= {f"{setting.name}: {what}": n for what, n in trial.counts.items()}
        outcome.failures += [f"{setting.name}: {line}" for line in trial.failures]
    outcome.figures["copies received and compared"] = total
    return outcome


class Trial:
    """One relay under one setting, with its source and its clients."""

    def __init__(self, setting: Setting, seed: int, patience: float) -> None:
        self.counts = Counter[str]()
        self.failures: list[str] = []
        self._failing = setting.failing
        self._patience = patience
        self._chance = Random(f"{seed} {setting.name}")
        self._chance_of_faults = Random(f"{seed} {setting.name} faults")
        self._clock = ManualClock()
        door = Door()
        if setting.failing:
            door.socket = self._failing_socket
        self._loop = EventLoop(clock=self._clock, network=door)
        self._loop.set_exception_handler(lambda text, exc: self._fail(f"{text}: {exc!r}"))
        self._relay = RelayServer(
            self._loop,
            (_HOST, 0),
            ingest=(_HOST, 0),
            segmentation=setting.segmentation,
            report=self._on_event,
        )
        self._source, self._witness = self._player(_HOST), self._player(_HOST)
        self._burst = Burst(self._chance)
        self._room = granted_receive_buffer(self._source.sock) * 4 // 5
        self._clients: list[Client] = []
        self._leaving: dict[Address, Client] = {}
        self._retired: list[Player] = []
        self._second_words: list[tuple[Client, bytes]] = []
        self._over = False
        self._received = 0  # by the relay, if it takes all that it should
        self._accounted = self._relay.counters
        self._departed = Counter[str]()  # what the relay said of those that have left

    def __enter__(self) -> "Trial":
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._over = True
        everybody = [*self._clients, *self._leaving.values()]
        for client in everybody:
            client.close()
        players = [client.player for client in everybody]
        for player in [*players, *self._retired, self._source, self._witness]:
            player.sock.close()
        self._loop.close()

    def run(self, copies: int) -> None:
        """Burst after burst, until so many copies were compared, or something is wrong."""
        while len(self._clients) <= _ANCHORS:
            self._join()
        self._settle()
        while self.counts["copies"] < copies and not self.failures:
            self.counts["bursts"] += 1
            kind = self._chance.random()
            if kind < 0.03:
                self._burst_for_nobody()
            elif kind < 0.06:
                self._burst_that_all_pause_in()
            else:
                self._burst_under_churn()
        if not self.failures:
            self._end()

    def _fail(self, line: str) -> None:
        self.failures.append(f"burst {self.counts['bursts']}: {line}")

    # -- bursts --------------------------------------------------------------------------

    def _burst_under_churn(self) -> None:
        self.counts["changes between bursts"] += self._churn()
        self._say_second_words()
        self._settle()
        self._share_out()
        start, middle, end = self._thirds()
        self._stream(start)
        changes = 0
        if self._chance.random() < 0.6:
            changes = self._churn()
        self._stream(middle)
        self._say_second_words()
        self._stream(end)
        self._received += len(start) + len(middle) + len(end)
        self.counts["changes within bursts"] += changes
        self._account([*start, *middle, *end], steady=not changes)

    def _burst_for_nobody(self) -> None:
        """Old video: nobody is active when it comes, so nobody may ever get it."""
        paused = self._pause_all()
        self._settle()
        old = self._burst.make(self._room)
        self._stream(old)
        # What was sent before has arrived when this has.
        self._source.sock.sendto(b"", self._witness.sock.getsockname())
        self._run_until(lambda: self._witness.datagrams())
        self._witness.datagrams().clear()
        self._resume(paused)
        self._account(old, steady=True)

    def _burst_that_all_pause_in(self) -> None:
        """How much of it was relayed before all had paused is the relay's to say."""
        self._share_out()
        start, middle, end = self._thirds()
        self._stream(start)
        for client in self._clients:
            client.share = Share.FIRST if client.active else Share.NONE
        paused = self._pause_all()
        self._stream([*middle, *end])
        self._run_until(lambda: not any(client.replies_due for client in self._clients))
        self._received = self._relay.counters.received
        self._account([*start, *middle, *end], steady=False)
        self._resume(paused)
        self._settle()

    def _thirds(self) -> tuple[list[bytes], list[bytes], list[bytes]]:
        burst = self._burst.make(self._room)
        first, second = sorted(self._chance.choices(range(len(burst) + 1), k=2))
        return burst[:first], burst[first:second], burst[second:]

    def _stream(self, datagrams: list[bytes]) -> None:
        """Send, and let the relay have some turns, or none."""
        for datagram in datagrams:
            self._source.sock.sendto(datagram, self._relay.ingest_address)
        for _ in range(self._chance.choice([0, 0, 1, 2, 3, 5])):
            self._iterate()

    # -- churn ---------------------------------------------------------------------------

    def _share_out(self) -> None:
        for client in self._clients:
            client.share = Share.ALL if client.active else Share.NONE

    def _churn(self) -> int:
        """Some come, some go, some change their minds; how many."""
        changes = 0
        for client in self._clients[_ANCHORS:]:
            if self._chance.random() < 0.15:
                self._change(client)
                changes += 1
        if len(self._clients) < _CLIENTS and self._chance.random() < 0.4:
            self._join()
            changes += 1
        return changes

    def _change(self, client: Client) -> None:
        kind = self._chance.random()
        if kind < 0.25:
            self._leave(client)
            return
        words = [b"INTERRUMPIR", b"CONTINUAR"] if client.active else [b"CONTINUAR", b"INTERRUMPIR"]
        client.say(words[0])
        if kind < 0.75:
            client.share = Share.FIRST if client.active else Share.LAST
            client.active = not client.active
        else:
            client.share = Share.ENDS if client.active else Share.MIDDLE
            self._second_words.append((client, words[1]))

    def _say_second_words(self) -> None:
        for client, word in self._second_words:
            client.say(word)
        self._second_words.clear()

    def _leave(self, client: Client) -> None:
        client.share = Share.FIRST if client.share is Share.ALL else Share.NONE
        client.leave(self._chance.choice(["DESCONECTAR", "close", "reset"]))
        self._clients.remove(client)
        self._leaving[client.address] = client

    def _join(self) -> None:
        if self._retired and self._chance.random() < 0.4:
            player = self._retired.pop(0)
        else:
            player = self._player(*self._address_for_player())
        client = Client(self._loop, self._relay.address, player)
        client.share = Share.LAST
        self._clients.append(client)
        self.counts["clients"] += 1

    def _address_for_player(self) -> tuple[str, int]:
        """Mostly any; sometimes the very port of another, on another host: a trap."""
        if self._clients and self._chance.random() < 0.4:
            port = self._chance.choice(self._clients).player.port
            if _is_free(_OTHER_HOST, port):
                return _OTHER_HOST, port
        return _HOST, 0

    def _pause_all(self) -> list[Client]:
        paused = [client for client in self._clients if client.active]
        for client in paused:
            client.say(b"INTERRUMPIR")
            client.active = False
        return paused

    def _resume(self, clients: list[Client]) -> None:
        for client in clients:
            client.say(b"CONTINUAR")
            client.active = True

    # -- the account ---------------------------------------------------------------------

    def _account(self, burst: list[bytes], *, steady: bool) -> None:
        """Drain all there is, and compare what each got with what was due to it.

        `steady`: nobody changed while it was relayed.
        """
        self._settle()
        before, self._accounted = self._accounted, self._relay.counters
        received = self._accounted.received - before.received
        copies = self._accounted.sent + self._accounted.dropped - before.sent - before.dropped
        active = sum(client.share is Share.ALL for client in self._clients)
        if steady and copies != received * active:
            self._fail(f"{received} received x {active} active, but {copies} sent or dropped")
        for client in [*self._clients, *self._leaving.values()]:
            self._compare(client, burst, received)
        for player in self._retired:
            if player.datagrams():
                self._fail(f"{len(player.datagrams())} datagrams came to port {player.port}, "
                           "whose client had left")  # fmt: skip
        for client in [client for client in self._leaving.values() if client.left]:
            self._bid_farewell(client)

    def _compare(self, client: Client, burst: list[bytes], received: int) -> None:
        got, share = client.take(), client.share
        self.counts["copies"] += len(got)
        exact = fits(got, burst, share)
        excused = share is not Share.NONE and (self._failing or client.lost_by_socket)
        if not exact and not (excused and is_thinned(got, burst)):
            self._fail(f"{client} got {len(got)} datagrams of {len(burst)}: not {share.value}")
        client.due_at_least += received if share is Share.ALL else len(got)
        client.due_at_most += 0 if share is Share.NONE else received
        client.share = Share.NONE

    def _bid_farewell(self, client: Client) -> None:
        """Compare the relay's account of a client that left with what came to its socket."""
        left = client.left
        assert left is not None
        if left.sent != client.arrived + client.lost_by_socket:
            self._fail(f"{left.sent} datagrams were sent to {client}, but {client.arrived} came")
        if not client.due_at_least <= left.sent + left.dropped <= client.due_at_most:
            self._fail(
                f"{left.sent} sent and {left.dropped} dropped for {client}, to whom between "
                f"{client.due_at_least} and {client.due_at_most} were due"
            )
        self._departed.update(sent=left.sent, dropped=left.dropped)
        self.counts["counted as dropped"] += left.dropped
        self.counts["lost by full sockets of the test"] += client.lost_by_socket
        client.close()
        del self._leaving[client.address]
        self._retired.append(client.player)
        if len(self._retired) > _RETIRED:
            self._retired.pop(0).sock.close()

    def _end(self) -> None:
        """All leave: what the relay says of each must add up to what it says of all."""
        while self._clients:
            self._leave(self._clients[0])
        self._account([], steady=True)
        total = self._relay.counters
        of_each = self._departed["sent"], self._departed["dropped"]
        if of_each != (total.sent, total.dropped):
            self._fail(
                f"of all clients {of_each} datagrams were sent and dropped, "
                f"but ({total.sent}, {total.dropped}) in all"
            )
        if total.active:
            self._fail(f"all have left, but {total.active} are active")

    # -- turning the loop ----------------------------------------------------------------

    def _settle(self) -> None:
        """Run until all that was said is answered and all that was sent has arrived."""
        if not self._run_until(self._is_settled):
            counters = self._relay.counters
            silent = [str(client) for client in self._everybody() if client.replies_due]
            staying = [str(client) for client in self._leaving.values() if not client.left]
            self._fail(
                f"it did not end: {counters.received} of {self._received} datagrams were received, "
                f"{counters.lost} lost before, {self._arrived()} of {counters.sent} copies came; "
                f"not answered: {silent}; not let go: {staying}"
            )
        for client in self._everybody():
            if client.refusals:
                self._fail(f"{client} was answered {client.refusals!r}")

    def _is_settled(self) -> bool:
        counters = self._relay.counters
        return (
            counters.received == self._received
            and self._arrived() == counters.sent
            and all(not client.replies_due for client in self._everybody())
            and all(client.left for client in self._leaving.values())
        )

    def _arrived(self) -> int:
        """Copies that came, to whomever, with those that a full socket lost."""
        everybody = self._everybody()
        return self._departed["sent"] + sum(
            client.arrived_now + client.lost_by_socket for client in everybody
        )

    def _everybody(self) -> list[Client]:
        return [*self._clients, *self._leaving.values()]

    def _run_until(self, condition: Any) -> bool:
        deadline = time.monotonic() + self._patience
        while not condition():
            if time.monotonic() > deadline or self.failures:
                return False
            self._iterate()
        return True

    def _iterate(self) -> None:
        self._loop.run_once(0)
        self._clock.advance(_TICK)
        for client in self._everybody():
            client.hear()

    def _on_event(self, event: object) -> None:
        if self._over:
            return
        match event:
            case ClientLeft(client=address) if address in self._leaving:
                self._leaving[address].left = event
            case ClientLeft():
                self._fail(f"nobody left, but: {event}")
            case IngestFailed():
                self._fail(str(event))
            case SegmentationRefused():
                self.counts["segmentation refused"] += 1

    # -- sockets -------------------------------------------------------------------------

    def _player(self, host: str, port: int = 0) -> Player:
        player = Player(self._loop, host, port)
        ask_for_buffers(player.sock, receive=_BUFFER_SIZE, send=_BUFFER_SIZE)
        return player

    def _failing_socket(self, family: int, kind: int) -> socket.socket:
        sock = FaultySocket(family, kind)
        sock.script("send", self._faults())
        return sock

    def _faults(self) -> Iterator[int | None]:
        chance = self._chance_of_faults
        while True:
            kind = chance.random()
            if kind < 0.02:
                yield chance.choice(_DROPPED)
            elif kind < 0.03:
                yield chance.choice(_OLD_NEWS)
            elif kind < 0.032:
                yield chance.choice(_REFUSALS)
            else:
                yield None


def _is_free(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True
