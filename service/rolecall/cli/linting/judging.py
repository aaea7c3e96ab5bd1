"""Apply configurations of the linter to the problems of documents: severities, suppressions, and what they no longer need."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rolecall.cli.linting.configuration import (
    CONFIGURATION_FILE,
    LintConfiguration,
    Suppression,
    SuppressionTest,
)
from rolecall.cli.linting.reader import read_configuration, shown_path
from rolecall.cli.linting.unneeded import DocumentsOfConfiguration, ExaminedPolicy, ended, unused, why_unused
from rolecall.cli.problems.problem import Location, Problem, ProblemsError
from rolecall.cli.text.files import STDIN

_MISNAMED = (".rolecall-lint.yml", ".rolecall-lint.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class SuppressedProblem:
    """A finding that is accepted, and why."""

    problem: Problem
    suppression: Suppression

    def record(self) -> dict[str, object]:
        """Return it as a JSON object."""
        why = self.suppression
        until = why.until.isoformat() if why.until else ""
        at = {"file": why.location.file, "line": why.location.line, "column": why.location.column}
        return {**self.problem.record(), "suppression": {"reason": why.reason, "until": until, **at}}


@dataclass(frozen=True, slots=True)
class Judged:
    """Problems to report, those about configurations among them, and the findings that are suppressed."""

    problems: list[Problem]
    suppressed: list[SuppressedProblem]


class Linting:
    """The configurations of one run.

    Without `given`, that of a document is the nearest `.rolecall-lint.yaml` in its directory or above, up to a directory of the
    command line (`paths`) or the current one: a file above these may be that of another user.
    """

    def __init__(
        self,
        paths: Iterable[Path | str],
        today: dt.date,
        *,
        given: Path | None = None,
        everywhere: Sequence[Suppression] = (),
    ) -> None:
        self._today, self._everywhere = today, everywhere
        self._tops = [*(Path(os.path.abspath(path)) for path in paths if os.path.isdir(path)), Path.cwd()]  # noqa: PTH100, PTH112
        self._read: dict[Path, LintConfiguration] = {}
        self._nearest: dict[str, LintConfiguration] = {}
        self._problems: list[Problem] = []
        self._given = self._configuration(given) if given is not None else None

    def of(self, file: str) -> LintConfiguration:
        """Return the configuration for a file."""
        if self._given is not None:
            return self._given
        if file not in self._nearest:
            self._nearest[file] = self._search(_directory_of(file))
        return self._nearest[file]

    def trusted_accounts(self, file: str) -> frozenset[str]:
        """Return the accounts that the configuration for a file trusts."""
        return self.of(file).trusted_accounts

    def judged(self, problems: Iterable[Problem], examined: Iterable[ExaminedPolicy]) -> Judged:
        """Return problems as they are configured; `examined` are all policies, also those without a problem."""
        run, found = _Run(self, self._everywhere, self._today), list(problems)
        reported = [one for problem in found for one in run.reported(problem)]
        policies = list(dict.fromkeys(examined))
        unjudged = list(dict.fromkeys(problem.location.file for problem in found if not problem.finding))
        for file in [*(policy.file for policy in policies), *unjudged]:
            self.of(file)
        about = [
            problem
            for each in list(self._read.values())
            for problem in self._about(each, run, self._documents(each, policies, unjudged))
        ]
        about += [unused(one, "no policy has the finding") for one in self._everywhere if one not in run.used]
        return Judged([*reported, *self._problems, *about], run.suppressed)

    def _search(self, directory: Path) -> LintConfiguration:
        tops = [top for top in self._tops if top == directory or top in directory.parents]
        last = min(tops, default=directory)  # a directory is less than those in it
        for each in (directory, *directory.parents):
            if os.path.lexists(each / CONFIGURATION_FILE):
                return self._configuration(each / CONFIGURATION_FILE)
            self._note_misnamed(each)
            if each == last:
                break
        return LintConfiguration(directory=directory)

    def _configuration(self, path: Path) -> LintConfiguration:
        """Return the configuration in a file; an empty one if it cannot be read, which is a problem to report."""
        if path not in self._read:
            try:
                self._read[path] = read_configuration(path)
            except ProblemsError as error:
                self._problems += error.problems
                self._read[path] = LintConfiguration(directory=path.parent)
        return self._read[path]

    def _note_misnamed(self, directory: Path) -> None:
        for name in _MISNAMED:
            if (directory / name).is_file():
                message = f"this file is not read; a configuration of the linter is named `{CONFIGURATION_FILE}`"
                location = Location(str(shown_path(directory / name)))
                problem = Problem(
                    location=location, message=message, severity="warning", hint="rename it", finding=True
                )
                self._problems += [] if problem in self._problems else [problem]

    def _documents(
        self, configuration: LintConfiguration, policies: Iterable[ExaminedPolicy], unjudged: Iterable[str]
    ) -> DocumentsOfConfiguration:
        return DocumentsOfConfiguration(
            [(configuration.path_of(each.file), each.role) for each in policies if self.of(each.file) is configuration],
            [configuration.path_of(file) for file in unjudged if self.of(file) is configuration],
            self._given is not None
            or any(top == configuration.directory or top in configuration.directory.parents for top in self._tops[:-1]),
        )

    def _about(
        self, configuration: LintConfiguration, run: _Run, documents: DocumentsOfConfiguration
    ) -> Iterator[Problem]:
        """Yield the findings about a configuration: suppressions that are over, and those that match nothing."""
        for suppression in configuration.suppressions:
            if suppression.is_over(self._today):
                found = ended(suppression)
            elif suppression in run.used:
                continue
            else:
                why = why_unused(suppression, configuration.directory, documents)
                if not why:
                    continue
                found = unused(suppression, why)
            yield replace(found, severity=configuration.severity_of(found))


def _directory_of(file: str) -> Path:
    path = Path.cwd() if file == STDIN else Path(os.path.abspath(file))  # noqa: PTH100
    # A problem can be about a whole directory, which is then the place to search.
    return path if path.is_dir() else path.parent


class _Run:
    """What happens to the problems of one run."""

    def __init__(self, linting: Linting, everywhere: Sequence[Suppression], today: dt.date) -> None:
        self._linting, self._everywhere, self._today = linting, everywhere, today
        self._tests: dict[LintConfiguration, Mapping[str, list[tuple[Suppression, SuppressionTest]]]] = {}
        self.used: set[Suppression] = set()
        self.suppressed: list[SuppressedProblem] = []

    def reported(self, problem: Problem) -> Iterator[Problem]:
        """Yield a problem with its configured severity, unless it is suppressed."""
        if not problem.finding or not problem.reason:
            yield problem
            return
        configuration = self._linting.of(problem.location.file)
        problem = replace(problem, severity=configuration.severity_of(problem))
        covering = [
            *self._covering(problem, configuration),
            *(s for s in self._everywhere if s.finding == problem.reason),
        ]
        self.used.update(covering)
        if covering:
            self.suppressed.append(SuppressedProblem(problem=problem, suppression=covering[0]))
        else:
            yield problem

    def _covering(self, problem: Problem, configuration: LintConfiguration) -> Iterator[Suppression]:
        path = configuration.path_of(problem.location.file)
        for suppression, test in self._of(configuration).get(problem.reason, ()):
            if test.covers(path, problem.role):
                yield suppression

    def _of(self, configuration: LintConfiguration) -> Mapping[str, list[tuple[Suppression, SuppressionTest]]]:
        """Return the suppressions of a configuration that still count, by their findings."""
        if configuration not in self._tests:
            by_finding: dict[str, list[tuple[Suppression, SuppressionTest]]] = {}
            for suppression in configuration.suppressions:
                if not suppression.is_over(self._today):
                    by_finding.setdefault(suppression.finding, []).append((suppression, suppression.test()))
            self._tests[configuration] = by_finding
        return self._tests[configuration]
