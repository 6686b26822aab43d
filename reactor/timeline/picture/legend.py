"""What the signs of a picture mean: of those only that it has."""

from ..words.words import Words
from .markup import rect, text

__all__ = ["signs"]


def signs(drawn: str, words: Words) -> list[tuple[str, str]]:
    """For each sign in what was drawn: itself, 26 pixels wide and 14 high, and what it means.

    The meaning is not escaped.
    """
    exclamation = text("on-heavy far", 21, 11, "!")
    known = {
        "short": (rect("short", 0, 1, 26, 12), words.key_short),
        "long": (rect("long", 0, 1, 26, 12), words.key_long),
        "bar on-heavy": (rect("heavy", 0, 1, 26, 12) + exclamation, words.key_heavy),
        "hatch": (rect("hatch", 0, 1, 26, 12), words.key_waited),
        "in": (text("in", 9, 11, "◀"), words.key_in),
        "out": (text("out", 9, 11, "▶"), words.key_out),
        "reading": ('<path class="reading" d="M0 7H26"/>', words.key_reading),
        "writing": ('<path class="writing" d="M0 7H26"/>', words.key_writing),
        "queue": (rect("most", 0.5, 1.5, 25, 11) + rect("queue", 0, 6, 26, 7), words.key_queue),
        "gone": (rect("gone", 0, 0, 26, 14), words.key_gone),
        "asleep": (rect("asleep", 0.5, 0.5, 25, 13), words.key_asleep),
        "mark": (rect("mark", 3, 0, 20, 14) + text("flag", 13, 11, "!1"), words.key_finding),
    }
    return [both for kind, both in known.items() if f'class="{kind}"' in drawn]
