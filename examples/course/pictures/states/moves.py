"""What a word does in a state, and what it should do; as a record, one line of JSON for each."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass

__all__ = ["Move", "dump", "read"]


@dataclass(frozen=True, slots=True)
class Move:
    """Where `word`, said in `state`, leads, and how it is answered: '' for both where the program
    did not get into that state.
    """

    state: str
    word: str
    following: str
    answer: str
    due: str
    """Where it should lead."""
    due_answer: str

    @property
    def is_right(self) -> bool:
        """
        >>> Move("new", "CONECTAR", "new", "OK", "active", "OK").is_right
        False
        """
        return (self.following, self.answer) == (self.due, self.due_answer)


def dump(moves: Iterable[Move]) -> str:
    return "".join(json.dumps(asdict(move)) + "\n" for move in moves)


def read(record: str) -> list[Move]:
    """
    >>> move = Move("new", "CONECTAR", "active", "OK", "active", "OK")
    >>> read(dump([move])) == [move]
    True
    """
    return [Move(**json.loads(line)) for line in record.splitlines()]
