from __future__ import annotations

import pytest

from rolecall.storage.memory import MemoryRoleRepository
from tests.storage.contract import RoleRepositoryContract


class TestMemoryRoleRepository(RoleRepositoryContract):
    @pytest.fixture
    def repository(self) -> MemoryRoleRepository:
        return MemoryRoleRepository()
