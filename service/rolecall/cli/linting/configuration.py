"""What a team has decided about findings of the linter: which it accepts and why, whom it trusts, and how serious each is."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rolecall.cli.linting.path_patterns import PathTest, path_test
from rolecall.cli.problems.problem import Location, Problem
from rolecall.policy.linting.findings import Severity
from rolecall.policy.linting.rules import RULES as TRUST_RULES
from rolecall.policy.permission.lint_rules import RULES as PERMISSION_RULES
from rolecall.policy.wildcard import CharacterPlaces, compile_pattern

CONFIGURATION_FILE = ".rolecall-lint.yaml"
UNUSED, ENDED = "unused-suppression", "ended-suppression"

FINDINGS: Mapping[str, Severity] = {
    **{rule.id: Severity(rule.severity) for rule in TRUST_RULES},
    **{rule.id: Severity(rule.severity) for rule in PERMISSION_RULES},
}
"""The findings of the linter of both kinds of policies, with their severities."""

CONFIGURED_FINDINGS: Mapping[str, Severity] = {UNUSED: Severity.WARNING, ENDED: Severity.WARNING}
"""The findings about a configuration itself."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Suppression:
    """A finding that a team accepts, and why.

    `path` is a pattern of files, relative to the directory of the configuration, `role` a pattern of names; an empty one is any.
    `until` is the last day on which it counts, in UTC.
    """

    finding: str
    reason: str
    location: Location
    path: str = ""
    role: str = ""
    until: dt.date | None = None

    def is_over(self, today: dt.date) -> bool:
        """Return whether its last day is past."""
        return self.until is not None and self.until < today

    @property
    def scope(self) -> str:
        """Return what it is about, in words."""
        parts = [f"{name} `{text}`" for name, text in (("path", self.path), ("role", self.role)) if text]
        return f"`{self.finding}`" + (f" for {' and '.join(parts)}" if parts else "")

    def test(self) -> SuppressionTest:
        """Return what it covers, compiled once."""
        return SuppressionTest(self)


class SuppressionTest:
    """The test of which documents a suppression covers."""

    def __init__(self, suppression: Suppression) -> None:
        self._path: PathTest | None = path_test(suppression.path) if suppression.path else None
        self._role = compile_pattern(suppression.role.lower()) if suppression.role else None

    def covers(self, path: str, role: str) -> bool:
        """Return whether it covers a role of a file; names of roles compare without regard to case."""
        folded = role.lower()
        return (self._role is None or self._role(folded, CharacterPlaces(folded))) and self.may_cover(path)

    def may_cover(self, path: str) -> bool:
        """Return whether it covers some role of a file."""
        return self._path is None or self._path(path)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LintConfiguration:
    """One configuration: `directory` is that of its file, to which paths are relative."""

    directory: Path
    suppressions: Sequence[Suppression] = ()
    trusted_accounts: frozenset[str] = frozenset()
    severities: Mapping[str, Severity] = field(default_factory=dict)

    def path_of(self, file: str) -> str:
        """Return a file as the patterns of paths see it."""
        return Path(os.path.relpath(file, self.directory)).as_posix()

    def severity_of(self, problem: Problem) -> str:
        """Return how serious a finding is."""
        return self.severities.get(problem.reason, problem.severity)
