"""Which lanes a picture has, in which order, and that their names can be told apart."""

import pytest
from hypothesis import given

from reactor.timeline.run.events import (
    Callback,
    Close,
    Event,
    Io,
    Label,
    Named,
    Open,
    Ready,
    Select,
    Watch,
)
from reactor.timeline.run.run import Run
from reactor.timeline.run.turns import TIMERS
from reactor.timeline.words.lanes import MOST, Lanes, left_alone
from reactor.timeline.words.languages import LANGUAGES
from tests.timeline.strategies import few, run_of, runs

ENGLISH, SPANISH = LANGUAGES["en"], LANGUAGES["es"]
LISTENER = Open(serial=1, fd=3, kind="listener", local="127.0.0.1:5000")
WATCHED = Watch(serial=1, after="r")


def lanes_of(*happened: Event) -> Lanes:
    return Lanes(run_of(*happened), ENGLISH)


def titles(*happened: Event) -> list[str]:
    return [heading.title for heading in lanes_of(*happened).headings]


def client(serial: int) -> Open:
    return Open(serial=serial, fd=serial, kind="stream", peer=f"10.0.0.1:{serial}", by=1)


def used(serial: int, op: str = "recv") -> Io:
    return Io(turn=1, serial=serial, op=op, size=1, asked=1, data=b"x")


# -- which, and where --------------------------------------------------------------------


def test_lanes_are_sorted_by_what_they_are() -> None:
    happened = [
        Open(serial=1, kind="wakeup"),
        Open(serial=2, kind="other"),
        client(3),
        Open(serial=4, kind="datagram"),
        Open(serial=5, kind="listener"),
        Watch(serial=1, after="r"),
        Select(turn=1),
        Ready(turn=1, ready=((1, "r"), (2, "r"), (4, "r"), (5, "r"))),
        Callback(turn=1, name="tick", kind="timer"),
    ]
    assert titles(*happened) == [
        "listener", "UDP in", "client A", "descriptor", "wake-up", "timers, calls",
    ]  # fmt: skip


def test_what_was_never_used_has_no_lane() -> None:
    assert titles(LISTENER, Open(serial=2, kind="stream"), Open(serial=3, kind="datagram")) == []


def test_whoever_was_accepted_has_a_lane_though_nobody_served_it() -> None:
    assert titles(client(2)) == ["client A"]


def test_a_bell_has_a_lane_if_it_rang_and_its_other_end_never() -> None:
    pair = [Open(serial=1, kind="wakeup"), Open(serial=2, kind="wakeup"), WATCHED]
    assert titles(*pair, Select(turn=1), used(2, "send")) == []
    rung = [*pair, Select(turn=1), Ready(turn=1, ready=((1, "r"),)), used(2, "send")]
    assert titles(*rung) == ["wake-up"]
    assert lanes_of(*rung).title(2) == "wake-up, other end"


def test_timers_have_a_lane_if_there_were_any() -> None:
    tick = [Select(turn=1), Callback(turn=1, name="tick", kind="timer")]
    (heading,) = lanes_of(*tick).headings
    assert (heading.serial, heading.kind) == (TIMERS, "")


def test_a_lane_whose_birth_is_not_in_the_record_is_shown_too() -> None:
    assert titles(Select(turn=1), used(7)) == ["descriptor"]


def test_where_many_are_alike_the_last_lane_stands_for_the_rest() -> None:
    headings = lanes_of(*[client(serial) for serial in range(2, 202)]).headings
    assert len(headings) == MOST
    last = headings[-1]
    assert (last.title, last.subtitle) == ("185 more", "client P to client GR")
    assert last.serials == tuple(range(17, 202))


def test_each_of_the_rest_knows_where_it_is_shown() -> None:
    lanes = lanes_of(*[client(serial) for serial in range(2, 202)])
    assert lanes.heading(150) is lanes.headings[-1]
    assert lanes.heading(2) is lanes.headings[0]
    assert lanes.heading(999) is None


def test_as_many_as_there_is_room_for_are_shown_alone() -> None:
    headings = lanes_of(*[client(serial) for serial in range(2, 2 + MOST)]).headings
    assert [len(heading.serials) for heading in headings] == [1] * MOST


# -- names -------------------------------------------------------------------------------


def test_clients_have_letters_in_the_order_in_which_they_came() -> None:
    found = lanes_of(*[client(serial) for serial in range(2, 56)])
    assert [found.title(serial) for serial in (2, 27, 28, 53, 54)] == [
        "client A", "client Z", "client AA", "client AZ", "client BA",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("happened", "title", "subtitle"),
    [
        ([LISTENER, WATCHED], "listener", "127.0.0.1:5000 · fd 3"),
        ([client(2)], "client A", "10.0.0.1:2 · fd 2"),
        (
            [
                Open(serial=2, fd=4, kind="stream"),
                Named(serial=2, local="127.0.0.1:9", peer="127.0.0.1:5000"),
                used(2),
            ],
            "to 127.0.0.1:5000",
            "127.0.0.1:5000 · fd 4",
        ),
        ([Open(serial=2, fd=4, kind="stream"), used(2)], "socket", "fd 4"),
        ([Open(serial=2, fd=4, kind="datagram"), used(2)], "UDP in", "fd 4"),
        ([Open(serial=2, fd=4, kind="datagram"), used(2, "send")], "UDP out", "fd 4"),
        ([Open(serial=2, fd=4, kind="datagram"), used(2), used(2, "send")], "UDP", "fd 4"),
        (
            [Open(serial=2, fd=4, kind="datagram", peer="127.0.0.1:6000"), used(2, "send")],
            "UDP out",
            "to 127.0.0.1:6000 · fd 4",
        ),
        ([Open(serial=2, fd=4, kind="telepathy"), used(2)], "descriptor", "fd 4"),
        ([LISTENER, WATCHED, Label(serial=1, label="control")], "control", "127.0.0.1:5000 · fd 3"),
    ],
)
def test_a_lane_says_what_it_is(happened: list[Event], title: str, subtitle: str) -> None:
    heading = lanes_of(*happened).headings[0]
    assert (heading.title, heading.subtitle) == (title, subtitle)


def test_a_descriptor_that_is_not_known_is_not_made_up() -> None:
    assert lanes_of(used(7)).headings[0].subtitle == ""


def test_equal_names_are_told_apart_by_numbers() -> None:
    alike = [Label(serial=serial, label="viewer") for serial in (2, 3)]
    assert titles(client(2), client(3), client(4), *alike) == ["viewer 1", "viewer 2", "client A"]


def test_a_long_name_is_cut_short() -> None:
    assert len(lanes_of(client(2), Label(serial=2, label="x" * 10_000)).title(2)) == 32


def test_a_name_is_that_of_the_whole_run_in_each_part_of_it() -> None:
    run = run_of(client(2), client(3), Select(turn=1), used(3))
    part = Run(lanes=run.lanes, turns=run.turns[1:])
    assert Lanes(part, ENGLISH).title(3) == Lanes(run, ENGLISH).title(3) == "client B"


def test_names_are_those_of_the_language() -> None:
    run = run_of(LISTENER, WATCHED, client(2))
    assert [heading.title for heading in Lanes(run, SPANISH).headings] == [
        "socket de escucha",
        "cliente A",
    ]


def test_a_lane_that_nobody_knows_has_a_name_all_the_same() -> None:
    lanes = lanes_of()
    assert (lanes.title(99), lanes.kind(99), lanes.lane(99)) == ("descriptor", "", None)


# -- any run -----------------------------------------------------------------------------


@pytest.mark.thorough
@few
@given(runs())
def test_each_lane_is_shown_once_at_most(run: Run) -> None:
    headings = Lanes(run, ENGLISH).headings
    shown = [serial for heading in headings for serial in heading.serials]
    assert len(shown) == len(set(shown))
    assert all(heading.serials for heading in headings)


@few
@given(runs())
def test_titles_differ_and_can_be_looked_at(run: Run) -> None:
    lanes = Lanes(run, ENGLISH)
    names = [lanes.title(serial) for serial in run.lanes]
    assert len(set(names)) == len(names)
    assert all(name and name.isprintable() for name in names)


@pytest.mark.thorough
@few
@given(runs())
def test_whoever_has_moved_bytes_is_shown_unless_it_is_a_bell(run: Run) -> None:
    lanes = Lanes(run, ENGLISH)
    moved = {e.serial for turn in run.turns for e in turn.events if isinstance(e, Io) and e.size}
    assert all(lanes.heading(serial) or lanes.kind(serial) == "wakeup" for serial in moved)


def test_who_was_ready_for_nothing_is_left_alone() -> None:
    ready = Ready(turn=1, ready=((2, "r"), (3, "r"), (4, "r")))
    served = [Callback(turn=1, serial=2, name="serve", kind="ready"), used(3)]
    run = run_of(client(2), client(3), client(4), Select(turn=1), ready, *served)
    assert left_alone(run.turns[1]) == [4]


@pytest.mark.parametrize(
    "event",
    [
        Watch(turn=1, serial=2, before="r"),
        Close(turn=1, serial=2),
        Io(turn=1, serial=2, op="recv", thread="worker"),
    ],
)
def test_who_was_sent_away_or_is_another_threads_is_not_left_alone(event: Event) -> None:
    ready = Ready(turn=1, ready=((1, "r"), (2, "r")))
    run = run_of(LISTENER, client(2), Select(turn=1), ready, used(1, "accept"), event)
    assert left_alone(run.turns[1]) == []
