"""A digest of a whole state that does not depend on the order of its roles.

It is the sum, modulo 2^256, of SHA-256 over each role as it is stored. A write brings it forward: minus the roles that it replaces,
plus those that it stores. It has no key: who can write to the store can also write a digest that matches other roles. The log, and
a hash of it that is recorded elsewhere, detect that.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

from rolecall.roles.canonical_json import tags_text
from rolecall.roles.role import Role

DIGEST_BYTES = 32
EMPTY_DIGEST = bytes(DIGEST_BYTES)
"""The digest of a state without roles."""

StoredRole: TypeAlias = Sequence[Any]
"""The values of a role in the order of the columns of table `roles`; a store that was altered may have values of any type."""

_MODULUS = 1 << 8 * DIGEST_BYTES


def stored_role(role: Role) -> StoredRole:
    """Return a role as it is stored."""
    return (
        role.key,
        role.account_id,
        role.role_name,
        role.role_id,
        role.document,
        role.description,
        role.max_session_duration_seconds,
        tags_text(role.tags) if role.tags else "{}",
        role.create_time,
        role.update_time,
        role.revision,
    )


class StateDigest:
    """The digest and the number of the roles that were added and not removed, starting from the `value` of `roles` roles."""

    def __init__(self, value: bytes = EMPTY_DIGEST, roles: int = 0) -> None:
        self._sum, self.roles = int.from_bytes(value, "big"), roles

    @property
    def value(self) -> bytes:
        """Return the digest: 32 bytes."""
        return (self._sum % _MODULUS).to_bytes(DIGEST_BYTES, "big")

    def add(self, role: Role) -> None:
        """Add a role."""
        self.add_stored([stored_role(role)])

    def remove(self, role: Role) -> None:
        """Remove a role that was added."""
        self.remove_stored([stored_role(role)])

    def add_stored(self, rows: Sequence[StoredRole]) -> None:
        """Add roles as they are stored; raise `TypeError` if a value that must be text is not."""
        self._sum += _sum(rows)
        self.roles += len(rows)

    def remove_stored(self, rows: Sequence[StoredRole]) -> None:
        """Remove roles that were added; raise as `add_stored` does."""
        self._sum -= _sum(rows)
        self.roles -= len(rows)


def state_digest(roles: Iterable[Role]) -> bytes:
    """Return the digest of roles in any order, each given once."""
    digest = StateDigest()
    for role in roles:
        digest.add(role)
    return digest.value


def _sum(rows: Iterable[StoredRole]) -> int:
    # One loop without calls of our own: a load runs it for a million roles.
    total, sha256, number = 0, hashlib.sha256, int.from_bytes
    for key, account, name, role_id, document, description, seconds, tags, created, updated, revision in rows:
        # The lengths make it unambiguous where each text ends, and `!r` shows what is not a number.
        numbers = (
            f"{seconds!r} {created!r} {updated!r} {revision!r} {len(key)} {len(account)} {len(name)} {len(role_id)}"
            f" {len(document)} {len(description)} "
        )
        # Not an f-string: `join` accepts text only.
        texts = "".join((key, account, name, role_id, document, description, tags))  # noqa: FLY002
        total += number(sha256((numbers + texts).encode()).digest(), "big")
    return total
