"""Strangers' bytes by the hundred thousand: one meaning, however they are cut.

That meaning is written here a second time, from docs/protocol.md and without the library:
split at line feeds, then look at each line.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any, Final, TypeAlias

from reactor import LineTooLong
from reactor.relay.protocol import (
    BadCommand,
    BadReply,
    CommandParser,
    Connect,
    Disconnect,
    EndOfInput,
    Error,
    Ok,
    Pause,
    ReplyParser,
    Resume,
)

from .outcome import Outcome, Plan

INPUTS: Final = 200_000
LONG_INPUTS: Final = 100_000_000

Parser: TypeAlias = CommandParser | ReplyParser
Said: TypeAlias = tuple[object, ...]
"""Kind, what belongs to it, and last the position of its first byte."""
Meaning: TypeAlias = Callable[[bytes, int], Said]

_BLOCK: Final = 1000
_BLANKS: Final = b" \t\r\v\f"
_MAX_LINE: Final = 256
_DOCUMENT: Final = Path(__file__).parents[2] / "docs" / "protocol.md"


def run(plan: Plan) -> Outcome:
    """Every input through both parsers, whole and cut."""
    return check(LONG_INPUTS if plan.long else INPUTS, plan.seed)


def check(
    count: int,
    seed: int,
    make_command_parser: Callable[[], Parser] = CommandParser,
    make_reply_parser: Callable[[], Parser] = ReplyParser,
) -> Outcome:
    """Have `count` inputs heard by parsers that keep the promise, or do not."""
    texts = documented_texts()

    def command(line: bytes, position: int) -> Said:
        return meaning_of_command(line, position, texts)

    def unfinished(line: bytes, position: int) -> Said:
        return ("ERROR", line, "INCOMPLETO", texts["INCOMPLETO"], position)

    ears: list[tuple[str, Callable[[], Parser], Meaning, Meaning]] = [
        ("commands", make_command_parser, command, unfinished),
        ("replies", make_reply_parser, meaning_of_reply, _bad_reply),
    ]
    outcome = Outcome()
    number = size = pieces = 0
    kinds = {name: Counter[object]() for name, *_ in ears}
    for number, (data, chunks) in enumerate(inputs(count, seed), 1):
        size += len(data)
        pieces += len(chunks)
        for name, make, meaning, rest in ears:
            expected = by_definition(data, meaning, rest)
            kinds[name].update([said[0] for said in expected])
            for cut in ([data] if data else [], chunks):
                heard = hear(make(), cut)
                if heard != expected:
                    outcome.fail(
                        f"{name}, input {number} of seed {seed}, cut as {cut}: "
                        f"heard {heard} instead of {expected}"
                    )
        if outcome.hopeless:
            break
    outcome.figures = {"inputs": number, "bytes": size, "pieces": pieces}
    for name, counted in kinds.items():
        outcome.figures |= {f"{name}: {kind}": counted[kind] for kind in sorted(counted, key=str)}
    return outcome


# -- hearing -------------------------------------------------------------------------------


def hear(parser: Parser, chunks: list[bytes]) -> list[Said]:
    """All that `parser` says about an input that ends after `chunks`."""
    heard: list[Said] = []
    try:
        for chunk in [*chunks, b""]:
            parser.receive_data(chunk)
            while (event := parser.next_event()) is not None:
                heard.append(_PLAIN[type(event)](event))
    except LineTooLong as exc:
        heard.append(("LARGO", exc.position))
    return heard


_PLAIN: Final[dict[type, Callable[[Any], Said]]] = {
    Connect: lambda event: ("CONECTAR", event.port, event.position),
    Pause: lambda event: ("INTERRUMPIR", event.position),
    Resume: lambda event: ("CONTINUAR", event.position),
    Disconnect: lambda event: ("DESCONECTAR", event.position),
    BadCommand: lambda event: (
        "ERROR", event.line, event.reply.code, event.reply.text, event.position,
    ),
    Ok: lambda event: ("OK", event.position),
    Error: lambda event: ("ERROR", event.code, event.text, event.position),
    BadReply: lambda event: ("no reply", event.line, event.position),
    EndOfInput: lambda event: ("end", event.position),
}  # fmt: skip


# -- the meaning by definition -------------------------------------------------------------


def documented_texts() -> dict[str, str]:
    """The text of each error code, as the document has it."""
    rows = re.findall(r"^\| `([A-Z_]+)` \| (.*?) \|", _DOCUMENT.read_text(), re.MULTILINE)
    return dict(rows)


def by_definition(data: bytes, meaning: Meaning, unfinished: Meaning) -> list[Said]:
    """What is to be heard of an input."""
    heard: list[Said] = []
    position = 0
    *lines, rest = data.split(b"\n")
    for line in [*lines, rest]:
        if len(line) - line.endswith(b"\r") > _MAX_LINE:
            return [*heard, ("LARGO", position)]
        if len(heard) < len(lines):
            heard.append(meaning(line[:-1] if line.endswith(b"\r") else line, position))
            position += len(line) + 1
    if rest:
        heard.append(unfinished(rest, position))
    return [*heard, ("end", len(data))]


def meaning_of_command(line: bytes, position: int, texts: dict[str, str]) -> Said:
    """What the server is to make of a line."""
    said = line.strip(_BLANKS).upper()
    if said in (b"INTERRUMPIR", b"CONTINUAR", b"DESCONECTAR"):
        return (said.decode(), position)
    if not said.startswith(b"CONECTAR"):
        return ("ERROR", line, "DESCONOCIDO", texts["DESCONOCIDO"], position)
    port = said[8:].strip(_BLANKS)
    if port[:1] == b"<" and port[-1:] == b">":
        port = port[1:-1].strip(_BLANKS)
    if port and not port.strip(b"0123456789") and 1024 <= int(port) <= 65535:
        return ("CONECTAR", int(port), position)
    return ("ERROR", line, "PUERTO", texts["PUERTO"], position)


def meaning_of_reply(line: bytes, position: int) -> Said:
    """What the client is to make of a line."""
    said = line.strip(_BLANKS)
    if said == b"OK":
        return ("OK", position)
    word, _, rest = said.partition(b" ")
    code, _, text = rest.lstrip(_BLANKS).partition(b" ")
    if word != b"ERROR" or not code or max(line) > 127:
        return _bad_reply(line, position)
    return ("ERROR", code.decode(), text.strip(_BLANKS).decode(), position)


def _bad_reply(line: bytes, position: int) -> Said:
    return ("no reply", line, position)


# -- what strangers send -------------------------------------------------------------------

_METHODS: Final = b"GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH PRI".split()
_TERMINATORS: Final = [b"\n", b"\n", b"\r\n", b"\r\n", b"\r\r\n", b"\r", b""]
_NEARLY: Final = [
    *(b"CONECTAR", b"CONECTARSE 5000", b"CONECTAR +5000", b"CONECTAR 5_000", b"CONECTAR 1023"),
    *(b"CONECTAR 65536", b"CONECTAR <5000", b"CONECTAR 5000>", b"CONECTAR <>", b"CONECTAR -1"),
    *("CONECTAR \u0665\u0660\u0660\u0660".encode(), b"CONECTAR 5000 x", b"CONECTAR " + b"9" * 200),
    *(b"DESCONECTAR 1", b"INTERRUMPI", b"CONTINUAR\0", b"hola", b"", b"\0", b"\xff\xfe", b"\xa0OK"),
    *(b"ERROR", b"ERROR ", b"ERRORS X", b"ok", b"OK OK", "ERROR X \u00f1".encode(), b"ERROR\tX y"),
    *(b"GET", b"GET / HTTP/x", b"get / HTTP/1.1", b"BREW / HTTP/1.1", b"GET /HTTP/1.1", b"<5000>"),
]


def inputs(count: int, seed: int) -> Iterator[tuple[bytes, list[bytes]]]:
    """Inputs, each with one of its cuttings; equal seeds make equal inputs."""
    for start in range(0, count, _BLOCK):
        chance = Random(f"{seed} {start}")
        pieces = [_piece(chance) for _ in range(_BLOCK // 2)]
        for _ in range(min(_BLOCK, count - start)):
            length = int(chance.random() ** 2 * 7)
            data = b"".join(chance.choices(pieces, k=length))
            if chance.random() < 0.05:
                data = _request(chance) + data
            if chance.random() < 0.25:
                data = data[: int(chance.random() * len(data))]
            yield data, _cut(chance, data)


def _piece(chance: Random) -> bytes:
    """Something that might stand on a line, mostly with an end to it."""
    maker = chance.choices(_MAKERS, _WEIGHTS)[0]
    blanks = [bytes(chance.choices(b" \t\v\f\r", k=chance.choice([0, 0, 0, 1, 2]))) for _ in "<>"]
    return blanks[0] + maker(chance) + blanks[1] + chance.choice(_TERMINATORS)


def _connect(chance: Random) -> bytes:
    port = b"%d" % chance.randint(900, 66000)
    between = chance.choice([b"", b" ", b"  ", b"\t"])
    spelling = chance.choice([b"%s", b"<%s>", b"< %s >", b"0%s", b"%s"])
    return _any_case(chance, b"CONECTAR") + between + spelling % port


def _word(chance: Random) -> bytes:
    return _any_case(chance, chance.choice([b"INTERRUMPIR", b"CONTINUAR", b"DESCONECTAR"]))


def _any_case(chance: Random, word: bytes) -> bytes:
    spelling = chance.random()
    if spelling < 0.6:
        return word
    return bytes(byte ^ 32 * chance.getrandbits(1) for byte in word) if spelling < 0.8 else (
        word.lower()
    )  # fmt: skip


def _reply(chance: Random) -> bytes:
    code = chance.choice([b"LLENO", b"LARGO", b"X", b"no-such", b"1"])
    return chance.choice([b"OK", b"ERROR " + code, b"ERROR " + code + b" con texto", b"ERROR  x y"])


def _request(chance: Random) -> bytes:
    method = chance.choice(_METHODS)
    line = method + b" /" + b"a" * chance.choice([0, 5, 5, 240, 250]) + b" HTTP/1.%d" % (
        chance.randint(0, 9)
    )  # fmt: skip
    return line + b"\r\nHost: example\r\nContent-Length: 12\r\n\r\nCONECTAR 5000\r\n"


def _garbage(chance: Random) -> bytes:
    return chance.randbytes(chance.randint(1, 40))


def _about_the_limit(chance: Random) -> bytes:
    length = chance.choice([254, 255, 256, 257, 258, 300, 1000, 9000])
    start = chance.choice([b"", b"CONECTAR 5000", b"ERROR X "])
    return start + chance.choice([b"x", b" ", b"\r", b"\0"]) * (length - len(start))


def _nearly(chance: Random) -> bytes:
    return chance.choice(_NEARLY)


_MAKERS: Final = [_connect, _word, _reply, _nearly, _garbage, _about_the_limit, _request]
_WEIGHTS: Final = [25, 20, 20, 20, 10, 3, 2]


def _cut(chance: Random, data: bytes) -> list[bytes]:
    """The same bytes in pieces: in a few, or one by one."""
    if len(data) < 2:
        return [data] if data else []
    if len(data) < 60 and chance.random() < 0.1:
        return [data[place : place + 1] for place in range(len(data))]
    places = {int(chance.random() * len(data)) for _ in range(chance.randint(1, 4))}
    return [data[start:end] for start, end in pairwise(sorted({0, *places, len(data)}))]
