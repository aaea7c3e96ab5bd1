"""Tries many changes, a few in parallel, and verifies that the tests which noticed them pass without them."""

from __future__ import annotations

import queue
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from tests.mutants.changes import Change
from tests.mutants.processes import BrokenTestsError
from tests.mutants.selection import Selector
from tests.mutants.trial import Outcome, Trial, Workplace

_CHECK_FACTOR = 10  # unchanged code does not hang, so a slow machine gets more time


class Campaign:
    """The trials of a run. `trials` has the results so far, also after an interruption."""

    def __init__(self, root: Path, selector: Selector, *, jobs: int, seconds: float) -> None:
        self._root = root
        self._selector = selector
        self._jobs = jobs
        self._seconds = seconds
        self._free: queue.SimpleQueue[Workplace] = queue.SimpleQueue()
        self.trials: list[Trial] = []

    def run(self, changes: Sequence[Change], on_trial: Callable[[Trial], None]) -> None:
        """Try the changes; report each trial as it ends."""
        with self._workplaces() as workplaces, ThreadPoolExecutor(self._jobs) as pool:
            self._check_first(workplaces[0], changes)
            futures = [pool.submit(self._try, change) for change in changes]
            try:
                self._collect(futures, on_trial)
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                for workplace in workplaces:
                    workplace.stop()
                raise
            self._confirm(workplaces[0])

    def _collect(self, futures: list[Future[Trial]], on_trial: Callable[[Trial], None]) -> None:
        for future in as_completed(futures):
            trial = future.result()
            self.trials.append(trial)
            on_trial(trial)

    def _try(self, change: Change) -> Trial:
        workplace = self._free.get()
        try:
            return workplace.try_change(change, self._selector.tests_for(change), seconds=self._seconds)
        finally:
            self._free.put(workplace)

    def _check_first(self, workplace: Workplace, changes: Sequence[Change]) -> None:
        """Raise `BrokenTestsError` unless the tests of the first change pass without it."""
        selections = (self._selector.tests_for(change) for change in changes)
        first = next((selection for selection in selections if selection.tests), None)
        tests = {**first.tests, **first.last} if first else {}
        if tests and (failed := workplace.check(tests, seconds=_CHECK_FACTOR * self._seconds)):
            raise BrokenTestsError(f"these fail without any change: {', '.join(sorted(failed))}")

    def _confirm(self, workplace: Workplace) -> None:
        """Count a change as survived if the test that noticed it fails without it too."""
        tests: defaultdict[str, list[str]] = defaultdict(list)
        for name in {trial.noticed_by for trial in self.trials if "::" in trial.noticed_by}:
            tests[name.partition("::")[0]].append(name)
        failed = workplace.check(dict(tests), seconds=_CHECK_FACTOR * self._seconds) if tests else frozenset()
        self.trials = [
            replace(trial, outcome=Outcome.SURVIVED) if trial.noticed_by in failed else trial for trial in self.trials
        ]

    @contextmanager
    def _workplaces(self) -> Iterator[list[Workplace]]:
        with tempfile.TemporaryDirectory(prefix="mutants-", ignore_cleanup_errors=True) as directory:
            Path(directory).chmod(0o755)  # PostgreSQL runs as another user
            found = [Workplace(self._root, Path(directory, str(job))) for job in range(self._jobs)]
            for workplace in found:
                self._free.put(workplace)
            try:
                yield found
            finally:
                for workplace in found:
                    workplace.close()
