"""Decisions over a real channel: what an answer holds, and what is refused of a request."""

from __future__ import annotations

import json
import time
from typing import Any
from unittest.mock import patch

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from rolecall.engine.decision_point import LARGE_DOCUMENT_CHARACTERS
from rolecall.engine.errors import InvalidRequestError
from rolecall.roles.accounts import Accounts
from rolecall.roles.role import Revision
from rolecall.transport.codecs import batch as codec
from rolecall.transport.codecs.decision import QueryDecoder
from rolecall_client.v1 import decision_pb2 as pb, role_pb2
from tests.server.serving import ACCOUNT, BOB, Served, check, served, until
from tests.transport.refusals import refused

WIDE = {
    "DateGreaterThan": {"acs:CurrentTime": "2020-01-01T00:00:00Z"},
    "DateLessThan": {"acs:CurrentTime": "2100-01-01T00:00:00Z"},
}


async def create(service: Served, condition: object, *, blanks: int = 0, **fields: Any) -> role_pb2.Role:
    statement = {"Sid": "only", "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"RAM": BOB}}
    text = json.dumps({"Version": "1", "Statement": [statement | {"Condition": condition}]})
    document = text + " " * blanks
    request = role_pb2.CreateRoleRequest(role_name="app", assume_role_policy_document=document, **fields)
    response: role_pb2.CreateRoleResponse = await service.roles.CreateRole(request)
    return response.role


async def decided(service: Served, query: pb.AssumeRoleQuery) -> dict[str, pb.Decision]:
    """Return the decision of each method on one query."""
    ask = service.decisions
    streamed = ask.StreamCheckAssumeRole(iter([pb.StreamCheckAssumeRoleRequest(query=query)]))
    return {
        "check": (await ask.CheckAssumeRole(pb.CheckAssumeRoleRequest(query=query))).decision,
        "batch": (await ask.BatchCheckAssumeRole(pb.BatchCheckAssumeRoleRequest(queries=[query]))).results[0].decision,
        "stream": (await streamed.read()).decision,
        "explain": (await ask.ExplainAssumeRole(pb.ExplainAssumeRoleRequest(query=query))).decision,
    }


async def test_every_method_decides_at_the_time_of_the_call(service: Served) -> None:
    await create(service, WIDE)

    decisions = await decided(service, check().query)

    assert {name: decision.allowed for name, decision in decisions.items()} == dict.fromkeys(decisions, True)
    assert {decision.valid_until.seconds for decision in decisions.values()} == {4_102_444_800}
    assert time.time() < 4_102_444_800


async def test_a_decision_is_encoded_once_and_not_for_each_answer(service: Served) -> None:
    await create(service, {})

    with patch.object(codec, "encode_decision", side_effect=AssertionError("encoded again")):
        answers = [await service.decisions.CheckAssumeRole(check()) for _ in range(3)]
        decision = service.server.replica.point.check(QueryDecoder(Accounts(ACCOUNT)).read(check().query), 0)

    assert [answer.decision.allowed for answer in answers] == [True] * 3
    assert decision.encoded


@pytest.mark.parametrize("blanks", [0, LARGE_DOCUMENT_CHARACTERS])
async def test_every_method_says_for_how_long_the_decision_holds_from_now(service: Served, blanks: int) -> None:
    await create(service, WIDE, blanks=blanks)

    before = time.time_ns() // 1_000
    # Twice: the first answer is evaluated, the second is cached.
    decisions = [*(await decided(service, check().query)).values(), *(await decided(service, check().query)).values()]
    after = time.time_ns() // 1_000

    for decision in decisions:
        assert before <= decision.valid_until.ToMicroseconds() - decision.valid_for.ToMicroseconds() < after + 1_000


async def test_an_answer_holds_everything_that_the_decision_says(service: Served) -> None:
    role = await create(service, {"StringEquals": {"k": "v", "l": "w"}}, max_session_duration_seconds=7_200)

    query = check().query
    query.context["k"].values.append("v")
    missing = await decided(service, query)
    query.context["l"].values.append("w")
    allowed = await decided(service, query)

    for decision in missing.values():
        assert (decision.allowed, decision.reason) == (False, pb.DECISION_REASON_IMPLICIT_DENY)
        assert decision.trust_side == pb.SIDE_OUTCOME_IMPLICIT_DENY
        assert (list(decision.missing_keys), list(decision.determining_statements)) == (["l"], [])
    for decision in allowed.values():
        assert (decision.allowed, decision.reason) == (True, pb.DECISION_REASON_ALLOW)
        assert (decision.trust_side, decision.identity_side) == (
            pb.SIDE_OUTCOME_ALLOW, pb.SIDE_OUTCOME_NOT_EVALUATED,
        )  # fmt: skip
        (statement,) = decision.determining_statements
        assert (statement.index, statement.sid, statement.pointer) == (0, "only", "/Statement/0")
        assert list(decision.missing_keys) == []
    for decision in (*missing.values(), *allowed.values()):
        assert sorted(decision.vary_keys) == ["k", "l"]
        assert (decision.role_id, decision.max_session_duration_seconds) == (role.role_id, 7_200)
        assert not decision.HasField("valid_until")
        assert not decision.HasField("valid_for")
        assert decision.HasField("staleness")


async def test_answers_from_a_restored_state_say_so() -> None:
    async with served(poll_seconds=60) as service:
        await service.create()
        await service.decisions.CheckAssumeRole(check())
        # The poll of the start confirms a restored state.
        await until(lambda: service.server.replica.polling.counts.done)
        service.server.replica.snapshot.restored = True

        decisions = await decided(service, check().query)

    assert {decision.served_from for decision in decisions.values()} == {pb.SERVED_FROM_RESTORED}
    assert {decision.allowed for decision in decisions.values()} == {True}


async def test_an_explanation_holds_everything_about_its_statements(service: Served) -> None:
    await create(service, {"NumericLessThan": {"k": ["1", "2"]}, "StringEquals": {"l": "w"}})
    query = check().query
    query.context["k"].values.append("one")

    answer = await service.decisions.ExplainAssumeRole(pb.ExplainAssumeRoleRequest(query=query))

    pointer = "/Statement/0/Condition"
    numeric = pb.ConditionTrace(
        operator="NumericLessThan", key="k", expected=["1", "2"], actual=["one"], present=True, unreadable=True,
        pointer=f"{pointer}/NumericLessThan/k",
    )  # fmt: skip
    equal = pb.ConditionTrace(operator="StringEquals", key="l", expected=["w"], pointer=f"{pointer}/StringEquals/l")
    assert list(answer.statements) == [
        pb.StatementTrace(
            index=0, sid="only", effect="Allow", principal_matched=True, matched_principal=BOB,
            conditions=[numeric, equal], pointer="/Statement/0", principals=[BOB],
        )
    ]  # fmt: skip
    (miss,) = answer.near_misses
    assert (miss.index, miss.sid, miss.pointer, miss.effect) == (0, "only", "/Statement/0", "Allow")
    assert list(miss.elements) == [numeric.pointer, equal.pointer]
    assert miss.suggestion
    assert answer.consistency_token == service.server.replica.tokens.consistency(Revision(1))


async def test_every_invalid_part_of_a_query_is_reported_at_once(service: Served) -> None:
    query = pb.AssumeRoleQuery(principal="?", role="", role_session_name="x", source_identity="acs:me")
    query.context["acs:CurrentTime"].values.append("now")

    refusal = await refused(service.decisions.CheckAssumeRole(pb.CheckAssumeRoleRequest(query=query)))

    assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
    assert [field.field for field in refusal.fields] == [
        "principal", "role", "context['acs:CurrentTime']", "role_session_name", "source_identity",
    ]  # fmt: skip


def test_of_several_faulty_keys_the_first_by_name_is_reported() -> None:
    asked = check().query
    for number in range(30, 10, -1):
        asked.context[f"k{number}"].values.append("x" * (4_096 + number))

    with pytest.raises(InvalidRequestError) as caught:
        QueryDecoder(Accounts(ACCOUNT)).read(asked)

    (violation,) = caught.value.violations
    assert (violation.field, "4107" in violation.message) == ("context['k11']", True)


async def test_a_query_that_is_sent_in_two_parts_is_merged(service: Served) -> None:
    await service.create()
    parts = [pb.AssumeRoleQuery(principal=BOB), pb.AssumeRoleQuery(role="app")]
    data = b"".join(pb.CheckAssumeRoleRequest(query=part).SerializeToString() for part in parts)
    call = service.channel.unary_unary("/rolecall.v1.DecisionService/CheckAssumeRole")

    answer = pb.CheckAssumeRoleResponse.FromString(await call(data))

    assert answer.decision.reason == pb.DECISION_REASON_ALLOW


async def test_a_query_whose_bytes_are_no_message_is_refused(service: Served) -> None:
    call = service.channel.unary_unary("/rolecall.v1.DecisionService/CheckAssumeRole")

    refusal = await refused(call(b"\x0a\x02\x0a\xff"))

    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "MALFORMED_MESSAGE")


TIMES = [
    (Timestamp(seconds=-62_135_596_800), True),
    (Timestamp(seconds=-62_135_596_801), False),
    (Timestamp(seconds=253_402_300_799, nanos=999_999_999), True),
    (Timestamp(seconds=253_402_300_800), False),
    (Timestamp(nanos=1_000_000_000), False),
    (Timestamp(nanos=-1), False),
]


@pytest.mark.parametrize(("assumed", "valid"), TIMES, ids=str)
async def test_an_assumed_time_is_of_the_years_1_to_9999(service: Served, assumed: Timestamp, valid: bool) -> None:
    await service.create()
    call = service.decisions.ExplainAssumeRole(pb.ExplainAssumeRoleRequest(query=check().query, assume_time=assumed))

    if valid:
        assert (await call).decision.allowed
    else:
        refusal = await refused(call)
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_TIME")
        assert [field.field for field in refusal.fields] == ["assume_time"]


async def test_an_assumed_time_counts_to_the_microsecond(service: Served) -> None:
    await create(service, {"DateLessThan": {"acs:CurrentTime": "2026-01-01T00:00:00.000001Z"}})

    async def allowed_at(nanos: int) -> bool:
        assumed = Timestamp(seconds=1_767_225_600, nanos=nanos)
        request = pb.ExplainAssumeRoleRequest(query=check().query, assume_time=assumed)
        return bool((await service.decisions.ExplainAssumeRole(request)).decision.allowed)

    assert [await allowed_at(nanos) for nanos in (0, 999, 1_000)] == [True, True, False]


@pytest.mark.parametrize(("size", "cached"), [(1_024, 1), (1_025, 0)])
def test_only_small_queries_are_cached(size: int, cached: int) -> None:
    decoder = QueryDecoder(Accounts())
    query = pb.AssumeRoleQuery(principal=BOB, role=f"{ACCOUNT}/app")
    query.context["k"].values.append("x" * 900)
    data = query.SerializeToString()
    query.context["k"].values[0] += "x" * (size - len(data))
    data = query.SerializeToString()

    first, second = decoder.request(data), decoder.request(data)

    assert len(data) == size
    assert (len(decoder.cache), first is second) == (cached, bool(cached))
