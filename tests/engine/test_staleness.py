from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from rolecall.engine.consistency import Consistency
from rolecall.engine.errors import StaleStateError
from rolecall.engine.follower import Follower
from rolecall.engine.snapshot import Snapshot
from rolecall.roles.tokens import Tokens
from rolecall.storage.memory import MemoryRoleRepository


def made(age: int, limit: float) -> Consistency:
    repository = MemoryRoleRepository()
    follower: Any = Follower(repository, Snapshot(), ThreadPoolExecutor(1))
    assert follower.staleness() == 0
    follower.staleness = lambda: age
    return Consistency(follower, Tokens(repository.token_key, "one"), max_staleness_seconds=limit)


@pytest.mark.parametrize(("age", "limit"), [(0, 0), (1_000_000, 1), (1, 0.000_001)])
def test_a_state_answers_up_to_the_limit(age: int, limit: float) -> None:
    assert made(age, limit).staleness() == age


@pytest.mark.parametrize(("age", "limit"), [(1, 0), (1_000_001, 1)])
def test_a_state_that_is_older_answers_nothing(age: int, limit: float) -> None:
    with pytest.raises(StaleStateError) as caught:
        made(age, limit).staleness()

    assert (caught.value.age_seconds, caught.value.limit_seconds) == (age / 1_000_000, limit)
