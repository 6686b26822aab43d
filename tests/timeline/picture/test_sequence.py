"""The sequence diagram: well-formed, whole, and true to where the bytes were cut."""

from collections.abc import Iterable
from xml.etree import ElementTree

import pytest

from reactor.timeline.picture.sequence import draw
from reactor.timeline.run.events import (
    Again,
    Callback,
    Close,
    End,
    Event,
    Io,
    Leave,
    Named,
    Open,
    Ready,
    Returned,
    Select,
    Start,
)
from reactor.timeline.run.extract import part
from reactor.timeline.run.run import Run, Wait
from tests.timeline.strategies import run_of

SVG = "{http://www.w3.org/2000/svg}"
START = Start(program=("/srv/server.py", "7000"))
LISTENER = Open(serial=1, fd=3, kind="listener", local="127.0.0.1:7000")


def client(serial: int) -> Open:
    peer = f"127.0.0.1:{50000 + serial}"
    return Open(serial=serial, fd=serial, kind="stream", peer=peer, by=1)


def elements(run: Run, kind: str, **options: str) -> Iterable[ElementTree.Element]:
    return ElementTree.fromstring(draw(run, **options).encode()).iter(SVG + kind)


def texts(*happened: Event, **options: str) -> list[str]:
    """All that is written in the picture."""
    return [each.text or "" for each in elements(run_of(*happened), "text", **options)]


def classes(run: Run, kind: str) -> list[str]:
    return [each.get("class", "") for each in elements(run, kind)]


def piece(turn: int, data: bytes, serial: int = 2) -> list[Event]:
    """A turn in which this comes."""
    time = turn / 10
    return [
        Select(time=time - 0.05, turn=turn),
        Ready(time=time, turn=turn, ready=((serial, "r"),)),
        Io(time=time, turn=turn, serial=serial, op="recv", data=data, size=len(data)),
    ]


def test_one_command_in_four_pieces_is_four_arrows() -> None:
    cut = [b"CON", b"ECTAR 50", b"01", b"\nDESC"]
    pieces = [event for at, data in enumerate(cut, 1) for event in piece(at, data)]
    shown = texts(START, LISTENER, client(2), *pieces)
    assert [text for text in shown if text in ("CON", "ECTAR 50", "01", "↵DESC")] == [
        "CON", "ECTAR 50", "01", "↵DESC",
    ]  # fmt: skip
    assert [text.rpartition(": ")[2] for text in shown if "kept" in text] == [
        "CON", "CONECTAR 50", "CONECTAR 5001", "DESC",
    ]  # fmt: skip


def test_a_title_stands_above_it_as_text() -> None:
    run = run_of(LISTENER, client(2), *piece(1, b"x"))
    titles = [each.text for each in elements(run, "text", title="<& a title") if each.text]
    assert titles[0] == "<& a title"


def test_who_talks_has_a_head_and_so_has_the_program() -> None:
    shown = texts(START, LISTENER, client(2), *piece(1, b"hi"), client(3), *piece(2, b"ho", 3))
    names = [text for text in shown if text in ("client A", "server.py", "client B")]
    assert names == ["client A", "server.py", "client B"] * 2


def test_the_lifeline_of_a_peer_begins_and_ends_with_it() -> None:
    run = run_of(LISTENER, Select(turn=1), client(2), *piece(2, b"x"), Close(turn=2, serial=2))
    assert classes(run, "line").count("unborn") == 1
    lines = [each for each in elements(run, "line") if each.get("class") == "life"]
    heights = [float(each.get("y2", 0)) - float(each.get("y1", 0)) for each in lines]
    assert heights[0] < heights[1]


def test_who_was_there_before_the_part_that_is_drawn_is_there_from_the_top() -> None:
    run = run_of(LISTENER, Select(turn=1), client(2), *piece(2, b"x"), *piece(3, b"y"))
    assert "unborn" in classes(run, "line")
    assert "unborn" not in classes(part(run, first=2), "line")


def test_a_turn_has_its_number_and_its_time() -> None:
    shown = texts(LISTENER, client(2), *piece(1, b"x"), *piece(2, b"y"))
    assert {"turn 1", "turn 2", "50.0 ms", "150 ms", "asleep for 50.0 ms"} <= set(shown)


def test_before_and_after_the_loop_are_named() -> None:
    shown = texts(
        LISTENER,
        Named(serial=1, kind="listener", local="127.0.0.1:7000"),
        Select(time=1.0, turn=1),
        Leave(time=2.0, turn=1),
        client(2),
        Io(time=2.0, turn=1, serial=2, op="send", data=b"bye", size=3, asked=3),
    )
    assert {"before the loop", "after the loop", "listens at 127.0.0.1:7000"} <= set(shown)


def slow() -> Run:
    run = run_of(
        LISTENER, client(2), client(3), Select(turn=1),
        Callback(time=1.0, turn=1, serial=2, name="slow"),
        Io(time=1.0, turn=1, serial=2, op="recv", size=1, data=b"a"),
        Returned(time=1.25, turn=1),
        Select(time=1.25, turn=2),
        Io(time=1.25, turn=2, serial=3, op="recv", size=1, data=b"b"),
        Io(time=1.25, turn=2, serial=2, op="recv", error="ECONNRESET"),
    )  # fmt: skip
    run.turns[-1].waited[3] = Wait(0.25, exact=False)
    return run


def test_who_waits_for_a_slow_callback_is_hatched_beside_it() -> None:
    boxes = list(elements(slow(), "rect"))
    (busy,) = [each for each in boxes if each.get("class") == "busy"]
    (wait,) = [each for each in boxes if each.get("class") == "wait"]
    assert wait.get("y") == busy.get("y")
    shown = [each.text for each in elements(slow(), "text")]
    assert {"busy for 250 ms", "waited up to", "250 ms", "✗ ECONNRESET"} <= set(shown)


def test_who_waited_for_nothing_that_is_shown_is_hatched_at_his_own_row() -> None:
    run = run_of(LISTENER, client(2), *piece(1, b"x"))
    run.turns[-1].waited = {2: Wait(0.02, exact=True), 0: Wait(0.02, exact=True)}
    assert classes(run, "rect").count("wait") == 1


def test_a_program_without_a_loop_is_drawn_with_the_calls_that_it_waits_in() -> None:
    happened = [
        LISTENER,
        Io(serial=1, op="accept", took=0.7),
        client(2),
        Io(time=0.7, serial=2, op="recv", took=1.5),
        Close(time=2.2, serial=2),
        Io(time=2.2, serial=1, op="accept"),
        Open(time=2.2, serial=3, kind="stream", by=1),
    ]
    shown = texts(*happened)
    assert {"waits in accept()", "waits in recv()", "1.50 s", "waited up to"} <= set(shown)
    assert "before the loop" not in shown


def folded(count: int, slept: float) -> Run:
    again = Again(time=1.0, turn=2, last=1 + count, until=2.0, slept=slept)
    return run_of(LISTENER, client(2), *piece(1, b"x"), again)


def test_a_spin_is_a_jagged_line_with_its_rate() -> None:
    run = folded(31_486, 0.0)
    assert "spin" in classes(run, "path")
    shown = {each.text for each in elements(run, "text")}
    assert {"× 31,486", "nothing done", "31,486 a second", "to 31,487"} <= shown


@pytest.mark.parametrize(("count", "slept"), [(150, 0.9), (3, 0.0)])
def test_what_sleeps_or_ends_soon_is_no_spin(count: int, slept: float) -> None:
    assert "nap" in classes(folded(count, slept), "path")


def test_what_is_no_text_is_shown_as_its_size() -> None:
    video = Io(
        turn=1, serial=2, op="send", size=1316, data=b"\x47\x80", asked=2632, to="10.0.0.1:9"
    )
    shown = texts(LISTENER, client(2), Select(turn=1), video, video)
    assert "1316 B to 10.0.0.1:9" in shown
    assert "1316 B wait for room" in shown


def test_what_is_too_long_for_an_arrow_is_cut_and_an_outer_arrow_has_more_room() -> None:
    long = b"what is long enough to be cut wherever it is written"
    shown = texts(
        LISTENER, *map(client, (2, 3, 4)),
        *piece(1, b"x", 4), *piece(2, long, 2), *piece(3, long, 3), *piece(4, long, 4),
    )  # fmt: skip
    outer, *inner = [len(text) for text in shown if text.startswith("what is long")]
    assert (outer > 40, inner) == (True, [22, 22])


def test_equal_pieces_are_counted() -> None:
    video = Io(turn=1, serial=2, op="recv", size=1316, data=b"\x47\x80")
    assert "1316 B × 3" in texts(LISTENER, client(2), Select(turn=1), video, video, video)


def test_a_timer_that_is_late_says_so() -> None:
    shown = texts(
        Select(turn=1),
        Callback(turn=1, name="Server.tick", kind="timer"),
        Returned(turn=1, raised="ValueError"),
        Callback(turn=1, name="Server.tock (Timer)", kind="timer", late=0.25),
        Returned(turn=1),
    )
    assert {"timer: Server.tick", "timer, 250 ms late: Server.tock", "✗ ValueError"} <= set(shown)


def test_who_has_no_room_is_named() -> None:
    crowd = [event for at in range(2, 10) for event in (client(at), *piece(at, b"x", at))]
    shown = texts(LISTENER, *crowd)
    assert shown[-1].startswith("Left out: client G, client H.")
    assert "client F" in shown
    assert shown.count("nothing said") == 1


def test_who_never_said_anything_is_not_missed() -> None:
    shown = texts(LISTENER, Open(serial=2, kind="datagram"), Select(turn=1), Close(serial=2))
    assert [text for text in shown if "UDP" in text] == []


def test_what_is_too_long_is_cut_and_says_so() -> None:
    pieces = [event for at in range(1, 402) for event in piece(at, b"x")]
    assert texts(LISTENER, client(2), *pieces)[-1].startswith("What came later is left out")


def test_nothing_at_all_is_a_program_alone() -> None:
    assert texts(End()) == ["program", "program"]


def test_a_module_is_called_by_its_name() -> None:
    assert texts(Start(program=("-m", "examples.chat", "7000")))[0] == "examples.chat"
