"""The example that says every line back, with all that it does recorded.

python3 -m tests.benchmarks.contenders.recorded_echo 127.0.0.1 7000
"""

import os
import sys
import tempfile

from examples import echo
from reactor.timeline import Recorder

# More than a measurement fills: what is left out costs nothing.
_LIMIT = 1 << 40


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        with Recorder(os.path.join(folder, "run.jsonl"), limit=_LIMIT):
            return echo.main()


if __name__ == "__main__":
    sys.exit(main())
