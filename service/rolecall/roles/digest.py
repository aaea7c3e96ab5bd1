"""A digest of a whole state that does not depend on the order of its roles.

It is the sum, modulo 2^256, of SHA-256 over the canonical bytes of each role. It detects accidental differences; deliberate
changes are detected by the hash chain of the commits.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from rolecall.roles.canonical_json import role_bytes
from rolecall.roles.role import Role

_MODULUS = 1 << 256


class StateDigest:
    """The digest and the number of the roles that were added."""

    def __init__(self) -> None:
        self._sum = 0
        self.roles = 0

    @property
    def value(self) -> bytes:
        """Return the digest: 32 bytes."""
        return (self._sum % _MODULUS).to_bytes(32, "big")

    def add(self, role: Role) -> None:
        """Add a role."""
        self._sum += int.from_bytes(hashlib.sha256(role_bytes(role)).digest(), "big")
        self.roles += 1


def state_digest(roles: Iterable[Role]) -> bytes:
    """Return the digest of roles in any order, each given once."""
    digest = StateDigest()
    for role in roles:
        digest.add(role)
    return digest.value
