"""Clients that misbehave, in nine ways, and notice when they are not treated as promised.

python3 -m tests.reliability.crowd HOST PORT COUNT SEED

Says "ready" when all have come, lets those that end be followed by others of their kind,
and, told to by a line of input, sees all off and prints one JSON object.
"""

import errno
import itertools
import json
import os
import resource
import select
import socket
import struct
import sys
import time
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from random import Random
from typing import Final, TypeAlias

from reactor import Address
from tests.doubles.strangers import STRANGERS

__all__ = ["KINDS", "Crowd", "Peer", "patience"]

_TURN: Final = 0.02
_BIRTHS: Final = 100  # in one turn: no more than a backlog takes
_CHANCE_OF_BIRTH: Final = 0.1
_MOST_COMPLAINTS: Final = 10
_NO_LINGER: Final = struct.pack("ii", 1, 0)
_WINDOW: Final = 500


def patience(count: int) -> float:
    """Seconds after which a crowd of this size is taken for stuck."""
    return 60.0 + count / 10


class Peer:
    """A connection in the hands of somebody who misbehaves."""

    def __init__(self, server: Address, source: str) -> None:
        self._sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            self._sock.setblocking(False)
            self._sock.bind((source, 0))
            self._sock.connect_ex(server)
        except OSError:
            self._sock.close()
            raise
        self._outbox = b""
        self._unfinished = b""
        self._heard_kinds: set[bytes] = set()
        self.taken = 0
        """Bytes that were taken from us, by the system or by the relay."""
        self.lines = 0
        """Replies heard."""
        self.last_line = b""
        self.ended = False

    def settle(self) -> None:
        """Have a CONECTAR granted, with a port that nobody else has, and want nothing for now."""
        # The port of our own connection is ours alone, whoever was here before.
        self.say(b"CONECTAR %d\nINTERRUMPIR\n" % self._sock.getsockname()[1])

    @property
    def heard(self) -> set[bytes]:
        """The codes of all that was heard, and what was heard in part."""
        return self._heard_kinds | ({self._unfinished} if self._unfinished else set())

    def hear_little(self) -> None:
        """Have little room for what is not read."""
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)

    def say(self, data: bytes) -> bool:
        """Send, now and in later calls; whether nothing is left to send."""
        if self.ended:
            return True
        self._outbox += data
        try:
            sent = self._sock.send(self._outbox) if self._outbox else 0
        except OSError as exc:
            self._note(exc)
        else:
            self.taken += sent
            self._outbox = self._outbox[sent:]
        return not self._outbox

    def hear(self) -> None:
        """Take what is there, up to a bound."""
        for _ in range(4):
            try:
                data = self._sock.recv(65536)
            except OSError as exc:
                self._note(exc)
                return
            if not data:
                self.ended = True
                return
            *lines, self._unfinished = (self._unfinished + data).split(b"\n")
            self.lines += len(lines)
            for line in lines:
                self._heard_kinds.add(line.removeprefix(b"ERROR ").partition(b" ")[0])
                self.last_line = line

    def end(self) -> bool:
        """Say that no more comes; False if it is too early for that."""
        try:
            self._sock.shutdown(socket.SHUT_WR)
        except OSError as exc:
            self._note(exc)
            return self.ended
        return True

    def reset(self) -> None:
        """Break the connection off."""
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        self._sock.close()

    def close(self) -> None:
        self._sock.close()

    def _note(self, exc: OSError) -> None:
        # ENOTCONN: it does not stand yet. EAGAIN: there is nothing to do.
        if exc.errno not in (errno.EAGAIN, errno.ENOTCONN):
            self.ended = True


class Mood:
    """What all of a crowd know."""

    def __init__(self, chance: Random, window: int) -> None:
        self.chance = chance
        self.window = window
        """How many commands of one that floods may wait for their replies."""
        self.leaving = False


Life: TypeAlias = Generator[None, None, str | None]
"""One client: what it does in a turn stands between two yields. Returns its complaint."""

# -- nine ways to misbehave ----------------------------------------------------------------


def slow(peer: Peer, mood: Mood) -> Life:
    """Sends a command of which a byte comes now and then, and never its end."""
    for turn in itertools.count():
        if peer.ended:
            break
        peer.say(b"" if turn % 3 else b"x")
        peer.hear()
        yield
    held = peer.heard == {b"INCOMPLETO"} and peer.lines == 1
    return _unless(held, "was not told that it was too slow", peer)


def silent(peer: Peer, mood: Mood) -> Life:
    """Says nothing at all."""
    while not mood.leaving and not peer.ended:
        peer.hear()
        yield
    return _unless(not peer.ended and not peer.heard, "was not left alone", peer)


def never_reading(peer: Peer, mood: Mood) -> Life:
    """Asks for replies, and takes none of them."""
    peer.hear_little()
    peer.settle()
    chunk = b"hola\nINTERRUMPIR\n" * 1000
    while not mood.leaving and not peer.ended:
        peer.say(chunk if peer.say(b"") else b"")
        yield
    # The system may have ended it: nothing was acknowledged for too long.
    return _unless(peer.taken < most_that_systems_take(), f"gave away {peer.taken} bytes", peer)


def flooding(peer: Peer, mood: Mood) -> Life:
    """Sends as many commands as are answered, and always some more."""
    peer.settle()
    chunk = b"hola\nINTERRUMPIR\nCONECTAR 80\nCONECTAR 5000\n" * (mood.window // 5)
    asked = 2
    while not peer.ended and (peer.lines < asked or not mood.leaving):
        if asked - peer.lines < mood.window and not mood.leaving:
            asked += chunk.count(b"\n")
            peer.say(chunk)
        peer.say(b"")
        peer.hear()
        yield
    due = {b"OK", b"DESCONOCIDO", b"YA_INTERRUMPIDO", b"PUERTO", b"YA_CONECTADO"}
    held = peer.lines == asked and peer.heard <= due
    return _unless(held, f"got {peer.lines} replies to {asked} commands", peer)


def half_closing(peer: Peer, mood: Mood) -> Life:
    """Ends its side right behind a command."""
    peer.say(b"INTERRUMPIR\n")
    while not (peer.say(b"") and peer.end()):
        yield
    while not peer.ended:
        peer.hear()
        yield
    return _unless(peer.heard == {b"NO_CONECTADO"} and peer.lines == 1, "missed its reply", peer)


def resetting(peer: Peer, mood: Mood) -> Life:
    """Breaks off, perhaps within a command, perhaps with a reply on its way."""
    peer.say(mood.chance.choice([b"", b"CONEC", b"CONTINUAR\n" * 50]))
    for _ in range(mood.chance.choice([0, 1, 3])):
        yield
    peer.reset()
    return None


def garbage(peer: Peer, mood: Mood) -> Life:
    """Sends bytes of all values, in lines that get too long in the end."""
    lines = [mood.chance.randbytes(mood.chance.randint(1, 80)) for _ in range(20)]
    noise = b"\n".join(b"\xff" + line.replace(b"\n", b"") for line in lines)
    peer.settle()
    peer.say(noise + b"\n" + bytes(range(32, 256)) * 2)
    while not peer.ended:
        peer.say(b"")
        peer.hear()
        yield
    held = peer.lines == 23 and peer.heard == {b"OK", b"DESCONOCIDO", b"LARGO"}
    return _unless(held and peer.last_line.startswith(b"ERROR LARGO"), "was not told why", peer)


def stranger(peer: Peer, mood: Mood) -> Life:
    """Sends another protocol, and a command that somebody has put into it."""
    peer.say(mood.chance.choice(list(STRANGERS.values())))
    while not peer.ended:
        peer.say(b"")
        peer.hear()
        yield
    # What is too long was no line to begin with.
    held = peer.lines <= 1 and peer.heard <= {b"EXTRANO", b"LARGO"}
    return _unless(held, "was answered like a client", peer)


def leaving(peer: Peer, mood: Mood) -> Life:
    """Comes, and goes without a word."""
    yield
    return None


KINDS: Final[dict[str, Callable[[Peer, Mood], Life]]] = {
    "slow": slow,
    "silent": silent,
    "never reading": never_reading,
    "flooding": flooding,
    "half-closing": half_closing,
    "resetting": resetting,
    "garbage": garbage,
    "stranger": stranger,
    "leaving": leaving,
}
"""By the names that the figures have."""


def _unless(held: bool, complaint: str, peer: Peer) -> str | None:
    heard = b", ".join(sorted(peer.heard))[:80]
    return None if held else f"{complaint} (ended: {peer.ended}, heard: {heard!r})"


def most_that_systems_take() -> int:
    """Bytes that may leave us unread: the buffers of both sides at their largest, twice over."""
    total = 0
    for name in ("tcp_rmem", "tcp_wmem"):
        try:
            with open(f"/proc/sys/net/ipv4/{name}") as setting:
                total += int(setting.read().split()[2])
        except OSError:
            total += 8 << 20
    return 2 * total


# -- all together --------------------------------------------------------------------------


class Crowd:
    """One of each of `kinds` at once; who ends is followed by another of its kind."""

    def __init__(
        self, server: Address, kinds: Sequence[str], chance: Random, window: int = _WINDOW
    ) -> None:
        self._server = server
        self._mood = Mood(chance, window)
        self._kinds = kinds
        self._here: dict[int, tuple[Peer, Life]] = {}
        self._expected = list(reversed(range(len(kinds))))  # those who have never been here
        self._vacant: set[int] = set()
        self.lives = Counter[str]()
        """How many of each kind have been here."""
        self.complaints: list[str] = []
        self.most_taken = 0
        """Bytes that were taken from any one of them."""

    def __len__(self) -> int:
        """How many are here."""
        return len(self._here)

    @property
    def complete(self) -> bool:
        """Whether all have come for the first time."""
        return not self._expected

    def turn(self) -> None:
        """Each does the next thing."""
        for place, (_, life) in list(self._here.items()):
            try:
                next(life)
            except StopIteration as end:
                self._bury(place, end.value)
        if not self._mood.leaving:
            self._bear()

    def leave(self) -> None:
        """From now on nobody comes any more, and all end as soon as they have had their due."""
        self._mood.leaving = True

    def see_off(self, turn: Callable[[], object]) -> None:
        """Take turns until all have left; who never can was not treated as promised."""
        self.leave()
        limit = patience(len(self._kinds))
        deadline = time.monotonic() + limit
        while self._here and time.monotonic() < deadline:
            self.turn()
            turn()
        for place, (peer, _) in list(self._here.items()):
            self._bury(place, f"was still here after {limit:g} s, heard: {peer.heard!r}"[:200])

    def close(self) -> None:
        """Close what is still open; nobody is asked."""
        for peer, life in self._here.values():
            life.close()
            peer.close()
        self._here.clear()

    def _bear(self) -> None:
        for _ in range(min(_BIRTHS, len(self._expected))):
            self._vacant.add(self._expected[-1])
            self._enter(self._expected.pop())
        for place in sorted(self._vacant):
            if self._mood.chance.random() < _CHANCE_OF_BIRTH:
                self._enter(place)

    def _enter(self, place: int) -> None:
        # Each place has an address of its own, and so ports enough for many lives.
        source = f"127.1.{place // 250}.{place % 250 + 1}"
        kind = self._kinds[place]
        peer = Peer(self._server, source)
        self._here[place] = peer, KINDS[kind](peer, self._mood)
        self._vacant.discard(place)
        self.lives[kind] += 1

    def _bury(self, place: int, complaint: str | None) -> None:
        peer, life = self._here.pop(place)
        life.close()
        peer.close()
        self._vacant.add(place)
        self.most_taken = max(self.most_taken, peer.taken)
        if complaint is not None and len(self.complaints) < _MOST_COMPLAINTS:
            self.complaints.append(f"one of the kind {self._kinds[place]!r} {complaint}")


def main(arguments: list[str]) -> None:
    host, port, count, seed = arguments
    os.nice(5)  # whoever measures must not wait for these
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    kinds = list(itertools.islice(itertools.cycle(KINDS), int(count)))
    crowd = Crowd((host, int(port)), kinds, Random(seed))
    while not crowd.complete:
        crowd.turn()
        time.sleep(_TURN)
    print("ready", flush=True)
    told = False
    while not told:
        crowd.turn()
        told = bool(select.select([sys.stdin], [], [], _TURN)[0])
    crowd.see_off(lambda: time.sleep(_TURN))
    report = {
        "lives": crowd.lives,
        "complaints": crowd.complaints,
        "most_taken": crowd.most_taken,
    }
    print(json.dumps(report), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
