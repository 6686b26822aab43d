"""Checks the promises of docs/reliability.md on real sockets and at full size.

python3 -m tests.reliability all --json results.json
"""

import argparse
import json
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from tests.benchmarks.tables import show

from . import conservation, hostile, parser, seeds, soak, torture
from .outcome import Outcome, Plan

CHECKS: Final[dict[str, ModuleType]] = {
    "parser": parser,
    "conservation": conservation,
    "hostile": hostile,
    "soak": soak,
    "seeds": seeds,
    "torture": torture,
}
"""Each is a module with `run(plan: Plan) -> Outcome`."""


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    options = argparse.ArgumentParser(prog="python3 -m tests.reliability", description=__doc__)
    options.add_argument("check", nargs="?", choices=[*CHECKS, "all"], default="all")
    options.add_argument("--long", action="store_true",
        help="the size for a night, not the size for every push")  # fmt: skip
    options.add_argument("--json", metavar="FILE", type=Path, help="write all figures to FILE")
    options.add_argument("--seed", metavar="N", type=int, default=1, help="default 1")
    options.add_argument("--seconds", metavar="N", type=float,
        help="how long the soak lasts, whatever its usual time")  # fmt: skip
    return options.parse_args(arguments)


def perform(name: str, plan: Plan) -> dict[str, Any]:
    """Run one check, print what it found, and return it all."""
    began = time.monotonic()
    try:
        outcome = CHECKS[name].run(plan)
    except Exception as exc:
        traceback.print_exc()
        outcome = Outcome(failures=[f"the check itself came to nothing: {exc!r}"])
    figures = {**outcome.figures, "seconds": round(time.monotonic() - began, 1)}
    show(name, ["", "figure"], [[what, _written(figure)] for what, figure in figures.items()])
    for failure in outcome.failures:
        print(f"  BROKEN {failure}; repeat: {plan.repeat(name)}", flush=True)
    return {"figures": figures, "failures": outcome.failures}


def _written(figure: object) -> str:
    return f"{figure:,}" if isinstance(figure, int | float) else str(figure)


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    names = list(CHECKS) if options.check == "all" else [options.check]
    plan = Plan(long=options.long, seed=options.seed, seconds=options.seconds)
    found = {name: perform(name, plan) for name in names}
    if options.json is not None:
        report = {"seed": plan.seed, "long": plan.long, "checks": found}
        options.json.write_text(json.dumps(report, indent=1) + "\n")
    broken = [name for name in names if found[name]["failures"]]
    verdict = f"BROKEN: {', '.join(broken)}" if broken else "every promise held"
    print(f"\n{', '.join(names)} with seed {plan.seed}: {verdict}", flush=True)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
