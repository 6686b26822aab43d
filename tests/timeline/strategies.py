"""Records and runs drawn at random: what a program may have done, and what strangers may send.

`records` are lists of lines as a recorder writes them; `runs` are what becomes of them. Their
texts and bytes are hostile: markup, control and bidirectional characters, half characters.
"""

import json
from collections.abc import Iterable
from dataclasses import fields, replace
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from reactor.timeline.run.events import (
    Again,
    Blocked,
    Callback,
    Close,
    Drop,
    End,
    Event,
    Io,
    Label,
    Leave,
    Named,
    Open,
    Queue,
    Ready,
    Returned,
    Select,
    Start,
    Watch,
)
from reactor.timeline.run.run import Run, read

few = settings(max_examples=min(40, settings().max_examples))
"""For what looks at whole runs: test_chain.py draws many, where no branches are counted."""

HOSTILE = [
    "<script>alert(1)</script>",
    "</style></svg></title>",
    "]]>&amp;\"'`",
    "\x1b[31m\x07\x00\x7f\x9b",
    "\u202eleft\u2066\u200b\u200d\ufeff",
    "a\u0301\u0302\u0303",
    "{lane} {0} %s %(x)s",
    "映画 señal ↵ 🎬",
    "\ud800",
    "CONECTAR 5001\r\nDESC",
]

texts = st.sampled_from(HOSTILE) | st.text(st.characters(exclude_categories=()), max_size=20)
data = (
    st.sampled_from([text.encode("utf-8", "surrogatepass") for text in HOSTILE])
    | st.sampled_from([b"CONECTAR 5001\n", b"OK\n", b"se\xc3", b"\xb1al\n", b"\x47\x40\x00" * 20])
    | st.binary(max_size=80)
)
serials = st.integers(0, 6)
seconds = st.sampled_from([0.0, 1e-6, 0.0005, 0.004, 0.25, 12.5]) | st.floats(0, 100)
sizes = st.sampled_from([0, 1, 3, 1316, 32_748, 10_000_000]) | st.integers(0, 10**12)
masks = st.sampled_from(["", "r", "w", "rw"])
kinds = st.sampled_from(["listener", "stream", "datagram", "wakeup", "other"]) | texts
operations = (
    st.sampled_from(["accept", "connect", "recv", "send", "sendall", "sendfile", "shutdown"])
    | texts
)
errors = (
    st.sampled_from(
        ["", "", "", "EAGAIN", "EWOULDBLOCK", "ECONNRESET", "EMFILE", "EINPROGRESS", "EINTR"]
    )
    | texts
)

_EVENTS: list[st.SearchStrategy[Event]] = [
    st.builds(Open, serial=serials, fd=st.integers(0, 99), kind=kinds, local=texts, peer=texts,
              by=serials),
    st.builds(Named, serial=serials, kind=kinds, local=texts, peer=texts),
    st.builds(Label, serial=serials, label=texts),
    st.builds(Select, timeout=st.none() | seconds, timers=sizes, calls=sizes, missed=seconds),
    st.builds(Ready, ready=st.lists(st.tuples(serials, masks), max_size=4).map(tuple)),
    st.builds(Watch, serial=serials, before=masks, after=masks),
    st.builds(Io, serial=serials, op=operations, took=seconds, size=sizes, asked=sizes, data=data,
              rest=data, error=errors, to=texts),
    st.builds(Callback, serial=serials, name=texts, late=seconds,
              kind=st.sampled_from(["ready", "call", "timer", "flush", ""]) | texts),
    st.builds(Returned, raised=st.just("") | texts),
    st.builds(Queue, serial=serials, size=sizes),
    st.builds(Drop, serial=serials, count=sizes, reason=errors),
    st.builds(Blocked, what=texts, about=texts, took=seconds),
    st.builds(Close, serial=serials, how=st.sampled_from(["closed", "detached", "collected"])),
    st.builds(Again, last=sizes, until=seconds, slept=seconds),
    st.builds(Leave, missed=seconds),
]  # fmt: skip
anything = st.one_of(_EVENTS)
"""Any event, as if at the beginning of the record."""


@st.composite
def events(draw: st.DrawFn) -> list[Event]:
    """Events in the order of their times, in turns that are counted; now and then in a thread."""
    now, turn, drawn = 0.0, 0, list[Event]()
    size = draw(st.integers(0, 25))
    for event in draw(st.lists(anything, min_size=size, max_size=size + 5)):
        now += draw(seconds)
        turn += isinstance(event, Select | Again)
        thread = draw(st.sampled_from(["", "", "", "", "worker"]) | texts)
        drawn.append(replace(event, time=now, turn=turn, thread=thread))
        if isinstance(event, Again):
            turn += draw(st.integers(0, 50_000))
            drawn[-1] = replace(event, time=now, turn=drawn[-1].turn, last=turn, until=now + 1)
    start = Start(version=1, program=("server.py", draw(texts)), python="3.11")
    end = draw(st.sampled_from([[], [End()], [End(turns_left_out=3, events_left_out=70)]]))
    return [start, *drawn, *end]


def records() -> st.SearchStrategy[list[str]]:
    """Lines of records, whole or cut short, some of them with lines that say nothing."""
    noise = st.sampled_from(["", "{", '{"e": "earthquake"}', "[]", "\x00"])
    whole = events().map(lambda drawn: list(map(line_of, drawn)))
    return whole | st.tuples(whole, noise).map(lambda pair: [*pair[0], pair[1]])


def runs() -> st.SearchStrategy[Run]:
    """What becomes of any record."""
    return records().map(read)


def line_of(event: Event) -> str:
    """The line of a record that tells of an event: what `parse` reads back."""
    return json.dumps({"e": event.word, **dict(_keys(event))})


def run_of(*happened: Event) -> Run:
    """The run in which just this happened: times and turns are those that the events say."""
    return read(map(line_of, happened))


def _keys(event: Event) -> Iterable[tuple[str, Any]]:
    for each in fields(event):
        value = getattr(event, each.name)
        if isinstance(value, bytes):
            value = value.decode("latin-1")
        yield each.metadata.get("key", each.name), value
