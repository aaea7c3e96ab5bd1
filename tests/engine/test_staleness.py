from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from rolecall.engine.consistency import Consistency
from rolecall.engine.errors import StaleStateError
from rolecall.engine.follower import Follower
from rolecall.engine.snapshot import Snapshot
from rolecall.roles.role import Revision
from rolecall.roles.tokens import Tokens
from rolecall.storage.memory import MemoryRoleRepository


def made(age: int, limit: float | None = None) -> Consistency:
    repository = MemoryRoleRepository()
    follower: Any = Follower(repository, Snapshot(), ThreadPoolExecutor(1))
    assert follower.staleness() == 0
    limits = {} if limit is None else {"max_staleness_seconds": limit}
    follower.staleness = lambda: age
    return Consistency(follower, Tokens(repository.token_key, "one"), **limits)


@pytest.mark.parametrize(("age", "limit"), [(0, 0), (1_000_000, 1), (1, 0.000_001)])
def test_a_state_answers_up_to_the_limit(age: int, limit: float) -> None:
    assert made(age, limit).staleness() == age


def test_without_another_limit_a_state_answers_for_five_minutes() -> None:
    consistency = made(300_000_000)

    assert consistency.staleness() == 300_000_000
    with pytest.raises(StaleStateError) as caught:
        made(300_000_001).staleness()
    assert caught.value.limit_seconds == 300


def test_a_state_that_becomes_too_old_while_it_is_used_answers_nothing_more() -> None:
    consistency = made(1_000_000, 2)
    now = [7_000_000]
    consistency._follower.clock = lambda: now[0]
    age = consistency.age()

    now[0] += 1_000_000
    at_the_limit = age.staleness()
    now[0] += 1

    assert (age.at_first, at_the_limit) == (1_000_000, 2_000_000)
    with pytest.raises(StaleStateError):
        age.staleness()


@pytest.mark.parametrize(("age", "limit"), [(1, 0), (1_000_001, 1)])
def test_a_state_that_is_older_answers_nothing(age: int, limit: float) -> None:
    with pytest.raises(StaleStateError) as caught:
        made(age, limit).staleness()

    assert (caught.value.age_seconds, caught.value.limit_seconds) == (age / 1_000_000, limit)


def test_the_token_of_a_state_without_a_history_is_that_of_its_revision() -> None:
    consistency = made(0)

    assert consistency.token() == consistency._tokens.consistency(Revision(0)) != ""
