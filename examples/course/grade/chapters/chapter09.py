"""Chapter 9: does each word mean what it means in this client's state, and does the video obey?"""

from collections import Counter
from collections.abc import Mapping
from typing import Final

from ..client import LIMIT, Client, Silence, says
from ..diagnosis import Diagnosis, Figure
from ..exam import Exam
from ..screen import Screen
from ..transcript import shown
from ..witness import MOMENT, Witness

__all__ = ["examine"]

_STEPS: Final = 60
_COMMANDS: Final = ("CONECTAR", "INTERRUMPIR", "CONTINUAR", "DESCONECTAR")
_WRONG: Final = ""
"""Stands for a word that is no command."""
_NEXT: Final = {
    ("new", "CONECTAR"): "active",
    ("new", "DESCONECTAR"): "closed",
    ("active", "INTERRUMPIR"): "paused",
    ("active", "DESCONECTAR"): "closed",
    ("paused", "CONTINUAR"): "active",
    ("paused", "DESCONECTAR"): "closed",
}
"""What is answered OK, and where it leads. All else is an ERROR, and leads nowhere."""
_HIDING: Final = ("NOCONECTAR", "CONECTARSE")
_PLAIN: Final = (b"HOLA", b"AYUDA", b"SALIR")


def examine(exam: Exam) -> Mapping[str, Figure]:
    first = _Session(*exam.viewer("A"), state="active")
    witness = _witness(exam)
    first.look(exam, witness)
    _interrupt(exam, first, witness)
    _leave(exam, first, witness)
    _ask_for_whole_words(exam)
    with exam.transcript.summed_up("walk", count=_STEPS):
        _walk(exam, witness)
    return {"count": _STEPS}


class _Session:
    """A client as he has to be: his state, and what he has said to get there."""

    def __init__(self, client: Client, screen: Screen, *, state: str) -> None:
        self.client = client
        self.screen = screen
        self.state = state
        self.said = ["CONECTAR"] if state == "active" else []

    def say(self, word: str, *, instead: bytes = b"") -> None:
        """`instead` is what to say if the word is _WRONG. Raises Diagnosis if the answer is not
        that of the state.
        """
        argument = b" %d" % self.screen.port if word == "CONECTAR" else b""
        answer = self.client.ask((word.encode() or instead) + argument)
        self.said.append(word or instead.decode())
        following = _NEXT.get((self.state, word))
        expected = "OK" if following else "ERROR"
        if isinstance(answer, Silence):
            raise self.client.complaint(answer, ", ".join(self.said), expected)
        if not says(answer, expected):
            raise self.diagnosis("E09-STATE", expected=expected, came=shown(answer))
        self.state = following or self.state

    def look(self, exam: Exam, witness: Witness, *, patience: float = MOMENT) -> None:
        """The next picture comes to who is active, and to nobody else. Raises Diagnosis."""
        is_active = self.state == "active"
        is_seen = witness.shares_with(self.screen, rightly=is_active, patience=patience)
        exam.transcript.saw("both_watch" if is_seen else "witness_watches", who=self.client.name)
        if is_seen and not is_active:
            raise self.diagnosis("E09-FED-AFTER-INTERRUMPIR")
        if is_active and not is_seen:
            if self.client.is_answered():  # the end, at most: he has asked nothing
                raise self.client.complaint(self.client.hear(), self.said[-1], "OK")
            raise self.diagnosis("E09-NOT-RESUMED" if len(self.said) > 1 else "E00-NO-VIDEO")

    def diagnosis(self, id: str, **figures: Figure) -> Diagnosis:
        return Diagnosis(id, who=self.client.name, said=", ".join(self.said), **figures)


def _witness(exam: Exam) -> Witness:
    """What A was granted, B is granted too, whatever A has said."""
    try:
        return Witness(exam, "B")
    except Diagnosis as diagnosis:
        if diagnosis.id != "E00-WRONG-ANSWER":
            raise
        raise Diagnosis("E09-ONE-STATE-FOR-ALL", said="CONECTAR", granted=0, seen=0) from None


def _interrupt(exam: Exam, session: _Session, witness: Witness) -> None:
    session.say("INTERRUMPIR")
    try:
        session.look(exam, witness)
    except Diagnosis as diagnosis:
        if diagnosis.id != "E00-NO-VIDEO":
            raise
        session.say("CONTINUAR")
        witness.film()  # which the witness sees, or it is something else that he has not seen
        raise Diagnosis("E09-ONE-STATE-FOR-ALL", said="INTERRUMPIR", granted=1, seen=0) from None
    session.say("CONTINUAR")
    session.look(exam, witness)


def _leave(exam: Exam, session: _Session, witness: Witness) -> None:
    """The answer, the end, and no more video. What is wrong is told when words were looked at."""
    client = session.client
    answer = client.ask(b"DESCONECTAR")
    if isinstance(answer, Silence):
        raise client.complaint(answer, "DESCONECTAR", "OK")
    is_granted = says(answer, "OK")
    is_over = is_granted and client.hear() is Silence.END
    is_fed = witness.shares_with(session.screen, rightly=False)
    exam.transcript.saw("both_watch" if is_fed else "witness_watches", who=client.name)
    if is_over and not is_fed:
        return
    _ask_for_whole_words(exam, goodbye=shown(answer))
    session.said.append("DESCONECTAR")
    if not is_granted:
        raise session.diagnosis("E09-STATE", expected="OK", came=shown(answer))
    if not is_over:
        raise session.diagnosis("E09-NOT-CLOSED", seconds=LIMIT, datagrams=int(is_fed))
    raise Diagnosis("E10-FED-AFTER-GOODBYE", who=client.name, datagrams=1, lasted=0.0)


def _ask_for_whole_words(exam: Exam, *, goodbye: str = "OK") -> None:
    """Words in which a command hides, and before them one in which none does: not everything is
    answered OK. `goodbye` is how DESCONECTAR was answered.
    """
    client = exam.client("C")
    client.ask_error(exam.chance.choice(_PLAIN))
    for word in exam.chance.sample(_HIDING, len(_HIDING)):
        command = b"%s %d" % (word.encode(), exam.some_port())
        answer = client.ask(command, shown_as=f"{word} <port>")
        if isinstance(answer, Silence):
            raise client.complaint(answer, f"{word} <port>", "ERROR")
        if says(answer, "OK"):
            raise Diagnosis("E09-SUBSTRING", word=word, goodbye=goodbye)


def _walk(exam: Exam, witness: Witness) -> None:
    """Commands in an order that chance chooses, of those least tried in the state."""
    tried, screen = Counter[tuple[str, str]](), exam.screen()
    session = _Session(exam.client("D"), screen, state="new")
    for _ in range(_STEPS):
        tries = {word: tried[session.state, word] for word in (*_COMMANDS, _WRONG)}
        word = exam.chance.choice([each for each in tries if tries[each] == min(tries.values())])
        tried[session.state, word] += 1
        session.say(word, instead=exam.wrong_word())
        if session.state == "closed":
            if session.client.hear() is not Silence.END:
                raise session.diagnosis("E09-NOT-CLOSED", seconds=LIMIT, datagrams=0)
            session = _Session(exam.client("D"), screen, state="new")
        session.look(exam, witness, patience=0)
