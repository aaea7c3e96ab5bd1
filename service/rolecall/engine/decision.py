"""Decisions are data, also when the answer is no."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from rolecall.policy.compiler import StatementName
from rolecall.roles.role import Revision, Role, RoleRef


class Reason(StrEnum):
    """Why a request is allowed or denied."""

    ALLOW = "ALLOW"
    EXPLICIT_DENY = "EXPLICIT_DENY"
    IMPLICIT_DENY = "IMPLICIT_DENY"
    ROLE_NOT_FOUND = "ROLE_NOT_FOUND"
    ROOT_NOT_ALLOWED = "ROOT_NOT_ALLOWED"


class Side(StrEnum):
    """The outcome of one side: of the role's trust policy, or of the principal's own policies."""

    ALLOW = "ALLOW"
    EXPLICIT_DENY = "EXPLICIT_DENY"
    IMPLICIT_DENY = "IMPLICIT_DENY"
    NOT_EVALUATED = "NOT_EVALUATED"


class ServedFrom(StrEnum):
    """How an answer was obtained."""

    EVALUATED = "EVALUATED"
    CACHED = "CACHED"
    RESTORED = "RESTORED"


@dataclass(slots=True, eq=False, kw_only=True)
class DecidedRole:
    """The facts about one version of a role that answers and the decision log contain; equal only to itself.

    It represents the version in cached answers, which must not keep a replaced document or compiled policy in memory.
    """

    role_id: str
    account_id: str
    role_name: str
    revision: Revision
    max_session_duration_seconds: int

    @classmethod
    def of(cls, role: Role) -> DecidedRole:
        """Return the facts about a version of a role."""
        return cls(
            role_id=role.role_id,
            account_id=role.account_id,
            role_name=role.role_name,
            revision=role.revision,
            max_session_duration_seconds=role.max_session_duration_seconds,
        )

    @property
    def arn(self) -> str:
        """Return `acs:ram::ACCOUNT:role/NAME`."""
        return RoleRef(self.account_id, self.role_name).arn


@dataclass(slots=True, eq=False, kw_only=True)
class Decision:
    """The decision on a request by one version of a role. It holds in [valid_from, valid_until), in microseconds.

    `role` represents that version; None: there is no such role.
    """

    # Not frozen, since setting frozen fields would double what making one costs; it is shared, so nothing may change it.
    # Of the role and its policy it has names and keys only: what a cached decision keeps in memory is weighed with it.

    reason: Reason
    trust_side: Side
    role: DecidedRole | None
    determining: tuple[StatementName, ...] = ()
    missing_keys: tuple[str, ...] = ()
    vary_keys: tuple[str, ...] = ()
    valid_from: int | None = None
    valid_until: int | None = None
    identity_side: Side = Side.NOT_EVALUATED

    @property
    def is_lasting(self) -> bool:
        """Return whether the decision holds whatever the time is."""
        return self.valid_from is None and self.valid_until is None

    @property
    def allowed(self) -> bool:
        """Return whether the answer is yes."""
        return self.reason is Reason.ALLOW


class Answer(NamedTuple):
    """A decision, how it was obtained, and its encoded form where the decision point was given an encoder (else empty)."""

    decision: Decision
    served_from: ServedFrom
    encoded: bytes = b""

    def holds_at(self, now: int) -> bool:
        """Return whether the decision holds at the time `now`."""
        since, until = self.decision.valid_from, self.decision.valid_until
        return (until is None or now < until) and (since is None or now >= since)
