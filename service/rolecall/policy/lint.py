"""The linter: what is valid in a trust policy and probably a mistake. Whether a finding blocks a write is configured."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice

from rolecall.policy.document import TrustPolicy
from rolecall.policy.limits import MAX_FINDINGS_OF_A_RULE
from rolecall.policy.lint_rules import RULES, LintContext, Remark, Rule
from rolecall.policy.positions import JsonSyntaxError, Lines, Scan, scan
from rolecall.policy.wording import printable

_NO_MORE = "further findings of this kind are not listed"


class Severity(StrEnum):
    """How serious a finding is, the most serious first."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"

    @property
    def rank(self) -> int:
        """Return 0 for the most serious, more for less."""
        return list(Severity).index(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something to reconsider: `id` is stable, `message` says what is wrong, `fix` what to write instead.

    `line` and `column` count from 1 in characters, and are 0 if the policy has no text to count in.
    """

    id: str
    severity: Severity
    pointer: str
    message: str
    fix: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.pointer or '/'}: {self.severity.value}: {self.message} ({self.id})"


def lint(policy: TrustPolicy, *, now: int, account: str = "") -> tuple[Finding, ...]:
    """Return the findings of a valid policy in document order. It never raises.

    `now` is in microseconds since 1970; `account` is the role's own account, empty if it is not known.
    """
    places = _Places(policy.text)
    context = LintContext(now, account)
    found = [places.finding(rule, remark) for rule, remark in _remarks(policy, context)]
    return tuple(sorted(found, key=lambda finding: (finding.line, finding.column)))


def _remarks(policy: TrustPolicy, context: LintContext) -> Iterator[tuple[Rule, Remark]]:
    """Yield the remarks of every rule on every statement, of each rule at most `MAX_FINDINGS_OF_A_RULE`."""
    left = {rule.id: MAX_FINDINGS_OF_A_RULE for rule in RULES}
    for statement in policy.statements:
        for rule in RULES:
            for remark in islice(rule.find(statement, context), left[rule.id]):
                left[rule.id] -= 1
                yield rule, remark if left[rule.id] else remark._replace(message=f"{remark.message}; {_NO_MORE}")


class _Places:
    """Finds lines and columns in the text of a policy."""

    def __init__(self, text: str) -> None:
        self._lines = Lines(text)
        try:
            self._scan = scan(text, max_depth=sys.maxsize)
        except JsonSyntaxError:
            # A policy that was built from values has no document to point into.
            self._scan = Scan()

    def finding(self, rule: Rule, remark: Remark) -> Finding:
        """Return a remark as a finding, with its place; a lone value stands for an array of one."""
        pointer = remark.pointer
        place = self._scan.find(pointer)
        if place is None:
            pointer = pointer.rpartition("/")[0]
            place = self._scan.find(pointer)
        line, column = self._lines.at(place.offset) if place else (0, 0)
        return Finding(
            id=rule.id,
            severity=Severity(rule.severity),
            pointer=printable(pointer if place else remark.pointer),
            message=remark.message,
            fix=printable(remark.fix),
            line=line,
            column=column,
        )
