from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from rolecall.engine.reverse import sorted_keys
from rolecall.engine.reverse.sorted_keys import SortedKeys

KEYS = [f"{n:02}" for n in range(40)]
keys = st.sampled_from(KEYS)


@pytest.fixture
def short_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sorted_keys, "RUN", 2)


@pytest.mark.usefixtures("short_runs")
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


@pytest.mark.usefixtures("short_runs")
def test_keys_that_come_in_order_are_kept_in_runs_of_bounded_length() -> None:
    kept = SortedKeys()

    for key in KEYS:
        kept.add(key)

    assert max(map(len, kept._runs)) <= 4
    assert kept.above("", 100) == KEYS


@pytest.mark.usefixtures("short_runs")
def test_the_first_keys_are_as_many_as_asked_for_and_later_runs_are_not_read() -> None:
    class Unread(list[str]):
        def __getitem__(self, place: Any) -> Any:
            assert not isinstance(place, slice)
            return super().__getitem__(place)

    kept, limited = SortedKeys(KEYS), SortedKeys(KEYS)
    limited._runs[2:] = map(Unread, limited._runs[2:])

    assert [kept.above("", limit) for limit in range(41)] == [KEYS[:limit] for limit in range(41)]
    assert [limited.above("00", limit) for limit in (2, 3)] == [KEYS[1:3], KEYS[1:4]]


def test_a_run_has_512_keys_and_is_split_when_it_has_more_than_twice_as_many() -> None:
    many = [f"{n:05}" for n in range(1_500)]

    kept, grown = SortedKeys(many), SortedKeys(many[:1])
    lengths = list[list[int]]()
    for key in many[1:1_025]:
        grown.add(key)
        lengths.append([len(run) for run in grown._runs])

    assert [len(run) for run in kept._runs] == [512, 512, 476]
    assert lengths[-2:] == [[1_024], [512, 513]]
