"""Where roles are kept: adapters of the port `rolecall.roles.repository`."""

from __future__ import annotations

from rolecall.storage.memory import MemoryRoleRepository
from rolecall.storage.opening import open_repository

__all__ = ["MemoryRoleRepository", "open_repository"]
