"""A pytest plugin for runs in a copy of the tree: selects and orders the tests, checks what was imported, records durations.

The environment variable `MUTANTS_PLAN` names a JSON file with the plan. The exit code is `WRONG_CODE` if the code under test was not
imported from the copy.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from collections import defaultdict
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

PLAN = "MUTANTS_PLAN"
WRONG_CODE = 77


def pytest_configure(config: pytest.Config) -> None:
    """Read the plan; exit if the code would not be imported from the copy."""
    plan: dict[str, Any] = json.loads(Path(os.environ[PLAN]).read_text())
    spec = importlib.util.find_spec("rolecall")
    if spec is None or not _within(spec.origin, plan["root"]):
        pytest.exit(f"rolecall would be imported from {spec and spec.origin}", returncode=WRONG_CODE)
    if "tests" in plan:
        config.pluginmanager.register(_Selection(plan["tests"]))
    if plan.get("measure"):
        config.pluginmanager.register(_Contexts())
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Recording(plan))


class _Selection:
    """Selects the tests of the plan, in its order. A file without names keeps all of its tests."""

    def __init__(self, tests: dict[str, list[str]]) -> None:
        self._all_of = {file for file, names in tests.items() if not names}
        self._place = {name: place for place, name in enumerate(name for names in tests.values() for name in names)}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        chosen = [item for item in items if item.nodeid in self._place or _file_of(item.nodeid) in self._all_of]
        config.hook.pytest_deselected(items=[item for item in items if item not in set(chosen)])
        items[:] = sorted(chosen, key=lambda item: self._place.get(item.nodeid, -1))


class _Contexts:
    """Sets the coverage context between tests: within a test the process may be another user, who cannot write the data."""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        from coverage import Coverage

        measuring = Coverage.current()
        assert measuring is not None
        measuring.switch_context(item.nodeid)
        found = yield
        measuring.switch_context("")
        return found


class _Recording:
    """Records the duration of each test and which failed; checks at the end where the module under test was imported from."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self._plan = plan
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._failed: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._seconds[report.nodeid] += report.duration
        if report.failed:
            self._failed.add(report.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._failed.add(report.nodeid)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        found = {"seconds": dict(self._seconds), "failed": sorted(self._failed)}
        Path(self._plan["record"]).write_text(json.dumps(found))
        module = sys.modules.get(self._plan.get("module", "rolecall"))
        if module is not None and not _within(module.__file__, self._plan["root"]):
            session.exitstatus = WRONG_CODE


def _within(file: str | None, root: str) -> bool:
    return file is not None and Path(file).is_relative_to(root)


def _file_of(nodeid: str) -> str:
    return nodeid.partition("::")[0]
