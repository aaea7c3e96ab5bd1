"""Soak: real servers asked in every way while roles change, each answer compared with an evaluator written from the documentation.

SQLite with one server, and PostgreSQL with two replicas. The documents, writes and questions come from the seed; their interleaving
and the times in conditions are those of the run.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import secrets
import signal
import sys
import time
from pathlib import Path

os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "false")  # a process that starts databases forks often

from tests.chaos.replicas import ReplicaError
from tests.postgres import binaries
from tests.soak.figures import Figures
from tests.soak.run import run
from tests.soak.servers import POSTGRES, STORES

MISMATCHES, NO_STORE, INTERRUPTED = 1, 2, 130


def main() -> int:
    """Run; the exit code says whether an answer was not as expected, a store did not start, or the run was interrupted."""
    arguments = _arguments()
    stores = arguments.store or list(STORES)
    if POSTGRES in stores and binaries() is None:
        print("PostgreSQL is not installed: apt-get install postgresql, or run with --store sqlite", file=sys.stderr)
        return NO_STORE
    figures = Figures(arguments.seed)

    def report(what: str) -> None:
        _report(what)
        if arguments.save:
            arguments.save.write_text(_text_of(figures) + "\n", "utf-8")

    signal.signal(signal.SIGTERM, lambda *_: os.kill(os.getpid(), signal.SIGINT))
    whole = False
    try:
        asyncio.run(run(figures, seconds=arguments.minutes * 60, stores=stores, report=report))
        whole = True
    except KeyboardInterrupt:
        report("interrupted")
    except ReplicaError as error:
        report(f"a server did not start: {error}")
        return NO_STORE
    report(figures.line)
    print(_text_of(figures))
    if figures.count:
        return MISMATCHES
    return 0 if whole else INTERRUPTED


def _text_of(figures: Figures) -> str:
    return json.dumps(figures.as_json(), indent=2, default=str)


def _report(what: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0, help="how long the rounds last (default 1)")
    parser.add_argument(
        "--seed", type=int, default=secrets.randbelow(1_000_000), help="draw what the run of this seed drew"
    )
    parser.add_argument("--store", action="append", choices=STORES, help="only this store; may be repeated")
    parser.add_argument("--save", type=Path, help="write the figures to this file too, as JSON")
    arguments = parser.parse_args()
    if arguments.save and not arguments.save.parent.is_dir():
        parser.error(f"`{arguments.save.parent}` is not a directory; --save needs one that exists")
    return arguments


if __name__ == "__main__":
    sys.exit(main())
