"""Runs made for the browser: long ones, and one whose every word is hostile."""

import json
from collections.abc import Iterator
from typing import Any

from reactor.timeline.run.run import Run, read

__all__ = ["HOSTILE", "a_hostile_run", "a_long_run"]

HOSTILE = "\"'><script>window.taken=1</script><img src=x onerror='window.taken=1'>]]>‮\x00\x1b[2J"
"""As a peer may send it, in whatever place: it must only ever be shown."""


def a_long_run(turns: int, lanes: int = 8) -> Run:
    """One client after the other sends a line and is answered, a millisecond apart."""
    return read(json.dumps(event) for event in _conversation(turns, lanes))


def _conversation(turns: int, lanes: int) -> Iterator[dict[str, Any]]:
    yield {"e": "start", "version": 1, "program": ["-m", "examples.echo"]}
    for serial in range(1, lanes + 1):
        yield {
            "e": "open",
            "s": serial,
            "fd": serial + 3,
            "kind": "stream",
            "peer": f"peer:{serial}",
        }
        yield {"e": "watch", "s": serial, "before": "", "after": "r"}
    for turn in range(1, turns + 1):
        began = turn / 1000
        serial = 1 + turn % lanes
        line = f"line {turn}\n"
        at = {"i": turn, "t": round(began + 0.0006, 6)}
        yield {"e": "select", "i": turn, "t": began, "timeout": None}
        yield {"e": "ready", **at, "ready": [[serial, "r"]]}
        yield {"e": "callback", **at, "s": serial, "name": "Echo", "kind": "ready"}
        yield {"e": "io", **at, "s": serial, "op": "recv", "n": len(line), "data": line}
        yield {"e": "io", **at, "s": serial, "op": "send", "n": len(line), "asked": len(line),
               "data": line}  # fmt: skip
        yield {"e": "returned", "i": turn, "t": round(began + 0.0007, 6)}
    yield {"e": "end", "i": turns, "t": turns / 1000 + 0.001}


def a_hostile_run() -> Run:
    """Every text of the record is HOSTILE."""
    return read(json.dumps(event) for event in _attack())


def _attack() -> Iterator[dict[str, Any]]:
    yield {"e": "start", "version": 1, "program": [HOSTILE], "python": HOSTILE}
    yield {"e": "open", "s": 1, "fd": 4, "kind": HOSTILE, "local": HOSTILE, "peer": HOSTILE}
    yield {"e": "label", "s": 1, "label": HOSTILE}
    yield {"e": "watch", "s": 1, "before": "", "after": "r"}
    data = HOSTILE.encode().decode("latin-1")
    for turn in (1, 2, 3):
        at = {"i": turn, "t": turn / 10}
        yield {"e": "select", **at, "timeout": None}
        yield {"e": "ready", **at, "ready": [[1, "r"]]}
        yield {"e": "callback", **at, "s": 1, "name": HOSTILE, "kind": HOSTILE}
        yield {"e": "io", **at, "s": 1, "op": "recv", "n": len(data), "data": data}
        yield {"e": "io", **at, "s": 1, "op": "send", "asked": 99, "n": 9, "data": data,
               "rest": data, "to": HOSTILE}  # fmt: skip
        yield {"e": "io", **at, "s": 1, "op": HOSTILE, "err": HOSTILE}
        yield {"e": "drop", **at, "s": 1, "n": 1, "reason": HOSTILE}
        yield {"e": "blocked", **at, "what": HOSTILE, "about": HOSTILE, "took": 0.2}
        yield {"e": "returned", **at, "raised": HOSTILE}
    yield {"e": "close", "i": 3, "t": 0.4, "s": 1, "how": HOSTILE}
    yield {"e": "end", "i": 3, "t": 0.4}
