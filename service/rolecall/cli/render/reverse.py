"""Print the answers to reverse queries: whom a role trusts, and which roles a principal can assume."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from rolecall.cli.text.terminal import add_row, console, table
from rolecall_client.v1 import decision_pb2 as pb

_OUTCOMES = {pb.ASSUMABILITY_ALLOW: ("ALLOW", "green"), pb.ASSUMABILITY_CONDITIONAL: ("CONDITIONAL", "yellow")}


def show_grants(grants: Iterable[pb.TrustGrant]) -> None:
    """Print one line for each principal of each statement, with Deny in red."""
    rows = table("WHO", "TYPE", "EFFECT", "CONDITIONS", "STATEMENT")
    for grant in grants:
        conditions = " and ".join(grant.conditions) or "none"
        cells = (grant.principal_pattern, grant.type, grant.effect, conditions, grant.statement_pointer)
        add_row(rows, cells, "red" if grant.effect == "Deny" else "")
    if rows.row_count:
        console(sys.stdout).print(rows)
    else:
        console(sys.stderr).print("the trust policy names no principal", style="dim")


def show_assumable(roles: Iterable[pb.AssumableRole]) -> None:
    """Print one line for each role, with the missing condition keys that the decision depends on."""
    rows = table("ROLE", "OUTCOME", "DEPENDS ON")
    for role in roles:
        outcome, style = _OUTCOMES.get(role.outcome, ("UNSPECIFIED", ""))
        add_row(rows, (role.role_arn, outcome, ", ".join(role.missing_keys)), style)
    if rows.row_count:
        console(sys.stdout).print(rows)
    else:
        console(sys.stderr).print("no roles", style="dim")
