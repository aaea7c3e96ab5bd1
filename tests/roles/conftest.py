from __future__ import annotations

import pytest

from rolecall.roles.catalog import RoleCatalog
from rolecall.storage.memory import MemoryRoleRepository
from tests.roles.policies import catalog_of


@pytest.fixture
def repository() -> MemoryRoleRepository:
    return MemoryRoleRepository()


@pytest.fixture
def catalog(repository: MemoryRoleRepository) -> RoleCatalog:
    return catalog_of(repository)
