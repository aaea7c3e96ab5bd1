"""The kinds of policy documents, and how a document shows of which kind it is."""

from __future__ import annotations

from enum import StrEnum


class PolicyKind(StrEnum):
    """`TRUST` says who may assume a role, `PERMISSION` what a principal may do, `SESSION` what one session may do."""

    TRUST = "trust-policy"
    PERMISSION = "permission-policy"
    SESSION = "session-policy"


_TRUST_NAMES = frozenset({"Principal", "NotPrincipal"})
_PERMISSION_NAMES = frozenset({"Resource", "NotResource", "NotAction"})


def kind_of_policy(value: object) -> PolicyKind | None:
    """Return the kind of a document, decoded JSON; None if its statements may be of both kinds.

    A statement with principals is of a trust policy, one without them and with resources of a permission policy. A value without
    statements counts as a trust policy. A session policy is written like a permission policy.
    """
    statements = value.get("Statement") if isinstance(value, dict) else None
    found = [s for s in (statements if isinstance(statements, list) else [statements]) if isinstance(s, dict) and s]
    names = frozenset[str]().union(*found)
    if not found or names & _TRUST_NAMES:
        return PolicyKind.TRUST
    return PolicyKind.PERMISSION if names & _PERMISSION_NAMES else None
