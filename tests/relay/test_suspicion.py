"""Strangers' protocols get nothing, and a person who slips tries again.

The rule stands between the parser and the session, so it is tried on what the parser makes of
the bytes: in one piece, in any two, and byte by byte.
"""

from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reactor import LineTooLong
from reactor.relay.protocol import BadCommand, CommandParser, Connect
from reactor.relay.suspicion import MAX_WRONG_LINES, Suspicion
from tests.doubles.strangers import STRANGERS, WAITING_FOR_A_GREETING

ALL = STRANGERS | WAITING_FOR_A_GREETING

each_stranger = pytest.mark.parametrize("said", ALL.values(), ids=ALL)


def is_granted(pieces: Iterable[bytes]) -> bool:
    """Whether a CONECTAR is heard. Each piece comes when what was before has been answered."""
    parser, suspicion = CommandParser(), Suspicion()
    try:
        for piece in pieces:
            parser.receive_data(piece)
            while (event := parser.next_event()) is not None:
                if isinstance(event, Connect):
                    return True
                if isinstance(event, BadCommand) and suspicion.condemns(event.line, parser.waiting):
                    return False
    except LineTooLong:
        pass
    return False


def cut_once(said: bytes) -> Iterable[tuple[bytes, bytes]]:
    return ((said[:place], said[place:]) for place in range(1, len(said)))


@each_stranger
def test_a_stranger_that_speaks_in_one_breath_is_granted_nothing(said: bytes) -> None:
    assert not is_granted([said])


# Lines that a person might have typed. Only bytes that come before these were answered betray
# their authors; who reads each answer and then goes on can't be told from a person.
LOOK_TYPED_ONE = {"Gopher", "Graphite", "PROXY v1", "memcached"}
LOOK_TYPED = LOOK_TYPED_ONE | {"FTP", "IMAP", "IRC", "NNTP", "POP3", "Redis", "Redis inline"}


def test_a_stranger_in_two_pieces_is_granted_nothing_unless_it_looks_like_one_slip() -> None:
    granted = {name for name, said in ALL.items() if any(map(is_granted, cut_once(said)))}
    assert granted == LOOK_TYPED_ONE


def test_a_stranger_byte_by_byte_is_granted_nothing_unless_all_of_it_looks_typed() -> None:
    granted = {name for name, said in ALL.items() if is_granted(bytes([byte]) for byte in said)}
    assert granted == LOOK_TYPED


typed = st.text(
    st.characters(min_codepoint=0x20, exclude_characters="/:\x7f", exclude_categories=["C", "Z"])
    | st.just(" "),
    max_size=60,
).map(str.encode)


@settings(deadline=None)
@given(st.lists(typed, max_size=MAX_WRONG_LINES - 1))
def test_whatever_letters_a_person_types_there_are_four_lines_to_try(lines: list[bytes]) -> None:
    suspicion = Suspicion()
    assert not any(suspicion.condemns(line, behind=0) for line in lines)


@pytest.mark.parametrize("line", [b"", b"hola", b"CONECTRA 5000", b"ayuda\t?", b"CONECTAR +80"])
def test_the_fifth_wrong_line_is_the_last(line: bytes) -> None:
    suspicion = Suspicion()
    assert [suspicion.condemns(line, behind=0) for _ in range(5)] == [False] * 4 + [True]


ARROW_KEYS = [b"\x1b[A", b"\x1b[D", b"\x1bOA", b"\x1b[3~", b"\x1b[1;5C", b"\x1b[H", b"\x1bOP"]


@pytest.mark.parametrize("key", ARROW_KEYS)
def test_arrow_keys_of_a_person_at_nc_are_put_up_with(key: bytes) -> None:
    assert not Suspicion().condemns(b"CONECT" + key * 3 + b"AR 5000", behind=0)


@pytest.mark.parametrize("line", ["\u00bfqu\u00e9?", "adi\u00f3s", "\u4f60\u597d"])
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_letters_of_any_alphabet_are_put_up_with(line: str, encoding: str) -> None:
    if line.isascii() or encoding == "utf-8" or max(line) < "\u0100":
        assert not Suspicion().condemns(line.encode(encoding), behind=0)


NOT_IN_A_SEQUENCE = [byte for byte in range(32) if byte not in b"\t"] + [0x7F]


@pytest.mark.parametrize("line", [b"%c", b"hola %c", b"%chola", b"ho%cla", b"\x1b[A%c"])
def test_one_byte_that_nobody_types_is_enough(line: bytes) -> None:
    bytes_of_programs = [*NOT_IN_A_SEQUENCE, *b"/:"]
    missed = [b for b in bytes_of_programs if not Suspicion().condemns(line % b, behind=0)]
    assert missed == []


@pytest.mark.parametrize("line", [b"\x1b", b"\x1b[", b"\x1b[3", b"\x1b[/A", b"\x1b]0;x", b"\x1bPx"])
def test_what_no_key_sends_is_no_escape_sequence(line: bytes) -> None:
    assert Suspicion().condemns(line, behind=0)


@settings(deadline=None)
@given(typed, st.integers(1, 1000))
def test_one_byte_behind_a_wrong_line_is_enough(line: bytes, behind: int) -> None:
    assert Suspicion().condemns(line, behind)


def test_a_line_is_judged_in_linear_time() -> None:
    # As long as lines may be, and almost all that the expression puts up with.
    for line in (b"\x1b[1" * 85, b"\x1bO\x1b[" * 60, b"\xc3\xa9" * 127 + b"\0"):
        assert Suspicion().condemns(line, behind=0)
