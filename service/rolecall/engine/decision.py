"""Decisions: data also when the answer is no."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from rolecall.policy.compiler import StatementName
from rolecall.roles.role import Role


class Reason(StrEnum):
    """Why a decision is what it is."""

    ALLOW = "ALLOW"
    EXPLICIT_DENY = "EXPLICIT_DENY"
    IMPLICIT_DENY = "IMPLICIT_DENY"
    ROLE_NOT_FOUND = "ROLE_NOT_FOUND"
    ROOT_NOT_ALLOWED = "ROOT_NOT_ALLOWED"


class Side(StrEnum):
    """What one side said: the role's trust policy, or the caller's own policies."""

    ALLOW = "ALLOW"
    EXPLICIT_DENY = "EXPLICIT_DENY"
    IMPLICIT_DENY = "IMPLICIT_DENY"
    NOT_EVALUATED = "NOT_EVALUATED"


class ServedFrom(StrEnum):
    """Where an answer comes from."""

    EVALUATED = "EVALUATED"
    CACHED = "CACHED"
    RESTORED = "RESTORED"


@dataclass(slots=True, eq=False, kw_only=True)
class Decision:
    """What is true of a question for as long as [valid_from, valid_until) in microseconds, and for this version of the role.

    Of the policy it keeps names and keys alone: compiled forms are bounded apart, and a remembered decision must not keep one.
    Shared by all who ask it, so never changed; `encoded` alone is a place for one adapter to keep what it made of it.
    """

    reason: Reason
    trust_side: Side
    role: Role | None
    determining: tuple[StatementName, ...] = ()
    missing_keys: tuple[str, ...] = ()
    vary_keys: tuple[str, ...] = ()
    valid_from: int | None = None
    valid_until: int | None = None
    identity_side: Side = Side.NOT_EVALUATED
    encoded: bytes | None = field(default=None, repr=False)

    @property
    def allowed(self) -> bool:
        """Tell whether the answer is yes."""
        return self.reason is Reason.ALLOW


class Answer(NamedTuple):
    """A decision, and where it comes from."""

    decision: Decision
    served_from: ServedFrom

    def stands_at(self, now: int) -> bool:
        """Tell whether the decision is true at the time `now`."""
        since, until = self.decision.valid_from, self.decision.valid_until
        return (until is None or now < until) and (since is None or now >= since)
