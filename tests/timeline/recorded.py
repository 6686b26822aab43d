"""Runs a module under a Recorder: RECORD MODULE [ARGUMENT ...]."""

import runpy
import sys

from reactor.timeline.recording.recorder import Recorder

if __name__ == "__main__":
    _, record, *sys.argv = sys.argv
    with Recorder(record):
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
