"""Decisions without a server: the whole answer, and the role that a trust policy is taken to be on."""

from __future__ import annotations

import json

import pytest

from rolecall.engine.errors import InvalidRequestError
from rolecall.offline import OfflineRole, check, explain
from rolecall_client.v1 import decision_pb2 as pb

ALICE = "acs:ram::123456789012:user/alice"


def document(**condition: object) -> str:
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"RAM": ALICE}}
    return json.dumps({"Version": "1", "Statement": [statement | ({"Condition": condition} if condition else {})]})


def query(**fields: object) -> pb.AssumeRoleQuery:
    return pb.AssumeRoleQuery(principal=ALICE, **fields)  # type: ignore[arg-type]


def allowed() -> pb.Decision:
    decision = pb.Decision(
        allowed=True,
        reason=pb.DECISION_REASON_ALLOW,
        trust_side=pb.SIDE_OUTCOME_ALLOW,
        identity_side=pb.SIDE_OUTCOME_NOT_EVALUATED,
        determining_statements=[pb.DeterminingStatement(index=0, pointer="/Statement/0")],
        max_session_duration_seconds=3_600,
        decision_id="offline",
        served_from=pb.SERVED_FROM_EVALUATED,
    )
    decision.staleness.SetInParent()
    return decision


def test_a_check_without_a_server_has_this_answer() -> None:
    response = check(query(), OfflineRole(document=document()))

    assert response == pb.CheckAssumeRoleResponse(decision=allowed())


def test_an_explanation_without_a_server_has_the_same_decision() -> None:
    response = explain(query(), OfflineRole(document=document()))

    assert (response.decision, response.consistency_token) == (allowed(), "")
    assert [statement.applies for statement in response.statements] == [True]


def test_a_query_is_not_changed() -> None:
    asked = query(role="another")

    check(asked, OfflineRole(document=document()))

    assert asked == query(role="another")


@pytest.mark.parametrize(("given", "longest"), [(0, 3_600), (43_200, 43_200)])
def test_the_role_has_the_session_duration_that_is_given_or_the_default_of_a_declaration(
    given: int, longest: int
) -> None:
    offline = OfflineRole(document=document(), max_session_duration_seconds=given)

    assert check(query(duration_seconds=longest), offline).decision.allowed
    with pytest.raises(InvalidRequestError):
        check(query(duration_seconds=longest + 1), offline)


@pytest.mark.parametrize(("role", "owner"), [("", "123456789012"), ("7/app", "7"), ("acs:ram::8:role/app", "8")])
def test_the_role_is_in_the_account_that_is_named(role: str, owner: str) -> None:
    own_service = json.dumps(
        {
            "Version": "1",
            "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "orders.internal"}}],
        }
    )
    offline = OfflineRole(document=own_service, role=role)

    def decided(account: str) -> bool:
        return check(pb.AssumeRoleQuery(principal=f"{account}@orders.internal"), offline).decision.allowed

    assert (decided(owner), decided("99")) == (True, False)


def test_the_role_has_the_tags_that_are_given() -> None:
    tagged = document(StringEquals={"acs:ResourceTag/team": "pay"})

    assert check(query(), OfflineRole(document=tagged, tags={"team": "pay"})).decision.allowed
    assert not check(query(), OfflineRole(document=tagged)).decision.allowed


def test_an_explanation_is_of_the_assumed_time() -> None:
    until = document(DateLessThan={"acs:CurrentTime": "2030-01-01T00:00:00Z"})
    offline = OfflineRole(document=until)

    at = [explain(query(), offline, now=now).decision.allowed for now in (1_893_455_999_999_999, 1_893_456_000_000_000)]

    assert at == [True, False]
