"""However the bytes were cut, the same lines come out.

python3 -m venv .venv
.venv/bin/python -m pip install pytest hypothesis
.venv/bin/python -m pytest test_lines.py
"""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from skeleton import Lines  # yours

LINES = ["CONECTAR 5000", "INTERRUMPIR", "¿qué?", ""]


# region property
@given(st.lists(st.sampled_from(LINES)), st.lists(st.integers(0, 60)))
def test_where_the_bytes_are_cut_does_not_matter(said, cuts):
    stream = "".join(line + "\n" for line in said).encode()
    lines, heard = Lines(), []
    for begin, end in pairwise([0, *sorted(cuts), len(stream)]):
        heard += lines.feed(stream[begin:end])
    assert heard == [line.encode() for line in said]


# endregion
