"""The file of a record: what can't be written ends the record, never the run."""

import logging
import os
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from reactor.timeline.recording import record_file
from reactor.timeline.recording.record_file import RecordFile, disown_all


class Miser(BytesIO):
    """Takes three bytes at a time."""

    def write(self, data: Any) -> int:
        return super().write(data[:3])


class Broken(BytesIO):
    """Takes nothing."""

    def write(self, data: Any) -> int:
        raise OSError(28, "No space left on device")


def test_what_was_added_is_written_in_order(tmp_path: Path) -> None:
    file = RecordFile(tmp_path / "run.jsonl", 100)
    file.add("a\n")
    file.add("b\n")
    assert file.is_behind
    file.close()
    assert (tmp_path / "run.jsonl").read_text() == "a\nb\n"
    assert not file.is_behind


def test_a_file_that_takes_a_part_is_given_the_rest() -> None:
    sink = Miser()
    file = RecordFile(sink, 100)
    file.add("0123456789")
    file.flush()
    assert sink.getvalue() == b"0123456789"


def test_much_is_written_without_being_asked() -> None:
    sink = BytesIO()
    file = RecordFile(sink, 1_000_000)
    file.add("x" * 70_000)
    assert len(sink.getvalue()) == 70_000


def test_a_file_that_is_full_says_so() -> None:
    file = RecordFile(BytesIO(), 3)
    file.add("ab")
    assert file.takes_more
    file.add("cd")
    assert not file.takes_more


def test_a_file_that_was_handed_in_is_left_open() -> None:
    sink = BytesIO()
    RecordFile(sink, 100).close()
    assert not sink.closed


def test_closing_twice_is_harmless(tmp_path: Path) -> None:
    file = RecordFile(tmp_path / "run.jsonl", 100)
    file.add("a\n")
    file.close()
    file.close()
    assert (tmp_path / "run.jsonl").read_text() == "a\n"


def test_a_file_that_cannot_be_made_is_an_error_at_once(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        RecordFile(tmp_path / "no" / "run.jsonl", 100)


def test_what_cannot_be_written_ends_the_record_and_is_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    file = RecordFile(Broken(), 100)
    with caplog.at_level(logging.ERROR, "reactor"):
        for _ in range(3):
            file.add("a\n")
            file.flush()
        file.close()
    assert [record.getMessage() for record in caplog.records] == [
        "the record of the run ends here: [Errno 28] No space left on device"
    ]
    assert file.error is not None
    assert not file.takes_more


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
def test_a_full_disk_is_met(caplog: pytest.LogCaptureFixture) -> None:
    file = RecordFile("/dev/full", 100)
    file.add("a\n")
    file.close()
    assert file.error is not None
    assert file.error.errno == 28
    assert "ends here" in caplog.text


def test_a_child_leaves_the_file_alone(tmp_path: Path) -> None:
    file = RecordFile(tmp_path / "run.jsonl", 100)
    file.add("a\n")
    disown_all()
    file.add("b\n")
    file.close()
    assert (tmp_path / "run.jsonl").read_text() == ""
    assert not file.takes_more


def lowest() -> int:
    """The number that the next descriptor gets."""
    fd = os.open(os.devnull, os.O_RDONLY)
    os.close(fd)
    return fd


@pytest.mark.skipif(os.name != "posix", reason="descriptors have numbers of other kinds here")
def test_descriptors_have_the_numbers_that_they_would_have(tmp_path: Path) -> None:
    before = lowest()
    file = RecordFile(tmp_path / "run.jsonl", 100)
    assert lowest() == before
    file.close()


def test_where_no_number_is_far_away_the_next_one_does(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(record_file, "_FAR", -1)
    file = RecordFile(tmp_path / "run.jsonl", 100)
    file.add("a\n")
    file.close()
    assert (tmp_path / "run.jsonl").read_text() == "a\n"
