"""The parser hears strangers: whatever they send, and however it is cut, has one meaning.
A second, slower definition of that meaning stands at the top and is compared with it.
"""

import re
from collections.abc import Callable
from typing import TypeAlias, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reactor import LineTooLong, StreamClosed
from reactor.relay.protocol import (
    CLOSING_CODES,
    MAX_LINE,
    MAX_PORT,
    MIN_PORT,
    BadCommand,
    BadReply,
    Command,
    CommandEvent,
    CommandParser,
    Connect,
    Disconnect,
    EndOfInput,
    Error,
    ErrorCode,
    Ok,
    Pause,
    Reply,
    ReplyEvent,
    ReplyParser,
    Resume,
    _LineParser,
    encode,
)
from tests.doubles.memory import memory_within
from tests.size import thoroughly
from tests.test_buffers import counted_searches, cut, every_cutting

unhurried = settings(deadline=None)

Parser: TypeAlias = CommandParser | ReplyParser
Event: TypeAlias = CommandEvent | ReplyEvent
Heard: TypeAlias = list[tuple[Event | type[LineTooLong], int]]
"""Events, and perhaps the error, each with its position."""

both_parsers = pytest.mark.parametrize("make_parser", [CommandParser, ReplyParser])
MakeParser: TypeAlias = Callable[[int], Parser]

# -- strategies --------------------------------------------------------------------------

tokens = st.sampled_from(
    [
        *(b"\n", b"\n", b"\r\n", b"\r", b" ", b"\t", b"<", b">", b"50000", b"1023", b"065535"),
        *(b"CONECTAR", b"conectar", b"DESCONECTAR", b"INTERRUMPIR", b"CONTINUAR", b"continuar"),
        *(b"OK", b"ERROR", b"ERROR LLENO", b"GET / HTTP/1.1", b"HTTP/", b"7", b"+9", b"1_0"),
        *("ñ".encode(), "\u0663".encode(), b"\xff", b"\0", b"\x0b", b"\x1c", b"\x85", b"\xa0"),
    ]
)
command_lines = st.sampled_from(
    [b"CONECTAR 5000", b"Conectar<1024>", b"INTERRUMPIR", b"continuar ", b"\tDESCONECTAR", b"hola"]
)
reply_lines = st.sampled_from([b"OK", b" OK ", b"ERROR LLENO lleno", b"ERROR X", b"ERROR", b"ok"])
terminators = st.sampled_from([b"\n", b"\r\n"])
whole_lines = st.builds(bytes.__add__, command_lines | reply_lines, terminators)
inputs = st.lists(whole_lines | tokens, max_size=24).map(b"".join) | st.binary(max_size=60)
offsets = st.sets(st.integers(1, 120))
limits = st.sampled_from([0, 3, 8, 13, 20, MAX_LINE])


# -- hearing -----------------------------------------------------------------------------


def pull(parser: Parser) -> Heard:
    heard: Heard = []
    try:
        while (event := parser.next_event()) is not None:
            heard.append((event, event.position))
    except LineTooLong as exc:
        heard.append((LineTooLong, exc.position))
    return heard


def hear(parser: Parser, chunks: list[bytes]) -> Heard:
    """All that `parser` says about an input that ends after `chunks`."""
    heard: Heard = []
    for chunk in [*chunks, b""]:
        parser.receive_data(chunk)
        heard += pull(parser)
        if heard and heard[-1][0] is LineTooLong:
            return heard
    return heard


def command_for(line: bytes) -> Event | None:
    """The only event of a single line that is heard in one piece."""
    parser = CommandParser()
    parser.receive_data(line)
    return parser.next_event()


def reply_for(line: bytes) -> Event | None:
    parser = ReplyParser()
    parser.receive_data(line)
    return parser.next_event()


# -- the meaning by definition -----------------------------------------------------------

CONNECT = re.compile(rb"\s*CONECTAR\s*(?:([0-9]+)|<\s*([0-9]+)\s*>)\s*", re.IGNORECASE)
SIMPLE: dict[bytes, Command] = {
    b"INTERRUMPIR": Pause(),
    b"CONTINUAR": Resume(),
    b"DESCONECTAR": Disconnect(),
}


def meaning_of_command(line: bytes) -> CommandEvent:
    word = line.strip().upper()
    match = CONNECT.fullmatch(line)
    if match is not None and 1024 <= int(match[1] or match[2]) <= 65535:
        return Connect(int(match[1] or match[2]))
    if word in SIMPLE:
        return SIMPLE[word]
    bad_port = word[:8] == b"CONECTAR"
    return BadCommand(line, Error.of(ErrorCode.BAD_PORT if bad_port else ErrorCode.UNKNOWN))


def meaning_of_reply(line: bytes) -> ReplyEvent:
    if line.strip() == b"OK":
        return Ok()
    match = re.fullmatch(rb"\s*ERROR \s*([^ ]+)( .*)?", line.rstrip(), re.DOTALL)
    if match is None or not line.isascii():
        return BadReply(line)
    return Error(match[1].decode(), (match[2] or b"").strip().decode())


def heard_by_definition(
    data: bytes,
    limit: int,
    meaning: Callable[[bytes], Event],
    unfinished: Callable[[bytes], Event],
) -> Heard:
    heard: Heard = []
    position = 0
    *whole, rest = data.split(b"\n")
    for raw in whole:
        line = raw.removesuffix(b"\r")
        if len(line) > limit:
            return [*heard, (LineTooLong, position)]
        heard.append((meaning(line), position))
        position += len(raw) + 1
    if len(rest.removesuffix(b"\r")) > limit:
        return [*heard, (LineTooLong, position)]
    if rest:
        heard.append((unfinished(rest), position))
    return [*heard, (EndOfInput(), len(data))]


# -- for any input and any cutting -------------------------------------------------------


@unhurried
@given(inputs, offsets, limits)
def test_commands_mean_the_same_however_they_are_cut(
    data: bytes, places: set[int], limit: int
) -> None:
    assert hear(CommandParser(limit), cut(data, places)) == heard_by_definition(
        data,
        limit,
        meaning_of_command,
        lambda line: BadCommand(line, Error.of(ErrorCode.INCOMPLETE)),
    )


@unhurried
@given(inputs, offsets, limits)
def test_replies_mean_the_same_however_they_are_cut(
    data: bytes, places: set[int], limit: int
) -> None:
    assert hear(ReplyParser(limit), cut(data, places)) == heard_by_definition(
        data, limit, meaning_of_reply, BadReply
    )


@pytest.mark.parametrize(
    ("data", "limit"),
    [
        (b"CONECTAR1024\n", 12),
        thoroughly(b"CONECTAR 5000\r", 13),
        thoroughly(b"CONECTAR<80>\r\n", 12),
        thoroughly(b"conectar 5000", 12),
        (b"\r\nx\r\r\nCON\n\n<\r", 4),
        thoroughly(b"GET / HTTP/1\r\n", 20),
        thoroughly(b"\nPUT / HTTP/1\n", 12),
        thoroughly(b"CONTINUAR\r\n\xff\n", 9),
        thoroughly(b"ok\nCONTINUAR\r\n", 8),
        (b"\r\n\n\r\n\r\r\n\n\n\r\n", 0),
    ],
)
def test_all_cuttings_of_short_commands_are_heard_alike(data: bytes, limit: int) -> None:
    expected = hear(CommandParser(limit), [data])
    for chunks in every_cutting(data):
        assert hear(CommandParser(limit), chunks) == expected, chunks


@pytest.mark.parametrize(
    ("data", "limit"),
    [
        (b"OK\r\nERROR X y\n", 9),
        thoroughly(b"OK\nERROR X yz\r", 9),
        thoroughly(b"OK\nERROR X yzz", 9),
        (b"\r\nERROR\nOK\r\r\n", 5),
    ],
)
def test_all_cuttings_of_short_replies_are_heard_alike(data: bytes, limit: int) -> None:
    expected = hear(ReplyParser(limit), [data])
    for chunks in every_cutting(data):
        assert hear(ReplyParser(limit), chunks) == expected, chunks


@both_parsers
@unhurried
@given(data=inputs, limit=limits)
def test_an_event_comes_with_the_last_byte_that_it_needs(
    make_parser: MakeParser, data: bytes, limit: int
) -> None:
    parser = make_parser(limit)
    heard: Heard = []
    for end in range(1, len(data) + 1):
        parser.receive_data(data[end - 1 : end])
        heard += pull(parser)
        if heard and heard[-1][0] is LineTooLong:
            break
        assert len(heard) == data[:end].count(b"\n")
        rest = data[:end].rpartition(b"\n")[2]
        assert len(rest.removesuffix(b"\r")) <= limit


@both_parsers
@unhurried
@given(chunks=st.lists(inputs, max_size=6), limit=limits)
def test_nothing_but_a_line_too_long_is_ever_raised(
    make_parser: MakeParser, chunks: list[bytes], limit: int
) -> None:
    parser = make_parser(limit)
    for chunk in [*filter(None, chunks), b""]:
        parser.receive_data(chunk)
        for _ in range(len(chunk) + 3):
            try:
                parser.next_event()
            except LineTooLong:
                pass


@both_parsers
@unhurried
@given(chunks=st.lists(inputs.filter(bool), max_size=8), limit=limits)
def test_no_more_is_held_than_a_line_and_a_chunk(
    make_parser: MakeParser, chunks: list[bytes], limit: int
) -> None:
    parser = make_parser(limit)
    line = limit + len(b"\r")
    for chunk in chunks:
        parser.receive_data(chunk)
        assert parser.waiting <= line + len(chunk)
        pull(parser)
        assert parser.waiting <= line


@both_parsers
def test_an_endless_line_is_not_held(make_parser: MakeParser) -> None:
    chunk = b"x" * 10_000
    parser = make_parser(MAX_LINE)
    with memory_within(5 * len(chunk)):
        for _ in range(100):
            parser.receive_data(chunk)
            assert [event for event, _ in pull(parser)] == [LineTooLong]
    assert parser.waiting == 0


@both_parsers
def test_a_conversation_leaves_no_memory_behind(make_parser: MakeParser) -> None:
    parser = make_parser(MAX_LINE)
    with memory_within(30_000):
        for _ in range(1_000):
            parser.receive_data(b"CONTINUAR\nOK\nERROR X y\n" + b"x" * 200)
            pull(parser)
            parser.receive_data(b"\n")
            pull(parser)


@both_parsers
@unhurried
@given(data=inputs, places=offsets)
def test_every_byte_is_searched_once(
    make_parser: MakeParser, data: bytes, places: set[int]
) -> None:
    with counted_searches() as searches:
        hear(make_parser(len(data)), cut(data, places))
    assert searches.scanned == len(data)


@both_parsers
def test_a_flood_behind_a_line_too_long_is_not_searched(make_parser: MakeParser) -> None:
    with counted_searches() as searches:
        parser = make_parser(8)
        for _ in range(1_000):
            parser.receive_data(b"123456789")
            pull(parser)
    assert searches.scanned == 9


# -- what is said is understood ----------------------------------------------------------

commands = st.one_of(
    st.builds(Connect, st.integers(MIN_PORT, MAX_PORT)),
    st.sampled_from([Pause(), Resume(), Disconnect()]),
)
printable = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=60)
code_words = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=20)
replies = st.one_of(
    st.just(Ok()),
    st.sampled_from(ErrorCode).map(Error.of),
    st.builds(Error, code_words, printable.map(str.strip)),
)


@unhurried
@given(st.lists(commands, max_size=8), offsets)
def test_encoded_commands_are_parsed_back(said: list[Command], places: set[int]) -> None:
    data = b"".join(map(encode, said))
    heard = hear(CommandParser(), cut(data, places))
    assert [event for event, _ in heard] == [*said, EndOfInput()]


@unhurried
@given(st.lists(replies, max_size=8), offsets)
def test_encoded_replies_are_parsed_back(said: list[Reply], places: set[int]) -> None:
    data = b"".join(map(encode, said))
    heard = hear(ReplyParser(), cut(data, places))
    assert [event for event, _ in heard] == [*said, EndOfInput()]


@pytest.mark.parametrize(
    ("message", "line"),
    [
        (Connect(5000), b"CONECTAR 5000\n"),
        (Pause(), b"INTERRUMPIR\n"),
        (Resume(), b"CONTINUAR\n"),
        (Disconnect(), b"DESCONECTAR\n"),
        (Ok(), b"OK\n"),
        (Error("CODIGO", "un texto"), b"ERROR CODIGO un texto\n"),
    ],
)
def test_the_wire_is_what_the_assignment_says(message: Command | Reply, line: bytes) -> None:
    assert encode(message) == line


def test_what_is_neither_command_nor_reply_has_no_line() -> None:
    with pytest.raises((TypeError, AssertionError, UnboundLocalError)):
        encode(cast(Command, EndOfInput()))


# -- commands ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        b"CONECTAR 5000",
        b"CONECTAR <5000>",
        b"CONECTAR5000",
        b"CONECTAR<5000>",
        b"conectar 5000",
        b"cOnEcTaR <5000>",
        b"  CONECTAR   5000\t ",
        b"\tCONECTAR\t<5000> ",
        b"CONECTAR < 5000 >",
        b"CONECTAR 05000",
    ],
)
@pytest.mark.parametrize("terminator", [b"\n", b"\r\n"])
def test_every_form_of_conectar_seen_in_the_wild_is_understood(
    line: bytes, terminator: bytes
) -> None:
    assert command_for(line + terminator) == Connect(5000)


@pytest.mark.parametrize(
    ("word", "command"),
    [(b"INTERRUMPIR", Pause()), (b"CONTINUAR", Resume()), (b"DESCONECTAR", Disconnect())],
)
@pytest.mark.parametrize("form", [b"%b\n", b"%b\r\n", b" %b\t\n", b"\t %b \r\n"])
def test_a_word_is_understood_in_any_case_and_between_blanks(
    word: bytes, command: Command, form: bytes
) -> None:
    assert command_for(form % word) == command
    assert command_for(form % word.lower()) == command
    assert command_for(form % word.title()) == command


@pytest.mark.parametrize("port", [1024, 1025, 5000, 65534, 65535])
def test_ports_from_1024_to_65535_are_accepted(port: int) -> None:
    assert command_for(b"CONECTAR %d\n" % port) == Connect(port)


def refused_port(argument: bytes) -> bool:
    line = b"CONECTAR " + argument
    return command_for(line + b"\n") == BadCommand(line, Error.of(ErrorCode.BAD_PORT))


@pytest.mark.parametrize("port", [b"0", b"80", b"1023", b"65536", b"70000", b"9" * 240])
def test_a_port_out_of_range_is_refused(port: bytes) -> None:
    assert refused_port(port)


@pytest.mark.parametrize(
    "number", [b"+9", b"+5000", b"-1", b"-5000", b"1_0", b"5_000", b"5000.0", b"5e3", b"0x1388"]
)
def test_a_port_is_written_in_digits_alone(number: bytes) -> None:
    assert refused_port(number)


@pytest.mark.parametrize("number", ["\u0665\u0660\u0660\u0660", "\uff15000", "5000\u00b2"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_digit_that_is_not_ascii_is_refused(number: str, encoding: str) -> None:
    assert refused_port(number.encode(encoding))


@pytest.mark.parametrize(
    "argument",
    [
        *(b"<5000", b"5000>", b"<50000", b"50000>", b">5000<", b"<<5000>>", b"<5000>>"),
        *(b"<", b">", b"<>", b"[5000]", b"(5000)"),
    ],
)
def test_brackets_that_do_not_match_are_refused(argument: bytes) -> None:
    assert refused_port(argument)


@pytest.mark.parametrize("port", [b"80", b"+5000", b"65536", b"50 00"])
def test_brackets_do_not_make_a_port_of_what_is_none(port: bytes) -> None:
    assert refused_port(b"<%b>" % port)


@pytest.mark.parametrize(
    "argument",
    [
        b"",
        b" ",
        b"puerto",
        b"5000x",
        b"x5000",
        b"5000 5001",
        b"5 000",
        b"50\r00",
        b"192.0.2.1:5000",
    ],
)
def test_conectar_takes_one_port_and_nothing_else(argument: bytes) -> None:
    assert refused_port(argument)


def test_conectar_alone_is_told_about_the_port() -> None:
    assert command_for(b"CONECTAR\n") == BadCommand(b"CONECTAR", Error.of(ErrorCode.BAD_PORT))


@pytest.mark.parametrize("port", [b"9" * 5_000, b"0" * 5_000, b"0" * 5_000 + b"80"])
def test_a_port_of_thousands_of_digits_is_refused_where_lines_may_be_long(port: bytes) -> None:
    line = b"CONECTAR " + port
    parser = CommandParser(limit=10_000)
    parser.receive_data(line + b"\n")
    assert parser.next_event() == BadCommand(line, Error.of(ErrorCode.BAD_PORT))


NO_COMMANDS = [
    *(b"", b" ", b"hola", b"5000", b"OK", b"\xff\xfe", b"\0"),
    *(b"CONECTA 5000", b"CONNECTAR 5000", b"C O N E C T A R 5000", b"CONECT\xc3\x81R 5000"),
    *(b"DESCONECTAR 5000", b"DESCONECTARSE", b"INTERRUMPIR ya", b"CONTINUARCONTINUAR"),
]


@pytest.mark.parametrize("line", NO_COMMANDS)
def test_what_is_no_command_is_an_event_with_its_reply(line: bytes) -> None:
    assert command_for(line + b"\n") == BadCommand(line, Error.of(ErrorCode.UNKNOWN))


def test_desconectar_is_not_conectar() -> None:
    assert command_for(b"DESCONECTAR\n") == Disconnect()


def test_the_conversation_goes_on_after_what_is_no_command() -> None:
    heard = hear(CommandParser(), [b"hola\nCONECTAR 80\nCONECTAR 5000\n"])
    assert [type(event) for event, _ in heard] == [BadCommand, BadCommand, Connect, EndOfInput]


# -- replies -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        (b"OK", Ok()),
        (b" OK\t", Ok()),
        (b"ERROR LLENO El servidor esta lleno", Error("LLENO", "El servidor esta lleno")),
        (b" ERROR   LLENO   lleno ", Error("LLENO", "lleno")),
        (b"ERROR LLENO", Error("LLENO", "")),
        (b"ERROR NUEVO un codigo de manana", Error("NUEVO", "un codigo de manana")),
    ],
)
@pytest.mark.parametrize("terminator", [b"\n", b"\r\n"])
def test_a_reply_is_understood(line: bytes, reply: Reply, terminator: bytes) -> None:
    assert reply_for(line + terminator) == reply


NO_REPLIES = [
    *(b"", b"ok", b"OKAY", b"OK OK", b"ERROR", b"ERROR ", b"ERRORES X y", b"error X y"),
    *(b"ERROR X se\xc3\xb1al", b"ERROR \xff y", b"HTTP/1.1 400 Bad Request"),
]


@pytest.mark.parametrize("line", NO_REPLIES)
def test_what_is_no_reply_is_an_event(line: bytes) -> None:
    assert reply_for(line + b"\n") == BadReply(line)


# -- the end of the input ----------------------------------------------------------------


@pytest.mark.parametrize("line", [b"CONECTAR 50", b"DESCONECTAR", b"\r", b"GET / HTTP/1.1"])
def test_a_command_that_the_end_cuts_off_is_incomplete(line: bytes) -> None:
    assert hear(CommandParser(), [b"CONTINUAR\n", line]) == [
        (Resume(), 0),
        (BadCommand(line, Error.of(ErrorCode.INCOMPLETE)), 10),
        (EndOfInput(), 10 + len(line)),
    ]


def test_a_reply_that_the_end_cuts_off_is_none() -> None:
    assert hear(ReplyParser(), [b"OK\nOK"]) == [(Ok(), 0), (BadReply(b"OK"), 3), (EndOfInput(), 5)]


@both_parsers
@pytest.mark.parametrize("data", [b"", b"OK\n", b"OK"])
def test_nothing_comes_after_the_end(make_parser: MakeParser, data: bytes) -> None:
    parser = make_parser(MAX_LINE)
    assert hear(parser, cut(data, set()))[-1] == (EndOfInput(), len(data))
    assert [parser.next_event() for _ in range(3)] == [None, None, None]


@both_parsers
@pytest.mark.parametrize("data", [b"OK\n", b"", bytearray()])
def test_data_after_the_end_is_wrong_use(make_parser: MakeParser, data: bytes) -> None:
    parser = make_parser(MAX_LINE)
    parser.receive_data(b"")
    with pytest.raises(StreamClosed):
        parser.receive_data(data)


@both_parsers
def test_lines_that_came_before_the_end_are_heard_before_it(make_parser: MakeParser) -> None:
    parser = make_parser(MAX_LINE)
    parser.receive_data(b"x\ny\n")
    parser.receive_data(b"")
    assert [position for _, position in pull(parser)] == [0, 2, 4]


@both_parsers
@pytest.mark.parametrize("wrap", [bytes, bytearray, memoryview])
def test_a_chunk_may_be_any_kind_of_bytes(
    make_parser: MakeParser, wrap: Callable[[bytes], bytes]
) -> None:
    parser = make_parser(MAX_LINE)
    parser.receive_data(wrap(b"hola\n"))
    parser.receive_data(wrap(b""))
    assert [position for _, position in pull(parser)] == [0, 5]


# -- a line over the limit ---------------------------------------------------------------


@both_parsers
@pytest.mark.parametrize("more", [b"x\n", b"\n", b"CONTINUAR\nOK\n", b""])
def test_a_line_too_long_is_final(make_parser: MakeParser, more: bytes) -> None:
    parser = make_parser(4)
    parser.receive_data(b"OK\nlonger")
    assert [position for _, position in pull(parser)] == [0, 3]
    parser.receive_data(more)
    for _ in range(3):
        with pytest.raises(LineTooLong) as caught:
            parser.next_event()
        assert (caught.value.limit, caught.value.position) == (4, 3)


@both_parsers
@pytest.mark.parametrize("terminator", [b"\n", b"\r\n"])
def test_the_limit_is_256_bytes_without_the_terminator(
    make_parser: type[CommandParser] | type[ReplyParser], terminator: bytes
) -> None:
    assert MAX_LINE == 256
    assert hear(make_parser(), [b"x" * 256 + terminator])[0][0] is not LineTooLong
    assert hear(make_parser(), [b"x" * 257 + terminator])[0][0] is LineTooLong


@pytest.mark.parametrize("cut", [1, 100, 256, 1000])
def test_how_a_line_over_the_limit_began_is_known_and_no_more(cut: int) -> None:
    parser, line = CommandParser(), bytes(range(11, 256)) * 4
    for start in range(0, len(line), cut):
        parser.receive_data(line[start : start + cut])
        pull(parser)
    assert parser.overlong == line[:256]


# -- a line that takes its time ----------------------------------------------------------


def test_an_incomplete_line_is_counted_from_its_first_byte() -> None:
    parser = CommandParser()
    progress = []
    for chunk in (b"CONTIN", b"UAR", b"\nCON", b"TINUAR\n"):
        parser.receive_data(chunk)
        pull(parser)
        progress.append((parser.position, parser.waiting))
    assert progress == [(0, 6), (0, 9), (10, 3), (20, 0)]


def test_an_incomplete_line_can_be_dropped_and_the_conversation_goes_on() -> None:
    parser = CommandParser()
    parser.receive_data(b"CONECTAR 50")
    assert parser.next_event() is None
    assert parser.take_incomplete() == b"CONECTAR 50"
    assert parser.waiting == 0
    parser.receive_data(b"CONTINUAR\n")
    assert pull(parser) == [(Resume(), 11)]


# -- error codes -------------------------------------------------------------------------


def test_the_words_of_the_error_codes_are_stable() -> None:
    assert {code.name: str(code) for code in ErrorCode} == {
        "UNKNOWN": "DESCONOCIDO",
        "BAD_PORT": "PUERTO",
        "INCOMPLETE": "INCOMPLETO",
        "TOO_LONG": "LARGO",
        "NOT_CONNECTED": "NO_CONECTADO",
        "ALREADY_CONNECTED": "YA_CONECTADO",
        "ALREADY_PAUSED": "YA_INTERRUMPIDO",
        "NOT_PAUSED": "NO_INTERRUMPIDO",
        "PORT_IN_USE": "PUERTO_OCUPADO",
        "SERVER_PORT": "PUERTO_SERVIDOR",
        "UNAVAILABLE": "NO_DISPONIBLE",
        "STRANGER": "EXTRANO",
        "FULL": "LLENO",
        "HOST_FULL": "LLENO_EQUIPO",
        "REPLACED": "CEDIDO",
    }


@pytest.mark.parametrize("code", ErrorCode)
def test_an_error_code_is_one_short_word(code: ErrorCode) -> None:
    assert re.fullmatch(r"[A-Z_]{1,20}", code)


@pytest.mark.parametrize("code", ErrorCode)
def test_the_text_of_an_error_is_one_line_of_ascii(code: ErrorCode) -> None:
    assert code.text
    assert code.text.isascii()
    assert code.text.isprintable()


@pytest.mark.parametrize("code", ErrorCode)
def test_every_error_fits_into_a_line(code: ErrorCode) -> None:
    assert len(encode(Error.of(code)).rstrip()) <= MAX_LINE


def test_an_incomplete_command_is_answered_in_the_words_of_the_assignment() -> None:
    text = "No se recibio el comando correctamente, intente denuevo"
    assert Error.of(ErrorCode.INCOMPLETE) == Error("INCOMPLETO", text)


def test_the_server_closes_after_what_it_can_not_go_on_from() -> None:
    assert {str(code) for code in CLOSING_CODES} == {
        *("LARGO", "EXTRANO", "LLENO", "LLENO_EQUIPO", "CEDIDO"),
    }


# -- positions ---------------------------------------------------------------------------


def test_events_are_equal_wherever_they_stood() -> None:
    assert Connect(5000, position=7) == Connect(5000)
    assert repr(Connect(5000, position=7)) == "Connect(port=5000)"


# -- what a parser has to add ------------------------------------------------------------


@pytest.mark.parametrize("chunks", [[b"a line\n"], [b"unfinished", b""], [b""]])
def test_a_line_parser_alone_knows_no_language(chunks: list[bytes]) -> None:
    parser = _LineParser[object]()
    for chunk in chunks:
        parser.receive_data(chunk)
    with pytest.raises(NotImplementedError):
        parser.next_event()


def test_what_is_no_message_can_not_be_encoded() -> None:
    with pytest.raises(AssertionError):
        encode("OK")  # type: ignore[arg-type]


def test_an_error_without_a_text_ends_with_its_code() -> None:
    assert encode(Error("LLENO", "")) == b"ERROR LLENO\n"
