from __future__ import annotations

import pytest
from hypothesis import given, settings, strategies as st

from rolecall.engine.reverse import sorted_keys
from rolecall.engine.reverse.sorted_keys import SortedKeys

KEYS = [f"{n:02}" for n in range(40)]
keys = st.sampled_from(KEYS)


@pytest.fixture(autouse=True)
def _short_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sorted_keys, "RUN", 2)


@given(st.sets(keys), st.lists(st.tuples(st.booleans(), keys)), keys, st.integers(1, 50))
@settings(max_examples=200, deadline=None)
def test_it_is_a_sorted_set(first: set[str], changes: list[tuple[bool, str]], after: str, limit: int) -> None:
    kept, plain = SortedKeys(sorted(first)), set(first)

    for adds, key in changes:
        changed = kept.add(key) if adds else kept.discard(key)
        assert changed == (adds != (key in plain))
        plain = plain | {key} if adds else plain - {key}

    assert kept.above("", 100) == sorted(plain)
    assert kept.above(after, limit) == [key for key in sorted(plain) if key > after][:limit]
    assert bool(kept) == bool(plain)


def test_keys_that_come_in_order_are_kept_in_runs_of_bounded_length() -> None:
    kept = SortedKeys()

    for key in KEYS:
        kept.add(key)

    assert max(map(len, kept._runs)) <= 4
    assert kept.above("", 100) == KEYS
