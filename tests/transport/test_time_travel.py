"""Consistency and time over a real channel: explaining the past, assumed times, and states that are too old."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from rolecall_client.v1 import decision_pb2 as pb, role_pb2
from tests.server.serving import ACCOUNT, BOB, DOCUMENT, Served, check, served
from tests.transport.refusals import refused

NOBODY = '{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":[]}}]}'
UNTIL_2026 = DOCUMENT.replace(
    '"Principal"', '"Condition":{"DateLessThan":{"acs:CurrentTime":"2026-01-01T00:00:00Z"}},"Principal"'
)
IN_2090 = DOCUMENT.replace(
    '"Principal"',
    '"Condition":{"DateGreaterThan":{"acs:CurrentTime":"2090-01-01T00:00:00Z"},'
    '"DateLessThan":{"acs:CurrentTime":"2091-01-01T00:00:00Z"}},"Principal"',
)
SUMMER_2090 = 3_802_464_000
ALLOW, DENY, NOT_FOUND = (pb.DECISION_REASON_ALLOW, pb.DECISION_REASON_IMPLICIT_DENY, pb.DECISION_REASON_ROLE_NOT_FOUND)


def explaining(at_revision: int | None = None, **fields: Any) -> pb.ExplainAssumeRoleRequest:
    query = pb.AssumeRoleQuery(principal=BOB, role="app")
    return pb.ExplainAssumeRoleRequest(query=query, at_revision=at_revision, **fields)


async def lived(service: Served) -> None:
    """Give a role a life: created (1), nobody's (2), deleted (3), created again (4)."""
    await service.create()
    await service.roles.UpdateRole(role_pb2.UpdateRoleRequest(role="app", assume_role_policy_document=NOBODY))
    await service.roles.DeleteRole(role_pb2.DeleteRoleRequest(role="app"))
    await service.create("APP")


async def test_the_past_is_explained_with_the_role_of_then(service: Served) -> None:
    await lived(service)

    answers = [await service.decisions.ExplainAssumeRole(explaining(revision)) for revision in range(5)]

    assert [answer.decision.reason for answer in answers] == [NOT_FOUND, ALLOW, DENY, NOT_FOUND, ALLOW]
    assert [answer.decision.revision for answer in answers] == [0, 1, 2, 3, 4]
    assert [answer.role_revision for answer in answers] == [0, 1, 2, 0, 4]
    assert [len(answer.statements) for answer in answers] == [0, 1, 1, 0, 1]
    assert answers[1].decision.role_id == answers[2].decision.role_id != answers[4].decision.role_id


async def test_the_revision_of_an_empty_store_is_one_that_can_be_asked_about(service: Served) -> None:
    empty = await service.decisions.CheckAssumeRole(check())

    past = await service.decisions.ExplainAssumeRole(explaining(empty.decision.revision))

    assert (past.decision.reason, past.decision.revision) == (NOT_FOUND, 0)


async def test_the_past_leaves_the_present_as_it_is(service: Served) -> None:
    await lived(service)
    before = await service.decisions.CheckAssumeRole(check())

    await service.decisions.ExplainAssumeRole(explaining(2))
    after = await service.decisions.CheckAssumeRole(check())

    assert (before.decision.allowed, after.decision.allowed) == (True, True)
    assert after.decision.served_from == pb.SERVED_FROM_CACHED
    assert after.consistency_token == before.consistency_token


async def test_a_role_that_did_not_change_is_as_it_was(service: Served) -> None:
    await service.create()
    for number in range(3):
        await service.create(f"other-{number}")

    answer = await service.decisions.ExplainAssumeRole(explaining(3))

    now = await service.decisions.ExplainAssumeRole(explaining())
    assert (answer.decision.reason, answer.decision.revision, answer.role_revision) == (ALLOW, 3, 1)
    assert (now.decision.revision, now.role_revision) == (4, 1)


@pytest.mark.parametrize(
    ("revision", "code", "reason"),
    [
        (-1, "INVALID_ARGUMENT", "REVISION_RANGE"),
        (5, "FAILED_PRECONDITION", "FUTURE_REVISION"),
        (2**63 - 1, "FAILED_PRECONDITION", "FUTURE_REVISION"),
    ],
)
async def test_a_revision_that_never_was_is_refused(service: Served, revision: int, code: str, reason: str) -> None:
    await lived(service)

    refusal = await refused(service.decisions.ExplainAssumeRole(explaining(revision)))

    assert (refusal.code.name, refusal.reason) == (code, reason)


async def test_what_has_been_forgotten_is_refused(service: Served) -> None:
    await lived(service)
    service.server.replica.repository.prune(keep_after=2**62, keep_revisions=1, forget_requests_before=0)

    refusal = await refused(service.decisions.ExplainAssumeRole(explaining(2)))
    kept = await service.decisions.ExplainAssumeRole(explaining(4))

    assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "REVISION_NOT_KEPT")
    assert (refusal.facts["revision"], refusal.facts["floor"]) == ("2", "3")
    assert kept.decision.allowed


async def test_a_time_is_assumed_in_the_past_as_in_the_present(service: Served) -> None:
    await service.roles.CreateRole(role_pb2.CreateRoleRequest(role_name="app", assume_role_policy_document=UNTIL_2026))
    await service.roles.UpdateRole(role_pb2.UpdateRoleRequest(role="app", assume_role_policy_document=NOBODY))
    then = Timestamp(seconds=1_767_225_600 - 1)

    allowed = await service.decisions.ExplainAssumeRole(explaining(1, assume_time=then))
    too_late = await service.decisions.ExplainAssumeRole(explaining(1, assume_time=Timestamp(seconds=1_767_225_600)))
    changed = await service.decisions.ExplainAssumeRole(explaining(assume_time=then))

    assert [a.decision.allowed for a in (allowed, too_late, changed)] == [True, False, False]
    assert allowed.decision.valid_until.seconds == 1_767_225_600
    # It held at the assumed time, and holds no longer.
    assert allowed.decision.HasField("valid_for")
    assert allowed.decision.valid_for.ToMicroseconds() == 0


async def test_a_decision_that_holds_at_a_later_time_does_not_hold_now(service: Served) -> None:
    await service.roles.CreateRole(role_pb2.CreateRoleRequest(role_name="app", assume_role_policy_document=IN_2090))

    later = await service.decisions.ExplainAssumeRole(explaining(assume_time=Timestamp(seconds=SUMMER_2090)))

    assert later.decision.allowed
    assert later.decision.HasField("valid_until")
    assert later.decision.valid_for.ToMicroseconds() == 0


METHODS: list[tuple[str, Any]] = [
    ("CheckAssumeRole", check()),
    ("BatchCheckAssumeRole", pb.BatchCheckAssumeRoleRequest(queries=[check().query])),
    ("ExplainAssumeRole", explaining()),
    ("ExplainAssumeRole", explaining(1)),
    ("ListAssumableRoles", pb.ListAssumableRolesRequest(principal=BOB)),
    ("ListTrustedPrincipals", pb.ListTrustedPrincipalsRequest(role="app")),
    # What does not exist in an old state may exist by now.
    ("ExplainAssumeRole", explaining(99)),
    ("ListTrustedPrincipals", pb.ListTrustedPrincipalsRequest(role="absent")),
]


def let_state_be_old(service: Served, seconds: float) -> None:
    follower: Any = service.server.replica.follower
    follower.staleness = lambda: int(seconds * 1_000_000)


@pytest.mark.parametrize(("method", "request_"), METHODS, ids=[name for name, _ in METHODS])
async def test_a_state_that_is_too_old_answers_nothing(service: Served, method: str, request_: Any) -> None:
    await service.create()
    let_state_be_old(service, 300.5)

    refusal = await refused(getattr(service.decisions, method)(request_))

    assert (refusal.code, refusal.reason, refusal.retry) == (grpc.StatusCode.UNAVAILABLE, "STATE_TOO_OLD", True)
    assert (refusal.facts["age_seconds"], refusal.facts["limit_seconds"]) == ("300.5", "300")


async def test_a_stream_outlives_a_state_that_is_too_old(service: Served) -> None:
    await service.create()
    stream = service.decisions.StreamCheckAssumeRole()
    question = pb.StreamCheckAssumeRoleRequest(query=check().query)

    let_state_be_old(service, 301)
    await stream.write(question)
    refused_ = await stream.read()
    let_state_be_old(service, 1)
    await stream.write(question)
    answered = await stream.read()
    stream.cancel()

    assert refused_.error.code == grpc.StatusCode.UNAVAILABLE.value[0]
    assert answered.decision.allowed


async def test_every_answer_says_how_old_its_state_may_be(service: Served) -> None:
    await service.create()

    fresh = await service.decisions.CheckAssumeRole(check())
    let_state_be_old(service, 2.5)
    stale = await service.decisions.CheckAssumeRole(check())
    batch = await service.decisions.BatchCheckAssumeRole(pb.BatchCheckAssumeRoleRequest(queries=[check().query]))
    explained = await service.decisions.ExplainAssumeRole(explaining())

    assert fresh.decision.HasField("staleness")
    assert fresh.decision.staleness.ToMicroseconds() == 0
    for decision in (stale.decision, batch.results[0].decision, explained.decision):
        assert decision.staleness.ToMicroseconds() == 2_500_000


async def test_the_limit_is_a_setting() -> None:
    async with served(max_staleness_seconds=0) as service:
        let_state_be_old(service, 0)
        await service.decisions.CheckAssumeRole(check())
        let_state_be_old(service, 0.000_001)

        refusal = await refused(service.decisions.CheckAssumeRole(check(role=f"{ACCOUNT}/app")))

        assert refusal.reason == "STATE_TOO_OLD"
