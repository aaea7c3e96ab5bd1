"""What was probably meant: the nearest role that the caller may read, and the nearest condition key that the decision asked for."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rolecall.cli.remote.account_names import RoleReading
    from rolecall_client.v1.decision_pb2 import Decision

MOST_ROLES = 1_000
"""How many roles of an account are looked at, the first ones by name that begin as the name which was given, then any."""

_CUTOFF = 0.7


def has_no_role(decision: Decision) -> bool:
    """Return whether a request is denied since there is no such role."""
    from rolecall_client.v1.decision_pb2 import DECISION_REASON_ROLE_NOT_FOUND

    return decision.reason == DECISION_REASON_ROLE_NOT_FOUND


def nearest_role(client: RoleReading, role: str, decision: Decision) -> str:
    """Return the name of a role of the same account that resembles one that does not exist; empty if the caller may read none."""
    if not has_no_role(decision):
        return ""
    from rolecall_client.errors import RolecallError

    account, name = _split(role)
    try:
        found = (_nearest(name, _names(client, account, prefix)) for prefix in (name[:1], ""))
        return next(filter(None, found), "")
    except RolecallError:
        # Who may ask about a role may not always list roles; the answer stands without a hint.
        return ""


def report_names(sent: Collection[str], decision: Decision, role: str) -> None:
    """Say on standard error which role, or which condition keys, were probably meant."""
    from rolecall.cli.problems.reports import report_hint

    if role:
        report_hint(f"did you mean `{role}`?")
    for key, meant in misspelt_keys(sent, decision.missing_keys):
        report_hint(f"`{key}` was sent, and `{meant}` is compared; did you mean that?")


def misspelt_keys(sent: Collection[str], missing: Collection[str]) -> list[tuple[str, str]]:
    """Return the condition keys that were sent, each with the one that it resembles among those that the decision lacks."""
    pairs = ((key, _nearest(key, missing)) for key in sent)
    return [(key, near) for key, near in pairs if near]


def _split(role: str) -> tuple[str, str]:
    """Return the account and the name in the name of a role, or in its ARN."""
    if role.startswith("acs:"):
        parts = role.split(":", 4)
        return (parts[3], parts[4].removeprefix("role/")) if len(parts) == 5 else ("", "")
    account, _, name = role.rpartition("/")
    return account, name


def _names(client: RoleReading, account: str, prefix: str) -> list[str]:
    from rolecall_client.v1 import role_pb2 as r

    request = r.ListRolesRequest(
        account_id=account, page_size=MOST_ROLES, name_prefix=prefix, view=r.RoleView.ROLE_VIEW_BASIC
    )
    return [role.role_name for role in client.list_roles(request).roles]


def _nearest(name: str, known: Collection[str]) -> str:
    from difflib import get_close_matches

    by_folded = {each.lower(): each for each in known}
    close = get_close_matches(name.lower(), by_folded, cutoff=_CUTOFF)
    return by_folded[close[0]] if close else ""
