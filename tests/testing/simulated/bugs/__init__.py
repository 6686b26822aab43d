"""Bugs that are planted to see whether the auditor finds them."""

from . import endpoints, receiving, sending, telling, timers, watchers
from .bug import BUGS, Bug

__all__ = ["BUGS", "Bug", "endpoints", "receiving", "sending", "telling", "timers", "watchers"]
