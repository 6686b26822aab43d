"""Measures the library beside what one would use instead.

python3 -m tests.benchmarks all --json results.json
"""

import argparse
import json
from pathlib import Path
from typing import Any, Final

from . import churn, commands, fanout, idle, lines, recorder, reference
from .bench import Bench, open_bench
from .tables import show_verdicts

SCENARIOS: Final = {
    "fanout": fanout.run,
    "reference": reference.run,
    "lines": lines.run,
    "commands": commands.run,
    "idle": idle.run,
    "churn": churn.run,
    "recorder": recorder.run,
}


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python3 -m tests.benchmarks", description=__doc__)
    parser.add_argument("scenario", choices=[*SCENARIOS, "all"])
    parser.add_argument("--json", metavar="FILE", type=Path, help="write all figures to FILE")
    parser.add_argument("--quick", action="store_true",
        help="small loads, in some seconds: shows that all works, not how fast")  # fmt: skip
    parser.add_argument("--repeat", metavar="N", type=int, default=5,
        help="rounds of each comparison, whose median counts (default %(default)s)")  # fmt: skip
    parser.add_argument("--beside", metavar="DIR", type=Path,
        help="compare with another checkout of this project too")  # fmt: skip
    return parser.parse_args(arguments)


def measure(bench: Bench, names: list[str]) -> dict[str, Any]:
    """Run scenarios, print their tables, and return all figures."""
    print("; ".join(f"{name} {value}" for name, value in bench.machine().items()))
    for line in bench.absent():
        print(line)
    outcomes = {name: SCENARIOS[name](bench) for name in names}
    show_verdicts([verdict for outcome in outcomes.values() for verdict in outcome.verdicts])
    return {
        "machine": bench.machine(),
        "absent": bench.absent(),
        "quick": bench.quick,
        "repeat": bench.repeat,
        **{name: outcome.as_json() for name, outcome in outcomes.items()},
    }


def main() -> None:
    options = parse()
    names = list(SCENARIOS) if options.scenario == "all" else [options.scenario]
    repeat = 1 if options.quick else max(1, options.repeat)
    with open_bench(quick=options.quick, repeat=repeat, beside=options.beside) as bench:
        figures = measure(bench, names)
    if options.json is not None:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
