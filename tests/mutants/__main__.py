"""Measures whether the tests can fail: makes single changes to the code and runs the tests that execute the changed line.

Each change is made in a private copy of the tree; the quickest tests run first. A change that no test notices is either a missing test or
has no effect: those listed in tests/mutants/without_effect, each with its reason, are not tried. The same seed selects the same changes
of the same code. Which test executes which line is recorded once, which takes minutes, and stored in .mutants_cache until the code or the
tests change. Long tests and those under tests/chaos, tests/helm and tests/repository do not run, except those that compare documents with
the code. Exit codes: 0 if every package reaches 95 %, 1 if one does not, 2 if the tests fail without any change, 130 after Ctrl-C.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType

from rich.console import Console

from tests.mutants.campaign import Campaign
from tests.mutants.changes import Change, all_changes, matching, sample
from tests.mutants.line_map import load_or_measure, update
from tests.mutants.listed import listed, with_effect
from tests.mutants.processes import BrokenTestsError
from tests.mutants.report import figures, print_report, scores, survivor_text, survivors_text
from tests.mutants.selection import Selector
from tests.mutants.tree import REPOSITORY, package_of, source_paths
from tests.mutants.trial import Trial

INTERRUPTED = 130
_STOPPING = (signal.SIGINT, signal.SIGTERM)
_LOWER_PRIORITY = 10
_LINE_EVERY = 20
_PART_FOR_TESTS = 3  # a machine may be three times slower than when the tests were measured


def main() -> int:
    """Run, and return the exit code."""
    arguments = _arguments()
    os.nice(_LOWER_PRIORITY)
    for number in _STOPPING:
        signal.signal(number, _interrupt)
    try:
        return _run(arguments)
    except BrokenTestsError as error:
        print(error, file=sys.stderr)
        return 2


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """Interrupt the run; ignore further signals, so that all processes are ended and all copies removed."""
    for number in _STOPPING:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _run(arguments: argparse.Namespace) -> int:
    if arguments.update_map:
        lines = update(REPOSITORY, jobs=arguments.jobs)
    else:
        lines = load_or_measure(
            REPOSITORY, refresh=arguments.refresh_map, stale=arguments.stale_map, jobs=arguments.jobs
        )
    selector = Selector(REPOSITORY, lines, seconds=arguments.timeout / _PART_FOR_TESTS)
    campaign = Campaign(REPOSITORY, selector, jobs=arguments.jobs, seconds=arguments.timeout)
    changes = _changes(arguments)
    interrupted = False
    try:
        campaign.run(changes, _Progress(len(changes)))
    except KeyboardInterrupt:
        interrupted = True
    _report(campaign.trials, arguments)
    if interrupted:
        return INTERRUPTED
    return 0 if all(score.is_enough for score in scores(campaign.trials)) else 1


def _changes(arguments: argparse.Namespace) -> list[Change]:
    found = matching(all_changes(REPOSITORY), packages=arguments.package, only=arguments.only)
    tried = with_effect(found, listed(REPOSITORY))
    print(
        f"{len(tried)} possible changes, and {len(found) - len(tried)} that are listed as without effect",
        file=sys.stderr,
    )
    if arguments.only and not (arguments.count or arguments.each):
        return [change for change in tried if change.is_valid()]
    return sample(tried, seed=arguments.seed, count=arguments.count or 200, each=arguments.each)


def _report(trials: list[Trial], arguments: argparse.Namespace) -> None:
    if arguments.output == "json":
        print(json.dumps(figures(trials, seed=arguments.seed), indent=2))
    else:
        print_report(trials, Console(emoji=False, highlight=False))
    if arguments.survivors:
        arguments.survivors.write_text(survivors_text(trials))


class _Progress:
    """Prints the progress of a run; where there is no terminal, also each survivor when it is found."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._done = self._survived = 0
        self._began = time.monotonic()

    def __call__(self, trial: Trial) -> None:
        self._done += 1
        self._survived += not trial.noticed
        left = (time.monotonic() - self._began) / self._done * (self._total - self._done) / 60
        text = f"{self._done} of {self._total} changes, {self._survived} survived, about {left:.0f} min left"
        if sys.stderr.isatty():
            print(f"\r{text} ", end="\n" if self._done == self._total else "", file=sys.stderr, flush=True)
            return
        if not trial.noticed:
            print(survivor_text(trial), file=sys.stderr, flush=True)
        if self._done % _LINE_EVERY == 0:
            print(text, file=sys.stderr, flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.mutants", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    packages = sorted({package_of(path) for path in source_paths(REPOSITORY)})
    add = parser.add_argument
    add("--seed", type=int, default=1, help="selects the sample (default 1)")
    add("--count", type=int, help="number of changes, divided among packages by size (default 200; all with --only)")
    add("--each", type=int, metavar="COUNT", help="number of changes of each package, instead of --count")
    add(
        "--package", action="append", choices=packages, default=[], help="only changes of this package; may be repeated"
    )
    add(
        "--only",
        action="append",
        metavar="FILE[:LINE]",
        default=[],
        help="only changes of this file or line; may be repeated",
    )
    add("--jobs", type=int, default=2, help="number of changes tried in parallel (default 2)")
    add(
        "--timeout",
        type=float,
        default=120.0,
        metavar="SECONDS",
        help="time limit for the tests of one change (default 120)",
    )
    add("--refresh-map", action="store_true", help="record again which test executes which line")
    add("--update-map", action="store_true", help="record again only the test files that have changed since")
    add("--stale-map", action="store_true", help="use the last record even if the code or the tests have changed since")
    add("-o", "--output", choices=("table", "json"), default="table", help="format of the report (default table)")
    add("--survivors", type=Path, metavar="FILE", help="also write the scores and the survivors to this file")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
