"""Tries one change at a time in a private copy of the tree."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tests.mutants.changes import Change
from tests.mutants.forks import Forks
from tests.mutants.processes import BrokenTestsError, Ended
from tests.mutants.pytest_plugin import PLAN, WRONG_CODE
from tests.mutants.selection import Selection, Tests
from tests.mutants.tree import copy_tree, environment, imported_from

_PASSED, _FAILED = 0, 1
_PYTEST = ("-q", "--hypothesis-seed=0", "-p", "tests.mutants.pytest_plugin")
_WITHOUT = ("-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:cov")


class Outcome(StrEnum):
    """The result of a trial. A timeout counts as noticed."""

    NOTICED = "noticed"
    TIMED_OUT = "timed out"
    SURVIVED = "survived"
    NOT_TESTED = "not tested"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A change, the result of its tests, and which test noticed it."""

    change: Change
    outcome: Outcome
    tests: int
    seconds: float
    noticed_by: str = ""

    @property
    def noticed(self) -> bool:
        """Return whether the change counts as noticed."""
        return self.outcome in {Outcome.NOTICED, Outcome.TIMED_OUT}


class Workplace:
    """A copy of the tree, with one change at a time."""

    def __init__(self, root: Path, directory: Path) -> None:
        self._copy, self._temporary = directory / "tree", directory / "tmp"
        self._plan, self._record, self._log = (directory / name for name in ("plan.json", "record.json", "log"))
        self._environment = environment(self._copy, self._temporary, **{PLAN: str(self._plan)})
        self._forks = Forks(self._copy, self._environment)
        copy_tree(root, self._copy)

    def check(self, tests: Tests, *, seconds: float) -> frozenset[str]:
        """Return which of the tests fail without any change; raise `BrokenTestsError` if they cannot be run."""
        self._make_temporary()
        origin = imported_from(self._copy, self._environment)
        if not origin.is_relative_to(self._copy):
            raise BrokenTestsError(f"the tests would import {origin}")
        ended = self._run(tests, module="rolecall", seconds=seconds)
        if ended.returncode not in {_PASSED, _FAILED}:
            raise BrokenTestsError(f"without any change pytest returned {ended.returncode}:\n{ended.output[-4_000:]}")
        return frozenset(self._recorded())

    def try_change(self, change: Change, selection: Selection, *, seconds: float) -> Trial:
        """Run the tests with the change in the copy, and revert it."""
        if not selection.tests:
            return Trial(change=change, outcome=Outcome.NOT_TESTED, tests=0, seconds=0.0)
        began, file = time.monotonic(), self._copy / change.path
        file.write_bytes(change.after)
        try:
            outcome = self._outcome(change, selection, until=began + seconds)
        finally:
            file.write_bytes(change.source.content)
        return Trial(
            change=change,
            outcome=outcome,
            tests=sum(map(len, selection.tests.values())),
            seconds=round(time.monotonic() - began, 1),
            noticed_by=next(iter(self._recorded()), ""),
        )

    def stop(self) -> None:
        """End the running tests, and refuse to run others. May be called on any thread."""
        self._forks.stop()

    def close(self) -> None:
        """Stop, when no tests run any more."""
        self._forks.close()

    def _outcome(self, change: Change, selection: Selection, *, until: float) -> Outcome:
        outcome = Outcome.NOT_TESTED
        for tests in selection.stages:
            left = max(0.0, until - time.monotonic())
            ended = self._run(tests, "-x", module=_module(change.path), seconds=left)
            outcome = _outcome(ended)
            if outcome in {Outcome.NOTICED, Outcome.TIMED_OUT}:
                break
        return outcome

    def _run(self, tests: Tests, *flags: str, module: str, seconds: float) -> Ended:
        self._make_temporary()
        plan = {"root": str(self._copy), "tests": tests, "module": module, "record": str(self._record)}
        self._plan.write_text(json.dumps(plan))
        self._record.unlink(missing_ok=True)
        command = [*_PYTEST, *_WITHOUT, *flags, *tests]
        ended = self._forks.run(command, seconds=seconds, log=self._log)
        if ended.returncode == WRONG_CODE:
            raise BrokenTestsError(f"the tests did not import `{module}` from the copy:\n{ended.output[-4_000:]}")
        return ended

    def _recorded(self) -> Iterable[str]:
        return json.loads(self._record.read_text())["failed"] if self._record.exists() else ()

    def _make_temporary(self) -> None:
        shutil.rmtree(self._temporary, ignore_errors=True)
        self._temporary.mkdir()


def _outcome(ended: Ended) -> Outcome:
    match ended.returncode:
        case None:
            return Outcome.TIMED_OUT
        case 0:  # passed
            return Outcome.SURVIVED
        case 5:  # none collected
            return Outcome.NOT_TESTED
        case _:
            return Outcome.NOTICED


def _module(path: str) -> str:
    return path.removeprefix("service/").removesuffix(".py").removesuffix("/__init__").replace("/", ".")
