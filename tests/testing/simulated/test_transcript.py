"""The story of a run as it is read: in order, aligned, and cut where it would be too long."""

from reactor.testing.simulated.transcript import Transcript


def story(lines: int) -> Transcript:
    transcript = Transcript()
    for number in range(lines):
        transcript.add(number / 10, "0 tcp", "send", number)
    return transcript


def test_a_transcript_is_empty_at_first() -> None:
    transcript = Transcript()
    assert (len(transcript), str(transcript)) == (0, "")


def test_a_line_says_when_who_what_and_what_came_of_it() -> None:
    transcript = Transcript()
    transcript.add(1234.5, "1 udp 127.0.0.1:7000", "send", "3 bytes")
    assert str(transcript) == " 1234.500000  1 udp 127.0.0.1:7000          send: 3 bytes"


def test_what_has_no_outcome_says_none() -> None:
    transcript = Transcript()
    transcript.add(0.0, "0 tcp", "close")
    assert str(transcript).endswith("  close")


def test_an_outcome_of_nothing_is_said_all_the_same() -> None:
    transcript = Transcript()
    transcript.add(0.0, "0 tcp", "recv", 0)
    assert str(transcript).endswith("  recv: 0")


def test_lines_stand_in_the_order_of_what_happened() -> None:
    assert [line[-1] for line in str(story(4)).splitlines()] == ["0", "1", "2", "3"]


def test_what_is_shown_is_all_or_the_end_with_a_word_on_the_rest() -> None:
    transcript = story(5)
    *_, fourth, fifth = str(transcript).splitlines()
    assert transcript.tail(2).splitlines() == ["(3 lines before)", fourth, fifth]


def test_a_tail_that_is_longer_than_the_story_is_the_story() -> None:
    transcript = story(3)
    assert transcript.tail(100) == transcript.tail(3) == str(transcript)


def test_its_length_is_the_number_of_its_lines() -> None:
    assert len(story(7)) == len(str(story(7)).splitlines()) == 7


def test_an_outcome_is_made_into_text_only_when_it_is_read() -> None:
    class Told:
        times = 0

        def __str__(self) -> str:
            Told.times += 1
            return "told"

    transcript = Transcript()
    transcript.add(0.0, "0 tcp", "send", Told())
    before = Told.times
    assert str(transcript).endswith("send: told")
    assert (before, Told.times) == (0, 1)
