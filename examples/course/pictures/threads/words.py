"""What is written in the picture of threads, in each language."""

from dataclasses import dataclass
from typing import Final

__all__ = ["WORDS", "Words"]


@dataclass(frozen=True, slots=True)
class Words:
    """{0} is a name, or a duration."""

    main: str
    client: str
    serves: str
    accepts: str
    lock: str
    lock_below: str
    work: str
    accept: str
    hear: str
    send: str
    wait: str
    has: str
    has_it: str
    cut: str
    end: str
    size: str
    more: str


WORDS: Final = {
    "en": Words(
        main="main",
        client="client {0}",
        serves="its thread",
        accepts="accepts clients",
        lock="the lock",
        lock_below="who has it",
        work="at work",
        accept="accept() waits",
        hear="recv() waits for its client",
        send="sendall() waits for room",
        wait="waits for the lock, which {0} has",
        has="{0} has it",
        has_it="has the lock",
        cut="time is shortened here; instants are drawn wider",
        end="(end)",
        size="{0} bytes",
        more="{0} more threads are not shown",
    ),
    "es": Words(
        main="main",
        client="cliente {0}",
        serves="su hilo",
        accepts="acepta clientes",
        lock="el mutex",
        lock_below="quién lo tiene",
        work="trabaja",
        accept="accept() espera",
        hear="recv() espera a su cliente",
        send="sendall() espera lugar",
        wait="espera el mutex, que tiene {0}",
        has="lo tiene {0}",
        has_it="tiene el mutex",
        cut="acá se acortó el tiempo; los instantes se ven más anchos",
        end="(fin)",
        size="{0} bytes",
        more="no se muestran {0} hilos más",
    ),
}
