"""Numbers as each language writes them."""

from typing import Final

__all__ = ["written"]

_SPANISH: Final = str.maketrans(",.", ".,")


def written(figure: str | float, spec: str, language: str) -> str:
    """What is no number is left as it is.

    >>> written(31486.5, ",.1f", "en"), written(31486.5, ",.1f", "es"), written("a.b", "", "es")
    ('31,486.5', '31.486,5', 'a.b')
    """
    text = format(figure, spec)
    return text.translate(_SPANISH) if language == "es" and not isinstance(figure, str) else text
