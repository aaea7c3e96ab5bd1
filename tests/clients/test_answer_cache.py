"""What a client returns from its cache, and what it does not."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from random import Random

import pytest

from rolecall_client import AnswerCacheOptions, RolecallError, answer_cache, query
from rolecall_client.answer_keys import exact_key
from rolecall_client.v1 import decision_pb2 as d, watch_pb2 as w
from tests.clients.answers import ROLE, Cached, answer, change, checkpoint, simple
from tests.clients.test_client import ALICE, BOB


@pytest.fixture
def cached() -> Cached:
    """Return a cache that a watch feeds."""
    cached = Cached()
    cached.watch()
    return cached


def test_an_answer_is_returned_as_a_copy_that_says_it_is_cached(cached: Cached) -> None:
    cached.put(answer(decision_id="d-7"))
    cached.clock.now += 2

    found = cached.find()
    assert found is not None
    found.decision.allowed = False
    second = cached.find()

    assert second is not None
    assert second.decision.allowed
    assert second.decision.served_from == d.SERVED_FROM_CACHED
    assert (second.decision.decision_id, second.consistency_token) == ("d-7", "token-5")


def test_an_answer_of_a_restored_state_still_says_so(cached: Cached) -> None:
    restored = answer()
    restored.decision.served_from = d.SERVED_FROM_RESTORED

    cached.put(restored)
    found = cached.find()

    assert found is not None
    assert found.decision.served_from == d.SERVED_FROM_RESTORED


def test_the_staleness_is_an_upper_bound_of_the_age() -> None:
    unwatched = Cached()
    unwatched.put(answer(staleness=1.5))
    unwatched.clock.now += 2

    found = unwatched.find()

    assert found is not None
    assert 3_500 <= found.decision.staleness.ToMilliseconds() <= 3_510


def test_the_staleness_of_a_watched_answer_is_that_of_the_followed_state(cached: Cached) -> None:
    cached.put(answer())
    cached.clock.now += 30
    cached.cache.checkpoint(checkpoint(9, stream_age=29, staleness=0.5), cached.clock.now - 30)

    found = cached.find()

    # 1 second since the checkpoint, its staleness, and the drift of two clocks in 30 seconds.
    assert found is not None
    assert 1_506 <= found.decision.staleness.ToMilliseconds() <= 1_516


def test_what_remains_of_the_validity_is_reduced_and_then_the_server_is_asked(cached: Cached) -> None:
    cached.put(answer(valid_for=8))
    cached.clock.now += 5
    found = cached.find()
    cached.clock.now += 2.99
    late = cached.find()
    cached.clock.now += 0.01

    assert found is not None
    assert late is not None
    assert 2_980 <= found.decision.valid_for.ToMilliseconds() <= 3_000
    assert 0 <= late.decision.valid_for.ToMilliseconds() <= 10
    assert not cached.found()


def test_an_answer_ends_early_by_the_drift_of_two_clocks(cached: Cached) -> None:
    cached.put(answer(valid_for=9))
    cached.clock.now += 8.998
    before = cached.found()
    cached.clock.now += 0.001

    assert before
    assert not cached.found()


def test_a_young_answer_is_no_older_because_the_followed_state_is() -> None:
    cached = Cached()
    cached.watch(staleness=8)
    cached.put(answer())

    found = cached.find()

    assert found is not None
    assert found.decision.staleness.ToMilliseconds() <= 10


def test_an_end_that_only_the_clock_of_the_server_knows_is_not_trusted(cached: Cached) -> None:
    old = answer(valid_for=20)
    old.decision.ClearField("valid_for")

    cached.put(old)

    assert not cached.found()


def test_another_query_is_not_answered(cached: Cached) -> None:
    cached.put(answer(), simple())

    others = [
        query(BOB, ROLE),
        query(ALICE, "deploy"),
        query(ALICE, ROLE, duration_seconds=900),
        query(ALICE, ROLE, role_session_name="s1"),
        query(ALICE, ROLE, external_id="e1"),
        query(ALICE, ROLE, source_identity="i1"),
        query(ALICE, ROLE, context={"acs:SourceIp": "10.0.0.1"}),
    ]

    assert not any(cached.found(other) for other in others)
    assert cached.found(simple())


# ---- what a policy does not read ----------------------------------------------------------------------------------------

BASE = {"acs:SourceIp": "10.0.0.1", "trace": "abcdef", "acs:MFAPresent": "true"}


def asked(**changed: str | list[str] | None) -> d.AssumeRoleQuery:
    context = {**BASE, **{key.replace("_", ":"): value for key, value in changed.items()}}
    return query(ALICE, ROLE, context={key: value for key, value in context.items() if value is not None})


@pytest.fixture
def varied(cached: Cached) -> Cached:
    cached.put(answer(vary_keys=("acs:SourceIp", "sts:ExternalId", "acs:MFAPresent")), asked())
    return cached


@pytest.mark.parametrize(
    ("other", "found"),
    [
        (asked(trace="uvwxyz"), True),
        (asked(trace=""), True),
        (asked(trace=[]), True),
        (asked(acs_SourceIp="10.0.0.2"), False),
        (asked(acs_SourceIp=["10.0.0.1", "10.0.0.2"]), False),
        (asked(acs_SourceIp=[]), False),
        (asked(acs_SourceIp=None), False),
        (asked(trace="longer than before"), False),
        (asked(trace=["abc", "def"]), False),
        (asked(trace=None), False),
        (asked(further="x"), False),
        (query(BOB, ROLE, context=BASE), False),
        (query(ALICE, ROLE, context=BASE, external_id="e1"), False),
        (query(ALICE, ROLE, context=BASE, duration_seconds=900), False),
    ],
)
def test_only_what_the_policy_does_not_read_may_differ(varied: Cached, other: d.AssumeRoleQuery, found: bool) -> None:
    assert varied.found(other) is found


def test_many_short_values_are_not_answered_because_one_long_one_was(cached: Cached) -> None:
    cached.put(answer(), asked(trace=["abcdef", "gh"]))

    assert cached.found(asked(trace=["ghijkl", "m"]))
    assert not cached.found(asked(trace=["ghijkl", "mno"]))
    assert not cached.found(asked(trace=["abcdefg"]))


def test_claims_that_no_policy_reads_must_be_equal(cached: Cached) -> None:
    def federated(audience: str, trace: str) -> d.AssumeRoleQuery:
        claims = {"oidc:sub": "s", "oidc:aud": audience}
        provider = "acs:ram::123456789012:oidc-provider/p"
        return query(provider, ROLE, claims=claims, context={"trace": trace})

    cached.put(answer(vary_keys=("oidc:sub",)), federated("rolecall", "1"))

    assert cached.found(federated("rolecall", "2"))
    assert not cached.found(federated("payroll1", "1"))


def test_an_alike_answer_is_dropped_with_its_role(varied: Cached) -> None:
    varied.cache.change(change(6))

    assert not varied.found(asked(trace="uvwxyz"))


# ---- the watch ---------------------------------------------------------------------------------------------------------


def test_a_watched_answer_is_returned_until_the_followed_state_is_too_old(cached: Cached) -> None:
    cached.put(answer())
    cached.clock.now += 9.9
    young = cached.found()
    cached.clock.now += 0.2

    assert young
    assert not cached.found()


def test_a_checkpoint_keeps_the_answers_that_the_watch_covers(cached: Cached) -> None:
    opened_at = cached.clock.now
    cached.put(answer())
    cached.clock.now += 50

    cached.cache.checkpoint(checkpoint(8, stream_age=49), opened_at)

    assert cached.found()


def test_a_delayed_checkpoint_does_not_make_the_state_young(cached: Cached) -> None:
    opened_at = cached.clock.now
    cached.put(answer())
    cached.clock.now += 50

    cached.cache.checkpoint(checkpoint(8, stream_age=30), opened_at)

    assert not cached.found()


def test_a_checkpoint_without_its_time_says_nothing_about_age() -> None:
    cached = Cached()
    cached.cache.checkpoint(w.WatchCheckpoint(revision=5), cached.clock.now)
    cached.put(answer())
    cached.clock.now += 6

    assert not cached.found()


def test_the_tighter_of_two_bounds_counts(cached: Cached) -> None:
    cached.put(answer())
    cached.clock.now += 6

    cached.watch(5, staleness=100)

    assert cached.found()


def test_without_a_watch_an_answer_is_returned_until_it_is_too_old_itself() -> None:
    cached = Cached()
    cached.put(answer(staleness=1))
    cached.clock.now += 4
    young = cached.found()
    cached.clock.now += 0.1

    assert young
    assert not cached.found()


def test_an_answer_of_before_the_watch_is_treated_as_unwatched(cached: Cached) -> None:
    cached.put(answer(revision=4))
    cached.clock.now += 5.1

    assert not cached.found()


def test_an_answer_of_a_server_that_is_ahead_of_the_watch_is_covered(cached: Cached) -> None:
    cached.put(answer(revision=9))
    cached.clock.now += 6

    assert cached.found()


@pytest.mark.parametrize("name", ["deploy", "DEPLOY"])
@pytest.mark.parametrize("role", [ROLE, "deploy", "prod/Deploy", "123456789012/deploy"])
def test_a_change_drops_the_answers_of_every_role_of_that_name(cached: Cached, role: str, name: str) -> None:
    cached.put(answer(), simple(role))
    cached.put(answer(), simple("other"))

    cached.cache.change(change(6, name, account="999"))

    assert not cached.found(simple(role))
    assert cached.found(simple("other"))


def test_a_change_does_not_drop_answers_that_include_it(cached: Cached) -> None:
    cached.put(answer(revision=6))

    cached.cache.change(change(6))

    assert cached.found()


def test_an_answer_that_arrives_after_a_later_change_is_not_cached(cached: Cached) -> None:
    cached.cache.change(change(6))

    cached.put(answer(revision=5))

    assert not cached.found()


def test_a_change_that_comes_a_second_time_does_not_hide_a_later_one(cached: Cached) -> None:
    for revision in (7, 6):
        cached.cache.change(change(revision))

    cached.put(answer(revision=6))

    assert not cached.found()


def test_answers_before_a_change_that_is_no_longer_remembered_are_unwatched(
    cached: Cached, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answer_cache, "MAX_CHANGED_ROLES", 2)
    for revision, name in ((6, "a"), (7, "b"), (8, "c")):
        cached.cache.change(change(revision, name))

    cached.put(answer(revision=5), simple("a"))
    cached.put(answer(revision=6), simple("d"))
    cached.clock.now += 5.1

    assert not cached.found(simple("a"))
    assert cached.found(simple("d"))


def test_a_restart_of_the_watch_drops_every_answer_and_those_on_their_way(cached: Cached) -> None:
    cached.put(answer())
    on_its_way = cached.cache.asked()

    cached.cache.restart()
    cached.cache.put(exact_key(simple("late")), answer(), on_its_way)
    cached.watch(1)

    assert not cached.found()
    assert not cached.found(simple("late"))


def test_an_answer_that_is_sent_soon_after_a_restart_may_be_of_another_history(cached: Cached) -> None:
    cached.cache.restart()
    cached.watch(5)
    cached.clock.now += 9.9
    cached.put(answer(), simple("soon"))
    cached.clock.now += 0.2
    cached.put(answer(), simple("later"))
    cached.watch(5)
    cached.clock.now += 6

    assert not cached.found(simple("soon"))
    assert cached.found(simple("later"))


def test_an_answer_of_a_state_that_is_too_old_is_unwatched(cached: Cached) -> None:
    cached.put(answer(staleness=10.1))

    assert not cached.found()


def test_answers_about_accounts_that_are_not_watched_are_unwatched() -> None:
    cached = Cached(AnswerCacheOptions(account_ids=("123456789012",)))
    cached.watch()
    for role in (ROLE, "123456789012/deploy", "deploy", "prod/deploy", "acs:ram::7:role/deploy"):
        cached.put(answer(), simple(role))

    cached.clock.now += 6

    assert cached.found(simple(ROLE))
    assert cached.found(simple("123456789012/deploy"))
    assert not any(cached.found(simple(role)) for role in ("deploy", "prod/deploy", "acs:ram::7:role/deploy"))


def test_a_refused_watch_is_logged_once(cached: Cached, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "rolecall_client"):
        for code in ("UNAVAILABLE", "PERMISSION_DENIED", "PERMISSION_DENIED"):
            cached.cache.broken(RolecallError(code, "no"))

    assert [record.getMessage() for record in caplog.records] == [
        "the watch of roles was refused, answers are cached for 5 seconds: no"
    ]


# ---- limits ------------------------------------------------------------------------------------------------------------


def test_after_the_longest_time_the_server_is_asked_in_any_case(cached: Cached) -> None:
    opened_at = cached.clock.now
    cached.put(answer())
    cached.clock.now += 59.9
    cached.cache.checkpoint(checkpoint(6, stream_age=59.9), opened_at)
    before = cached.found()
    cached.clock.now += 0.1

    assert before
    assert not cached.found()
    assert len(cached.cache) == 0


def test_another_credential_empties_the_cache_and_what_is_on_its_way(cached: Cached) -> None:
    cached.cache.use_credential(b"1")
    cached.put(answer())
    cached.cache.use_credential(b"1")
    same = cached.found()
    on_its_way = cached.cache.asked()

    cached.cache.use_credential(b"2")
    cached.cache.put(exact_key(simple("late")), answer(), on_its_way)

    assert same
    assert not cached.found()
    assert not cached.found(simple("late"))


def test_an_older_answer_does_not_replace_a_newer_one_that_may_be_returned(cached: Cached) -> None:
    cached.put(answer(revision=7, allowed=False))

    cached.put(answer(revision=6))
    found = cached.find()

    assert found is not None
    assert not found.decision.allowed


def test_an_older_answer_replaces_a_newer_one_that_may_not_be_returned() -> None:
    cached = Cached()
    cached.put(answer(revision=7, allowed=False))
    cached.clock.now += 6

    cached.put(answer(revision=6))
    found = cached.find()

    assert found is not None
    assert found.decision.allowed


@pytest.mark.parametrize("options", [AnswerCacheOptions(max_entries=3), AnswerCacheOptions(max_bytes=3_500)])
def test_what_was_not_used_for_the_longest_time_is_dropped_first(options: AnswerCacheOptions) -> None:
    cached = Cached(options)
    for name in ("a", "b", "c"):
        cached.put(answer(), simple(name))
    cached.find(simple("a"))

    cached.put(answer(), simple("d"))

    assert [name for name in "abcd" if cached.found(simple(name))] == ["a", "c", "d"]
    assert cached.cache.stored_bytes <= options.max_bytes


@pytest.mark.parametrize("options", [AnswerCacheOptions(max_entries=0), AnswerCacheOptions(max_bytes=100)])
def test_a_cache_without_room_caches_nothing(options: AnswerCacheOptions) -> None:
    cached = Cached(options)

    cached.put(answer())

    assert (len(cached.cache), cached.cache.stored_bytes) == (0, 0)


def test_an_answer_that_would_displace_many_others_is_not_cached(cached: Cached) -> None:
    large = query(ALICE, ROLE, context={"k": ["v" * 1_000] * 70})

    cached.put(answer(), large)

    assert not cached.found(large)


def test_a_response_without_a_decision_is_not_cached(cached: Cached) -> None:
    cached.put(d.CheckAssumeRoleResponse(consistency_token="token"))

    assert not cached.found()


def test_nothing_is_left_when_every_answer_was_dropped(cached: Cached) -> None:
    for name in "abc":
        cached.put(answer(vary_keys=("k",)), query(ALICE, name, context={"k": name, "l": "1"}))
        cached.put(answer(vary_keys=("k",)), query(ALICE, name, context={"k": name, "l": "22"}))
    for name in "abc":
        cached.cache.change(change(6, name))

    entries = cached.cache._entries
    assert entries.bytes == 0
    assert not any((entries._by_key, entries._alike, entries._vary, entries._by_role))


NOT_A_LIMIT: list[Callable[[], AnswerCacheOptions]] = [
    lambda: AnswerCacheOptions(max_bytes=-1),
    lambda: AnswerCacheOptions(max_entries=-1),
    lambda: AnswerCacheOptions(max_staleness_seconds=-1),
    lambda: AnswerCacheOptions(unwatched_seconds=float("nan")),
    lambda: AnswerCacheOptions(max_age_seconds=-0.1),
]


@pytest.mark.parametrize("make", NOT_A_LIMIT)
def test_a_limit_below_zero_is_refused(make: Callable[[], AnswerCacheOptions]) -> None:
    with pytest.raises(ValueError, match="must be at least 0, not"):
        make()


def test_one_text_is_no_list_of_accounts() -> None:
    with pytest.raises(ValueError, match="several ids, not one text"):
        AnswerCacheOptions(account_ids="123456789012")  # type: ignore[arg-type]


@pytest.mark.parametrize("account_id", ["prod", "", "1" * 21, "12a"])
def test_an_account_that_is_no_id_is_refused(account_id: str) -> None:
    with pytest.raises(ValueError, match="1 to 20 digits"):
        AnswerCacheOptions(account_ids=("7", account_id))


def test_threads_leave_the_tables_consistent(cached: Cached) -> None:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)

    def work(seed: int) -> None:
        random = Random(seed)
        for _ in range(300):
            name, value = random.choice("abc"), random.choice("xyz")
            asked = query(ALICE, name, context={"k": value, "l": random.choice("12")})
            match random.randrange(6):
                case 0:
                    cached.cache.change(change(random.randrange(5, 9), name))
                case 1:
                    cached.cache.clear() if random.random() < 0.1 else None
                case 2 | 3:
                    cached.put(answer(revision=random.randrange(5, 9), vary_keys=("k",)), asked)
                case _:
                    cached.find(asked)

    try:
        with ThreadPoolExecutor(6) as pool:
            list(pool.map(work, range(6)))
    finally:
        sys.setswitchinterval(interval)

    entries = cached.cache._entries
    left = list(entries._by_key.values())
    assert entries.bytes == sum(entry.weight for entry in left)
    assert sum(map(len, entries._by_role.values())) == len(left)
    assert set(entries._alike.values()) <= set(left)
    assert sum(sum(counts.values()) for counts in entries._vary.values()) == len(left)
