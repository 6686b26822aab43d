"""What is told of a run."""

from hypothesis import given

from reactor.timeline.lanes import Lanes
from reactor.timeline.languages import LANGUAGES
from reactor.timeline.run import Run
from reactor.timeline.story import tell, tell_end
from tests.timeline.strategies import runs


@given(runs())
def test_any_run_can_be_told(run: Run) -> None:
    for words in LANGUAGES.values():
        lanes = Lanes(run, words)
        lines = [line for turn in run.turns for line in tell(turn, lanes, words)]
        lines += tell_end(run, words)
        assert all(span.text.isprintable() for line in lines for span in line)
