"""The one policy that a command asks about, in a file of any kind: a policy alone, or that of a role in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rolecall.cli.problems.problem import Location, Problem, ProblemsError, error_at
from rolecall.cli.sources.found import Found, FoundPolicy, FoundRole
from rolecall.cli.sources.kinds import MAX_BYTES
from rolecall.cli.sources.recognise import read_content
from rolecall.cli.text.files import read_input

_SHOWN_NAMES = 5


def one_policy(file: str, role: str = "", *, any_name: bool = False) -> FoundRole | FoundPolicy:
    """Return the policy of a file or of standard input (`-`); raise `ProblemsError` if there is none, or not just one.

    Of several roles, that with the name in `role`, a name or an ARN, is chosen. A single role must have this name too, unless
    `any_name` is set; a policy alone has no name, and that of a role may be known only later.
    """
    found = Found()
    read_content(Path(file), read_input(file, MAX_BYTES), found, named=True)
    if found.problems:
        raise ProblemsError(found.problems)
    alone: list[FoundRole | FoundPolicy] = [
        *found.permission_policies,
        *(each for each in found.roles if not each.declared),
    ]
    if alone:
        return alone[0]
    known = [each.policy for each in found.unknown_roles if each.policy is not None]
    nameless = [replace(policy, declared=False) for policy in known if not policy.name]
    if len(roles := [*found.roles, *nameless]) == 1 and (any_name or not role):
        return roles[0]
    if not found.roles:
        raise _no_policy(file, found)
    return _chosen(file, role, found, count=len(roles))


def _no_policy(file: str, found: Found) -> ProblemsError:
    if found.case_documents:
        return error_at(Location(file), "test cases have no trust policy", "`rolecall test` runs them")
    if found.service_accounts:
        return error_at(Location(file), "service accounts have no trust policy", "`rolecall test` tests them")
    problem = Problem(location=Location(file), message=f"there is no trust policy in `{file}`", reason="NO_POLICY")
    return ProblemsError([problem, *found.remarks])


def _chosen(file: str, role: str, found: Found, *, count: int) -> FoundRole:
    """Return the role that is named; `count` is how many roles the file has, those without a name included."""
    named = [each for each in found.roles if each.name.lower() == _name_in(role).lower()]
    account = _account_in(role)
    chosen = [each for each in named if not account or each.account_id in ("", account)]
    if len(chosen) == 1:
        return chosen[0]
    for unknown in found.unknown_roles:
        if role and unknown.name.lower() == _name_in(role).lower():
            raise error_at(unknown.location, unknown.message)
    names = _listed(chosen or named or found.roles)
    if not role:
        message = f"`{file}` has {count:,} roles, and one is needed"
        raise error_at(Location(file), message, f"choose it by its name: {names}", reason="SEVERAL_ROLES")
    if len(named) > 1:
        message = f"`{file}` has {len(named):,} roles of the name `{_name_in(role)}`"
        raise error_at(Location(file), message, f"name the account too: {names}", reason="SEVERAL_ROLES")
    raise error_at(Location(file), f"`{file}` has no role `{role}`", f"it has {names}", reason="NO_POLICY")


def _listed(roles: Sequence[FoundRole]) -> str:
    shown = [f"`{role.account_id}/{role.name}`" if role.account_id else f"`{role.name}`" for role in roles]
    more = len(shown) - _SHOWN_NAMES
    return ", ".join(shown[:_SHOWN_NAMES]) + (f" and {more:,} more" if more > 0 else "")


def _name_in(role: str) -> str:
    return role.rpartition("/")[2]


def _account_in(role: str) -> str:
    """Return the account in an ARN, or in ACCOUNT/NAME; empty if there is none."""
    parts = role.split(":")
    return parts[3] if role.startswith("acs:") and len(parts) > 4 else role.rpartition("/")[0]
