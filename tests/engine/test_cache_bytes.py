"""The bytes of the caches of the decision path: what each entry adds and takes away, and what has to make room."""

from __future__ import annotations

import pytest

from rolecall.engine.cache import (
    CompiledPolicies,
    RequestCache,
)
from rolecall.engine.request import AssumeRoleRequest
from rolecall.engine.snapshot import RoleVersion
from rolecall.engine.weights import answer_bytes, request_bytes
from tests.engine.test_cache import Reader
from tests.engine.world import ACCOUNT, HOUR, NOON, allow, ask, document, point, question, role


@pytest.mark.parametrize(("characters", "cached"), [(2_000, 1), (4_000, 0)])
def test_decisions_are_cached_up_to_a_number_of_bytes(characters: int, cached: int) -> None:
    decider = point(role(document(allow(StringEquals={"k": "v", "l": "w"}))))
    values = {"k": ["\U0001f600" * characters], "l": ["\U0001f601" * characters, "y" * 4_000]}

    for _ in range(2):
        ask(decider, context=values)

    assert (len(decider.cache), decider.cache.hits, decider.cache.misses) == (cached, cached, 2 - cached)


@pytest.mark.parametrize(("over", "cached"), [(0, 1), (1, 0)])
def test_an_entry_of_a_decision_has_at_most_32768_bytes(over: int, cached: int) -> None:
    weights = list[int]()
    for encoded in (0, 32_768 + over):
        # What an entry weighs beside its encoded form is found with an empty one.
        encode = b"e" * (encoded - sum(weights))
        decider = point(role(document(allow())), encode=lambda _, encode=encode: encode)  # type: ignore[misc]
        ask(decider)
        weights.append(decider.cache.bytes)

    assert weights[1] == (32_768 if cached else 0)
    assert len(decider.cache) == cached


def test_evicted_decisions_are_no_longer_weighed() -> None:
    decider = point(role(document(allow())), cache_entries=5)

    for number in range(50):
        ask(decider, f"acs:ram::{ACCOUNT}:user/{'x' * (number % 7)}{number}")

    cache = decider.cache
    assert (len(cache), cache.evictions) == (5, 45)
    assert cache.bytes == sum(weight for _, _, weight in cache._entries.values())


def test_a_decision_that_replaces_another_is_weighed_in_its_place() -> None:
    decider = point(role(document(allow(DateLessThan={"acs:CurrentTime": "2026-01-01T13:00:00Z"}))))
    ask(decider)
    before = decider.cache.bytes

    ask(decider, now=NOON + HOUR)

    cache = decider.cache
    assert (len(cache), cache.evictions, cache.misses) == (1, 0, 2)
    assert cache.bytes == sum(weight for _, _, weight in cache._entries.values()) != before


def versions_with_policies(count: int) -> list[RoleVersion]:
    versions = [RoleVersion(role("{}")) for _ in range(count)]
    for version in versions:
        version.policy = "compiled"  # type: ignore[assignment]
    return versions


@pytest.mark.parametrize(
    ("weights", "left", "weight"),
    [
        ([60, 40], [True, True], 100),
        ([60, 41], [False, True], 41),
        ([60, 40, 1], [False, True, True], 41),
        ([60, 40, 100], [False, False, True], 100),
        ([60, 40, 1_000], [False, False, True], 1_000),
        ([1_000, 1], [False, True], 1),
        ([1, 2, 3, 4], [False, True, True, True], 9),
    ],
)
def test_compiled_policies_are_dropped_oldest_first_until_the_newest_has_room(
    weights: list[int], left: list[bool], weight: int
) -> None:
    policies, versions = CompiledPolicies(3, 100), versions_with_policies(len(weights))

    for version, each in zip(versions, weights, strict=True):
        policies.add(version, each)

    assert [version.policy is not None for version in versions] == left
    assert (len(policies), policies.bytes) == (sum(left), weight)


def test_a_version_that_ends_is_neither_counted_nor_weighed() -> None:
    policies, versions = CompiledPolicies(3, 100), versions_with_policies(3)
    for version in versions:
        policies.add(version, 30)

    versions.pop(1)
    del version
    after = len(policies)
    policies.add(RoleVersion(role("{}")), 40)

    assert after == 2
    assert [each.policy is not None for each in versions] == [True, True]


@pytest.mark.parametrize(("over", "entries"), [(0, 2), (1, 1)])
def test_decisions_fill_the_bytes_of_their_cache_exactly(over: int, entries: int) -> None:
    first = point(role(document(allow())))
    ask(first, f"acs:ram::{ACCOUNT}:user/bobby")
    decider = point(role(document(allow())), cache_bytes=2 * first.cache.bytes - over)

    for name in ("carol", "david"):
        ask(decider, f"acs:ram::{ACCOUNT}:user/{name}")

    assert (len(decider.cache), decider.cache.evictions) == (entries, 2 - entries)
    assert decider.cache.bytes == entries * first.cache.bytes


def weighed(cache: RequestCache) -> int:
    held = (cache._recent, cache._older, *cache._dropped)
    return sum(request.weight for requests in held for request in requests.values())


@pytest.mark.parametrize("generation", [0, 1, 2, 5])
def test_the_bytes_of_requests_are_within_their_limit_after_each_request(generation: int) -> None:
    one = RequestCache(Reader())
    one.get(b"00")
    cache, lengths = RequestCache(Reader(), max_bytes=2 * generation * one.bytes + 1), list[int]()

    for number in range(40):
        cache.get(b"%02d" % (number * 7 % 30))
        lengths.append(len(cache))
        assert cache.bytes == weighed(cache) <= 2 * generation * one.bytes
        if number == 20:
            cache.clear()

    assert max(lengths) == 2 * generation
    assert lengths[-1] > generation or generation == 0


@pytest.mark.parametrize(("length", "left"), [(2, 3), (1_000, 2)])
def test_as_many_of_the_requests_that_were_cleared_are_dropped_as_a_new_one_needs(length: int, left: int) -> None:
    one = RequestCache(Reader())
    one.get(b"00")
    cache = RequestCache(Reader(), max_bytes=4 * one.bytes)
    for query in (b"00", b"01", b"02", b"03"):
        cache.get(query)
    cache.clear()

    cache.get(b"q" * length)

    assert len(cache) == left + 1
    assert cache.bytes == weighed(cache) <= 4 * one.bytes


def test_a_version_that_ends_on_another_thread_just_now_is_dropped_all_the_same() -> None:
    policies, ending, staying = CompiledPolicies(1, 1_000), RoleVersion(role("{}")), RoleVersion(role("{}"))
    policies.add(ending, 10)
    del ending
    policies._ended.clear()  # it ended, but that is not noted yet

    policies.add(staying, 20)

    assert (len(policies), policies.bytes) == (1, 20)


@pytest.mark.parametrize("cleared", [False, True])
@pytest.mark.parametrize(("over", "both"), [(0, True), (1, False)])
def test_the_recent_half_of_the_requests_is_filled_exactly(over: int, both: bool, cleared: bool) -> None:
    one = RequestCache(Reader())
    one.get(b"00")
    cache = RequestCache(Reader(), max_bytes=2 * (2 * one.bytes - over))
    if cleared:
        cache.get(b"before")
        cache.clear()

    for query in (b"00", b"01"):
        cache.get(query)

    assert (cache.recent(b"00") is not None) is both
    assert cache.recent(b"01") is not None


def test_a_request_is_weighed_with_a_kibibyte_for_its_last_answer_and_some_for_rights() -> None:
    cache, query = RequestCache(Reader()), b"query"

    request = cache.get(query)

    assert request.weight == cache.bytes == 1_024 + 384 + request_bytes(query, request)


@pytest.mark.parametrize(("over", "remembered"), [(0, True), (1, False)])
def test_the_last_answer_of_a_request_has_at_most_1024_bytes(over: int, remembered: bool) -> None:
    asked = list[AssumeRoleRequest]()
    plain = point(role(document(allow())))
    weight = answer_bytes(ask(plain))
    decider = point(role(document(allow())), encode=lambda _: b"e" * (1_024 - weight + over))

    for _ in range(2):
        asked.append(question())
        decider.check(asked[-1], NOON)

    # It is found in the cache of decisions in any case.
    assert [request.last_answer is not None for request in asked] == [remembered] * 2
    assert (decider.cache.hits, decider.cache.misses) == (1, 1)


def test_without_an_encoder_an_answer_has_no_encoded_form() -> None:
    decider = point(role(document(allow())))

    assert [ask(decider, name=name).encoded for name in ("app", "app", "none")] == [b""] * 3


def test_a_version_that_was_dropped_and_then_ends_is_weighed_no_more() -> None:
    policies, ending = CompiledPolicies(1, 1_000), RoleVersion(role("{}"))
    policies.add(ending, 10)
    del ending
    ended = [*policies._ended]
    policies._ended.clear()  # it ended, but that is noted only after it was dropped
    kept = versions_with_policies(2)
    policies.add(kept[0], 20)
    policies._ended.extend(ended)

    policies.add(kept[1], 30)

    assert (len(policies), policies.bytes) == (1, 30)


def test_a_request_that_is_found_among_the_older_ones_is_the_same_and_weighed_once() -> None:
    cache = RequestCache(Reader(), max_requests=4)
    first = cache.get(b"0")
    for query in (b"1", b"2"):
        cache.get(query)

    again = cache.get(b"0")

    assert again is first
    assert (len(cache), cache.bytes) == (3, weighed(cache))
