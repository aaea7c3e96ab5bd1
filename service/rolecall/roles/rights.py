"""What the author of a write may do with roles. The catalog asks within the transaction of the write.

So a right that depends on the role as it stands is judged on the very state that is changed, and before a repeated request
gets the outcome of the first time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from rolecall.roles.role import Role, RoleRef


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleAccess:
    """One role that a write is about: its name (None: the request names none), and the role as it stands, if it exists.

    `document` is the trust policy that the role has after the write, None if there is none; `tags` are those that the write
    sets.
    """

    ref: RoleRef | None
    before: Role | None = None
    document: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


class WriteRights(Protocol):
    """The rights of one author. Each method raises an error, which the write then raises, if one of them is missing.

    The methods are called on the thread that writes.
    """

    def require_create(self, access: RoleAccess) -> None:
        """Require the right to create a role."""
        ...

    def require_update(self, access: RoleAccess) -> None:
        """Require the right to change a role."""
        ...

    def require_delete(self, access: RoleAccess) -> None:
        """Require the right to delete a role."""
        ...

    def require_apply(self, declared: Sequence[RoleAccess], pruned: Sequence[RoleAccess]) -> frozenset[str]:
        """Require the right to create or to change each declared role, and to delete each pruned one.

        Return the keys of the roles of which the author may not see what changes.
        """
        ...


@dataclass(frozen=True, slots=True)
class WriteScope:
    """In whose name a write is: the name under which its request id is remembered, and the rights of its author."""

    name: str
    rights: WriteRights
