"""Compare a decision with the expectation of its case, and explain a difference."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from rolecall.cli.sources import UnknownRole
from rolecall.cli.testing.cases import Case
from rolecall.cli.testing.role_set import ParsedRole, RoleSet
from rolecall.engine.decision import Decision, Reason


def failure_of(case: Case, decision: Decision, role: ParsedRole | None) -> str:
    """Return why a decision differs from the expectation; empty if it does not.

    An unknown role is denied to every principal, so a misspelt name would pass as an expected DENY. Therefore an unknown role fails
    unless the case expects the reason ROLE_NOT_FOUND.
    """
    expect, outcome = case.expect, "ALLOW" if decision.allowed else "DENY"
    if decision.reason is Reason.ROLE_NOT_FOUND:
        return "" if expect.reason == Reason.ROLE_NOT_FOUND else f"there is no role `{case.role}`"
    if outcome != expect.outcome:
        return f"expected {expect.outcome}, got {_describe(decision)}"
    if expect.reason and decision.reason != expect.reason:
        return f"expected {expect.reason}, got {_describe(decision)}"
    if expect.statement and role:
        return _statement_failure(expect.statement, decision, role)
    return ""


def missing_role_hint(case: Case, role_set: RoleSet, unknown: Iterable[UnknownRole]) -> str:
    """Return a hint at the role that an unknown name may mean."""
    wanted = role_set.accounts.role(case.role)
    for role in unknown:
        if role.name.lower() == wanted.role_name.lower():
            return role.message
    elsewhere = [
        parsed.role for parsed in role_set.roles.values() if parsed.role.role_name.lower() == wanted.role_name.lower()
    ]
    if elsewhere:
        return f"write `{elsewhere[0].account_id}/{elsewhere[0].role_name}`: it is in another account than {wanted.account_id}"
    names = [parsed.role.role_name for parsed in role_set.roles.values()]
    if nearest := difflib.get_close_matches(wanted.role_name, names):
        return f"did you mean `{nearest[0]}`?"
    if not names:
        return "no roles were found: name their files on the command line, or in `roles` of the case file"
    return "if the role is meant to be missing, expect the reason ROLE_NOT_FOUND"


def _statement_failure(wanted: str, decision: Decision, role: ParsedRole) -> str:
    statements = role.policy.statements
    indices = {s.index for s in statements if wanted in {s.sid, s.pointer}}
    if not indices:
        known = ", ".join(f"`{s.sid or s.pointer}`" for s in statements)
        return f"`{role.role.arn}` has no statement `{wanted}`; it has {known}"
    if indices & {statement.index for statement in decision.determining}:
        return ""
    return f"expected the statement `{wanted}` to decide, got {_describe(decision)}"


def _describe(decision: Decision) -> str:
    by = ", ".join(f"/Statement/{s.index}" + (f" ({s.sid})" if s.sid else "") for s in decision.determining)
    return f"{decision.reason}{f' by {by}' if by else ''}"
