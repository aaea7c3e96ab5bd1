"""Chaos: real replicas over a real PostgreSQL, faults of every kind, and everything that was answered judged afterwards.

The schedule of faults, writes and questions comes from the seed, so a run can be repeated; its timing is the machine's.
"""

from __future__ import annotations

import argparse
import json
import secrets
import sys
import time
from pathlib import Path

from rich.console import Console

from tests.chaos.campaign import Options, run
from tests.chaos.faults import KINDS
from tests.chaos.report import figures, print_table


def main() -> int:
    """Run; the exit code is 1 when anything did not hold."""
    arguments = _arguments()
    options = Options(
        seconds=arguments.seconds,
        seed=arguments.seed,
        replicas=arguments.replicas,
        pace=arguments.pace,
        only=arguments.only,
    )
    found = figures(run(options, _report))
    if arguments.output == "json":
        print(json.dumps(found, indent=2))
    else:
        print_table(found, Console(emoji=False, highlight=False))
    if arguments.save:
        arguments.save.write_text(json.dumps(found, indent=2) + "\n")
    return 1 if found["violations"] else 0


def _report(what: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {what}", file=sys.stderr)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seconds", type=float, default=120.0, help="how long faults strike (default 120)")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000), help="repeat the run of this seed")
    parser.add_argument("--replicas", type=int, default=3, help="how many servers (default 3)")
    parser.add_argument("--pace", type=float, default=1.0, help="stretches or shortens pauses and faults (default 1)")
    names = [kind.name for kind in KINDS]
    parser.add_argument(
        "--only", action="append", choices=names, default=[], help="faults of this kind; may be repeated"
    )
    parser.add_argument("-o", "--output", choices=("table", "json"), default="table")
    parser.add_argument("--save", type=Path, help="write the figures to this file too, as JSON")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
