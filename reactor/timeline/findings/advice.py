"""A finding as one sentence: what was seen, where, and in which direction to look.

What it says is true of the record; what the program meant, it leaves to who wrote it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ..run.run import TIMERS, Run
from ..words.lanes import Lanes
from ..words.languages import LANGUAGES
from ..words.printable import printable
from ..words.words import Words
from .finding import Finding, Id

__all__ = ["sentence", "tell"]


@dataclass(frozen=True, kw_only=True)
class _Sentences:
    often: str
    often_at_once: str
    more: str
    worst_of: str
    served: str
    unnamed: str
    within: str
    spin_end_of_stream: str
    spin_write_interest: str
    spin_unserved: str
    spin_accept: str
    poll_select: str
    poll_recv: str
    poll_send: str
    slow_callback: str
    blocking_call: str
    late_timer: str
    leak_open: str
    leak_collected: str
    short_write: str

    def of(self, finding: Finding) -> str:
        """The sentence, with names in braces for what is to be filled in."""
        match finding.id:
            case Id.BUSY_POLL:
                return {"recv": self.poll_recv, "send": self.poll_send}.get(
                    finding.name, self.poll_select
                )
            case Id.DESCRIPTOR_LEAK:
                return self.leak_collected if finding.name else self.leak_open
        text: str = getattr(self, finding.id.value.replace("-", "_"))
        return text


_ENGLISH: Final = _Sentences(
    often="{count} times in {time} ({rate} a second)",
    often_at_once="{count} times",  # a simulated clock may stand still
    more="{who} and {count} more",
    worst_of=" (the worst of {count})",
    served="what was done with {who}",
    unnamed="what was done between two waits",
    within=" in {name}",
    spin_end_of_stream=(
        "the end of {who} was read {often}: b'' says that the peer will send no more, and a socket"
        " at its end is readable for as long as it is open and watched."
    ),
    spin_write_interest=(
        "{who} had room to write {often}, and there was nothing to write: a socket has room nearly"
        " always, so to wait for it is for who has something left to send."
    ),
    spin_unserved=(
        "{who} was ready {often}, and nobody served it: what is ready stays ready until it is"
        " read, accepted or not watched any more."
    ),
    spin_accept=(
        "a connection waited at {who}, and the loop tried to accept it {often} without a descriptor"
        " to give it: until one is closed somewhere, to ask again at once is of no use."
    ),
    poll_select=(
        "the loop went round {often}, nobody was ready and nothing was done: a selector can wait"
        " for as long as there is nothing to do."
    ),
    poll_recv=(
        "the program asked {who} {often}, and nothing was there: a selector can wait for all"
        " sockets at once, and say which of them has something."
    ),
    poll_send=(
        "the program tried to send to {who} {often}, and there was no room: a selector can wait"
        " for room, too."
    ),
    slow_callback=(
        "{callback} took {time}{worst}, and nobody else was served meanwhile: a loop has one"
        " thread, so long work belongs in small pieces, or in another thread."
    ),
    blocking_call=(
        "{cause} kept the loop{within} for {time}{worst}: who waits in a callback lets everybody"
        " wait; waiting is the loop's own business."
    ),
    late_timer=(
        "the timer {name} was called {time} after its time{worst}, for {cause} was still running:"
        " a timer can't be more punctual than the callbacks before it."
    ),
    leak_open=(
        "the peer of {who} had gone, and {time} later, at the end of the record, nobody had closed"
        " the socket: each of them keeps a descriptor, until there is none left."
    ),
    leak_collected=(
        "{who} was forgotten without being closed, and Python closed it at a time of its own"
        " choice: a connection lives only as long as something refers to its socket."
    ),
    short_write=(
        "the system took only a part of what was sent to {who}, and the other {size} never came:"
        " send says how much it took, and the rest has to be kept until there is room."
    ),
)

_SPANISH: Final = _Sentences(
    often="{count} veces en {time} ({rate} por segundo)",
    often_at_once="{count} veces",
    more="{who} y {count} más",
    worst_of=" (la peor de {count} veces)",
    served="lo que se hizo con {who}",
    unnamed="lo que se hizo entre dos esperas",
    within=" en {name}",
    spin_end_of_stream=(
        "{who}: se leyó el fin de su flujo {often}. b'' dice que la otra parte no va a enviar nada"
        " más, y en ese estado un socket está listo mientras siga abierto y vigilado."
    ),
    spin_write_interest=(
        "{who}: tuvo lugar para escribir {often}, y no había nada que escribir. Un socket casi"
        " siempre tiene lugar, así que solo debe esperarlo quien tiene algo pendiente de enviar."
    ),
    spin_unserved=(
        "{who}: estuvo listo {often}, y nadie lo atendió. Lo que está listo sigue listo hasta que"
        " se lee, se acepta o se deja de vigilar."
    ),
    spin_accept=(
        "{who}: esperaba una conexión, y el bucle intentó aceptarla {often} sin tener un descriptor"
        " para darle. Hasta que se cierre alguno, insistir de inmediato no sirve."
    ),
    poll_select=(
        "el bucle giró {often}, sin que nadie estuviera listo y sin hacer nada: un selector puede"
        " esperar todo el tiempo en que no hay nada que hacer."
    ),
    poll_recv=(
        "{who}: el programa le preguntó {often}, y no había nada. Un selector puede esperar a todos"
        " los sockets a la vez, y decir cuál tiene algo."
    ),
    poll_send=(
        "{who}: el programa intentó enviarle {often}, y no había lugar. Un selector también puede"
        " esperar a que haya lugar."
    ),
    slow_callback=(
        "{callback} llevó {time}{worst}, y mientras tanto no se atendió a nadie más: un bucle tiene"
        " un solo hilo, así que el trabajo largo va en partes pequeñas, o en otro hilo."
    ),
    blocking_call=(
        "{cause} detuvo el bucle{within} durante {time}{worst}: quien espera dentro de una función"
        " hace esperar a todos; esperar es tarea del bucle."
    ),
    late_timer=(
        "el temporizador {name} se llamó {time} después de su hora{worst}, porque {cause} todavía"
        " no había terminado: un temporizador no puede ser más puntual que lo que corre antes."
    ),
    leak_open=(
        "{who}: la otra parte se había ido, y {time} después, al final del registro, nadie había"
        " cerrado el socket. Cada uno ocupa un descriptor, hasta que no queda ninguno."
    ),
    leak_collected=(
        "{who}: el programa se olvidó de cerrarlo, y Python lo cerró cuando le pareció. Una"
        " conexión vive solo mientras algo haga referencia a su socket."
    ),
    short_write=(
        "{who}: el sistema tomó solo una parte de lo que se le envió, y los otros {size} nunca"
        " llegaron. send dice cuánto tomó, y el resto se guarda hasta que haya lugar."
    ),
)

_SENTENCES: Final[Mapping[str, _Sentences]] = {"en": _ENGLISH, "es": _SPANISH}


def sentence(finding: Finding, run: Run, language: str = "en") -> str:
    """The finding's id, the turn to look at, and what was seen there: one line."""
    words = LANGUAGES[language]
    number = words.turn.format(number=words.number(finding.turn))
    where = number if finding.turn else words.before
    return f"{finding.id.value}, {where}: {tell(finding, run, language)}"


def tell(finding: Finding, run: Run, language: str = "en") -> str:
    """What was seen, and in which direction to look."""
    words, sentences = LANGUAGES[language], _SENTENCES[language]
    who = Lanes(run, words).title(finding.serial)
    if finding.others:
        who = sentences.more.format(who=who, count=words.number(finding.others))
    name, count = printable(finding.name), words.number(finding.times)
    return sentences.of(finding).format(
        who=who,
        name=name,
        often=_often(finding, words, sentences),
        time=words.duration(finding.seconds),
        size=words.count(finding.size, words.bytes),
        cause=printable(finding.cause) or sentences.unnamed,
        worst=sentences.worst_of.format(count=count) if finding.times > 1 else "",
        within=sentences.within.format(name=name) if name else "",
        callback=_callback(finding, who, sentences),
    )


def _often(finding: Finding, words: Words, sentences: _Sentences) -> str:
    often = sentences.often if finding.seconds else sentences.often_at_once
    return often.format(
        count=words.number(finding.times),
        time=words.duration(finding.seconds),
        rate=words.number(round(finding.per_second)),
    )


def _callback(finding: Finding, who: str, sentences: _Sentences) -> str:
    if finding.name:
        return printable(finding.name)
    return sentences.unnamed if finding.serial == TIMERS else sentences.served.format(who=who)
