"""The linter: what is valid in a trust policy and probably a mistake. Whether a finding blocks a write is configured."""

from __future__ import annotations

from rolecall.policy.document import TrustPolicy
from rolecall.policy.linting.findings import Finding, LintContext, findings_in
from rolecall.policy.linting.rules import RULES


def lint(
    policy: TrustPolicy, *, now: int, account: str = "", trusted: frozenset[str] = frozenset()
) -> tuple[Finding, ...]:
    """Return the findings of a valid policy in document order. It never raises.

    `now` is in microseconds since 1970; `account` is the role's own account, empty if it is not known; `trusted` are
    other accounts of the same organisation, which are no finding.
    """
    return findings_in(policy.text, policy.statements, RULES, LintContext(now, account, trusted))
