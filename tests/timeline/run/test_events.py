"""A line of a record is an event or nothing: no line, whoever wrote it, does harm."""

import json
from dataclasses import fields
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reactor.timeline.recording.record import Record
from reactor.timeline.run.events import (
    Again,
    Callback,
    Close,
    End,
    Event,
    Io,
    Label,
    Queue,
    Ready,
    Select,
    Start,
    Watch,
    parse,
)
from tests.timeline.strategies import anything, data, line_of, texts

json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@given(st.text() | st.binary() | json_values.map(json.dumps))
def test_nothing_that_stands_in_a_line_is_an_error(line: str | bytes) -> None:
    assert parse(line) is None


@given(anything, st.data())
def test_a_wrong_value_makes_a_line_unreadable_or_is_harmless(event: Event, drawn: Any) -> None:
    found = json.loads(line_of(event))
    found[drawn.draw(st.sampled_from(sorted(found)))] = drawn.draw(json_values)

    assert isinstance(parse(json.dumps(found)), Event | None)


@pytest.mark.parametrize(
    "value",
    ["NaN", "Infinity", "-1", "1e15", "1e999", "9" * 5000, "true", '"7"', "null", "[7]", "{}",
     "[" * 100_000, '{"a":' * 100_000],
)  # fmt: skip
def test_what_is_no_size_is_none(value: str) -> None:
    assert parse('{"e": "queue", "s": 3, "n": ' + value + "}") is None


@pytest.mark.parametrize(
    "line",
    [
        '{"e": ["queue"]}',
        '{"e": "start", "program": "server.py"}',
        '{"e": "ready", "ready": ["3r"]}',
        '{"e": "ready", "ready": {"3": "r"}}',
        '{"e": "io", "data": "\u0394"}',
        '{"e": "label", "label": 3}',
        '{"e": "io", "data": 3}',
        '{"e": "queue", "n": 3.0}',
    ],
)
def test_what_only_looks_like_the_right_type_is_not_taken_for_it(line: str) -> None:
    assert parse(line) is None


@pytest.mark.parametrize(("written", "read"), [("null", None), ("-1", 0), ("0", 0), ("2.5", 2.5)])
def test_a_wait_is_for_ever_or_for_some_time(written: str, read: float | None) -> None:
    assert parse('{"e": "select", "timeout": ' + written + "}") == Select(timeout=read)


@given(anything)
def test_all_texts_can_be_written_out(event: Event) -> None:
    found = parse(line_of(event))

    assert found is not None
    str(found).encode()
    for field in fields(found):
        value = getattr(found, field.name)
        if isinstance(value, str):
            value.encode()


@given(anything)
def test_what_is_read_is_what_was_written(event: Event) -> None:
    found = parse(line_of(event))

    assert found is not None
    assert parse(line_of(found).encode()) == found
    if "\\ud" not in line_of(event):
        assert found == event


def test_a_broken_character_costs_only_itself() -> None:
    line = b'{"e": "label", "s": 3, "label": "caf\xe9"}'

    assert parse(line) == Label(serial=3, label="caf\ufffd")


class Written:
    """What a Record has written, as events; its clock stands still."""

    def __init__(self, **options: Any) -> None:
        self.file = BytesIO()
        self.record = Record(self.file, clock=lambda: 0.0, program=["server.py", "é"], **options)

    def events(self) -> list[Event | None]:
        self.record.close()
        return [parse(line) for line in self.file.getvalue().splitlines()]


@given(data, texts)
def test_what_a_recorder_tells_of_an_operation_is_read_back(some: bytes, address: str) -> None:
    written = Written(preview=8)
    written.record.came(3, "recv", 0, len(some), 100, some)
    written.record.went(3, "send", 0, 1 if some else 0, len(some), some)
    written.record.failed(3, "send", 0, "EAGAIN", len(some), some, address)

    came, went, failed = written.events()[1:-1]

    assert came == Io(serial=3, op="recv", size=len(some), asked=100, data=some[:8])
    one, rest = some[:1], some[1:9]
    assert went == Io(serial=3, op="send", size=len(one), asked=len(some), data=one, rest=rest)
    assert isinstance(failed, Io)
    assert (failed.error, failed.rest, failed.asked) == ("EAGAIN", some[:8], len(some))


@given(texts)
def test_what_a_recorder_tells_of_a_turn_is_read_back(name: str) -> None:
    written = Written()
    serial = written.record.open(7, "stream")
    written.record.label(serial, name)
    written.record.watch(serial, 0, 3)
    written.record.select(1.5)
    written.record.ready([(serial, 1)])
    written.record.callback(serial, name, "ready")
    written.record.queue(serial, 5)
    written.record.died(serial, 7)

    start, _, label, *events, end = written.events()

    assert isinstance(start, Start)
    assert start.program == ("server.py", "é")
    assert isinstance(label, Label)
    assert events == [
        Watch(serial=1, before="", after="rw"),
        Select(turn=1, timeout=1.5),
        Ready(turn=1, ready=((1, "r"),)),
        Callback(turn=1, serial=1, name=label.label, kind="ready"),
        Queue(turn=1, serial=1, size=5),
        Close(turn=1, serial=1),
    ]
    assert end == End(turn=1)


def test_turns_that_were_folded_are_read_back() -> None:
    written = Written()
    for _ in range(5):
        written.record.select(0.0)
        written.record.ready([])

    assert Again(turn=2, last=4) in written.events()
