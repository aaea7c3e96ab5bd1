"""Measure the cost of many roles, those of `bench/scale_fixture.py`: `python -m bench.scale --roles 1000000`.

All sizes are measured in turn in one process, so that their ratios are of one run. The store is temporary, or the file --store,
which is reused. Prints a table, and writes JSON with -o.
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import tempfile
import time
from pathlib import Path

from bench import scale_fixture as fixture, scale_measures as measures
from bench.processes import machine
from bench.scale_echo import echo_micros
from rolecall.engine.snapshot import Snapshot
from rolecall.roles.role import Revision

SIZES = (1_000, 10_000, 100_000)


def main() -> None:
    """Measure, and print the figures."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as directory:
        store = arguments.store or Path(directory) / "roles.db"
        figures = _measured(store, arguments.roles, shared=arguments.shared, only_load=arguments.only_load)
    _print(figures)
    if arguments.output:
        report = {
            "roles": arguments.roles,
            "shared documents": arguments.shared,
            "machine": machine(),
            "figures": figures,
        }
        arguments.output.write_text(json.dumps(report, indent=2) + "\n")


def _measured(store: Path, roles: int, *, shared: bool, only_load: bool) -> measures.Figures:
    if not store.exists():
        _say(f"writing {roles:,} roles")
        fixture.write_store(store, roles, shared=shared)
    _say("a bare echo")
    before = echo_micros()
    snapshot, figures = measures.load(store, roles, _progress)
    figures["bare echo, CPU us a call"] = (before + echo_micros()) / 2
    figures["load of a role / bare echo"] = figures["load, CPU us a role"] / figures["bare echo, CPU us a call"]
    if only_load:
        return figures
    snapshots = {size: _snapshot(size) for size in SIZES if size < roles} | {roles: snapshot}
    gc.collect()
    gc.freeze()
    for measure in (measures.checks, measures.first_uses, measures.lists):
        _say(measure.__name__)
        figures |= measure(snapshots)
    _say("bulk")
    return figures | measures.bulk(snapshot, roles) | measures.statements()


def _snapshot(roles: int) -> Snapshot:
    return Snapshot(map(fixture.role, range(roles)), revision=Revision(1))


def _progress(loaded: int, total: int) -> None:
    if not loaded % 100_000:
        _say(f"loaded {loaded:,} of {total:,}")


def _say(what: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {what}", file=sys.stderr)


def _print(figures: measures.Figures) -> None:
    width = max(map(len, figures))
    for name, figure in figures.items():
        print(f"{name:<{width}}  {figure:>12,.2f}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.scale", description=__doc__)
    parser.add_argument("--roles", type=int, default=1_000_000, help="number of roles in the store")
    parser.add_argument("--store", type=Path, help="create the store in this file, or reuse the existing one")
    parser.add_argument(
        "--shared",
        action="store_true",
        help="let every 999th role have the same document, instead of distinct documents",
    )
    parser.add_argument("--only-load", action="store_true", help="measure only the load, beside a bare echo")
    parser.add_argument("-o", "--output", type=Path, help="write the figures to this file, as JSON")
    return parser.parse_args()


if __name__ == "__main__":
    main()
