"""Near misses: which statements they name, in which order, and the exact suggestion of each."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from rolecall.policy.compiler import compile_policy
from rolecall.policy.explaining import condition_changes
from rolecall.policy.explaining.explain import StatementTrace, explain
from rolecall.policy.explaining.near_miss import NearMiss, near_misses
from rolecall.policy.operators import OPERATORS
from rolecall.policy.parser import parse_policy
from rolecall.policy.principal import principal_of_request

ACCOUNT, OTHER = "123456789012", "210987654321"
ALICE, BOB = f"acs:ram::{ACCOUNT}:user/alice", f"acs:ram::{ACCOUNT}:user/bob"
DEPLOY = f"acs:ram::{ACCOUNT}:role/deploy"
NOON = 1_767_268_800_000_000  # 2026-01-01T12:00:00Z
IDENTITY = "sts:SetSourceIdentity"

Json = dict[str, Any]
Context = Mapping[str, Sequence[str]]


def statement(effect: str, who: str, condition: Json | None = None, **more: Any) -> Json:
    kind = "RAM" if who.startswith("acs:ram::") else "Service"
    whole = {"Effect": effect, "Action": "sts:AssumeRole", "Principal": {kind: who}} | more
    return whole | ({"Condition": condition} if condition else {})


def allow(who: str = ALICE, condition: Json | None = None, **more: Any) -> Json:
    return statement("Allow", who, condition, **more)


def deny(who: str = ALICE, condition: Json | None = None, **more: Any) -> Json:
    return statement("Deny", who, condition, **more)


def traces(
    *statements: Json, who: str = ALICE, context: Context | None = None, identity: bool = False
) -> tuple[StatementTrace, ...]:
    policy = parse_policy(json.dumps({"Version": "1", "Statement": statements}))
    compiled = compile_policy(policy, source_identity_needs_allow=identity)
    sent = context or {}
    values = [tuple(sent[key]) if key in sent else None for key in compiled.keys]
    return explain(policy, compiled, principal_of_request(who), ACCOUNT, values, NOON)


def missed(
    *statements: Json, who: str = ALICE, context: Context | None = None, identity: bool = False
) -> tuple[NearMiss, ...]:
    found = traces(*statements, who=who, context=context, identity=identity)
    return near_misses(found, principal_of_request(who))


def indexes(found: Sequence[NearMiss]) -> list[int]:
    return [miss.trace.statement.index for miss in found]


def suggestion(*statements: Json, who: str = ALICE, context: Context | None = None, identity: bool = False) -> str:
    (miss,) = missed(*statements, who=who, context=context, identity=identity)
    return miss.suggestion


def test_every_deny_that_applies_comes_before_the_closest_allow() -> None:
    found = missed(allow(BOB), deny(), deny(BOB), deny(ALICE, {"StringEquals": {"k": "v"}}), deny())

    assert indexes(found) == [1, 4, 0]


def test_with_an_applying_allow_only_the_denies_are_named() -> None:
    assert indexes(missed(deny(), allow(), allow(BOB))) == [0]


def test_without_an_allow_only_the_denies_are_named() -> None:
    assert indexes(missed(deny(), deny(BOB))) == [0]
    assert missed(deny(BOB)) == ()


def test_the_allow_with_the_fewest_failed_elements_is_the_closest() -> None:
    far = allow(BOB, {"StringEquals": {"k": "v"}})
    near = allow(BOB)

    assert indexes(missed(far, near)) == [1]
    assert indexes(missed(near, far)) == [0]


def test_of_equally_close_ones_a_statement_that_names_the_principal_is_preferred() -> None:
    other, own = allow(BOB), allow(ALICE, {"StringEquals": {"k": "v"}})

    assert indexes(missed(other, own)) == [1]
    assert indexes(missed(own, other)) == [0]


def test_of_equally_close_ones_the_first_in_the_document_is_chosen() -> None:
    assert indexes(missed(allow(BOB), allow(BOB))) == [0]
    assert indexes(missed(deny(BOB), allow(BOB), allow(BOB))) == [1]


def test_a_statement_about_source_identities_does_not_count_without_one() -> None:
    other, own = allow(ALICE, Action=IDENTITY), allow(BOB)

    assert indexes(missed(other, own)) == [1]
    assert indexes(missed(deny(ALICE, Action=IDENTITY), own)) == [1]
    assert missed(other) == ()


def test_failed_elements_are_the_principal_and_the_conditions_that_do_not_hold() -> None:
    (miss,) = missed(allow(BOB, {"StringEquals": {"a": "1", "b": "2"}}), context={"a": ["1"]})

    assert miss.elements == ("/Statement/0/Principal", "/Statement/0/Condition/StringEquals/b")
    assert miss.suggestion == (
        f"to be allowed by /Statement/0, name `{ALICE}` in /Statement/0/Principal,"
        " and send `b` for which StringEquals `2` holds (it is absent)"
    )


def test_an_unconditional_deny_names_its_principal() -> None:
    (miss,) = missed(deny())

    assert miss.elements == ("/Statement/0/Principal",)
    assert (
        miss.suggestion
        == f"the Deny at /Statement/0 applies: it denies `{ALICE}` without conditions, or change that statement"
    )


def test_a_deny_names_each_of_its_conditions_as_a_way_out() -> None:
    condition = {"StringNotEquals": {"a": "1"}, "NumericEquals": {"n": "5"}, "StringEquals": {"b": "2"}}

    (miss,) = missed(deny(ALICE, condition), context={"n": ["five"], "b": ["2"]})

    assert miss.elements == (
        "/Statement/0/Condition/StringNotEquals/a",
        "/Statement/0/Condition/NumericEquals/n",
        "/Statement/0/Condition/StringEquals/b",
    )
    assert miss.suggestion == (
        "the Deny at /Statement/0 applies: send `a` (it is absent, and StringNotEquals holds on a missing key)"
        " or send a value for `n` that NumericEquals can read: `five` cannot be read, and an unreadable value meets a Deny"
        " or send a `b` for which StringEquals `2` does not hold, or change that statement"
    )


@pytest.mark.parametrize(("given", "lacking"), [("sts:AssumeRole", IDENTITY), (IDENTITY, "sts:AssumeRole")])
def test_an_allow_of_one_action_of_two_names_the_other(given: str, lacking: str) -> None:
    statements = allow(BOB), allow(ALICE, Action=given)

    (miss,) = missed(*statements, context={"sts:SourceIdentity": ["carol"]}, identity=True)

    assert (miss.trace.statement.index, miss.elements) == (1, ("/Statement/1/Action",))
    assert miss.suggestion == (
        f"a source identity is sent, so an Allow of `{lacking}` must apply too: add it to /Statement/1/Action"
    )


def test_a_deny_of_setting_a_source_identity_counts_with_one() -> None:
    statements, context = (allow(), deny(Action=IDENTITY)), {"sts:SourceIdentity": ["carol"]}

    assert indexes(missed(*statements, context=context, identity=True)) == [1]
    assert [t.counts for t in traces(*statements, context=context)] == [True, False]
    assert [t.counts for t in traces(*statements, context=context, identity=True)] == [True, True]
    assert [t.counts for t in traces(*statements, identity=True)] == [True, False]


@pytest.mark.parametrize(
    ("named", "who", "hint"),
    [
        (f"acs:ram::{OTHER}:user/alice", ALICE,
         f"name `{ALICE}` instead of `acs:ram::{OTHER}:user/alice` (they differ in the account)"),
        (f"acs:ram::{ACCOUNT}:user/Alice", ALICE,
         f"name `{ALICE}` instead of `acs:ram::{ACCOUNT}:user/Alice` (they differ in the case of the name)"),
        (f"acs:ram::{OTHER}:user/ALICE", ALICE,
         f"name `{ALICE}` instead of `acs:ram::{OTHER}:user/ALICE` (they differ in the account)"),
        (f"acs:ram::{OTHER}:role/Deploy", DEPLOY,
         f"name `{DEPLOY}` instead of `acs:ram::{OTHER}:role/Deploy` (they differ in the account)"),
        (f"acs:ram::{OTHER}:root", ALICE,
         f"name `acs:ram::{ACCOUNT}:root` or `{ALICE}` (`acs:ram::{OTHER}:root` is another account)"),
        (f"acs:ram::{OTHER}:root", DEPLOY,
         f"name `acs:ram::{ACCOUNT}:root` or `{DEPLOY}` (`acs:ram::{OTHER}:root` is another account)"),
        (f"acs:ram::{OTHER}:root", "ecs.aliyuncs.com", "name `ecs.aliyuncs.com` in /Statement/0/Principal"),
        (f"{OTHER}@ecs.aliyuncs.com", "ecs.aliyuncs.com",
         f"name `ecs.aliyuncs.com` instead of `{OTHER}@ecs.aliyuncs.com` (they differ in the account)"),
        (f"acs:ram::{ACCOUNT}:role/alice", ALICE, f"name `{ALICE}` in /Statement/0/Principal"),
        (BOB, ALICE, f"name `{ALICE}` in /Statement/0/Principal"),
    ],
)  # fmt: skip
def test_a_principal_that_is_almost_named_is_recognised(named: str, who: str, hint: str) -> None:
    assert suggestion(allow(named), who=who) == f"to be allowed by /Statement/0, {hint}"


def test_the_first_principal_that_is_almost_named_is_taken() -> None:
    principals = [BOB, f"acs:ram::{OTHER}:root", f"acs:ram::{OTHER}:user/alice"]

    assert "is another account" in suggestion(allow(Principal={"RAM": principals}))


@pytest.mark.parametrize(
    ("operator", "key", "expected", "actual", "change"),
    [
        ("StringEquals", "sts:ExternalId", "x", None,
         "send `sts:ExternalId` (the field `external_id` of the request) for which StringEquals `x` holds (it is absent)"),
        ("StringEquals", "sts:RoleSessionName", "x", None,
         "send `sts:RoleSessionName` (the field `role_session_name` of the request) for which StringEquals `x` holds (it is absent)"),
        ("StringEquals", "sts:SourceIdentity", "x", None,
         "send `sts:SourceIdentity` (the field `source_identity` of the request) for which StringEquals `x` holds (it is absent)"),
        ("ForAnyValue:StringEquals", "k", ["x", "y"], None,
         "send `k` for which ForAnyValue:StringEquals `x`, `y` holds (it is absent)"),
        ("StringEquals", "k", "x", "y", "send a `k` for which StringEquals `x` holds (it is `y`)"),
        ("NumericEquals", "k", "1", "one",
         "send a value for `k` that NumericEquals can read: `one` cannot be read"),
        ("StringEquals", "k", "VPC", "vpc",
         ("use StringEqualsIgnoreCase instead of StringEquals at /Statement/0/Condition/StringEquals/k:"
         " the values differ only in case")),
        ("StringEquals", "k", "v*", "vpc",
         ("use StringLike instead of StringEquals at /Statement/0/Condition/StringEquals/k:"
         " under StringEquals `*` and `?` are ordinary characters")),
        ("StringEqualsIgnoreCase", "k", "v*", "vpc",
         ("use StringLike instead of StringEqualsIgnoreCase at /Statement/0/Condition/StringEqualsIgnoreCase/k:"
         " under StringEqualsIgnoreCase `*` and `?` are ordinary characters")),
        ("StringEquals", "k", "V*", "vpc", "send a `k` for which StringEquals `V*` holds (it is `vpc`)"),
        ("ForAllValues:StringEquals", "k", "VPC", "vpc",
         "send a `k` for which ForAllValues:StringEquals `VPC` holds (it is `vpc`; they differ in case alone)"),
        ("ForAllValues:StringEquals", "k", ["a", "a/"], "a/b", "send a `k` for which ForAllValues:StringEquals `a`, `a/` holds (it is `a/b`)"),
        ("StringEquals", "oidc:aud", "https://x", "x",
         ("send a `oidc:aud` for which StringEquals `https://x` holds (it is `x`; they differ in the scheme alone,"
         " which audiences rarely have: the expected value has one)")),
        ("StringEquals", "k", "x" * 500 + " ", "x" * 500,
         f"send a `k` for which StringEquals `{'x' * 64}...{'x' * 31} ` holds (it is `{'x' * 64}...{'x' * 32}`)"),
        ("StringNotEquals", "k", "vpc", "vpc", "send a `k` for which StringNotEquals `vpc` holds (it is `vpc`)"),
        ("StringLike", "k", "VPC", "vpc", "send a `k` for which StringLike `VPC` holds (it is `vpc`; they differ in case alone)"),
    ],
)  # fmt: skip
def test_a_failed_condition_names_its_change(
    operator: str, key: str, expected: Any, actual: str | None, change: str
) -> None:
    context = {} if actual is None else {key: [actual]}

    found = suggestion(allow(ALICE, {operator: {key: expected}}), context=context)

    assert found == f"to be allowed by /Statement/0, {change}"


@pytest.mark.parametrize(
    ("count", "listed"),
    [
        (5, "`v0`, `v1`, `v2`, `v3`, `v4`"),
        (6, "`v0`, `v1`, `v2`, `v3`, `v4` and 1 more"),
        (9, "`v0`, `v1`, `v2`, `v3`, `v4` and 4 more"),
    ],
)
def test_at_most_five_values_are_listed(count: int, listed: str) -> None:
    condition = {"StringEquals": {"k": [f"v{n}" for n in range(count)]}}

    found = suggestion(allow(ALICE, condition), context={"k": ["x"]})

    assert f"StringEquals {listed} holds" in found


def test_the_time_is_always_present() -> None:
    condition = {"DateLessThan": {"acs:CurrentTime": "2026-01-01T12:00:00Z"}}

    assert suggestion(allow(ALICE, condition)) == (
        "to be allowed by /Statement/0, send a `acs:CurrentTime` for which"
        " DateLessThan `2026-01-01T12:00:00Z` holds (it is `2026-01-01T12:00:00Z`)"
    )


def test_a_trace_says_what_matched_and_what_was_read() -> None:
    both = allow(Principal={"RAM": [BOB, f"acs:ram::{ACCOUNT}:root", ALICE]}, condition={"NumericEquals": {"n": "5"}})

    (found,) = traces(both, context={"n": ["5", "five"]})

    assert found.matched_principal == f"acs:ram::{ACCOUNT}:root"
    assert [(t.actual, t.holds, t.unreadable, t.present) for t in found.conditions] == [
        (("5", "five"), False, True, True)
    ]
    assert not found.applies


def test_a_role_is_matched_without_regard_to_case() -> None:
    (found,) = traces(allow(f"acs:ram::{ACCOUNT}:role/DEPLOY"), who=DEPLOY)

    assert found.matched_principal == f"acs:ram::{ACCOUNT}:role/DEPLOY"
    assert found.applies


@pytest.mark.parametrize(
    ("who", "found"), [(f"acs:ram::{ACCOUNT}:role/CI-7", True), (f"acs:ram::{ACCOUNT}:user/CI-7", False)]
)
def test_another_operator_is_suggested_for_the_arn_of_a_role_in_any_case_and_of_a_user_exactly(
    who: str, found: bool
) -> None:
    expected = [f"acs:ram::{ACCOUNT}:role/ci-*", f"acs:ram::{ACCOUNT}:user/ci-*"]
    condition = {"StringEquals": {"acs:PrincipalARN": expected}}

    said = suggestion(allow(f"acs:ram::{ACCOUNT}:root", condition), who=who, context={"acs:PrincipalARN": [who]})

    assert ("use StringLike instead of StringEquals" in said) is found


def test_only_expected_values_with_wildcards_are_tried_as_patterns(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []
    like = OPERATORS["StringLike"]

    def expected(pattern: str) -> Any:
        tried.append(pattern)
        return like.expected(pattern)

    monkeypatch.setattr(condition_changes, "OPERATORS", {**OPERATORS, "StringLike": replace(like, expected=expected)})

    found = suggestion(allow(ALICE, {"StringEquals": {"k": ["plain", "a*", "b?"]}}), context={"k": ["abc"]})

    assert "use StringLike" in found
    assert tried == ["a*", "b?"]


@pytest.mark.parametrize(("conditions", "found"), [(1, True), (4, False)])
def test_the_patterns_that_are_tried_are_limited_over_all_failed_conditions(conditions: int, found: bool) -> None:
    expected = [*(f"x{number}*" for number in range(100)), "a*"]
    condition = {"StringEquals": {f"k{number}": expected for number in range(conditions)}}
    context = {f"k{number}": ["abc"] for number in range(conditions)}

    assert ("use StringLike" in suggestion(allow(ALICE, condition), context=context)) is found


def test_of_long_values_a_suggestion_shows_the_ends() -> None:
    found = suggestion(allow(ALICE, {"StringEquals": {"k": "v" * 4_000}}), context={"k": ["x" * 4_000] * 9})

    assert f"`{'x' * 64}...{'x' * 32}`" in found
    assert len(found) < 1_000
