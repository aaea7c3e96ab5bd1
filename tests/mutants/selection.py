"""Selects the tests for a change: those that execute its line, the quickest first, within a time limit."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cached_property
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

from tests.mutants.changes import Change
from tests.mutants.line_map import LineMap
from tests.mutants.source import Source
from tests.mutants.tree import digests, source_paths

# The tests of each file, in order; an empty list means all tests of the file.
Tests: TypeAlias = dict[str, list[str]]

_TO_READ_A_FILE = 0.2
_TO_START_POSTGRES = 5.0
# These compare documents and schemas with the code that they are generated from, so no line leads to them, or whole pages of answers
# with it: where thousands of tests execute a line, these are not among the quickest.
_LAST = (
    "tests/policy/test_pages.py",
    "tests/config/test_documentation.py",
    "tests/docs/test_announced_limits.py",
    "tests/docs/test_announced_connection_limits.py",
    "tests/cli/test_reference.py",
    "tests/repository/test_docs.py",
    "tests/repository/test_language_docs.py",
    "tests/repository/test_operators.py",
    "tests/helm/test_values.py",
)
_STARTS_PROCESSES = re.compile(r"\bsubprocess\b|tests\.cli\.serving|tests\.storage\.processes")
_REFERS_TO_POSTGRES = re.compile(r"tests\.postgres|tests\.storage\.stores|\bpostgres_server\b|\brepository\b")
_FIRST_FILES, _FIRST_TESTS = 3, 20
_ELSEWHERE = 3.0  # a test of another package counts as if it took three times as long


class Selection(NamedTuple):
    """Tests, and how many seconds they took when they were measured."""

    tests: Tests
    seconds: float
    unmapped: Mapping[str, list[str]] = MappingProxyType({})
    last: Mapping[str, list[str]] = MappingProxyType({})

    @property
    def stages(self) -> list[Tests]:
        """Return a few tests that are quick to collect and to run, then the rest, those without a map, those of what is generated."""
        first = {file: names[:_FIRST_TESTS] for file, names in islice(self.tests.items(), _FIRST_FILES) if names}
        left = {file: names[_FIRST_TESTS:] if file in first else names for file, names in self.tests.items()}
        rest = {file: names for file, names in left.items() if names or file not in first}
        return [tests for tests in (first, rest, dict(self.unmapped), dict(self.last)) if tests]


class Selector:
    """Selects the tests for each change from the map of lines."""

    def __init__(self, root: Path, lines: LineMap, *, seconds: float) -> None:
        self._root = root
        self._lines = lines
        self._limit = seconds

    def tests_for(self, change: Change) -> Selection:
        """Return the tests to run against a change; none if no test of its package is known."""
        mirrored = f"tests/{change.package}/"
        candidates = self._candidates(change) or {name for name in self._lines.seconds if name.startswith(mirrored)}
        candidates = {name for name in candidates if _file_of(name) in self._digests}
        selection = self._within_limit(sorted(candidates, key=lambda name: self._weight(name, mirrored)))
        return self._with_new_files(selection, mirrored)

    def _candidates(self, change: Change) -> set[str]:
        if change.at_import:
            return self._tests_of_module(change.path)
        known, last = self._lines.lines_of(change.path), change.source.line_at(change.edit.end)
        if not self._is_mapped(change.path):
            return self._tests_of_module(change.path)
        return (
            _union(known, range(change.line, last + 1))
            or _union(known, change.lines)
            or self._tests_of_module(change.path)
        )

    def _tests_of_module(self, path: str) -> set[str]:
        """Return the tests that execute anything in a module, or in the modules that import it."""
        paths = {path, *self._importers[_module(path)]}
        return {name for each in paths for names in self._lines.lines_of(each).values() for name in names}

    def _within_limit(self, names: Iterable[str]) -> Selection:
        tests: defaultdict[str, list[str]] = defaultdict(list)
        total, postgres = 0.0, False
        for name in names:
            file = _file_of(name)
            start = _TO_START_POSTGRES if not postgres and self._uses_postgres(name) else 0.0
            cost = self._lines.seconds[name] + start + (0.0 if file in tests else _TO_READ_A_FILE)
            if tests and total + cost > self._limit:
                continue
            tests[file].append(name)
            total, postgres = total + cost, postgres or start > 0
        return Selection(dict(tests), total)

    def _with_new_files(self, selection: Selection, mirrored: str) -> Selection:
        """Add the test files of the package that are new or have changed since the map, if their old tests are quick."""
        tests, total = selection.tests, selection.seconds
        for file in self._new_test_files:
            cost = sum(seconds for name, seconds in self._lines.seconds.items() if _file_of(name) == file)
            if file.startswith(mirrored) and total + cost <= self._limit:
                tests, total = {**tests, file: []}, total + cost
        return Selection(tests, total, self._unmapped(tests, mirrored), self._last)

    def _unmapped(self, selected: Tests, mirrored: str) -> Tests:
        """Return the other tests that start processes, whose lines are not recorded: first those of the package."""
        done = {name for names in selected.values() for name in names}
        names = [name for name in self._lines.seconds if name not in done and _file_of(name) in self._process_files]
        return self._within_limit(
            sorted(names, key=lambda name: (not name.startswith(mirrored), self._lines.seconds[name]))
        ).tests

    @cached_property
    def _process_files(self) -> frozenset[str]:
        """Return the test files that start processes themselves, or in the fixtures of their directory."""
        files = {Path(path) for path in self._digests if path.startswith("tests/") and path.endswith(".py")}
        starting = {file for file in files if _STARTS_PROCESSES.search((self._root / file).read_text())}
        fixtures = {file.parent for file in starting if file.name == "conftest.py"}
        return frozenset(file.as_posix() for file in files if file in starting or file.parent in fixtures)

    @cached_property
    def _last(self) -> Tests:
        return {file: [] for file in _LAST if (self._root / file).exists()}

    def _weight(self, name: str, mirrored: str) -> float:
        seconds = self._lines.seconds[name] + (_TO_START_POSTGRES if self._uses_postgres(name) else 0.0)
        return seconds if name.startswith(mirrored) else seconds * _ELSEWHERE + 0.01

    def _uses_postgres(self, name: str) -> bool:
        """Return whether a test is named after PostgreSQL, in a file that refers to a server."""
        return "postgres" in name.lower() and _file_of(name) in self._postgres_files

    @cached_property
    def _postgres_files(self) -> frozenset[str]:
        files = {_file_of(name) for name in self._lines.seconds if "postgres" in name.lower()}
        return frozenset(file for file in files & self._digests.keys() if self._refers_to_postgres(file))

    def _refers_to_postgres(self, file: str) -> bool:
        return _REFERS_TO_POSTGRES.search((self._root / file).read_text()) is not None

    def _is_mapped(self, path: str) -> bool:
        return self._lines.digests.get(path) == self._digests[path]

    @cached_property
    def _digests(self) -> Mapping[str, str]:
        return digests(self._root)

    @cached_property
    def _new_test_files(self) -> list[str]:
        """Return the test files that are new, or have changed, since the map was measured."""
        files = (path for path in self._digests if Path(path).name.startswith("test_") and path.endswith(".py"))
        return [path for path in files if not self._is_mapped(path)]

    @cached_property
    def _importers(self) -> defaultdict[str, set[str]]:
        importers: defaultdict[str, set[str]] = defaultdict(set)
        for path in source_paths(self._root):
            for node in ast.walk(Source.read(self._root, path).tree):
                if isinstance(node, ast.ImportFrom) and node.module:
                    importers[node.module].add(path)
        return importers


def _union(known: Mapping[int, frozenset[str]], lines: range) -> set[str]:
    return {name for line in lines for name in known.get(line, ())}


def _module(path: str) -> str:
    return path.removeprefix("service/").removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _file_of(name: str) -> str:
    return name.partition("::")[0]
