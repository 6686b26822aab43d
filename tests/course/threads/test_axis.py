"""Later is further right, an instant can be seen, and what is written has room."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from examples.course.pictures.threads.axis import Axis, Room

TIMES = st.lists(st.floats(0, 1000, allow_subnormal=False), min_size=2, unique=True)


@given(TIMES, st.data())
def test_order_and_room_are_kept(times: list[float], data: st.DataObject) -> None:
    pairs = data.draw(st.lists(st.tuples(st.sampled_from(times), st.sampled_from(times))))
    rooms = [Room(min(pair), max(pair), 50.0) for pair in pairs]
    axis = Axis(times, rooms)
    assert all(axis.x(left) + 6 < axis.x(right) for left, right in pairwise(axis.moments))
    for room in rooms:
        if room.begin < room.end:
            assert axis.x(room.end) - axis.x(room.begin) > 49.9
    assert axis.x(max(times)) == axis.width


def test_the_longest_piece_of_time_is_the_one_that_is_widened() -> None:
    axis = Axis([0.0, 1e-6, 5.0, 5.000001], [Room(0.0, 5.000001, 500.0)])
    short, long, last = (axis.x(right) - axis.x(left) for left, right in pairwise(axis.moments))
    assert short == last < long
    assert axis.width == 500.0
    assert axis.cuts == [(1e-6, 5.0)]
