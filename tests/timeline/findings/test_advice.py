"""A finding is one sentence in each language, which names who, where and how often."""

import pytest
from hypothesis import given

from reactor.timeline.findings import advice
from reactor.timeline.findings.diagnosis import diagnose
from reactor.timeline.findings.finding import Finding, Id
from reactor.timeline.run.run import Run
from reactor.timeline.words.languages import LANGUAGES
from tests.timeline.strategies import few, runs
from tests.timeline.tape import Tape


def run() -> Run:
    tape = Tape()
    for serial in (2, 3, 4):
        tape.client(serial)
    return tape.run()


SENTENCES = {
    Finding(Id.SPIN_END_OF_STREAM, 4, 9000, serial=2, times=31_486, seconds=0.25): (
        "spin-end-of-stream, turn 4: the end of client A was read 31,486 times in 250 ms "
        "(125,944 a second): b'' says that the peer will send no more, and"
    ),
    Finding(Id.SPIN_WRITE_INTEREST, 4, 99, serial=2, others=2, times=1000, seconds=0.1): (
        "spin-write-interest, turn 4: client A and 2 more had room to write 1,000 times in 100 ms"
    ),
    Finding(Id.SPIN_UNSERVED, 4, 99, serial=1, times=1000, seconds=0.1): (
        "spin-unserved, turn 4: listener was ready 1,000 times in 100 ms"
    ),
    Finding(Id.SPIN_ACCEPT, 4, 99, serial=1, times=1000): (
        "spin-accept, turn 4: a connection waited at listener, and the loop tried to accept it "
        "1,000 times without a descriptor"
    ),
    Finding(Id.BUSY_POLL, 1, 99, times=1000, seconds=0.1, name="select"): (
        "busy-poll, turn 1: the loop went round 1,000 times in 100 ms (10,000 a second), nobody"
    ),
    Finding(Id.BUSY_POLL, 1, 99, serial=2, times=1000, seconds=0.1, name="recv"): (
        "busy-poll, turn 1: the program asked client A 1,000 times in 100 ms"
    ),
    Finding(Id.BUSY_POLL, 1, 99, serial=2, times=1000, seconds=0.1, name="send"): (
        "busy-poll, turn 1: the program tried to send to client A 1,000 times in 100 ms"
    ),
    Finding(Id.SLOW_CALLBACK, 5, 5, serial=2, seconds=0.25, name="Server.work"): (
        "slow-callback, turn 5: Server.work took 250 ms, and nobody else"
    ),
    Finding(Id.SLOW_CALLBACK, 5, 9, serial=2, seconds=0.25, times=3): (
        "slow-callback, turn 5: what was done with client A took 250 ms (the worst of 3), and"
    ),
    Finding(Id.SLOW_CALLBACK, 5, 5, seconds=0.25): (
        "slow-callback, turn 5: what was done between two waits took 250 ms, and"
    ),
    Finding(Id.BLOCKING_CALL, 5, 5, seconds=1.5, name="talk", cause="time.sleep"): (
        "blocking-call, turn 5: time.sleep kept the loop in talk for 1.50 s: who waits"
    ),
    Finding(Id.BLOCKING_CALL, 5, 5, seconds=1.5, cause="socket.recv"): (
        "blocking-call, turn 5: socket.recv kept the loop for 1.50 s: who waits"
    ),
    Finding(Id.LATE_TIMER, 6, 6, seconds=0.2, name="tick", cause="talk"): (
        "late-timer, turn 6: the timer tick was called 200 ms after its time, for talk was still"
    ),
    Finding(Id.DESCRIPTOR_LEAK, 5, 5, serial=2, others=299, times=300, seconds=2.0): (
        "descriptor-leak, turn 5: the peer of client A and 299 more had gone, and 2.00 s later"
    ),
    Finding(Id.DESCRIPTOR_LEAK, 5, 5, serial=2, name="collected"): (
        "descriptor-leak, turn 5: client A was forgotten without being closed"
    ),
    Finding(Id.SHORT_WRITE, 0, 5, serial=2, size=327_252): (
        "short-write, before the loop: the system took only a part of what was sent to client A, "
        "and the other 327,252 bytes never came"
    ),
}


def test_each_id_has_a_sentence_here() -> None:
    assert {finding.id for finding in SENTENCES} == set(Id)


@pytest.mark.parametrize(
    ("finding", "beginning"), SENTENCES.items(), ids=lambda value: getattr(value, "id", "")
)
def test_a_sentence_says_what_was_seen_and_where(finding: Finding, beginning: str) -> None:
    assert advice.sentence(finding, run(), "en").startswith(beginning)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("finding", SENTENCES, ids=lambda finding: finding.id.value)
def test_a_sentence_is_whole_in_each_language(finding: Finding, language: str) -> None:
    told = advice.sentence(finding, run(), language)
    assert told.startswith(finding.id.value)
    assert told.endswith(".")
    assert not set("{}") & set(told)


@pytest.mark.parametrize("language", [code for code in LANGUAGES if code != "en"])
@pytest.mark.parametrize("finding", SENTENCES, ids=lambda finding: finding.id.value)
def test_no_sentence_is_the_english_one(finding: Finding, language: str) -> None:
    assert advice.tell(finding, run(), language) != advice.tell(finding, run(), "en")


@pytest.mark.thorough
@few
@given(run=runs())
def test_what_strangers_call_themselves_can_do_no_harm(run: Run) -> None:
    for finding in diagnose(run):
        assert advice.sentence(finding, run).isprintable()


def test_a_name_that_looks_like_a_gap_to_be_filled_stays_a_name() -> None:
    finding = Finding(Id.LATE_TIMER, 1, 1, name="{who}\n", cause="{0}\u202e")
    told = advice.tell(finding, run())
    assert "{who}↵" in told
    assert "{0}\\u202e" in told
