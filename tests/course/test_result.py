"""Whatever happens in a chapter is a result: a fault of ours is never said to be the program's."""

import sys
from collections.abc import Mapping

import pytest

from examples.course.grade import result as under_test
from examples.course.grade.diagnosis import Diagnosis, Figure
from examples.course.grade.exam import Exam
from examples.course.grade.report import tell
from examples.course.grade.result import Status, grade

SLEEPER = [sys.executable, "-c", "import time; time.sleep(60)", "{port}"]


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (OSError(28, "No space left on device"), "OSError: [Errno 28] No space left on device"),
        (KeyError("x"), "KeyError: 'x'"),
        (AssertionError(), "AssertionError"),
    ],
)
def test_a_fault_of_the_graders_own_is_one_line_that_says_where(
    fault: Exception, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = []

    def examine(exam: Exam) -> Mapping[str, Figure]:
        programs.append(exam.program)
        raise fault

    monkeypatch.setattr(under_test, "examination", lambda chapter: examine)
    result = grade("05", SLEEPER, seed=1)
    assert (result.id, result.status) == ("E99-GRADER", Status.GRADER)
    assert str(result.figures["problem"]).startswith("result.py:")
    assert str(result.figures["problem"]).endswith(said)
    assert said.split(":")[0] in tell(result, "es")
    assert programs[0].status is not None, "the program is ended all the same"


def test_a_diagnosis_ends_the_program_too(monkeypatch: pytest.MonkeyPatch) -> None:
    programs = []

    def examine(exam: Exam) -> Mapping[str, Figure]:
        programs.append(exam.program)
        raise Diagnosis("E05-EOF-SPIN", share=1.0, before=0.0)

    monkeypatch.setattr(under_test, "examination", lambda chapter: examine)
    figures = grade("05", SLEEPER, seed=1).figures
    assert figures == {"last_line": "", "share": 1.0, "before": 0.0}
    assert programs[0].status is not None


def test_ctrl_c_ends_the_program_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    programs = []

    def examine(exam: Exam) -> Mapping[str, Figure]:
        programs.append(exam.program)
        raise KeyboardInterrupt

    monkeypatch.setattr(under_test, "examination", lambda chapter: examine)
    with pytest.raises(KeyboardInterrupt):
        grade("05", SLEEPER, seed=1)
    assert programs[0].status is not None
