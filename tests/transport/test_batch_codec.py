"""Batches: what is written as bytes equals what protobuf writes, and a long batch has one revision."""

from __future__ import annotations

import asyncio
from collections.abc import Container
from itertools import count
from math import inf
from typing import Any

import pytest
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo
from google.rpc.status_pb2 import Status

from rolecall.engine.consistency import Consistency
from rolecall.engine.decision import Answer, ServedFrom
from rolecall.engine.decision_point import DecisionPoint
from rolecall.engine.decision_record import DecisionRecord, IssuedAnswer, RecordedCall
from rolecall.engine.errors import BatchSizeError
from rolecall.engine.request import AssumeRoleRequest
from rolecall.roles.accounts import Accounts
from rolecall.roles.change import Author, Change, ChangeKind, Commit
from rolecall.roles.role import Micros, Revision
from rolecall.transport.codecs.batch import BatchAnswers, refusal
from rolecall.transport.codecs.decision import QueryDecoder, write_answer
from rolecall.transport.codecs.raw import RawBatchRequest, RawBatchResponse
from rolecall.transport.services.decision import DecisionServicer
from rolecall.transport.services.observed_calls import ObservedCalls
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


def servicer(decider: DecisionPoint, calls: ObservedCalls | None = None, patience: float = 0) -> DecisionServicer:
    """Return a servicer whose batches yield after every item, unless they have more patience."""
    unused: Any = None
    return DecisionServicer(
        decider,
        _FreshState(),
        QueryDecoder(Accounts()),
        reverse=unused,
        history=unused,
        max_batch=100,
        patience=patience,
        calls=calls,
    )


def deny_app(decider: DecisionPoint) -> None:
    """Write the role again, so that it denies."""
    revision = Revision(decider.snapshot.revision + 1)
    denied = Change(ChangeKind.UPDATED, role(document(deny()), revision=revision))
    author = Author(actor="test", time=Micros(NOON))
    decider.snapshot.apply(Commit(revision=revision, author=author, changes=(denied,), hash=b""))


async def answered(
    servicer: DecisionServicer, decider: DecisionPoint, write_at: Container[int], context: Any = None
) -> tuple[list[pb.Decision], int]:
    """Return the answers to a batch of 50 while the role is written at some turns of the event loop, and the turns."""
    query = pb.AssumeRoleQuery(principal=ALICE, role=f"{ACCOUNT}/app").SerializeToString()
    batch = asyncio.create_task(servicer.BatchCheckAssumeRole(RawBatchRequest(queries=[query] * 50), context))
    turns = 0
    while not batch.done():
        turns += 1
        if turns in write_at:
            deny_app(decider)
        await asyncio.sleep(0)
    return [pb.BatchCheckResult.FromString(result).decision for result in (await batch).results], turns


async def test_a_long_batch_yields_to_other_work_and_has_one_revision_all_the_same() -> None:
    decider = point(role(document(allow())))

    decisions, turns = await answered(servicer(decider), decider, {5, 30})

    assert turns >= 30
    assert len(decisions) == 50
    assert {(decision.revision, decision.allowed) for decision in decisions} == {(3, False)}


async def test_a_long_batch_that_no_write_disturbs_yields_after_every_item() -> None:
    decider = point(role(document(allow())))

    decisions, turns = await answered(servicer(decider), decider, set())

    assert 50 <= turns < 60
    assert {(decision.revision, decision.allowed) for decision in decisions} == {(1, True)}


async def test_a_long_batch_yields_whenever_its_patience_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    decider, clock = point(role(document(allow()))), count()
    monkeypatch.setattr("rolecall.transport.services.decision.perf_counter", lambda: next(clock))

    decisions, turns = await answered(servicer(decider, patience=10.5), decider, set())

    assert len(decisions) == 50
    assert 4 < turns < 8


@pytest.mark.parametrize(("queries", "accepted"), [(0, False), (1, True), (100, True), (101, False)])
async def test_a_batch_has_1_query_up_to_the_limit(queries: int, accepted: bool) -> None:
    batch = RawBatchRequest(queries=[b""] * queries)
    call = servicer(point(), patience=inf).BatchCheckAssumeRole(batch, None)

    if accepted:
        assert len((await call).results) == queries
    else:
        with pytest.raises(BatchSizeError, match="1 to 100"):
            await call


async def test_writes_without_end_cannot_keep_a_batch_from_its_answers() -> None:
    decider = point(role(document(allow())))

    decisions, _ = await answered(servicer(decider), decider, range(1_000_000))

    # Each write but the first disturbed one try; the third try did not yield.
    assert [(decision.revision, decision.allowed) for decision in decisions] == [(4, False)] * 50


async def test_the_decisions_of_a_batch_are_reported_as_they_are_answered_and_not_those_of_a_try_that_was_dropped() -> (
    None
):
    decider, observer = point(role(document(allow()))), Observer()
    call: Any = Context()
    observing = servicer(decider, ObservedCalls(observer, lambda _: "caller"))

    decisions, _ = await answered(observing, decider, {5}, call)

    assert [record.decision_id for record in observer.records] == [decision.decision_id for decision in decisions]
    assert {(record.role_revision, record.revision, record.allowed) for record in observer.records} == {(2, 2, False)}
    assert {record.call for record in observer.records} == {observer.records[0].call}


async def test_every_decision_of_a_batch_is_reported_with_its_caller() -> None:
    decider, observer = point(role(document(allow()))), Observer()
    call: Any = Context()

    await answered(servicer(decider, ObservedCalls(observer, lambda _: "client.example")), decider, set(), call)

    assert {record.call.caller for record in observer.records} == {"client.example"}


async def test_a_malformed_query_of_a_batch_is_refused_and_the_others_are_answered() -> None:
    decider = point(role(document(allow())))
    query = pb.AssumeRoleQuery(principal=ALICE, role=f"{ACCOUNT}/app").SerializeToString()

    answer = await servicer(decider).BatchCheckAssumeRole(RawBatchRequest(queries=[b"\xff", query]), None)

    first, second = map(pb.BatchCheckResult.FromString, answer.results)
    info, bad = ErrorInfo(), BadRequest()
    for detail in first.error.details:
        detail.Unpack(info)
        detail.Unpack(bad)
    assert (first.error.code, info.reason) == (3, "MALFORMED_MESSAGE")
    assert [violation.field for violation in bad.field_violations] == ["query"]
    assert second.decision.allowed


class Context:
    """A call without metadata."""

    def invocation_metadata(self) -> tuple[()]:
        return ()


class Observer:
    """Keeps the record of each decision."""

    def __init__(self) -> None:
        self.records: list[DecisionRecord] = []

    def on_decision(self, request: AssumeRoleRequest, answer: IssuedAnswer, call: RecordedCall) -> None:
        self.records.append(DecisionRecord.of(request, answer, call))


class _FreshState(Consistency):
    def __init__(self) -> None: ...

    def token(self) -> str:
        return ""

    def staleness(self) -> int:
        return 0
