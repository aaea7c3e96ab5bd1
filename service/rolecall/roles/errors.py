"""The errors about roles. Facts are attributes; `transport/error_status.py` gives each its gRPC status."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


class RoleError(Exception):
    """Base of every error about roles."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldViolation:
    """One field of a request that breaks a rule: its name, a stable reason, a sentence, and RAM's code if it has one.

    If the field is a trust policy, `pointer`, `line` and `column` say which of its elements, as in
    `rolecall.policy.errors.Violation`.
    """

    field: str
    reason: str
    message: str
    ram_code: str = ""
    pointer: str = ""
    line: int = 0
    column: int = 0


class InvalidFieldsError(RoleError):
    """One or more fields of a request break a rule; all of them."""

    def __init__(self, violations: Iterable[FieldViolation]) -> None:
        self.violations = tuple(violations)
        super().__init__("; ".join(f"{v.field}: {v.message}" for v in self.violations))


class RoleNotFoundError(RoleError):
    """The role does not exist. `stored`: no deleted role of that name, and of the id if one is given, is stored either."""

    def __init__(self, role: str, *, stored: bool = False, role_id: str = "", floor: int = 0) -> None:
        self.role = role
        name = f"role `{role}` with the id `{role_id}`" if role_id else f"role `{role}`"
        since = f": history begins after revision {floor}" if floor else ""
        super().__init__(f"no deleted {name} is stored{since}" if stored else f"there is no {name}{since}")


class RoleExistsError(RoleError):
    """The account already has a role of that name; names compare without regard to case."""

    def __init__(self, arn: str) -> None:
        self.arn = arn
        super().__init__(f"role `{arn}` already exists")


class StaleEtagError(RoleError):
    """The caller's etag is not that of the role's newest version."""

    def __init__(self, arn: str, *, given: str, current: str) -> None:
        self.arn, self.given, self.current = arn, given, current
        super().__init__(f"role `{arn}` has changed: etag {given} was given, {current} is current; read the role again")


class RoleLimitError(RoleError):
    """The account has the maximum number of roles."""

    def __init__(self, account_id: str, limit: int) -> None:
        self.account_id, self.limit = account_id, limit
        super().__init__(f"account `{account_id}` has the maximum of {limit} roles")


class IdempotencyMismatchError(RoleError):
    """The request id was used before with another body."""

    def __init__(self, request_id: str) -> None:
        self.request_id = request_id
        super().__init__(f"request id `{request_id}` was used with another body; choose a new one for a new request")


class RevisionNotKeptError(RoleError):
    """The revision is below the floor of the stored history, or is not a revision of this role."""

    def __init__(self, revision: int, *, floor: int, message: str) -> None:
        self.revision, self.floor = revision, floor
        super().__init__(message)


class InvalidTokenError(RoleError):
    """A page or consistency token was not issued by this store for this request."""

    def __init__(self, kind: str, message: str) -> None:
        self.kind = kind
        super().__init__(message)


class UnknownIncarnationError(RoleError):
    """A consistency token comes from another history of the store."""


class StoreUnavailableError(RoleError):
    """The store cannot be reached or cannot write at the moment. The state is unchanged."""


class StoreBusyError(StoreUnavailableError):
    """Another server uses the store file."""


class BrokenHistoryError(StoreUnavailableError):
    """The stored history has a gap, or bytes that do not match their hash: another program changed the store."""


class AlteredRolesError(BrokenHistoryError):
    """The roles of the store are not those that servers wrote: another program changed them."""


class StoreUnsupportedError(RoleError):
    """The store has a schema that this version does not support."""
