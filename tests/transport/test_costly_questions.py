"""A question over the budget of work over a real channel: its own error, beside answers of the others."""

from __future__ import annotations

import json
import string
from itertools import product
from typing import Any

from google.rpc import error_details_pb2

from rolecall.policy.work import WORK_BUDGET
from rolecall_client.v1 import decision_pb2 as pb, role_pb2
from tests.server.serving import ACCOUNT, BOB, Served
from tests.transport.refusals import refused

PATTERNS = [f"*{'?a' * 5}{first}{second}*b*" for first, second in product(string.ascii_letters, "01234")][:256]
LIMIT = {"role": f"acs:ram::{ACCOUNT}:role/costly", "limit": str(WORK_BUDGET)}


async def create(service: Served, patterns: list[str]) -> None:
    condition = {"StringLike": {"k": patterns}}
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"RAM": BOB}, "Condition": condition}
    text = json.dumps({"Version": "1", "Statement": [statement]})
    await service.roles.CreateRole(role_pb2.CreateRoleRequest(role_name="costly", assume_role_policy_document=text))


def query(values: int) -> pb.AssumeRoleQuery:
    found = pb.AssumeRoleQuery(principal=BOB, role="costly")
    found.context["k"].values.extend(f"{'a' * 155}{number:04}" for number in range(values))
    return found


def facts_of(status: Any) -> tuple[str, dict[str, str]]:
    info = error_details_pb2.ErrorInfo()
    status.details[0].Unpack(info)
    return info.reason, {name: fact for name, fact in info.metadata.items() if name in LIMIT}


async def test_every_method_refuses_a_costly_question_and_answers_the_others(service: Served) -> None:
    await create(service, PATTERNS)
    ask, costly, cheap = service.decisions, query(100), query(1)

    single = await refused(ask.CheckAssumeRole(pb.CheckAssumeRoleRequest(query=costly)))
    explained = await refused(ask.ExplainAssumeRole(pb.ExplainAssumeRoleRequest(query=costly)))
    batch = await ask.BatchCheckAssumeRole(pb.BatchCheckAssumeRoleRequest(queries=[cheap, costly, cheap]))
    stream = ask.StreamCheckAssumeRole(iter([pb.StreamCheckAssumeRoleRequest(query=q) for q in (costly, cheap)]))
    streamed = [answer async for answer in stream]

    assert {single.reason, explained.reason} == {"QUESTION_TOO_COSTLY"}
    assert [result.WhichOneof("result") for result in batch.results] == ["decision", "error", "decision"]
    assert [answer.WhichOneof("result") for answer in streamed] == ["error", "decision"]
    assert facts_of(batch.results[1].error) == facts_of(streamed[0].error) == ("QUESTION_TOO_COSTLY", LIMIT)


async def test_a_costly_question_is_decided_once_the_policy_has_fewer_patterns(service: Served) -> None:
    await create(service, PATTERNS)
    request = pb.CheckAssumeRoleRequest(query=query(100))
    before = await refused(service.decisions.CheckAssumeRole(request))

    await service.roles.DeleteRole(role_pb2.DeleteRoleRequest(role="costly"))
    await create(service, PATTERNS[:10])
    after = await service.decisions.CheckAssumeRole(request)

    assert before.reason == "QUESTION_TOO_COSTLY"
    assert after.decision.reason == pb.DECISION_REASON_IMPLICIT_DENY
