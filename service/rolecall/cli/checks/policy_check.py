"""Check policies against their language, and report each problem at its location in a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, TypeAlias

from rolecall.cli.problems.problem import Location, Problem
from rolecall.policy.errors import InvalidPolicyError

if TYPE_CHECKING:
    from rolecall.policy.limits import Limits
    from rolecall.policy.linting.findings import Finding
    from rolecall.policy.profile import Profile

Locate: TypeAlias = Callable[[str, int, int], Location]
"""Return the location in a file of an element, given its JSON pointer, line and column in the document."""


def permission_problems(
    text: str, location: Locate, *, limits: Limits, profile: Profile, now: int
) -> Iterator[Problem]:
    """Yield the violations of a permission policy; if it has none, the findings of the linter."""
    from rolecall.policy.permission.lint import lint_permissions
    from rolecall.policy.permission.parser import parse_permission_policy

    try:
        policy = parse_permission_policy(text, limits=limits, profile=profile)
    except InvalidPolicyError as error:
        yield from violation_problems(error, location)
        return
    yield from finding_problems(lint_permissions(policy, now=now), location)


def finding_problems(findings: Iterable[Finding], location: Locate) -> Iterator[Problem]:
    """Yield the findings of the linter as problems."""
    for finding in findings:
        yield Problem(
            location=location(finding.pointer, finding.line, finding.column),
            severity=finding.severity.value,
            message=finding.message,
            reason=finding.id,
            pointer=finding.pointer,
            hint=finding.fix,
            finding=True,
            changes_meaning=finding.changes_meaning,
        )


def violation_problems(error: InvalidPolicyError, location: Locate) -> Iterable[Problem]:
    """Yield the violations of a document as problems."""
    for violation in error.violations:
        yield Problem(
            location=location(violation.pointer, violation.line, violation.column),
            message=violation.message,
            reason=violation.reason,
            pointer=violation.pointer,
            hint=_hint(violation.suggestion),
        )


def _hint(suggestion: str) -> str:
    """Return a suggestion as a sentence; it is one already unless it is the text to write."""
    return suggestion if " " in suggestion or not suggestion else f"write `{suggestion}`"
