"""Whether a decision is what its case expects; if not, in one sentence why, and what may help."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from rolecall.cli.sources import UnknownRole
from rolecall.cli.testing.cases import Case
from rolecall.cli.testing.role_set import ParsedRole, RoleSet
from rolecall.engine.decision import Decision, Reason


def failure_of(case: Case, decision: Decision, held: ParsedRole | None) -> str:
    """Return why a decision is not what is expected, or nothing.

    A role that is not there denies everybody, so a misspelt name would pass for a Deny: only the reason itself expects it.
    """
    expect, outcome = case.expect, "ALLOW" if decision.allowed else "DENY"
    if decision.reason is Reason.ROLE_NOT_FOUND:
        return "" if expect.reason == Reason.ROLE_NOT_FOUND else f"there is no role `{case.role}`"
    if outcome != expect.outcome:
        return f"expected {expect.outcome}, got {_told(decision)}"
    if expect.reason and decision.reason != expect.reason:
        return f"expected {expect.reason}, got {_told(decision)}"
    if expect.statement and held:
        return _statement_failure(expect.statement, decision, held)
    return ""


def missing_role_hint(case: Case, role_set: RoleSet, unknown: Iterable[UnknownRole]) -> str:
    """Return what may be meant by the name of a role that is not there."""
    wanted = role_set.accounts.role(case.role)
    for role in unknown:
        if role.name.lower() == wanted.role_name.lower():
            return role.message
    elsewhere = [
        held.role for held in role_set.held.values() if held.role.role_name.lower() == wanted.role_name.lower()
    ]
    if elsewhere:
        return f"write `{elsewhere[0].account_id}/{elsewhere[0].role_name}`: it is in another account than {wanted.account_id}"
    names = [held.role.role_name for held in role_set.held.values()]
    if nearest := difflib.get_close_matches(wanted.role_name, names, n=1):
        return f"did you mean `{nearest[0]}`?"
    if not names:
        return "no roles were found: name their files on the command line, or in `roles` of the case file"
    return "expect the reason ROLE_NOT_FOUND if that is what you mean"


def _statement_failure(wanted: str, decision: Decision, held: ParsedRole) -> str:
    statements = held.policy.statements
    indices = {s.index for s in statements if wanted in {s.sid, s.pointer}}
    if not indices:
        known = ", ".join(f"`{s.sid or s.pointer}`" for s in statements)
        return f"`{case_role(held)}` has no statement `{wanted}`; it has {known}"
    if indices & {statement.index for statement in decision.determining}:
        return ""
    return f"expected the statement `{wanted}` to decide, got {_told(decision)}"


def case_role(held: ParsedRole) -> str:
    """Return how a role is called."""
    return held.role.arn


def _told(decision: Decision) -> str:
    by = ", ".join(f"/Statement/{s.index}" + (f" ({s.sid})" if s.sid else "") for s in decision.determining)
    return f"{decision.reason}{f' by {by}' if by else ''}"
