"""The map from lines of code to the tests that execute them, stored in a directory that Git ignores."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path

from coverage import CoverageData

from tests.mutants.processes import BrokenTestsError, Process
from tests.mutants.pytest_plugin import PLAN
from tests.mutants.tree import NOT_RUN, copy_tree, digests, environment

CACHE = ".mutants_cache"
_CONFIG = "[run]\nsource_pkgs = rolecall\nparallel = true\nrelative_files = true\n"
_PYTEST_FAILED = 1


class LineMap:
    """Which tests execute a line, how long each takes, and which fail without any change."""

    def __init__(self, coverage: CoverageData, measured: dict[str, dict[str, float]], digests: dict[str, str]) -> None:
        self._coverage = coverage
        self._lines: dict[str, dict[int, frozenset[str]]] = {}
        self.failed = frozenset(measured["failed"])
        self.seconds = {name: took for name, took in measured["seconds"].items() if name not in self.failed}
        self.digests = digests

    @classmethod
    def load(cls, cache: Path) -> LineMap | None:
        """Return the map that was measured last; None if there is none."""
        if not (cache / "digests.json").exists():
            return None
        coverage = CoverageData(str(cache / "coverage"))
        coverage.read()
        measured, known = (json.loads((cache / name).read_text()) for name in ("tests.json", "digests.json"))
        return cls(coverage, measured, known)

    def lines_of(self, path: str) -> dict[int, frozenset[str]]:
        """Return for each line of a file the ids of the tests that execute it; none for lines that run at import."""
        if path not in self._lines:
            contexts = self._coverage.contexts_by_lineno(path)
            self._lines[path] = {line: self._named(found) for line, found in contexts.items()}
        return self._lines[path]

    def _named(self, contexts: list[str]) -> frozenset[str]:
        # A context is `tests/policy/test_x.py::test_y`, and empty outside of tests.
        return frozenset(name for name in contexts if name in self.seconds)


def load_or_measure(root: Path, *, refresh: bool, stale: bool, jobs: int) -> LineMap:
    """Return the map of the tree; measure it if it is of another tree, unless a stale one is allowed."""
    cache = root / CACHE
    known = None if refresh else LineMap.load(cache)
    if known is not None and (stale or known.digests == digests(root)):
        return known
    print(f"recording which lines each test executes; this takes minutes (progress: {CACHE}/log)", file=sys.stderr)
    measure(root, cache, jobs=jobs)
    measured = LineMap.load(cache)
    assert measured is not None
    return measured


def update(root: Path, *, jobs: int) -> LineMap:
    """Record only the test files that are new or have changed since the last record, and add that to it.

    In the modules that have changed since, a change is tried against all tests that executed anything of them.
    """
    cache, found = root / CACHE, digests(root)
    known = LineMap.load(cache)
    if known is None:
        return load_or_measure(root, refresh=True, stale=False, jobs=jobs)
    changed = tuple(path for path, digest in found.items() if _is_test(path) and known.digests.get(path) != digest)
    if changed:
        print(f"recording {len(changed)} test files that have changed", file=sys.stderr)
        measure(root, cache / "changed", jobs=jobs, paths=changed)
        _add(cache / "changed", cache, {path: found[path] for path in changed})
    updated = LineMap.load(cache)
    assert updated is not None
    return updated


def measure(root: Path, cache: Path, *, jobs: int, paths: tuple[str, ...] = ("tests",)) -> None:
    """Run the tests in a copy of the tree, and store which lines each one executes in the cache."""
    shutil.rmtree(cache, ignore_errors=True)
    cache.mkdir()
    found = digests(root)
    with tempfile.TemporaryDirectory(prefix="mutants-") as directory:
        copy, plan = Path(directory, "tree"), Path(directory, "plan.json")
        Path(directory).chmod(0o755)  # PostgreSQL runs as another user
        copy_tree(root, copy)
        (copy / "map.ini").write_text(_CONFIG)
        plan.write_text(json.dumps({"root": str(copy), "measure": True, "record": str(cache / "tests.json")}))
        env = environment(copy, Path(directory), **{PLAN: str(plan), "COVERAGE_FILE": str(cache / "coverage")})
        process = Process()
        try:
            ended = process.run(_command(jobs, paths), cwd=copy, env=env, seconds=None, log=cache / "log")
        finally:
            process.stop()
    if ended.returncode not in {0, _PYTEST_FAILED}:
        raise BrokenTestsError(f"the tests did not run to their end:\n{ended.output[-4_000:]}")
    (cache / "digests.json").write_text(json.dumps(found))


def _is_test(path: str) -> bool:
    return Path(path).name.startswith("test_") and path.endswith(".py")


def _add(more: Path, cache: Path, digests: dict[str, str]) -> None:
    """Add one record to another, of which it replaces the digests of some files."""
    coverage, added = CoverageData(str(cache / "coverage")), CoverageData(str(more / "coverage"))
    for data in (coverage, added):
        data.read()
    coverage.update(added)
    coverage.write()
    tests, new = (json.loads((directory / "tests.json").read_text()) for directory in (cache, more))
    failed = {name for name in tests["failed"] if name.partition("::")[0] not in digests} | set(new["failed"])
    (cache / "tests.json").write_text(
        json.dumps({"seconds": tests["seconds"] | new["seconds"], "failed": sorted(failed)})
    )
    known = json.loads((cache / "digests.json").read_text())
    (cache / "digests.json").write_text(json.dumps(known | digests))


def _command(jobs: int, paths: tuple[str, ...]) -> list[str]:
    measuring = ["--cov", "--cov-config=map.ini", "--cov-report="]
    ignored = [f"--ignore={path}" for path in NOT_RUN]
    plugins = ["-p", "no:cacheprovider", "-p", "tests.mutants.pytest_plugin"]
    command = [sys.executable, "-m", "pytest", "-q", "-n", str(jobs), "-m", "not long"]
    return [*command, *plugins, *measuring, *ignored, *paths]
