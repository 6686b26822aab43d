"""See the loop: record any program that stands on `selectors`, and draw what it did.

python3 -m reactor.timeline server.py 5000
"""

from .recording.recorder import Recorder, label

__all__ = ["Recorder", "label"]
