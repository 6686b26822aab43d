"""What stands in for somebody else's class is taken for it."""

import selectors
from abc import ABC, abstractmethod

from reactor.timeline.recording.stand_ins import class_in_place_of


class Drawn(ABC):
    """A class that is asked about what is no subclass of it, too."""

    @abstractmethod
    def draw(self) -> None: ...


def test_a_class_with_abstract_ancestors_can_be_stood_in_for() -> None:
    recorded = class_in_place_of(Drawn, {})
    assert issubclass(recorded, Drawn)
    assert (issubclass(int, Drawn), issubclass(int, recorded)) == (False, False)
    assert (isinstance(3, Drawn), isinstance(3, recorded)) == (False, False)


def test_what_was_made_before_is_an_instance() -> None:
    recorded = class_in_place_of(selectors.SelectSelector, {})
    with selectors.SelectSelector() as selector:
        assert isinstance(selector, recorded)
    assert not isinstance(selector, class_in_place_of(recorded, {}))


def test_what_a_program_makes_of_it_is_its_own() -> None:
    class Own(class_in_place_of(int, {})):  # type: ignore[misc]
        """A whole number."""

    assert (isinstance(3, Own), issubclass(bool, Own)) == (False, False)
    assert isinstance(Own(3), int)
