"""Laws of accesses: what holds for every policy and every access."""

from __future__ import annotations

import copy
import json
from random import Random
from typing import Any

from hypothesis import given, strategies as st

from rolecall.policy.document import Effect
from rolecall.policy.evaluator import Outcome
from rolecall.policy.permission.compiler import compile_permissions
from rolecall.policy.permission.evaluator import evaluate_access
from rolecall.policy.permission.explain import explain_access
from rolecall.policy.permission.near_miss import near_misses_of_access
from rolecall.policy.permission.parser import parse_permission_policy
from tests.oracle import access_cases as drawn
from tests.oracle.accesses import decide_access, is_about_action, listed
from tests.policy.strategies import laws
from tests.vectors.access_product import Permissions
from tests.vectors.product import instant

Json = dict[str, Any]

randoms = st.integers(0, 2**32).map(Random)
policies = randoms.map(drawn.policies)
accesses = randoms.map(drawn.access)
statements = randoms.map(drawn.statement)
rights = st.booleans()


def answered(found: list[Json], access: Json, *, callers_rights: bool = False) -> Json:
    return Permissions(found, callers_rights=callers_rights).decide(access)


def of(*found: Json) -> Json:
    return {"name": "more", "document": {"Version": "1", "Statement": list(found)}}


def without_places(answer: Json) -> Json:
    """Return an answer without the places, which depend on the order of policies and statements."""
    return answer | {"determining": sorted(policy for policy, _ in answer["determining"])}


@laws
@given(policies, statements, accesses, rights)
def test_a_further_deny_never_allows(found: list[Json], extra: Json, access: Json, callers_rights: bool) -> None:
    before = answered(found, access, callers_rights=callers_rights)
    after = answered([*found, of(extra | {"Effect": "Deny"})], access, callers_rights=callers_rights)

    assert before["allowed"] or not after["allowed"]


@laws
@given(policies, statements, accesses, rights)
def test_a_further_allow_never_denies(found: list[Json], extra: Json, access: Json, callers_rights: bool) -> None:
    before = answered(found, access, callers_rights=callers_rights)
    after = answered([*found, of(extra | {"Effect": "Allow"})], access, callers_rights=callers_rights)

    assert after["allowed"] or not before["allowed"]
    assert (before["reason"] == "EXPLICIT_DENY") == (after["reason"] == "EXPLICIT_DENY")


@laws
@given(policies, statements, accesses)
def test_a_deny_that_applies_denies_whatever_is_allowed(found: list[Json], extra: Json, access: Json) -> None:
    deny = of(extra | {"Effect": "Deny"})
    alone = answered([deny], access)

    together = answered([*found, deny], access)

    assert alone["reason"] != "EXPLICIT_DENY" or together["reason"] == "EXPLICIT_DENY"


@laws
@given(policies, accesses, rights, st.randoms(use_true_random=False))
def test_the_order_of_policies_and_statements_does_not_matter(
    found: list[Json], access: Json, callers_rights: bool, random: Any
) -> None:
    other = copy.deepcopy(found)
    random.shuffle(other)
    for policy in other:
        random.shuffle(policy["document"]["Statement"])

    shuffled = answered(other, access, callers_rights=callers_rights)

    assert without_places(shuffled) == without_places(answered(found, access, callers_rights=callers_rights))


@laws
@given(policies, accesses, st.randoms(use_true_random=False))
def test_policies_that_are_divided_differently_give_the_same_answer(
    found: list[Json], access: Json, random: Any
) -> None:
    pieces = [
        {"name": "one", "document": {"Version": "1", "Statement": [s]}}
        for p in found
        for s in p["document"]["Statement"]
    ]
    random.shuffle(pieces)

    divided, whole = answered(pieces, access), answered(found, access)

    assert divided | {"determining": []} == whole | {"determining": []}


@laws
@given(statements, accesses)
def test_not_action_is_the_complement_of_action(found: Json, access: Json) -> None:
    patterns = found.get("Action", found.get("NotAction"))
    rest = {name: value for name, value in found.items() if name not in ("Action", "NotAction")} | {"Effect": "Allow"}
    every = answered([of(rest | {"Action": "*"})], access)["allowed"]

    action = answered([of(rest | {"Action": patterns})], access)["allowed"]
    not_action = answered([of(rest | {"NotAction": patterns})], access)["allowed"]

    assert (action, not_action) in ([(True, False), (False, True)] if every else [(False, False)])


@laws
@given(policies, accesses, rights)
def test_the_case_of_an_action_does_not_matter(found: list[Json], access: Json, callers_rights: bool) -> None:
    swapped = access | {"action": access["action"].swapcase()}

    other = answered(found, swapped, callers_rights=callers_rights)

    assert other == answered(found, access, callers_rights=callers_rights)


@laws
@given(policies, accesses, st.sampled_from(["shop", "Shop-1", "SHOP-x"]))
def test_the_case_of_a_role_name_does_not_matter(found: list[Json], access: Json, name: str) -> None:
    role = f"acs:ram::123456789012:role/{name}"

    other = answered(found, access | {"resource": role.replace(name, name.swapcase())})

    assert other == answered(found, access | {"resource": role})


@laws
@given(policies, accesses)
def test_what_is_allowed_for_all_resources_is_allowed_for_each(found: list[Json], access: Json) -> None:
    every = answered(found, access | {"resource": "acs:ram::123456789012:role/sh*"})

    each = answered(found, access | {"resource": "acs:ram::123456789012:role/shop-1"})

    assert each["allowed"] or not every["allowed"]


@laws
@given(policies, accesses)
def test_the_rights_of_a_caller_allow_nothing_more(found: list[Json], access: Json) -> None:
    restricted, plain = answered(found, access, callers_rights=True), answered(found, access)

    assert plain["allowed"] or not restricted["allowed"]
    assert (plain["reason"] == "EXPLICIT_DENY") == (restricted["reason"] == "EXPLICIT_DENY")


@laws
@given(statements, st.sampled_from(["rolecall:Watch", "ROLECALL:AskFor"]))
def test_only_a_pattern_of_its_own_reaches_an_action_of_this_service(found: Json, action: str) -> None:
    patterns = [p for p in listed(found.get("Action", [])) if p.lower().startswith("rolecall:")]
    allowing = {"Effect": "Allow", "Resource": "*"} | {k: v for k, v in found.items() if k in ("Action", "NotAction")}
    access = {"action": action, "resource": "*", "context": {}, "time": "2026-01-01T00:00:00Z"}

    reached = answered([of(allowing)], access, callers_rights=True)["allowed"]

    own = {"Action": patterns, "Effect": "Allow"}
    assert reached is (bool(patterns) and is_about_action(own, action, restricted=False))


@laws
@given(policies, accesses, rights)
def test_an_explanation_has_the_statements_of_the_decision(
    found: list[Json], access: Json, callers_rights: bool
) -> None:
    parsed = [(policy["name"], parse_permission_policy(json.dumps(policy["document"]))) for policy in found]
    compiled = compile_permissions(parsed, callers_rights=callers_rights)
    values = [tuple(access["context"].get(key, ())) for key in compiled.keys]
    asked = (access["action"], access["resource"], values, instant(access["time"]))
    decision = evaluate_access(compiled, *asked)

    try:
        traces = explain_access(parsed, compiled, *asked)
    except ValueError:
        traces = ()

    denies = decision.outcome is Outcome.EXPLICIT_DENY
    applying = [trace.origin for trace in traces if trace.applies and (trace.statement.effect is Effect.DENY) is denies]
    assert applying == list(decision.determining)
    for miss in near_misses_of_access(traces, access["action"], access["resource"]):
        assert decision.outcome is not Outcome.ALLOW
        assert miss.elements
        assert miss.suggestion.isprintable()


@laws
@given(policies, st.text(max_size=60), st.text(max_size=60), st.sampled_from(["", "acs:ram::1:", "acs:ram:"]), rights)
def test_no_text_makes_it_raise_or_differ_from_the_oracle(
    found: list[Json], action: str, resource: str, begin: str, callers_rights: bool
) -> None:
    access = {"action": action, "resource": begin + resource, "context": {}, "time": "2026-01-01T00:00:00Z"}

    answer = answered(found, access, callers_rights=callers_rights)

    assert answer == decide_access(found, access, callers_rights=callers_rights)
