"""Roles as values."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, NewType

Revision = NewType("Revision", int)
"""The global number of a committed write: 1, 2, 3, … without gap. 0 is the empty store."""

Micros = NewType("Micros", int)
"""A time: microseconds since 1970-01-01T00:00:00Z."""

DEFAULT_SESSION_SECONDS = 3_600


class RoleRef(NamedTuple):
    """The account and the name of a role, in the case that was given."""

    account_id: str
    role_name: str

    @property
    def key(self) -> str:
        """Return the key of the role in a store: names compare without regard to case."""
        return f"{self.account_id}/{self.role_name.lower()}"

    @property
    def arn(self) -> str:
        """Return `acs:ram::ACCOUNT:role/NAME`."""
        return f"acs:ram::{self.account_id}:role/{self.role_name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """One version of a role.

    `document` is the trust policy, exactly as submitted. `tags` is read only. `revision` is that of the last change.
    """

    role_id: str
    account_id: str
    role_name: str
    document: str
    create_time: Micros
    update_time: Micros
    revision: Revision
    description: str = ""
    max_session_duration_seconds: int = DEFAULT_SESSION_SECONDS
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def ref(self) -> RoleRef:
        """Return the name of the role."""
        return RoleRef(self.account_id, self.role_name)

    @property
    def key(self) -> str:
        """Return the key of the role in a store."""
        return f"{self.account_id}/{self.role_name.lower()}"

    @property
    def arn(self) -> str:
        """Return `acs:ram::ACCOUNT:role/NAME`."""
        return self.ref.arn

    @property
    def etag(self) -> str:
        """Return the version of the role, quoted: its revision, and a digest that differs between restored histories."""
        digest = hashlib.sha256(f"{self.role_id} {self.update_time} {self.document}".encode()).hexdigest()[:12]
        return f'"{self.revision}-{digest}"'
