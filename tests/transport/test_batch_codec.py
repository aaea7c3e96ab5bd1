"""Batches: what is written as bytes equals what protobuf writes, and a long batch has one revision."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Container, Sequence
from itertools import count
from math import inf
from typing import Any

import pytest
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo
from google.rpc.status_pb2 import Status

from rolecall.callers.credential import Credential, CredentialKind
from rolecall.callers.directory import CallerDirectory
from rolecall.engine.consistency import Consistency, StateAge
from rolecall.engine.decision import Answer, ServedFrom
from rolecall.engine.decision_point import DecisionPoint
from rolecall.engine.decision_record import DecisionRecord, IssuedAnswer, RecordedCall
from rolecall.engine.errors import BatchSizeError, StaleStateError
from rolecall.engine.request import AssumeRoleRequest
from rolecall.roles.accounts import Accounts
from rolecall.roles.change import Author, Change, ChangeKind, Commit
from rolecall.roles.role import Micros, Revision
from rolecall.security.identity import Identify, fixed_identity
from rolecall.transport.codecs import batch as codec
from rolecall.transport.codecs.batch import (
    BatchAnswers,
    CheckAnswers,
    StreamAnswers,
    batch_response,
    batch_result,
    refusal,
)
from rolecall.transport.codecs.decision import QueryDecoder, write_answer
from rolecall.transport.codecs.raw import RawBatchRequest
from rolecall.transport.services.batch import DecisionIds
from rolecall.transport.services.decision import DecisionServicer
from rolecall.transport.services.observed_calls import ObservedCalls
from rolecall_client.v1 import decision_pb2 as pb
from tests.callers.permitted import callers_of
from tests.engine.world import ACCOUNT, ALICE, NOON, allow, deny, document, long_answers, point, question, role

LONG = {f"key-{n}-" + "x" * 100: "v" for n in range(60)}
MAX_AGE = 1_000_000
HOUR = 3_600_000_000
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
@pytest.mark.parametrize("later", [0, 1, HOUR - 1, HOUR, 3 * HOUR, -HOUR])
def test_a_result_is_the_message_that_its_answer_makes(
    statement: dict[str, Any], staleness: int, revision: int, later: int
) -> None:
    decision, now = point(role(document(statement))).check(question(ALICE), NOON).decision, NOON + later
    answers = BatchAnswers(revision=revision, staleness=staleness)

    for decision_id in ("a", "a", "b" * 40):
        for served_from in ServedFrom:
            answer, expected = Answer(decision, served_from), pb.BatchCheckResult()
            write_answer(expected.decision, answer, decision_id, revision, staleness, now=now)
            result = answers.result(answer, decision_id.encode(), now)
            assert pb.BatchCheckAssumeRoleResponse.FromString(result).results == [expected]


def test_a_refusal_is_the_message_of_its_status() -> None:
    status = Status(code=3, message="x" * 300)

    assert pb.BatchCheckAssumeRoleResponse.FromString(refusal(status)).results == [pb.BatchCheckResult(error=status)]


def test_the_raw_messages_are_the_same_on_the_wire() -> None:
    queries = [pb.AssumeRoleQuery(principal=ALICE, role="app"), pb.AssumeRoleQuery()]
    consistency = pb.Consistency(fully_consistent=True)
    request = pb.BatchCheckAssumeRoleRequest(queries=queries, consistency=consistency)
    results = [pb.BatchCheckResult(decision=pb.Decision(allowed=True)), pb.BatchCheckResult(error=Status(code=3))]

    raw = RawBatchRequest.FromString(request.SerializeToString())

    assert list(raw.queries) == [query.SerializeToString() for query in queries]
    assert raw.consistency == consistency
    for token in ("token", ""):
        response = pb.BatchCheckAssumeRoleResponse(results=results, consistency_token=token)
        assert batch_response(map(batch_result, results), token) == response.SerializeToString()


def servicer(
    decider: DecisionPoint,
    calls: ObservedCalls | None = None,
    slice_seconds: float = 0,
    age: Callable[[], int] = lambda: 0,
    max_age: int = MAX_AGE,
) -> DecisionServicer:
    """Return a servicer whose batches wait for a turn after every item, unless a slice is longer."""
    unused: Any = None
    decoder = QueryDecoder(Accounts())
    return DecisionServicer(
        decider,
        _StateOfAge(age, max_age),
        decoder,
        callers=callers_of(decider, decoder),
        reverse=unused,
        history=unused,
        max_batch=100,
        answers=long_answers(decider, slice_seconds=slice_seconds),
        calls=calls,
    )


def deny_app(decider: DecisionPoint) -> None:
    """Write the role again, so that it denies."""
    revision = Revision(decider.snapshot.revision + 1)
    denied = Change(ChangeKind.UPDATED, role(document(deny()), revision=revision))
    author = Author(actor="test", time=Micros(NOON))
    decider.snapshot.apply(Commit(revision=revision, author=author, changes=(denied,), hash=b""))


def delete_app(decider: DecisionPoint) -> None:
    """Delete the role."""
    revision = Revision(decider.snapshot.revision + 1)
    deleted = Change(ChangeKind.DELETED, role(document(allow())))
    author = Author(actor="test", time=Micros(NOON))
    decider.snapshot.apply(Commit(revision=revision, author=author, changes=(deleted,), hash=b""))


async def answered(
    servicer: DecisionServicer,
    decider: DecisionPoint,
    write_at: Container[int],
    context: Any = None,
    *,
    after_decisions: int = 0,
) -> tuple[list[pb.Decision], int]:
    """Return the answers to a batch of 50 while the role is written at some turns of the event loop, and the turns."""
    query = pb.AssumeRoleQuery(principal=ALICE, role=f"{ACCOUNT}/app").SerializeToString()
    batch = asyncio.create_task(servicer.BatchCheckAssumeRole(RawBatchRequest(queries=[query] * 50), context))
    turns = 0
    while not batch.done():
        turns += 1
        if turns in write_at and sum(decider.decided.values()) >= after_decisions:
            deny_app(decider)
        await asyncio.sleep(0)
    return [result.decision for result in results_of(await batch)], turns


def results_of(response: bytes) -> Sequence[pb.BatchCheckResult]:
    """Return the results of a response to a batch."""
    return pb.BatchCheckAssumeRoleResponse.FromString(response).results


async def test_a_long_batch_has_the_revision_of_its_moment_whatever_is_written_afterwards() -> None:
    decider = point(role(document(allow())))

    decisions, turns = await answered(servicer(decider), decider, range(1_000_000), after_decisions=1)

    assert turns >= 100
    assert decider.snapshot.revision > 2
    assert [(decision.revision, decision.allowed) for decision in decisions] == [(1, True)] * 50


async def test_what_is_written_while_a_batch_is_decoded_counts() -> None:
    decider = point(role(document(allow())))

    decisions, _ = await answered(servicer(decider), decider, {5})

    assert [(decision.revision, decision.allowed) for decision in decisions] == [(2, False)] * 50


async def test_writes_without_end_do_not_make_a_batch_decide_any_query_twice() -> None:
    decider = point(role(document(allow())), cache_entries=0)

    decisions, _ = await answered(servicer(decider), decider, range(1_000_000))

    assert len(decisions) == sum(decider.decided.values()) == 50
    assert len({(decision.revision, decision.allowed) for decision in decisions}) == 1


async def test_a_role_that_is_deleted_after_the_moment_is_still_found() -> None:
    decider = point(role(document(allow())))
    query = pb.AssumeRoleQuery(principal=ALICE, role=f"{ACCOUNT}/app").SerializeToString()

    batch = asyncio.create_task(servicer(decider).BatchCheckAssumeRole(RawBatchRequest(queries=[query] * 20), None))
    while sum(decider.decided.values()) < 3:  # noqa: ASYNC110  (decisions are counted, not announced)
        await asyncio.sleep(0)
    delete_app(decider)

    decided = [result.decision for result in results_of(await batch)]
    assert [(decision.revision, decision.allowed) for decision in decided] == [(1, True)] * 20


async def test_a_batch_in_one_slice_waits_for_nothing() -> None:
    decider = point(role(document(allow())))

    decisions, turns = await answered(servicer(decider, slice_seconds=inf), decider, set())

    assert turns == 1
    assert [(decision.revision, decision.allowed) for decision in decisions] == [(1, True)] * 50


async def test_a_batch_grows_older_from_slice_to_slice() -> None:
    decider, ages = point(role(document(allow()))), count(step=1_000)

    decisions, _ = await answered(servicer(decider, age=lambda: next(ages)), decider, set())

    staleness = [decision.staleness.ToMicroseconds() for decision in decisions]
    assert staleness[0] == 0
    assert staleness == sorted(set(staleness))


async def test_the_decisions_of_a_batch_hold_shorter_from_slice_to_slice_until_they_hold_no_longer() -> None:
    until_one = allow(DateLessThan={"acs:CurrentTime": "2026-01-01T13:00:00Z"})
    decider, ages = point(role(document(until_one))), count(step=HOUR // 30)
    asked = servicer(decider, age=lambda: next(ages), max_age=3 * HOUR)

    decisions, _ = await answered(asked, decider, set())

    # The clock of the wall stands still here, so the time that passes is that of the age.
    left = [decision.valid_for.ToMicroseconds() for decision in decisions]
    assert left == [max(0, HOUR - decision.staleness.ToMicroseconds()) for decision in decisions]
    assert (left[0], left[-1]) == (HOUR, 0)


async def test_a_batch_that_grows_too_old_fails_as_a_whole() -> None:
    decider, ages = point(role(document(allow()))), count(step=MAX_AGE // 10)

    with pytest.raises(StaleStateError):
        await answered(servicer(decider, age=lambda: next(ages)), decider, set())

    assert 0 < sum(decider.decided.values()) < 15


async def test_refused_queries_of_a_long_batch_stay_in_their_places() -> None:
    decider = point(role(document(allow())))
    good = pb.AssumeRoleQuery(principal=ALICE, role=f"{ACCOUNT}/app").SerializeToString()
    queries = [b"\xff", good, b"", good, good, b"\xff"]

    answer = await servicer(decider).BatchCheckAssumeRole(RawBatchRequest(queries=queries), None)

    assert [result.WhichOneof("result") for result in results_of(answer)] == [
        "error",
        "decision",
        "error",
        "decision",
        "decision",
        "error",
    ]


@pytest.mark.parametrize(("queries", "accepted"), [(0, False), (1, True), (100, True), (101, False)])
async def test_a_batch_has_1_query_up_to_the_limit(queries: int, accepted: bool) -> None:
    batch = RawBatchRequest(queries=[b""] * queries)
    call = servicer(point(), slice_seconds=inf).BatchCheckAssumeRole(batch, None)

    if accepted:
        assert len(results_of(await call)) == queries
    else:
        with pytest.raises(BatchSizeError, match="1 to 100"):
            await call


def caller_named(name: str) -> Identify:
    return fixed_identity(CallerDirectory(), Credential(kind=CredentialKind.DNS, identity=name))


async def test_the_decisions_of_a_batch_are_reported_as_they_are_answered() -> None:
    decider, observer, ages = point(role(document(allow()))), Observer(), count(step=1_000)
    call: Any = Context()
    observing = servicer(decider, ObservedCalls(observer, caller_named("caller")), age=lambda: next(ages))

    decisions, _ = await answered(observing, decider, {5, 150}, call)

    assert [record.decision_id for record in observer.records] == [decision.decision_id for decision in decisions]
    assert [record.staleness_ms for record in observer.records] == [
        decision.staleness.ToMilliseconds() for decision in decisions
    ]
    assert {(record.role_revision, record.revision, record.allowed) for record in observer.records} == {(2, 2, False)}
    assert {record.call for record in observer.records} == {observer.records[0].call}


async def test_every_decision_of_a_batch_is_reported_with_its_caller() -> None:
    decider, observer = point(role(document(allow()))), Observer()
    call: Any = Context()

    await answered(servicer(decider, ObservedCalls(observer, caller_named("client.example"))), decider, set(), call)

    assert {record.call.caller for record in observer.records} == {"client.example"}


async def test_a_malformed_query_of_a_batch_is_refused_and_the_others_are_answered() -> None:
    decider = point(role(document(allow())))
    query = pb.AssumeRoleQuery(principal=ALICE, role=f"{ACCOUNT}/app").SerializeToString()

    answer = await servicer(decider).BatchCheckAssumeRole(RawBatchRequest(queries=[b"\xff", query]), None)

    first, second = results_of(answer)
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


class _StateOfAge(Consistency):
    """A state whose age is what `clock` returns."""

    def __init__(self, clock: Callable[[], int], limit: int) -> None:
        self._clock, self._limit = clock, limit

    def token(self) -> str:
        return ""

    def age(self) -> StateAge:
        return StateAge(0, limit=self._limit, clock=self._clock)


@pytest.mark.parametrize("sequence", [0, 1, 127, 128, 5_000_000_000, (1 << 63) - 1, -1, -(1 << 63)])
@pytest.mark.parametrize("staleness", [0, 1_500_000])
def test_an_answer_to_a_message_of_a_stream_is_the_message_that_it_makes(sequence: int, staleness: int) -> None:
    decision = point(role(document(allow()))).check(question(ALICE), NOON).decision
    answers = StreamAnswers()

    for revision in (1, 1, 300):
        for served_from in ServedFrom:
            answer, expected = Answer(decision, served_from), pb.StreamCheckAssumeRoleResponse(sequence=sequence)
            write_answer(expected.decision, answer, "a-1", revision, staleness, now=NOON)
            response = answers.response(sequence, answer, b"a-1", NOON, revision=revision, staleness=staleness)
            assert pb.StreamCheckAssumeRoleResponse.FromString(response) == expected
            # A negative number has the ten bytes that protobuf writes; decoders ignore what is more than 64 bits.
            assert response.startswith(pb.StreamCheckAssumeRoleResponse(sequence=sequence).SerializeToString())


@pytest.mark.parametrize("token", ["", "t-1"])
def test_an_answer_to_a_check_is_the_message_that_it_makes(token: str) -> None:
    decision = point(role(document(allow()))).check(question(ALICE), NOON).decision
    answers = CheckAnswers()

    for revision, staleness in ((1, 0), (1, 1_500_000), (300, 0)):
        for served_from in ServedFrom:
            answer, expected = Answer(decision, served_from), pb.CheckAssumeRoleResponse(consistency_token=token)
            write_answer(expected.decision, answer, "a-1", revision, staleness, now=NOON)
            response = answers.response(answer, b"a-1", NOON, revision=revision, staleness=staleness, token=token)
            assert pb.CheckAssumeRoleResponse.FromString(response) == expected


@pytest.mark.parametrize("streamed", [False, True])
def test_what_answers_share_is_encoded_again_only_when_it_differs(
    streamed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = list[dict[str, Any]]()

    def noted(**shared: Any) -> BatchAnswers:
        made.append(shared)
        return BatchAnswers(**shared)

    monkeypatch.setattr(codec, "BatchAnswers", noted)
    answer = point(role(document(allow()))).check(question(), NOON)
    of_checks, of_streams = CheckAnswers(), StreamAnswers()
    counts = list[int]()

    for revision, staleness, token in ((7, 0, "a"), (7, 0, "a"), (8, 0, "a"), (8, 5, "a"), (8, 5, "b"), (8, 5, "b")):
        if streamed:
            of_streams.response(1, answer, b"id", NOON, revision=revision, staleness=staleness)
        else:
            of_checks.response(answer, b"id", NOON, revision=revision, staleness=staleness, token=token)
        counts.append(len(made))

    assert counts == ([1, 1, 2, 3, 3, 3] if streamed else [1, 1, 2, 3, 4, 4])
    assert [(shared["revision"], shared["staleness"]) for shared in made][:3] == [(7, 0), (8, 0), (8, 5)]


def test_the_ids_of_decisions_are_the_name_of_the_process_and_numbers_from_one() -> None:
    one, other = DecisionIds(), DecisionIds()
    process, _, number = one.next().partition("-")

    assert (len(bytes.fromhex(process)), number) == (6, "1")
    assert [one.next_bytes() for _ in range(15)] == [f"{process}-{number:x}".encode() for number in range(2, 17)]
    assert other.next().partition("-")[0] != process
