"""The commands of the catalog. Names of roles and accounts are text as the caller wrote it.

`role` is an ARN, `ACCOUNT/NAME` or `NAME`; `account_id` an id, an alias, or empty for the default account.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from rolecall.roles.change import ChangeKind, Commit
from rolecall.roles.role import Revision

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleDeclaration:
    """The desired state of a role. `max_session_duration_seconds` 0 means the default; no other field has such a value."""

    role_name: str
    document: str
    account_id: str = ""
    description: str = ""
    max_session_duration_seconds: int = 0
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateRole(RoleDeclaration):
    """Create a role as declared."""

    validate_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateRole:
    """Change the fields that are not None. To reset a field, give its default itself (3,600 seconds, not 0)."""

    role: str
    document: str | None = None
    description: str | None = None
    max_session_duration_seconds: int | None = None
    tags: Mapping[str, str] | None = None
    etag: str = ""
    validate_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteRole:
    """Delete a role."""

    role: str
    etag: str = ""
    validate_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class UndeleteRole:
    """Restore a deleted role as it was when it was deleted. Without a `role_id`, that of the name that was deleted last."""

    role: str
    role_id: str = ""
    validate_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackRole:
    """Restore every mutable field of a role as it was at one of its revisions."""

    role: str
    revision: int
    etag: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyRoles:
    """Make the roles match their declarations in one write.

    `prune_tags` selects the roles that are deleted when they are not declared: those of `prune_accounts` that carry all of
    these tags. None selects nothing. Without accounts they are those of the declarations, or else the default account.
    """

    declarations: tuple[RoleDeclaration, ...]
    prune_tags: Mapping[str, str] | None = None
    prune_accounts: tuple[str, ...] = ()
    validate_only: bool = False


Command = CreateRole | UpdateRole | DeleteRole | UndeleteRole | RollbackRole | ApplyRoles
"""Everything that the catalog writes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleDifference:
    """The change that an apply made to one role. `diff` is a unified diff of its fields, empty when nothing changed."""

    kind: ChangeKind
    role_arn: str
    diff: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Written(Generic[T]):
    """The result of a write.

    `revision` is the revision of the write, or of the state that it found when it changed nothing; a replay has the result and
    the revision of the first time. `commit` is to be applied to the followed state; None when nothing was written now.
    """

    result: T
    revision: Revision
    commit: Commit | None = None
    replayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """A page of a list. `next_page_token` is empty on the last page; the items are at least as fresh as `revision`."""

    items: tuple[T, ...]
    next_page_token: str
    revision: Revision
