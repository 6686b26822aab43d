"""A sequence diagram as a reader sees it: nothing covers anything, all can be read."""

import pytest

from reactor.timeline.picture import sequence
from reactor.timeline.run.run import Run, read
from reactor.timeline.words.languages import LANGUAGES

from ..scenes import SCENES, record_of
from .conftest import Reader
from .sight import faint, overlapping, texts_of, unroll

pytestmark = pytest.mark.thorough


def run_of(name: str) -> Run:
    return read(record_of(name).splitlines())


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", SCENES)
def test_no_text_covers_another_or_is_cut(reader: Reader, name: str, language: str) -> None:
    page = reader.open(sequence.draw(run_of(name), language=language, title=name))
    texts = texts_of(page)
    edge = page.locator("svg").evaluate("svg => svg.getBoundingClientRect().right")
    assert overlapping(texts) == []
    assert [text.text for text in texts if text.left < 0 or text.left + text.width > edge] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["slow", "queue"])
def test_every_text_stands_out(reader: Reader, name: str, scheme: str) -> None:
    page = reader.open(sequence.draw(run_of(name)), color_scheme=scheme)
    unroll(page)
    assert faint(page) == []


def test_a_narrow_window_shows_all_of_it(reader: Reader) -> None:
    page = reader.open(sequence.draw(run_of("viewers")), width=420)
    assert page.evaluate("document.documentElement.scrollWidth") <= 420


def test_a_hostile_name_is_text(reader: Reader) -> None:
    run = run_of("slow")
    for lane in run.lanes.values():
        lane.label = "</text><script>document.title = 1</script>"
    page = reader.open(sequence.draw(run, title="</title><script>document.title = 1</script>"))
    assert page.title() == ""
