"""The stores of roles: adapters of the port `rolecall.roles.repository`."""

from __future__ import annotations

from rolecall.storage.memory import MemoryRoleRepository
from rolecall.storage.open import migrate, open_repository, schema_of

__all__ = ["MemoryRoleRepository", "migrate", "open_repository", "schema_of"]
