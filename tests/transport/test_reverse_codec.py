"""Reverse queries as messages: what a list has in common with a query, what its pages are bound to, and the answers."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

import pytest

from rolecall.engine.reverse.query import Assumability, AssumableRole
from rolecall.policy.parser import parse_policy
from rolecall.transport.codecs.reverse import as_query, assumable_response, filter_of, trusted_response
from rolecall_client.v1 import decision_pb2 as pb
from tests.server.serving import ACCOUNT, BOB

PROVIDER = f"acs:ram::{ACCOUNT}:oidc-provider/github"
SHARED: dict[str, Any] = {
    "duration_seconds": 900,
    "role_session_name": "session",
    "external_id": "external",
    "source_identity": "source",
    "context": {"acs:SourceIp": pb.ConditionValues(values=["10.0.0.1", "10.0.0.2"])},
}
IDENTITIES: dict[str, Any] = {
    "principal": BOB,
    "federated": pb.FederatedIdentity(provider_arn=PROVIDER, claims={"oidc:sub": pb.ConditionValues(values=["s"])}),
    "oidc": pb.OidcIdentity(provider_arn=PROVIDER, token="t"),
    "oidc_token": "t",
}
OF_THE_LIST = {"account_id", "page_size", "page_token"}


def test_every_field_of_a_list_is_one_of_a_query_or_of_the_list_itself() -> None:
    fields = {field.name for field in pb.ListAssumableRolesRequest.DESCRIPTOR.fields}

    assert fields == {*SHARED, *IDENTITIES, *OF_THE_LIST}


@pytest.mark.parametrize("identity", IDENTITIES)
def test_a_list_is_a_query_of_the_same_identity(identity: str) -> None:
    query = as_query(pb.ListAssumableRolesRequest(**{identity: IDENTITIES[identity]}))

    assert query.WhichOneof("identity") == identity
    assert getattr(query, identity) == IDENTITIES[identity]


@pytest.mark.parametrize("field", SHARED)
def test_a_list_is_a_query_with_the_same_fields(field: str) -> None:
    given: dict[str, Any] = {"principal": BOB, field: SHARED[field]}

    query = as_query(pb.ListAssumableRolesRequest(**given))

    expected = pb.AssumeRoleQuery(**given)
    expected.role = query.role
    assert query == expected


@pytest.mark.parametrize(
    "change", [{name: value} for name, value in {**SHARED, **IDENTITIES, "account_id": ACCOUNT}.items()]
)
def test_the_pages_of_a_list_are_bound_to_everything_but_the_page(change: dict[str, Any]) -> None:
    other = BOB.replace("bob", "alice")
    plain, changed = pb.ListAssumableRolesRequest(principal=other), pb.ListAssumableRolesRequest(principal=other)
    changed.MergeFrom(pb.ListAssumableRolesRequest(**change))
    paged = pb.ListAssumableRolesRequest(principal=other, page_size=7, page_token="t")

    assert filter_of(changed) != filter_of(plain)
    assert filter_of(paged) == filter_of(plain)
    assert (paged.page_size, paged.page_token) == (7, "t")


def test_a_page_token_is_bound_alike_by_every_replica_also_while_they_are_upgraded() -> None:
    keys = [f"app:Key-{number}" for number in range(30)]
    asked = pb.ListAssumableRolesRequest(principal=BOB)
    for key in keys:
        asked.context[key].values.append("v")
    # Fields in the order of their numbers, entries of a map in that of their keys.
    written = asked.SerializeToString(deterministic=True)
    asked.page_size, asked.page_token = 100, "token"

    assert filter_of(asked) == ("assumable", sha256(written).hexdigest())


def test_a_list_without_an_identity_is_a_query_without_one() -> None:
    assert as_query(pb.ListAssumableRolesRequest()).WhichOneof("identity") is None


def test_a_page_has_each_role_with_its_outcome_and_the_keys_that_are_missing() -> None:
    roles = [AssumableRole("key", f"arn-{outcome}", outcome, (f"key-{outcome}", "k")) for outcome in Assumability]

    page = assumable_response(roles, "next")

    assert page.next_page_token == "next"
    assert [(one.role_arn, pb.Assumability.Name(one.outcome), list(one.missing_keys)) for one in page.roles] == [
        (f"arn-{outcome}", f"ASSUMABILITY_{outcome}", [f"key-{outcome}", "k"]) for outcome in Assumability
    ]


def test_a_grant_has_its_principal_its_type_its_effect_its_conditions_and_its_place() -> None:
    statements = [
        {"Effect": "Allow", "Principal": {"RAM": [BOB], "Service": ["ecs.aliyuncs.com"]}},
        {"Effect": "Deny", "Principal": {"Federated": [PROVIDER]}, "Condition": {"Bool": {"acs:MFAPresent": "true"}}},
    ]
    text = json.dumps({"Version": "1", "Statement": [{"Action": "sts:AssumeRole", **one} for one in statements]})

    grants = trusted_response(parse_policy(text)).grants

    assert [(one.principal_pattern, one.type, one.effect, one.statement_pointer) for one in grants] == [
        (BOB, "RAM", "Allow", "/Statement/0"),
        ("ecs.aliyuncs.com", "Service", "Allow", "/Statement/0"),
        (PROVIDER, "Federated", "Deny", "/Statement/1"),
    ]
    assert [len(one.conditions) for one in grants] == [0, 0, 1]
    assert grants[2].conditions[0] == "`acs:MFAPresent` is `true`"
