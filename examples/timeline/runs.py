"""The runs that the documents show, each with its title and its lead in both languages."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from . import conversations
from .stage import Stage

__all__ = ["RUNS", "Caption", "DocumentedRun"]


@dataclass(frozen=True)
class Caption:
    """What stands above a picture."""

    title: str
    lead: str


@dataclass(frozen=True)
class DocumentedRun:
    """A program, those who talk to it, and what is to be seen in the picture."""

    arguments: tuple[str, ...]
    """Of the Python that runs the program; it listens at a port that the system chooses."""
    converse: Callable[[Stage], None]
    captions: dict[str, Caption]
    """By language."""
    at_a_glance: bool = False
    """Whether there is a small picture too, of the worst turn and its neighbours."""
    heart: bytes = b""
    """A command: of a run that is too long for a document, the SVG shows the turns around it."""

    @property
    def name(self) -> str:
        """Of its files."""
        return self.converse.__name__.replace("_", "-")


def _ours(module: str) -> tuple[str, ...]:
    return ("-m", f"examples.timeline.{module}", "0")


_LISTED: Final = (
    DocumentedRun(
        ("-m", "examples.chat", "127.0.0.1", "0"),
        conversations.chat,
        {
            "en": Caption(
                "A chat room with three guests",
                "What one says, the others read. One thread, one loop: it sleeps until somebody "
                "has something to say, serves all who are ready, and sleeps again.",
            ),
            "es": Caption(
                "Una sala de chat con tres personas",
                "Lo que una dice, lo leen las demás. Un solo hilo, un solo bucle: duerme hasta "
                "que alguien tiene algo para decir, atiende a quienes están listos y se vuelve "
                "a dormir.",
            ),
        },
    ),
    DocumentedRun(
        ("-m", "examples.server", "127.0.0.1", "0", "--ingest=127.0.0.1:0"),
        conversations.relay,
        {
            "en": Caption(
                "The relay: three viewers, one video, a pause",
                "Commands come over TCP, the video over UDP. Client B says INTERRUMPIR: the next "
                "three datagrams go to A and C only. After CONTINUAR, B has its copy again.",
            ),
            "es": Caption(
                "El servidor de video: tres espectadores y una pausa",
                "Los comandos llegan por TCP, el video por UDP. El cliente B dice INTERRUMPIR: "
                "los tres datagramas siguientes van solo a A y a C. Después de CONTINUAR, B "
                "vuelve a recibir su copia.",
            ),
        },
        heart=b"INTERRUMPIR",
    ),
    DocumentedRun(
        _ours("fragments"),
        conversations.fragments,
        {
            "en": Caption(
                "One command, four pieces",
                "TCP carries bytes, not messages: CONECTAR 5001 arrives in four pieces, and the "
                "last one brings two more commands with it, the second of them unfinished.",
            ),
            "es": Caption(
                "Un comando en cuatro pedazos",
                "TCP lleva bytes, no mensajes: CONECTAR 5001 llega en cuatro pedazos, y el "
                "último trae otros dos comandos, el segundo sin terminar.",
            ),
        },
    ),
    DocumentedRun(
        _ours("slow_callback"),
        conversations.slow_callback,
        {
            "en": Caption(
                "One slow callback, and who pays for it",
                "While client A is being answered, the program asks a data base for 250 ms. B and "
                "C have spoken meanwhile. Nobody serves them, and the timer is late.",
            ),
            "es": Caption(
                "Una función lenta, y quién la paga",
                "Para responderle al cliente A, el programa consulta una base de datos durante "
                "250 ms. Mientras tanto hablaron B y C. Nadie los atiende, y el temporizador se "
                "atrasa.",
            ),
        },
        at_a_glance=True,
    ),
    DocumentedRun(
        _ours("end_of_stream_spin"),
        conversations.end_of_stream_spin,
        {
            "en": Caption(
                "The end-of-stream spin",
                "Client A has gone. Its socket stays readable for ever, for there is an end to be "
                "read. The program reads that end again and again, and never closes the socket.",
            ),
            "es": Caption(
                "El fin de flujo que no se cierra",
                "El cliente A se fue. Su socket queda listo para leer para siempre, porque hay un "
                "fin para leer. El programa lee ese fin una y otra vez, y nunca cierra el socket.",
            ),
        },
    ),
    DocumentedRun(
        _ours("output_queue"),
        conversations.output_queue,
        {
            "en": Caption(
                "An answer that is too big for the socket",
                "Client B asks for a list of 360 kB and reads it slowly. The socket takes some, "
                "the rest waits in a queue, and only as long as it does, the loop waits for room. "
                "Meanwhile A is served.",
            ),
            "es": Caption(
                "Una respuesta que no entra en el socket",
                "El cliente B pide una lista de 360 kB y la lee despacio. El socket acepta una "
                "parte, el resto espera en una cola, y solo mientras espera, el bucle aguarda a "
                "que haya lugar. Entretanto, A es atendido.",
            ),
        },
    ),
    DocumentedRun(
        _ours("asyncio_echo"),
        conversations.asyncio_echo,
        {
            "en": Caption(
                "asyncio, seen by the same recorder",
                "Two clients of the echo server that asyncio's streams make, unchanged: its loop "
                "stands on the same selectors, and so each of its turns can be seen.",
            ),
            "es": Caption(
                "asyncio, visto por el mismo grabador",
                "Dos clientes del servidor de eco hecho con los streams de asyncio, sin cambios: "
                "su bucle usa los mismos selectores, y por eso se puede ver cada una de sus "
                "vueltas.",
            ),
        },
    ),
)

RUNS: Final = {run.name: run for run in _LISTED}
