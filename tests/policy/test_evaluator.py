"""The evaluator beside the vectors: account roots, the order of statements, and source identities that need an Allow."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rolecall.policy.compiler import compile_policy
from rolecall.policy.evaluator import Evaluation, Outcome, evaluate, matching_forms
from rolecall.policy.parser import parse_policy
from rolecall.policy.principal import Principal, PrincipalKind, principal_of_request, provider_of_request

ACCOUNT, OTHER = "123456789012", "210987654321"
ROOT, ALICE = f"acs:ram::{ACCOUNT}:root", f"acs:ram::{ACCOUNT}:user/alice"
ASSUME, IDENTITY = "sts:AssumeRole", "sts:SetSourceIdentity"
NOON = 1_767_268_800_000_000  # 2026-01-01T12:00:00Z

Json = dict[str, Any]


def statement(effect: str, *actions: str, who: Any = ALICE, condition: Json | None = None) -> Json:
    whole = {"Effect": effect, "Action": list(actions) or ASSUME, "Principal": {"RAM": who}}
    return whole | ({"Condition": condition} if condition else {})


def evaluated(
    *statements: Json, who: str = ALICE, identity: str = "", needs_allow: bool = False, now: int = NOON
) -> Evaluation:
    policy = parse_policy(json.dumps({"Version": "1", "Statement": statements}))
    compiled = compile_policy(policy, source_identity_needs_allow=needs_allow)
    sent = {"sts:SourceIdentity": (identity,)} if identity else {}
    values = [sent.get(key) for key in compiled.keys]
    return evaluate(compiled, principal_of_request(who), ACCOUNT, values, now)


def result(evaluation: Evaluation) -> tuple[str, list[int]]:
    return evaluation.outcome.value, [statement.index for statement in evaluation.determining]


def test_an_account_root_that_makes_a_request_matches_no_statement() -> None:
    assert result(evaluated(statement("Allow", who=[ROOT, ROOT]), who=ROOT)) == ("IMPLICIT_DENY", [])


def test_a_statement_that_names_a_principal_twice_applies_once() -> None:
    assert result(evaluated(statement("Allow", who=[ROOT, ALICE, ROOT]))) == ("ALLOW", [0])


def test_statements_that_name_a_principal_in_different_ways_stay_in_order() -> None:
    statements = [statement("Allow", who=ROOT), statement("Allow"), statement("Allow", who=ROOT)]

    assert result(evaluated(*statements)) == ("ALLOW", [0, 1, 2])


@pytest.mark.parametrize(
    ("statements", "without", "with_identity"),
    [
        ([("Allow", ASSUME)], ("ALLOW", [0]), ("IMPLICIT_DENY", [])),
        ([("Allow", IDENTITY)], ("IMPLICIT_DENY", []), ("IMPLICIT_DENY", [])),
        ([("Allow", ASSUME, IDENTITY)], ("ALLOW", [0]), ("ALLOW", [0])),
        ([("Allow", ASSUME), ("Allow", IDENTITY)], ("ALLOW", [0]), ("ALLOW", [0, 1])),
        ([("Allow", ASSUME, IDENTITY), ("Deny", IDENTITY)], ("ALLOW", [0]), ("EXPLICIT_DENY", [1])),
        ([("Allow", ASSUME, IDENTITY), ("Deny", ASSUME)], ("EXPLICIT_DENY", [1]), ("EXPLICIT_DENY", [1])),
    ],
)
def test_a_source_identity_needs_its_own_allow_where_that_is_configured(
    statements: list[tuple[str, ...]], without: tuple[str, list[int]], with_identity: tuple[str, list[int]]
) -> None:
    written = [statement(effect, *actions) for effect, *actions in statements]

    assert result(evaluated(*written, needs_allow=True)) == without
    assert result(evaluated(*written, identity="carol", needs_allow=True)) == with_identity
    assert result(evaluated(*written, identity="carol")) == result(evaluated(*written)) == without


def test_a_policy_reads_the_source_identity_only_where_it_needs_an_allow() -> None:
    policy = parse_policy(json.dumps({"Version": "1", "Statement": [statement("Allow")]}))

    plain, needing = compile_policy(policy), compile_policy(policy, source_identity_needs_allow=True)

    assert (plain.keys, plain.identity_slot, plain.reads_time) == ((), -1, False)
    assert (needing.keys, needing.identity_slot, needing.reads_time) == (("sts:SourceIdentity",), 0, False)


def test_the_time_is_none_of_the_keys_for_which_a_request_sends_values() -> None:
    condition = {"DateLessThan": {"acs:CurrentTime": "2026-01-01T13:00:00Z"}, "Bool": {"acs:MFAPresent": "true"}}
    policy = parse_policy(json.dumps({"Version": "1", "Statement": [statement("Allow", condition=condition)]}))

    compiled = compile_policy(policy)

    assert (compiled.keys, compiled.reads_time) == (("acs:MFAPresent",), True)
    assert [sorted(c.slot for c in s.conditions) for s in compiled.statements] == [[-1, 0]]


def test_the_validity_of_an_answer_is_bounded_by_the_statements_that_count() -> None:
    until = {"DateLessThan": {"acs:CurrentTime": "2026-01-01T13:00:00Z"}}
    hour = 3_600_000_000

    counted = evaluated(statement("Allow", condition=until))
    at_end = evaluated(statement("Allow", condition=until), now=NOON + hour)
    other_action = evaluated(statement("Allow"), statement("Deny", IDENTITY, condition=until))
    other_principal = evaluated(statement("Allow"), statement("Deny", who=f"{ALICE}2", condition=until))

    assert (counted.outcome, counted.valid_from, counted.valid_until) == (Outcome.ALLOW, None, NOON + hour)
    assert (at_end.outcome, at_end.valid_from, at_end.valid_until) == (Outcome.IMPLICIT_DENY, NOON + hour, None)
    assert (other_action.valid_from, other_action.valid_until) == (None, None)
    assert (other_principal.valid_from, other_principal.valid_until) == (None, None)


@pytest.mark.parametrize(
    ("principal", "forms"),
    [
        (principal_of_request(ALICE), {ALICE, ROOT}),
        (principal_of_request(f"acs:ram::{OTHER}:role/R"), {f"acs:ram::{OTHER}:role/r", f"acs:ram::{OTHER}:root"}),
        (principal_of_request("ecs.aliyuncs.com"), {"ecs.aliyuncs.com", f"{ACCOUNT}@ecs.aliyuncs.com"}),
        (principal_of_request(f"{ACCOUNT}@orders.internal"), {"orders.internal", f"{ACCOUNT}@orders.internal"}),
        (principal_of_request(f"{OTHER}@orders.internal"), {f"{OTHER}@orders.internal"}),
        (provider_of_request(f"acs:ram::{ACCOUNT}:oidc-provider/ci"), {f"acs:ram::{ACCOUNT}:oidc-provider/ci"}),
        (Principal(PrincipalKind.ROOT, ACCOUNT, ""), set()),
    ],
)
def test_a_principal_is_named_in_these_forms(principal: Principal, forms: set[str]) -> None:
    assert set(map(str, matching_forms(principal, ACCOUNT))) == forms
