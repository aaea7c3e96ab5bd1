"""The fields of a role that a write can change: all but its name and account."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from rolecall.roles.canonical_json import NO_TAGS
from rolecall.roles.commands import RoleDeclaration
from rolecall.roles.role import DEFAULT_SESSION_SECONDS, Micros, Revision, Role, RoleRef


class Content(NamedTuple):
    """The mutable fields of a role. A write that leaves them equal makes no revision."""

    document: str
    description: str
    max_session_duration_seconds: int
    tags: Mapping[str, str]

    @classmethod
    def of(cls, role: Role) -> Content:
        """Return the content of a role."""
        return cls(role.document, role.description, role.max_session_duration_seconds, role.tags)

    @classmethod
    def declared(cls, declaration: RoleDeclaration) -> Content:
        """Return the content that a declaration describes; a field that it leaves out has its default."""
        seconds = declaration.max_session_duration_seconds or DEFAULT_SESSION_SECONDS
        return cls(declaration.document, declaration.description, seconds, dict(declaration.tags) or NO_TAGS)

    def new_role(self, ref: RoleRef, *, role_id: str, revision: Revision, time: Micros) -> Role:
        """Return a new role with this content."""
        return Role(
            role_id=role_id,
            account_id=ref.account_id,
            role_name=ref.role_name,
            create_time=time,
            update_time=time,
            revision=revision,
            **self._asdict(),
        )

    def onto(self, role: Role, *, revision: Revision, time: Micros) -> Role:
        """Return `role` with this content."""
        return replace(role, revision=revision, update_time=time, **self._asdict())
