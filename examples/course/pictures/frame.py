"""What is around a picture that the course draws by itself: its title, and how it looks."""

from reactor.timeline.picture.markup import escape, text
from reactor.timeline.picture.svg import STYLE

__all__ = ["framed"]


def framed(inside: str, title: str, language: str, width: float, height: float, look: str) -> str:
    """SVG; `look` is CSS of this kind of picture."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="run" role="img" lang="{language}" '
        f'width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
        f"<title>{escape(title)}</title><style>{STYLE}{look}</style>"
        f'<rect class="paper" width="100%" height="100%"/>{text("title", 8, 24, title)}'
        f"{inside}</svg>\n"
    )
