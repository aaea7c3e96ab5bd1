"""One number for a whole state, whatever the order in which its roles come.

It is the sum, modulo 2^256, of SHA-256 over the canonical bytes of each role: it finds what went wrong by accident. What somebody
altered on purpose is found by the chain of commits.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from rolecall.roles.canonical_json import role_bytes
from rolecall.roles.role import Role

_MODULUS = 1 << 256


class StateDigest:
    """The digest of the roles that were added, and how many they are."""

    def __init__(self) -> None:
        self._sum = 0
        self.roles = 0

    @property
    def value(self) -> bytes:
        """Return the digest: 32 bytes."""
        return (self._sum % _MODULUS).to_bytes(32, "big")

    def add(self, role: Role) -> None:
        """Count a role in."""
        self._sum += int.from_bytes(hashlib.sha256(role_bytes(role)).digest(), "big")
        self.roles += 1


def state_digest(roles: Iterable[Role]) -> bytes:
    """Return the digest of these roles, in whatever order; each is given once."""
    digest = StateDigest()
    for role in roles:
        digest.add(role)
    return digest.value
