"""What was found wrong with a program: an id that never changes, and the figures of this run."""

__all__ = ["Diagnosis", "Figure"]

Figure = str | int | float


class Diagnosis(Exception):
    """Ends a chapter. What it says to people is in `texts`, under its id.

    >>> Diagnosis("E05-EOF-SPIN", share=0.99, before=0.0).figures
    {'share': 0.99, 'before': 0.0}
    """

    def __init__(self, id: str, **figures: Figure) -> None:
        super().__init__(id)
        self.id = id
        self.figures = figures
