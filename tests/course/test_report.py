"""A result can be read by a person, in either language, and by a program, which loses nothing."""

import json

import pytest

from examples.course.grade.report import from_json, page, tell, to_json
from examples.course.grade.result import Result, Status
from examples.course.grade.sentences import LANGUAGES
from examples.course.grade.transcript import Entry, Kind

SPIN = Result(
    "05",
    7,
    "E05-EOF-SPIN",
    {"share": 0.99, "before": 0.0},
    2.5,
    (
        Entry(Kind.ACTION, "sends", {"who": "A", "data": "CONECTAR <port>↵"}),
        Entry(Kind.EXPECTATION, "idle", {"share": 0.99}),
    ),
)
PASSED = Result("05", 7, "", {"share": 0.0, "count": 200}, 2.5)
DEAF = Result("05", 7, "E00-NOT-LISTENING", {"who": "A", "last_line": ""}, 10.0)


def test_a_diagnosis_says_what_was_sent_expected_and_came_and_where_to_read() -> None:
    assert tell(SPIN, "en") == (
        "   A > CONECTAR <port>↵\n"
        "   idle: 99% of a core\n"
        "FAIL E05-EOF-SPIN\n"
        "   sent      Clients came, had their answers, and hung up.\n"
        "   expected  A program that sleeps: nobody asks anything of it.\n"
        "   came      99% of a core since they left. While A was there, silent, it was\n"
        "             0%.\n"
        "   usually   The socket of a client who has left is readable for ever: there is\n"
        '             an end to be read. A program that takes that end for "nothing yet"\n'
        "             is woken again at once.\n"
        "   read      docs/course/05.md#e05-eof-spin\n"
        "   again     --seed 7\n"
    )


def test_a_success_says_what_now_holds() -> None:
    assert tell(PASSED, "es") == (
        "BIEN 05  El programa duerme mientras nadie habla, y también cuando sus clientes\n"
        "   se fueron: 0% de un núcleo. Pasaron 200, la mitad se fue con un reset, y\n"
        "   sigue contestando.\n"
        "   de nuevo     --seed 7\n"
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_line_is_wider_than_a_terminal(language: str) -> None:
    endless = Entry(Kind.ACTION, "sends", {"who": "A", "data": "I | N | " * 30})
    told = tell(Result("05", 1, DEAF.id, DEAF.figures, 1.0, (endless,)), language)
    assert max(map(len, told.splitlines())) < 80
    assert told.count("I | N") >= 25, "wrapped, not cut"


def test_of_a_long_transcript_the_end_is_shown_and_the_rest_counted() -> None:
    entries = [Entry(Kind.ACTION, "connects", {"who": f"c{number}"}) for number in range(1042)]
    lines = tell(Result("05", 1, "", PASSED.figures, 1.0, entries), "en").splitlines()
    assert lines[:2] == ["   (1,012 more before these)", "   c1012 connects"]
    assert "   c1041 connects" in lines


def test_what_was_not_there_is_said_in_words() -> None:
    assert "printed: (nothing)" in " ".join(tell(DEAF, "en").split())


@pytest.mark.parametrize("result", [SPIN, PASSED, DEAF])
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_json_of_a_result_is_the_result(result: Result, language: str) -> None:
    again = from_json(to_json(result, language))
    assert (again, again.figures) == (result, result.figures)
    assert [tell(again, each) for each in LANGUAGES] == [tell(result, each) for each in LANGUAGES]


def test_json_can_be_read_without_us() -> None:
    told = json.loads(to_json(SPIN, "es"))
    assert (told["chapter"], told["passed"], told["id"]) == ("05", False, "E05-EOF-SPIN")
    assert told["text"].startswith("99% de un núcleo desde que se fueron.")
    assert told["figures"] == {"share": 0.99, "before": 0.0}
    assert told["page"] == "docs/course/es/05.md#e05-eof-spin"
    assert (told["seconds"], told["seed"], told["language"]) == (2.5, 7, "es")
    assert told["transcript"][1]["expectation"] == "en reposo: 99% de un núcleo"
    assert {"sent", "expected", "usually"} <= told.keys()


def test_what_any_chapter_may_find_is_on_the_page_about_grading() -> None:
    assert page(DEAF, "en") == "docs/course/grading.md#e00-not-listening"
    assert page(PASSED, "en") == ""


@pytest.mark.parametrize(
    ("id", "status"),
    [
        ("", Status.PASSED),
        ("E05-EOF-SPIN", Status.DIAGNOSIS),
        ("E00-DIED", Status.DIAGNOSIS),
        ("E00-NOT-STARTED", Status.USAGE),
        ("E00-NOT-LISTENING", Status.NEVER_LISTENED),
        ("E99-GRADER", Status.GRADER),
    ],
)
def test_the_exit_status_tells_whose_fault_it_is(id: str, status: Status) -> None:
    assert Result("05", 1, id, {}, 0.0).status == status


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_another_chapter_writes_down_can_be_told_in_each(language: str) -> None:
    entry = Entry(Kind.ACTION, "crowd_leaves", {"count": 9})  # of chapter 1, which 2 asks for help
    assert tell(Result("02", 1, DEAF.id, DEAF.figures, 1.0, (entry,)), language)
