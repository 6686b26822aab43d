"""Events become lines of a log and of a console: one each, and no stranger writes its own.
Every kind of event is shown here with the worst that a peer can put into it.
"""

import errno
from codecs import escape_decode
from typing import TypeAlias, get_args

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reactor.relay.events import (
    BadInput,
    ClientEvent,
    ClientJoined,
    ClientLeft,
    ClientRefused,
    Connected,
    Disconnected,
    EventsLeftOut,
    IngestDrops,
    IngestFailed,
    NoDatagrams,
    NoSocket,
    ReceiveBufferCut,
    Refused,
    Replied,
    SegmentationRefused,
    ServerEvent,
    ServerLost,
    ServerUnreachable,
    StateChanged,
    TimedOut,
    printable,
)
from reactor.relay.protocol import Connect, Error, ErrorCode, Ok, Pause
from reactor.relay.session import SessionState

PEER = ("192.0.2.1", 5000)
PEER6 = ("2001:db8::1", 5000, 0, 0)
HOSTILE = b"\x1b[2J\rclient \"x\" \\ 'y' joined\n\0\xff"
HOSTILE_ERROR = Error("\x1b[2J", "\r\x07'\"\\")

Event: TypeAlias = ServerEvent | EventsLeftOut | ClientEvent

LINES: list[tuple[Event, str]] = [
    (ClientJoined(PEER), "client 192.0.2.1:5000 joined"),
    (ClientJoined(PEER6), "client [2001:db8::1]:5000 joined"),
    (ClientRefused(PEER, Error.of(ErrorCode.FULL)), "client 192.0.2.1:5000 refused: LLENO"),
    (
        StateChanged(PEER, SessionState.ACTIVE, 6000),
        "client 192.0.2.1:5000 is active, UDP port 6000",
    ),
    (StateChanged(PEER, SessionState.CLOSED, None), "client 192.0.2.1:5000 is closed"),
    (
        BadInput(PEER, b"hola", "DESCONOCIDO"),
        'client 192.0.2.1:5000 sent "hola": DESCONOCIDO',
    ),
    (
        ClientLeft(PEER, None, 10, 2, 1),
        "client 192.0.2.1:5000 left: 10 datagrams sent, 2 dropped, 1 errors",
    ),
    (
        ClientLeft(PEER, TimeoutError("no answer"), 0, 0, 0),
        "client 192.0.2.1:5000 left (no answer): 0 datagrams sent, 0 dropped, 0 errors",
    ),
    (
        SegmentationRefused(PEER, OSError(errno.EIO, "Input/output error")),
        "no segmentation offload towards 192.0.2.1:5000: Input/output error",
    ),
    (
        SegmentationRefused(PEER, OSError("refused")),
        "no segmentation offload towards 192.0.2.1:5000: refused",
    ),
    (
        ReceiveBufferCut(asked=4096, granted=1024),
        "receive buffer is 1024 bytes instead of 4096: bursts may be lost; "
        "raise it with: sysctl -w net.core.rmem_max=4096",
    ),
    (IngestDrops(3, 7), "ingest lost 3 datagrams (total 7): the relay is too slow"),
    (
        ClientLeft(PEER, ValueError("a\nclient \x1b[2J \udcff joined"), 0, 0, 0),
        "client 192.0.2.1:5000 left (a\\nclient \\x1b[2J \\udcff joined): "
        "0 datagrams sent, 0 dropped, 0 errors",
    ),
    (
        SegmentationRefused(PEER, OSError("a\r\nb")),
        "no segmentation offload towards 192.0.2.1:5000: a\\r\\nb",
    ),
    (IngestFailed(ValueError("a\nb")), "the ingest ended: ValueError('a\\nb')"),
    (EventsLeftOut(37), "37 more events were left out"),
    (Connected(PEER), "connected to 192.0.2.1:5000"),
    (Replied(Pause(), Ok()), "OK"),
    (Replied(Pause(), Error("X", "un texto")), "ERROR X un texto"),
    (Replied(Pause(), HOSTILE_ERROR), "ERROR \\x1b[2J \\r\\x07\\'\"\\\\"),
    (
        NoDatagrams(6000, 2.0),
        "no datagram within 2 s at UDP port 6000: "
        "a firewall on this machine, or nothing is being streamed",
    ),
    (Disconnected(), "disconnected"),
    (Refused(Error("LLENO", "lleno")), "the server refuses: ERROR LLENO lleno"),
    (Refused(HOSTILE_ERROR), "the server refuses: ERROR \\x1b[2J \\r\\x07\\'\"\\\\"),
    (TimedOut("connecting"), "the server did not answer in time (connecting)"),
    (
        ServerUnreachable("Connection refused"),
        "the server could not be reached: Connection refused",
    ),
    (
        NoSocket("Too many open files"),
        "no socket to receive datagrams with: Too many open files",
    ),
    (ServerLost("it closed the connection"), "the server is lost: it closed the connection"),
]


def test_every_kind_of_event_is_shown_here() -> None:
    shown = {type(event) for event, _ in LINES}
    assert shown == set(get_args(Event))


@pytest.mark.parametrize(("event", "line"), LINES, ids=[type(event).__name__ for event, _ in LINES])
def test_an_event_reads_as_one_line(event: Event, line: str) -> None:
    assert str(event) == line
    assert line.isprintable()


@settings(deadline=None)
@given(st.binary(max_size=80))
@example(HOSTILE)
def test_what_a_client_sent_is_shown_on_one_printable_line(line: bytes) -> None:
    text = str(BadInput(PEER, line, "DESCONOCIDO"))
    assert text.isascii()
    assert text.isprintable()


@settings(deadline=None)
@given(st.text(st.characters(max_codepoint=0x7F), max_size=80))
@example(HOSTILE.decode("ascii", "ignore"))
def test_what_a_server_said_is_shown_on_one_printable_line(text: str) -> None:
    for event in (Replied(Connect(5000), Error("X", text)), Refused(Error("X", text))):
        assert str(event).isprintable()


@pytest.mark.parametrize("code", ErrorCode)
def test_a_reply_of_our_own_server_is_shown_whole(code: ErrorCode) -> None:
    assert str(Replied(Connect(5000), Error.of(code))) == f"ERROR {code} {code.text}"


@pytest.mark.parametrize("code", ErrorCode)
def test_a_refusal_of_our_own_server_is_shown_whole(code: ErrorCode) -> None:
    assert str(Refused(Error.of(code))) == f"the server refuses: ERROR {code} {code.text}"


@settings(deadline=None)
@given(st.binary(max_size=60))
@example(HOSTILE)
def test_few_bytes_are_shown_without_loss(data: bytes) -> None:
    text = printable(data)
    assert text.isascii()
    assert text.isprintable()
    assert escape_decode(text.encode())[0] == data


@pytest.mark.parametrize("byte", [b"x", b"\xff"])
def test_many_bytes_are_cut_short(byte: bytes) -> None:
    assert printable(byte * 61) == printable(byte * 60) + "..."
