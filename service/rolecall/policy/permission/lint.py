"""The linter of permission policies: what is valid and probably a mistake, or allows more than it seems to."""

from __future__ import annotations

from rolecall.policy.linting.findings import Finding, LintContext, findings_in
from rolecall.policy.permission.document import PermissionPolicy
from rolecall.policy.permission.lint_rules import RULES
from rolecall.policy.permission.system_policies import SYSTEM_POLICIES


def lint_permissions(policy: PermissionPolicy, *, now: int) -> tuple[Finding, ...]:
    """Return the findings of a valid policy in document order; none of a system policy. It never raises.

    `now` is in microseconds since 1970.
    """
    if policy in SYSTEM_POLICIES.values():
        return ()
    return findings_in(policy.text, policy.statements, RULES, LintContext(now, ""))
