"""The page: all of the story as text, nothing of a stranger as markup, long runs in parts."""

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given

from reactor.timeline.picture import page
from reactor.timeline.run.events import Open, Select, Watch
from reactor.timeline.run.turns import Run
from reactor.timeline.telling.story import tell
from reactor.timeline.words.lanes import Lanes
from reactor.timeline.words.languages import LANGUAGES
from tests.timeline.strategies import HOSTILE, few, run_of, runs
from tests.timeline.tape import Tape

VOID = {"meta"}


class Reader(HTMLParser):
    """Reads a page as it is without scripts; `outside` is text in no element that was known."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.scripts: list[dict[str, str | None]] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.items: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        known = dict(attributes)
        self.tags.append(tag)
        if tag == "script":
            self.scripts.append(known)
        self.ids += [known["id"] or ""] if "id" in known else []
        self.links += [known["href"] or ""] if "href" in known else []
        if tag == "li":
            self.items.append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attributes)
        self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "li" in self.open:
            self.items[-1] += data


def long_run(turns: int) -> Run:
    tape = Tape()
    tape.client(2)
    for turn in range(2, turns):
        tape.turn((2, "r"), slept=0.002)
        tape.recv(2, b"hola %d\n" % turn)
    return tape.run()


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_title_is_text(text: str) -> None:
    html = page.draw(Run(), title=text, lead=text)
    plain = Reader(page.draw(Run(), title="a", lead="b"))
    assert Reader(html).tags == plain.tags
    html.encode("utf-8")


@pytest.mark.thorough
@few
@given(runs())
def test_the_whole_story_is_in_the_page_as_text(run: Run) -> None:
    words = LANGUAGES["en"]
    lanes = Lanes(run, words)
    html = page.draw(run)
    items = Reader(html[html.index('<section id="story">') : html.rindex("</section>")]).items
    told = [
        "".join(span.text for line in tell(turn, lanes, words) for span in line)
        for turn in run.turns
    ]
    # The page sets words that run from right to left apart; a stranger's own marks are escaped.
    assert [re.sub(r"[\s\u2068\u2069]+", "", item) for item in items] == [
        re.sub(r"\s+", "", text) for text in told
    ]


@pytest.mark.thorough
@few
@given(runs())
def test_each_link_leads_to_a_turn_of_the_story(run: Run) -> None:
    read = Reader(page.draw(run))
    assert len(set(read.ids)) == len(read.ids)
    assert {link.removeprefix("#") for link in read.links} <= {*read.ids}


def test_a_page_allows_nothing_but_its_own_script() -> None:
    html = page.draw(Run())
    script = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', html)
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; ")
    assert f"script-src 'sha256-{digest}'" in policy


def test_a_page_asks_for_nothing() -> None:
    html = page.draw(long_run(20))
    assert re.findall(r"https?:|@import|url\((?!#)|\bsrc=|href=\"(?!#)", html) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_says_in_which_language_it_is(language: str) -> None:
    html = page.draw(long_run(4), language=language)
    assert f'<html lang="{language}">' in html
    assert LANGUAGES[language].page_story in html


def test_a_short_run_is_drawn_at_once() -> None:
    html = page.draw(long_run(20))
    assert 'class="part"' not in html
    assert 'id="overview"' not in html


@pytest.mark.thorough
def test_a_long_run_lies_in_the_page_in_parts() -> None:
    read = Reader(page.draw(long_run(2 * page.PART + 50)))
    assert read.scripts == [{}, *[{"type": "text/plain", "class": "part"}] * 2]
    assert sum(link == "#turn-1" for link in read.links) == 1
    assert "#turn-200" in read.links  # the way to the next part
    assert "turn-449" in read.ids  # and all of the story


def test_a_long_run_has_an_overview_that_leads_to_its_turns() -> None:
    html = page.draw(long_run(100))
    ((places),) = re.findall(r'data-places="([\d,]*)"', html)
    found = [int(place) for place in places.split(",")]
    assert len(found) == 500
    assert found == sorted(found)
    assert (found[0], found[-1]) == (1, 99)


def test_the_overview_shows_findings() -> None:
    tape = Tape()
    tape.client(2)
    for _ in range(70):
        tape.turn((2, "r"), slept=0.002)
        tape.recv(2, b"hola\n")
    tape.turn((2, "r"))
    tape.recv(2)
    tape.again(30_000, 0.5)
    html = page.draw(tape.run())
    overview = html[html.index('id="overview"') :].partition("</svg>")[0]
    assert 'class="mark"' in overview
    assert 'class="heavy"' in overview


def test_findings_lead_to_their_turns() -> None:
    tape = Tape()
    tape.client(2)
    tape.turn((2, "r"))
    tape.recv(2)
    tape.again(30_000, 0.5)
    html = page.draw(tape.run())
    found = html[html.index('<section id="findings">') :].partition("</section>")[0]
    assert '<a href="#turn-2">turn 2</a>, <code>spin-end-of-stream</code>' in found


def test_a_record_that_was_cut_short_is_said_to_be() -> None:
    words = LANGUAGES["en"]
    assert words.told_cut_short in page.draw(Run())
    assert words.told_cut_short not in page.draw(long_run(4))


def test_names_that_a_narrow_window_has_no_room_for_have_a_short_form() -> None:
    client = Open(serial=2, fd=8, kind="stream", peer="127.0.0.1:50002")
    html = page.draw(run_of(client, Watch(serial=2, after="r"), Select(turn=1)))
    assert '<text class="sub wide" y="31">127.0.0.1:50002 · fd 8</text>' in html
    assert '<text class="sub slim" y="31">…:50002 · fd 8</text>' in html


@pytest.mark.thorough
def test_two_hundred_turns_of_eight_lanes_stay_small() -> None:
    tape = Tape()
    for serial in range(2, 10):
        tape.client(serial)
    for turn in range(192):
        one, other = 2 + turn % 8, 2 + (turn * 5 + 3) % 8
        tape.turn((one, "r"), (other, "r"), slept=0.004)
        for serial in {one, other}:
            tape.recv(serial, b"CONECTAR 5001\n")
            tape.send(serial, b"OK\n", 3)
    assert len(page.draw(tape.run()).encode()) < 300_000
