"""The caches of the decision path: what they store, and their limits."""

from __future__ import annotations

from pathlib import Path

import pytest

from rolecall.engine.cache import (
    MAX_DECISION_BYTES,
    MAX_QUERY_BYTES,
    MAX_REQUESTS,
    RequestCache,
)
from rolecall.engine.decision import ServedFrom
from rolecall.engine.decision_point import DecisionOptions
from rolecall.engine.request import AssumeRoleRequest
from rolecall.engine.snapshot import RoleVersion
from tests.engine.world import ACCOUNT, HOUR, NOON, allow, ask, document, point, question, role

SHORT, LONG = b"q" * 1_024, b"q" * 1_025


class Reader:
    """Reads queries, and counts how often it reads each."""

    def __init__(self) -> None:
        self.read: list[bytes] = []

    def __call__(self, query: bytes) -> AssumeRoleRequest:
        if query == b"malformed":
            raise ValueError("malformed")
        self.read.append(query)
        return question()


@pytest.mark.parametrize(("query", "reads"), [(SHORT, 1), (LONG, 2)])
def test_a_query_is_read_once_unless_it_is_long(query: bytes, reads: int) -> None:
    reader = Reader()
    cache = RequestCache(reader)

    requests = [cache.get(query) for _ in range(2)]

    assert (requests[0] is requests[1], len(reader.read), len(cache)) == (reads == 1, reads, 2 - reads)


def test_a_query_that_cannot_be_read_is_not_cached() -> None:
    cache = RequestCache(Reader())

    for _ in range(2):
        with pytest.raises(ValueError, match="malformed"):
            cache.get(b"malformed")

    assert len(cache) == 0


def test_the_limit_is_reached_and_never_exceeded() -> None:
    cache, sizes = RequestCache(Reader(), max_requests=10), list[int]()

    for number in range(100):
        cache.get(b"%d" % number)
        sizes.append(len(cache))

    assert sizes == [*range(1, 11), *[10] * 90]


@pytest.mark.parametrize("count", range(1, 30))
def test_the_more_recent_half_is_never_dropped(count: int) -> None:
    reader = Reader()
    cache = RequestCache(reader, max_requests=10)
    for number in range(count):
        cache.get(b"%d" % number)

    for number in range(max(0, count - 5), count):
        cache.get(b"%d" % number)

    assert len(reader.read) == count


def test_a_query_that_recurs_stays_while_others_pass() -> None:
    reader = Reader()
    cache = RequestCache(reader, max_requests=10)

    for number in range(100):
        cache.get(b"recurs")
        cache.get(b"%d" % number)

    assert reader.read.count(b"recurs") == 1


def test_a_query_that_does_not_recur_is_dropped() -> None:
    reader = Reader()
    cache = RequestCache(reader, max_requests=10)
    for number in range(30):
        cache.get(b"%d" % number)

    cache.get(b"0")

    assert reader.read.count(b"0") == 2


def test_a_cache_that_is_cleared_finds_nothing_again_and_stays_within_its_limit() -> None:
    reader = Reader()
    cache, sizes = RequestCache(reader, max_requests=10), list[int]()
    for number in range(4):
        cache.get(b"%d" % number)

    cache.clear()

    for number in range(50):
        cache.get(b"%d" % (number % 4))
        sizes.append(len(cache))
    assert [reader.read.count(b"%d" % number) for number in range(4)] == [2] * 4
    assert (sizes[0], sizes[-1], max(sizes)) == (4, 4, 4)
    held = {**cache._recent, **cache._older}
    assert cache.bytes == sum(request.weight for request in held.values())


def test_the_answers_of_a_batch_that_are_remembered_are_hits() -> None:
    decider = point(role(document(allow())))
    asked = [question(f"acs:ram::{ACCOUNT}:user/{name}") for name in "abc"]
    versions = [decider.snapshot.version(request.role_key) for request in asked]
    answers = [decider.check(request, NOON) for request in asked]
    decided = dict(decider.decided)

    found = decider.remembered(asked, versions, NOON)

    assert found is not None
    assert [answer.decision for answer in found] == [answer.decision for answer in answers]
    assert (decider.cache.hits, decider.cache.misses) == (3, 3)
    changed = {key: count - decided[key] for key, count in decider.decided.items() if count != decided[key]}
    assert sum(changed.values()) == 3
    assert {served for _, served in changed} == {ServedFrom.CACHED}


@pytest.mark.parametrize("unknown", ["role", "answer", "version"])
def test_a_batch_of_which_one_answer_is_not_remembered_is_no_hit(unknown: str) -> None:
    decider = point(role(document(allow())))
    asked = [question(), question(f"acs:ram::{ACCOUNT}:user/bob")]
    versions: list[RoleVersion | None] = [decider.snapshot.version(request.role_key) for request in asked]
    for request in asked[: 1 if unknown == "answer" else 2]:
        decider.check(request, NOON)
    if unknown != "answer":
        versions[1] = None if unknown == "role" else RoleVersion(role(document(allow())))

    hits, decided = decider.cache.hits, dict(decider.decided)

    assert decider.remembered(asked, versions, NOON) is None
    assert (decider.cache.hits, decider.decided) == (hits, decided)


def test_a_request_object_that_is_not_cached_has_no_last_answer() -> None:
    decider = point(role(document(allow())), cache_entries=0)
    asked = question()

    answers = [decider.check(asked, NOON).served_from for _ in range(2)]

    assert answers == [ServedFrom.EVALUATED] * 2
    assert (asked.last_answer, decider.cache.hits, decider.cache.misses) == (None, 0, 2)


def test_a_request_object_is_answered_again_only_inside_the_interval_of_its_answer() -> None:
    decider = point(role(document(allow(DateLessThan={"acs:CurrentTime": "2026-01-01T13:00:00Z"}))))
    asked = question()

    answers = [decider.check(asked, NOON + step) for step in (0, HOUR - 1, HOUR + 1, HOUR, HOUR - 1)]

    assert [answer.decision.allowed for answer in answers] == [True, True, False, False, True]
    assert [answer.served_from.value for answer in answers] == [
        "EVALUATED", "CACHED", "EVALUATED", "CACHED", "EVALUATED",
    ]  # fmt: skip


def test_a_request_object_takes_over_the_answer_of_an_equal_one() -> None:
    decider = point(role(document(allow())))
    first, second = question(), question()

    decider.check(first, NOON)
    answer = decider.check(second, NOON)

    assert second.last_answer is first.last_answer is answer


def test_hits_and_misses_are_counted_once_for_each_decision() -> None:
    decider = point(role(document(allow())))
    asked = question()

    for _ in range(3):
        decider.check(asked, NOON)
    decider.check(question(), NOON)

    assert (decider.cache.hits, decider.cache.misses) == (3, 1)


def test_an_answer_is_encoded_once_when_it_is_made() -> None:
    encoded: list[bool] = []

    def encode(decision: object) -> bytes:
        encoded.append(True)
        return b"encoded %d" % len(encoded)

    decider = point(role(document(allow())), encode=encode)
    made_at_the_start = len(encoded)
    asked = question()

    answers = [decider.check(each, NOON) for each in (asked, asked, question())]
    unknown = [ask(decider, name="none").encoded for _ in range(2)]

    assert {answer.encoded for answer in answers} == {b"encoded 2"}
    assert unknown == [b"encoded 1"] * 2
    assert (made_at_the_start, len(encoded)) == (1, 2)
    decider.snapshot.restored = True
    assert decider.check(asked, NOON) == (answers[0].decision, ServedFrom.RESTORED, b"encoded 2")


def test_a_root_is_answered_with_an_encoded_form_of_its_own_role() -> None:
    decider = point(
        role(document(allow())), encode=lambda decision: decision.role.arn.encode() if decision.role else b""
    )

    answer = ask(decider, f"acs:ram::{ACCOUNT}:root")

    assert answer.encoded == f"acs:ram::{ACCOUNT}:role/app".encode()


def test_the_limits_of_the_code_are_those_of_the_documentation() -> None:
    cache = RequestCache(Reader())
    page = (Path(__file__).parents[2] / "docs/caching.md").read_text()
    options = DecisionOptions()
    decider = point(role(document(allow())))
    ask(decider)

    assert (2 * cache._generation_size, 2 * cache._generation_bytes) == (MAX_REQUESTS, 48 << 20)
    assert (decider.cache._max_bytes, decider.compiled._max_bytes) == (64 << 20, 64 << 20)
    assert "`--cache-bytes` (64 MiB)" in page
    assert "`--compiled-policy-bytes` (64 MiB)" in page
    assert "`--request-cache-bytes` (48 MiB)" in page
    assert f"{MAX_REQUESTS:,} queries of at most {MAX_QUERY_BYTES:,} bytes" in page
    assert f"of at most {MAX_DECISION_BYTES:,} bytes" in page
    assert f"`--cache-entries` ({options.cache_entries:,})" in page
    assert f"`--compiled-policies` ({options.compiled_policies:,})" in page
