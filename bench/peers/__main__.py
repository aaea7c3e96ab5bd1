"""`python -m bench.peers setup | run | report`. The last two run in the virtual environment that `setup` creates."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from bench.peers import tools

DEFAULT_RESULTS = tools.TOOLS / "results.json"


def main() -> None:
    """Run the command."""
    options = _parser().parse_args()
    if options.command == "setup":
        tools.setup()
        return
    _enter_environment()
    if options.command == "run":
        _run(options)
    else:
        from bench.peers import report  # noqa: PLC0415 - needs the environment

        report.write(json.loads(options.results.read_text()))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.peers", description="Compare Rolecall with its peers.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("setup", help="install the peers and create the virtual environment")
    run = commands.add_parser("run", help="measure")
    run.add_argument("--rounds", type=int, default=7, help="rounds after the warm-up round (default 7)")
    run.add_argument("--scale", type=float, default=1.0, help="multiplies the number of calls in a round (default 1.0)")
    run.add_argument("--only", nargs="+", metavar="NAME", help="these systems only (default: all)")
    run.add_argument("--out", type=Path, default=DEFAULT_RESULTS, help="where to write the results")
    report = commands.add_parser("report", help="write the tables and the plot into docs/")
    report.add_argument("results", type=Path, nargs="?", default=DEFAULT_RESULTS)
    return parser


def _enter_environment() -> None:
    """Continue in the virtual environment of the comparison."""
    if not tools.PYTHON.exists():
        raise SystemExit(f"nothing is set up; run `{tools.SETUP}` first")
    if Path(sys.prefix).resolve() != tools.PYTHON.parent.parent.resolve():
        os.execv(tools.PYTHON, [str(tools.PYTHON), "-m", "bench.peers", *sys.argv[1:]])


def _run(options: argparse.Namespace) -> None:
    from bench.peers import measure  # noqa: PLC0415 - needs the environment
    from bench.peers.systems import SYSTEMS  # noqa: PLC0415

    names = options.only or list(SYSTEMS)
    if unknown := set(names) - set(SYSTEMS):
        raise SystemExit(f"unknown: {', '.join(sorted(unknown))}; the systems are {', '.join(SYSTEMS)}")
    results = measure.run(options.rounds, options.scale, names, _progress)
    options.out.write_text(json.dumps(results, indent=1))
    print(f"\nwritten to {options.out}; `python -m bench.peers report {options.out}` writes the tables")


def _progress(text: str) -> None:
    print(f"\r{text:<100}" if sys.stdout.isatty() else text, end="" if sys.stdout.isatty() else "\n", flush=True)


if __name__ == "__main__":
    main()
