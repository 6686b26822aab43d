"""Runs a server on asyncio's own loop, or on uvloop's where that is installed."""

import asyncio
import importlib
from collections.abc import Coroutine
from typing import Any


def run(server: Coroutine[Any, Any, None], loop: str) -> None:
    """Run `server` on the loop called `loop`: "asyncio" or "uvloop"."""
    if loop == "asyncio":
        asyncio.run(server)
        return
    # By name, for it need not be installed.
    new_event_loop = importlib.import_module(loop).new_event_loop
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(server)
