"""What is written as bytes is what filling the messages field by field would give."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from google.rpc.status_pb2 import Status

from rolecall.engine.consistency import Consistency
from rolecall.engine.decision import Answer, ServedFrom
from rolecall.roles.accounts import Accounts
from rolecall.roles.change import Author, Change, ChangeKind, Commit
from rolecall.roles.role import Micros, Revision
from rolecall.transport.codecs.batch import BatchAnswers, refusal
from rolecall.transport.codecs.decision import QueryDecoder, write_answer
from rolecall.transport.codecs.raw import RawBatchRequest, RawBatchResponse
from rolecall.transport.services.decision import DecisionServicer
from rolecall_client.v1 import decision_pb2 as pb
from tests.engine.world import ACCOUNT, ALICE, NOON, allow, deny, document, point, question, role

LONG = {f"key-{n}-" + "x" * 100: "v" for n in range(60)}
POLICIES: list[dict[str, Any]] = [
    allow(),
    deny(),
    allow(StringEquals={"k": "v"}),
    allow(DateLessThan={"acs:CurrentTime": "2026-01-01T13:00:00Z"}) | {"Sid": "ünï"},
    allow(StringEquals=LONG),
]


@pytest.mark.parametrize("statement", POLICIES)
@pytest.mark.parametrize("staleness", [0, 1_500_000])
@pytest.mark.parametrize("revision", [1, 127, 128, 1 << 40])
def test_a_result_is_the_message_that_its_answer_makes(
    statement: dict[str, Any], staleness: int, revision: int
) -> None:
    decision = point(role(document(statement))).check(question(ALICE), NOON).decision
    answers = BatchAnswers(revision=revision, staleness=staleness)

    for decision_id in ("a", "a", "b" * 40):
        for served_from in ServedFrom:
            answer, expected = Answer(decision, served_from), pb.BatchCheckResult()
            write_answer(expected.decision, answer, decision_id, revision, staleness)
            assert pb.BatchCheckResult.FromString(answers.result(answer, decision_id.encode())) == expected


def test_a_refusal_is_the_message_of_its_status() -> None:
    status = Status(code=3, message="x" * 300)

    assert pb.BatchCheckResult.FromString(refusal(status)) == pb.BatchCheckResult(error=status)


def test_the_raw_messages_are_the_same_on_the_wire() -> None:
    queries = [pb.AssumeRoleQuery(principal=ALICE, role="app"), pb.AssumeRoleQuery()]
    consistency = pb.Consistency(fully_consistent=True)
    request = pb.BatchCheckAssumeRoleRequest(queries=queries, consistency=consistency)
    results = [pb.BatchCheckResult(decision=pb.Decision(allowed=True)), pb.BatchCheckResult(error=Status(code=3))]
    response = pb.BatchCheckAssumeRoleResponse(results=results, consistency_token="token")

    raw = RawBatchRequest.FromString(request.SerializeToString())
    written = RawBatchResponse(results=[r.SerializeToString() for r in results], consistency_token="token")

    assert list(raw.queries) == [query.SerializeToString() for query in queries]
    assert raw.consistency == consistency
    assert written.SerializeToString() == response.SerializeToString()


async def test_a_long_batch_lets_others_in_and_has_one_revision_all_the_same() -> None:
    decider = point(role(document(allow())))
    servicer = DecisionServicer(
        decider,
        _FreshState(),
        QueryDecoder(Accounts()),
        reverse=None,  # type: ignore[arg-type]
        history=None,  # type: ignore[arg-type]
        max_batch=100,
        patience=0,
    )
    queries = [pb.AssumeRoleQuery(principal=ALICE, role=f"{ACCOUNT}/app")] * 50
    message = RawBatchRequest(queries=[query.SerializeToString() for query in queries])
    batch = asyncio.create_task(servicer.BatchCheckAssumeRole(message, None))
    author, turns = Author(actor="test", time=Micros(NOON)), 0

    while not batch.done():
        turns += 1
        if turns in (5, 30):
            revision = Revision(decider.snapshot.revision + 1)
            denied = Change(ChangeKind.UPDATED, role(document(deny()), revision=revision))
            decider.snapshot.apply(Commit(revision=revision, author=author, changes=(denied,), hash=b""))
        await asyncio.sleep(0)

    decisions = [pb.BatchCheckResult.FromString(result).decision for result in (await batch).results]
    assert turns >= 30
    assert {(decision.revision, decision.allowed) for decision in decisions} == {(3, False)}


class _FreshState(Consistency):
    def __init__(self) -> None: ...

    def token(self) -> str:
        return ""

    def staleness(self) -> int:
        return 0
