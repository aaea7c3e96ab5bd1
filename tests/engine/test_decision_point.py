from __future__ import annotations

import gc
import weakref

import pytest

from rolecall.engine.decision import Reason, ServedFrom, Side
from rolecall.engine.errors import InvalidRequestError, UnreadablePolicyError
from rolecall.policy.compiler import StatementName
from rolecall.policy.errors import InvalidPolicyError
from rolecall.policy.parser import parse_policy
from rolecall.roles.change import Author, Change, ChangeKind, Commit
from rolecall.roles.role import Micros, Revision, Role
from tests.engine.world import ACCOUNT, ALICE, HOUR, NOON, OTHER, allow, ask, deny, document, point, question, role

ROOT = f"acs:ram::{ACCOUNT}:root"


def replaced(new: Role, kind: ChangeKind = ChangeKind.UPDATED) -> Commit:
    author = Author(actor="test", time=Micros(NOON))
    return Commit(revision=Revision(2), author=author, changes=(Change(kind, new),), hash=b"")


def test_an_unknown_role_is_a_deny_and_not_an_error() -> None:
    decision = ask(point()).decision

    assert (decision.allowed, decision.reason) == (False, Reason.ROLE_NOT_FOUND)
    assert (decision.trust_side, decision.identity_side) == (Side.NOT_EVALUATED, Side.NOT_EVALUATED)


def test_an_account_root_is_refused_although_the_policy_names_it() -> None:
    decision = ask(point(role(document(allow(ROOT)))), ROOT).decision

    assert (decision.allowed, decision.reason) == (False, Reason.ROOT_NOT_ALLOWED)
    assert decision.trust_side is Side.NOT_EVALUATED


def test_an_unknown_role_is_not_found_also_by_a_root() -> None:
    assert ask(point(), ROOT).decision.reason is Reason.ROLE_NOT_FOUND


def test_an_allow_names_its_statements_and_leaves_the_identity_side_open() -> None:
    decider = point(role(document(allow(ROOT), allow(f"acs:ram::{OTHER}:root"), allow(ALICE))))

    decision = ask(decider).decision

    assert decision.allowed
    assert [s.index for s in decision.determining] == [0, 2]
    assert (decision.trust_side, decision.identity_side) == (Side.ALLOW, Side.NOT_EVALUATED)


def test_a_deny_overrides_and_is_the_one_determining() -> None:
    decision = ask(point(role(document(allow(), deny())))).decision

    assert decision.reason is Reason.EXPLICIT_DENY
    assert [s.index for s in decision.determining] == [1]


@pytest.mark.parametrize("seconds", [-1, 1, 899, 3_601, 43_200])
def test_a_session_that_is_too_short_or_too_long_is_an_error_with_both_limits(seconds: int) -> None:
    with pytest.raises(InvalidRequestError, match=r"900 to 3600") as caught:
        ask(point(role(document(allow()))), duration=seconds)

    assert caught.value.violations[0].ram_code == "InvalidParameter.DurationSeconds"


@pytest.mark.parametrize("seconds", [0, 900, 3_600])
def test_a_session_within_the_limits_is_decided(seconds: int) -> None:
    assert ask(point(role(document(allow()))), duration=seconds).decision.allowed


def test_a_duration_is_not_checked_for_a_role_that_does_not_exist() -> None:
    assert ask(point(), duration=1).decision.reason is Reason.ROLE_NOT_FOUND


def test_an_equal_request_is_answered_from_the_cache() -> None:
    decider = point(role(document(allow())))

    first, second = ask(decider), ask(decider)

    assert (first.served_from, second.served_from) == (ServedFrom.EVALUATED, ServedFrom.CACHED)
    assert first.decision is second.decision
    assert decider.decided[Reason.ALLOW, ServedFrom.CACHED] == 1


def test_requests_that_differ_in_a_key_that_the_policy_does_not_read_share_an_answer() -> None:
    decider = point(role(document(allow())))

    ask(decider, context={"acs:SourceIp": ["10.0.0.1"]})

    assert ask(decider, context={"acs:SourceIp": ["10.0.0.2"]}).served_from is ServedFrom.CACHED


def test_requests_that_differ_in_a_key_that_the_policy_reads_do_not() -> None:
    decider = point(role(document(allow(StringEquals={"acs:SourceVpc": "vpc-1"}))))

    with_key = ask(decider, context={"acs:SourceVpc": ["vpc-1"]})
    without = ask(decider)

    assert (with_key.decision.allowed, without.decision.allowed) == (True, False)
    assert without.decision.missing_keys == ("acs:SourceVpc",)
    assert without.decision.vary_keys == ("acs:SourceVpc",)


def test_a_changed_role_is_never_answered_from_the_cache() -> None:
    decider = point(role(document(allow())))
    ask(decider)

    decider.snapshot.apply(replaced(role(document(deny()), revision=2)))

    assert ask(decider).decision.reason is Reason.EXPLICIT_DENY


def test_a_deleted_role_is_not_found_at_the_next_revision() -> None:
    # row 53 of the faults
    old = role(document(allow()))
    decider = point(old)
    ask(decider)

    decider.snapshot.apply(replaced(old, ChangeKind.DELETED))

    assert ask(decider).decision.reason is Reason.ROLE_NOT_FOUND


def test_nothing_is_cached_for_a_role_that_was_created_again() -> None:
    # row 54 of the faults
    old = role(document(allow()))
    decider = point(old)
    before = ask(decider)

    decider.snapshot.apply(replaced(old, ChangeKind.DELETED))
    again = Change(ChangeKind.CREATED, role(document(allow()), revision=3))
    author = Author(actor="test", time=Micros(NOON))
    decider.snapshot.apply(Commit(revision=Revision(3), author=author, changes=(again,), hash=b""))
    after = ask(decider)

    assert before.decision.role
    assert after.decision.role
    assert (before.decision.role.revision, after.decision.role.revision) == (1, 3)
    assert after.served_from is ServedFrom.EVALUATED


@pytest.mark.parametrize("cached", [False, True])
def test_a_decision_changes_at_the_microsecond_of_its_date(cached: bool) -> None:
    # row 37 of the faults
    decider = point(role(document(allow(DateLessThan={"acs:CurrentTime": "2026-01-01T13:00:00Z"}))))
    limit = NOON + HOUR
    if cached:
        ask(decider, now=limit - 2)

    assert [ask(decider, now=limit + step).decision.allowed for step in (-1, 0, 1)] == [True, False, False]


def test_role_names_in_the_principal_compare_without_case() -> None:
    decider = point(role(document(allow(f"acs:ram::{ACCOUNT}:role/Deployer"))))

    assert ask(decider, f"acs:ram::{ACCOUNT}:role/deployer/session-1").decision.allowed


def test_user_names_compare_with_case() -> None:
    assert not ask(point(role(document(allow()))), f"acs:ram::{ACCOUNT}:user/Alice").decision.allowed


def test_a_service_of_the_roles_own_account_is_the_plain_service_however_it_is_written() -> None:
    plain = point(role(document(allow("ecs.aliyuncs.com"))))
    spelled = point(role(document(allow(f"{ACCOUNT}@ecs.aliyuncs.com"))))

    for decider in (plain, spelled):
        assert ask(decider, "ecs.aliyuncs.com").decision.allowed
        assert ask(decider, f"{ACCOUNT}@ecs.aliyuncs.com").decision.allowed
        assert not ask(decider, f"{OTHER}@ecs.aliyuncs.com").decision.allowed


def test_the_principals_arn_is_derived_and_a_role_in_it_compares_without_regard_to_case() -> None:
    decider = point(role(document(allow(ROOT, StringEquals={"acs:PrincipalArn": f"acs:ram::{ACCOUNT}:role/Ops"}))))

    assert ask(decider, f"acs:ram::{ACCOUNT}:assumed-role/Ops/s1").decision.allowed
    assert ask(decider, f"acs:ram::{ACCOUNT}:role/ops").decision.allowed
    assert not ask(decider, f"acs:ram::{ACCOUNT}:role/ops2").decision.allowed


def test_the_roles_tags_are_read_as_resource_tags() -> None:
    text = document(allow(StringEquals={"acs:ResourceTag/team": "pay"}))

    assert ask(point(role(text, tags={"team": "pay"}))).decision.allowed
    assert not ask(point(role(text, tags={"team": "web"}))).decision.allowed
    assert ask(point(role(text))).decision.missing_keys == ("acs:ResourceTag/team",)


def test_a_cached_decision_serves_only_inside_its_interval_whichever_way_the_clock_jumps() -> None:
    # row 38 of the faults
    decider = point(role(document(allow(DateLessThan={"acs:CurrentTime": "2026-01-01T13:00:00Z"}))))

    before = ask(decider, now=NOON)
    at = ask(decider, now=NOON + HOUR)
    stepped_back = ask(decider, now=NOON + HOUR - 1)

    assert (before.decision.allowed, before.decision.valid_until) == (True, NOON + HOUR)
    assert (at.decision.allowed, at.decision.valid_until) == (False, None)
    assert (stepped_back.decision.allowed, stepped_back.served_from) == (True, ServedFrom.EVALUATED)


def test_no_more_decisions_are_cached_than_allowed() -> None:
    decider = point(role(document(allow())), cache_entries=2)

    for name in ("a", "b", "c"):
        ask(decider, f"acs:ram::{ACCOUNT}:user/{name}")

    assert (len(decider.cache), decider.cache.evictions) == (2, 1)


def test_a_cache_of_no_entries_stores_nothing() -> None:
    decider = point(role(document(allow())), cache_entries=0)

    ask(decider)

    assert ask(decider).served_from is ServedFrom.EVALUATED


def test_a_decision_on_very_long_values_is_not_cached() -> None:
    decider = point(role(document(allow(StringEquals={"k": "v"}))))

    ask(decider, context={"k": ["x" * 4_000, "y" * 4_000, "\U0001f600" * 4_000, "\U0001f600" * 4_000]})

    assert len(decider.cache) == 0


def test_no_more_policies_are_kept_compiled_than_allowed_and_dropped_ones_are_compiled_again() -> None:
    roles = [role(document(allow()), name=f"r{n}", revision=n) for n in (1, 2, 3)]
    decider = point(*roles, compiled_policies=2)

    answers = [ask(decider, name=f"r{n}").decision.allowed for n in (1, 2, 3, 1)]

    assert answers == [True] * 4
    assert len(decider.compiled) == 2
    versions = [decider.snapshot.version(f"{ACCOUNT}/r{n}") for n in (1, 2, 3)]
    assert [bool(version and version.policy) for version in versions] == [True, False, True]


def test_a_cached_decision_keeps_no_dropped_compiled_policy_alive() -> None:
    text = document(allow(StringEquals={"k": "v"}) | {"Sid": "ci"})
    decider = point(*(role(text, name=f"r{n}", revision=n) for n in (1, 2)), compiled_policies=1)
    asked = question(name="r1", context={"k": ["v"]})
    decider.check(asked, NOON)
    version = decider.snapshot.version(asked.role_key)
    assert version
    (statement,) = decider.compiled_policy(version).statements
    part = weakref.ref(statement.conditions[0].any_of)
    del statement

    ask(decider, name="r2")
    gc.collect()

    assert part() is None
    assert len(decider.cache) == 2
    assert asked.last_answer
    assert asked.last_answer.decision.determining == (StatementName(0, "ci"),)


def test_a_stored_policy_that_cannot_be_read_is_an_error_and_never_a_decision() -> None:
    with pytest.raises(UnreadablePolicyError, match="role/app"):
        ask(point(role("{}")))


@pytest.mark.parametrize(
    "text",
    [
        document(allow()) + " " * 20_000,
        document(*[allow()] * 101),
        document(allow([f"acs:ram::{ACCOUNT}:user/u{n}" for n in range(500)] + [ALICE])),
        document(allow(StringNotEquals={f"k{n}": "v" for n in range(65)})),
        document(allow(StringNotLike={"k": "x" * 513})),
        document(allow(StringNotLike={"k": "*x" * 17})),
        document(allow(StringNotLike={"k": [f"x{n}" for n in range(257)]})),
        document(allow(StringNotLike={"k": [f"{n:0400}" for n in range(11)]})),
    ],
    ids=[
        "bytes",
        "statements",
        "principals",
        "keys",
        "characters of a pattern",
        "stars of a pattern",
        "patterns",
        "characters of patterns",
    ],
)
def test_a_stored_policy_beyond_the_limits_of_today_is_decided_as_before(text: str) -> None:
    with pytest.raises(InvalidPolicyError):
        parse_policy(text)

    assert ask(point(role(text))).decision.allowed


def test_a_source_identity_needs_an_allow_of_its_own_only_where_configured() -> None:
    text = document(allow())

    assert ask(point(role(text)), source_identity="alice").decision.allowed
    assert not ask(point(role(text), source_identity_needs_allow=True), source_identity="alice").decision.allowed
    assert ask(point(role(text), source_identity_needs_allow=True)).decision.allowed


def test_with_it_both_actions_allow_together() -> None:
    both = allow() | {"Action": ["sts:AssumeRole", "sts:SetSourceIdentity"]}

    decider = point(role(document(both)), source_identity_needs_allow=True)

    assert ask(decider, source_identity="alice").decision.allowed


def test_a_statement_for_the_other_action_alone_lets_nobody_assume() -> None:
    other = allow() | {"Action": "sts:SetSourceIdentity"}

    assert not ask(point(role(document(other)))).decision.allowed
