"""Wrong use is one line on stderr that says what was expected, and exit status 2."""

import os
import re
from argparse import ArgumentTypeError
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples import chat, client, console, demo, echo, server

DIGITS = "9" * 5000  # int() refuses more than 4,300
PROGRAMS = {
    "chat": chat.main,
    "client": client.main,
    "demo": demo.main,
    "echo": echo.main,
    "server": server.main,
}

pytestmark = pytest.mark.usefixtures("signals_kept")


def refusal(capfd: pytest.CaptureFixture[str], name: str, *arguments: str) -> str:
    """What stands on stderr when a program refuses to start."""
    try:
        status = PROGRAMS[name](list(arguments))
    except SystemExit as exc:
        status = int(exc.code or 0)
    assert status == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert err.endswith("\n")
    assert len(err) < 700
    return err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ("server 127.0.0.1", "PORT"),
        ("server 127.0.0.1 99999", "PORT: not a whole number from 0 to 65535: '99999'"),
        ("server 127.0.0.1 -1", "-1"),
        ("server 127.0.0.1 +1", "+1"),
        ("server 127.0.0.1 1_0", "1_0"),
        ("server 127.0.0.1 ٣", "PORT: not a whole number"),
        (f"server 127.0.0.1 {DIGITS}", "PORT: not a whole number from 0 to 65535"),
        ("server 127.0.0.1 0 --ingest nonsense", "nonsense"),
        ("server 127.0.0.1 0 --ingest ::1:5000", "brackets"),
        (f"server 127.0.0.1 0 --ingest 127.0.0.1:{DIGITS}", "not an address of the form host:port"),
        ("server 127.0.0.1 0 --coalesce -1", "--coalesce: not a number from 0 to 1000: '-1'"),
        ("server 127.0.0.1 0 --coalesce nan", "--coalesce: not a number from 0 to 1000: 'nan'"),
        ("server 127.0.0.1 0 --coalesce inf", "--coalesce"),
        ("server 127.0.0.1 0 --coalesce 1e300", "--coalesce"),
        (f"server 127.0.0.1 0 --coalesce {DIGITS}", "--coalesce"),
        ("server 127.0.0.1 0 --max-clients -1", "--max-clients"),
        (f"server 127.0.0.1 0 --max-clients {DIGITS}", "--max-clients"),
        ("server 127.0.0.1 0 --max-clients-per-host x", "--max-clients-per-host"),
        ("server 127.0.0.1 0 --command-timeout 0", "--command-timeout: not a number above 0"),
        ("server 127.0.0.1 0 --command-timeout inf", "--command-timeout"),
        ("server 127.0.0.1 0 --trace .", "--trace: not a regular file: '.'"),
        ("server 127.0.0.1 0 --trace ", "--trace: not a regular file: ''"),
        ("server [::1] 5000", "HOST: write an IPv6 address without brackets: ::1 ("),
        ("client [::1]:5000 5000 5001", "HOST: write an IPv6 address without brackets: ::1 ("),
        ("client 127.0.0.1", "PORT, VLC_PORT"),
        ("client 127.0.0.1 5000", "VLC_PORT"),
        ("client 127.0.0.1 0 5001", "PORT: not a whole number from 1 to 65535: '0'"),
        ("client 127.0.0.1 5000 0", "VLC_PORT: not a whole number from 1 to 65535: '0'"),
        ("client 127.0.0.1 5000 70000", "VLC_PORT"),
        ("demo --mbps nan", "--mbps"),
        ("demo --mbps inf", "--mbps"),
        ("demo --seconds 0", "--seconds"),
        ("demo --clients 0", "--clients"),
        (f"demo --clients {DIGITS}", "--clients"),
        ("demo one\x1b[2J\rtwo", r"unrecognized arguments: one\x1b[2J\rtwo"),
    ],
    ids=lambda text: re.sub(r"[^\x21-\x7e]+", "_", text)[:50],
)
def test_an_option_that_can_not_be_is_one_line(
    capfd: pytest.CaptureFixture[str], arguments: str, complaint: str
) -> None:
    line = refusal(capfd, *arguments.split(" "))
    assert complaint in line
    assert "(--help shows the options)" in line


@pytest.mark.parametrize("name", ["chat", "client", "echo", "server"])
@pytest.mark.parametrize(
    "host", ["", "one\ntwo", "a" * 300, DIGITS, "x.invalid", "\udcff", "fe80::1%no"]
)
def test_a_host_that_can_not_be_is_one_line(
    capfd: pytest.CaptureFixture[str], name: str, host: str
) -> None:
    rest = {"client": ["5000", "5001"], "server": ["0", "--ingest", "127.0.0.1:0"]}
    refusal(capfd, name, host, *rest.get(name, ["0"]))


def test_an_ingest_that_is_too_long_for_a_name_is_one_line_with_its_reason(
    capfd: pytest.CaptureFixture[str],
) -> None:
    line = refusal(capfd, "server", "127.0.0.1", "0", "--ingest", f"{DIGITS}:1")
    assert line.startswith("server: cannot resolve '999")
    assert line.endswith("too long)\n")


def test_a_trace_into_a_pipe_is_refused_for_its_reader_could_stop_the_loop(
    capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    line = refusal(capfd, "server", "127.0.0.1", "0", "--trace", str(path))
    assert "--trace: not a regular file" in line


@pytest.mark.parametrize("name", ["client", "server"])
def test_what_the_library_refuses_is_one_line(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def refuse(*args: object, **options: object) -> None:
        raise ValueError("not so")

    monkeypatch.setattr(server, "RelayServer", refuse)
    monkeypatch.setattr(client, "RelayClient", refuse)
    arguments = {"client": ["::1", "5000", "5001"], "server": ["::1", "5000"]}[name]
    assert refusal(capfd, name, *arguments) == f"{name}: not so\n"


@given(st.text(st.characters(), max_size=1000))
def test_a_complaint_is_one_short_line_whatever_it_quotes(text: str) -> None:
    line = console.one_line(text)
    assert line.isprintable()
    assert len(line) <= 503


@given(st.text(st.characters()) | st.floats().map(str) | st.integers().map(str))
def test_a_number_is_within_its_bounds_or_refused(text: str) -> None:
    try:
        value = console.number(0, 1000, above=True)(text)
    except ArgumentTypeError:
        return
    assert 0 < value <= 1000
