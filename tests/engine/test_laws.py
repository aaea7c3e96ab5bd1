"""Laws of the decision point: caching changes nothing, and every method gives the same answer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import islice
from typing import Any

from hypothesis import given, settings, strategies as st

from rolecall.engine.consistency import Consistency, StateAge
from rolecall.engine.decision import Answer
from rolecall.engine.decision_point import DecisionOptions, DecisionPoint
from rolecall.engine.explanation import explain_decision
from rolecall.engine.snapshot import Snapshot
from rolecall.offline import OfflineRole, check, explain
from rolecall.roles.accounts import Accounts
from rolecall.roles.role import Revision
from rolecall.transport.codecs.decision import QueryDecoder
from rolecall.transport.codecs.raw import RawBatchRequest, RawCheckRequest, RawStreamRequest
from rolecall.transport.rpc.streams import BidiStream
from rolecall.transport.services.decision import DecisionServicer
from rolecall_client.v1 import decision_pb2 as pb
from tests.callers.permitted import callers_of
from tests.engine.world import ACCOUNT, HOUR, NOON, OTHER, document, long_answers, role, statement

PRINCIPALS = [
    f"acs:ram::{ACCOUNT}:user/alice",
    f"acs:ram::{OTHER}:user/alice",
    f"acs:ram::{ACCOUNT}:role/App",
    f"acs:ram::{ACCOUNT}:root",
    f"{OTHER}@orders.internal",
    "ecs.aliyuncs.com",
]
ASKING = [
    *PRINCIPALS,
    f"acs:ram::{ACCOUNT}:assumed-role/app/session",
    f"{ACCOUNT}@ecs.aliyuncs.com",
]
# Text that other systems have confused in their keys: delimiters, nothing, numbers and booleans spelled out.
TEXTS = [
    "a",
    "b",
    "a,b",
    "",
    "1",
    "1.0",
    "true",
    "True",
    "\0",
    "a|b",
    "ä",
    "10.0.0.1",
    "10.0.0.2",
    "2026-01-01T12:00:00Z",
]
KEYS = ["k", "K", "acs:SourceIp", "acs:SourceVpc"]

CONDITIONS: list[dict[str, Any]] = [
    {},
    {"StringEquals": {"k": ["a", "a,b"]}},
    {"StringNotEquals": {"K": "a"}},
    {"StringLike": {"k": "a*", "K": "?"}},
    {"NumericEquals": {"k": "1"}},
    {"Bool": {"k": "true"}},
    {"IpAddress": {"acs:SourceIp": "10.0.0.0/31"}},
    {"NotIpAddress": {"acs:SourceIp": "10.0.0.1"}},
    {"ForAllValues:StringEquals": {"k": ["a", "b"]}},
    {"ForAnyValue:StringNotLike": {"k": ["a"]}},
    {"DateLessThan": {"acs:CurrentTime": "2026-01-01T13:00:00Z"}},
    {"DateGreaterThan": {"acs:CurrentTime": "2026-01-01T12:00:00Z"}, "StringEquals": {"sts:ExternalId": "a1"}},
    {"StringEquals": {"acs:PrincipalArn": f"acs:ram::{ACCOUNT}:role/App"}},
    {"StringEquals": {"acs:ResourceTag/team": "pay"}},
]


def query(who: str, context: dict[str, list[str]], external: str = "") -> pb.AssumeRoleQuery:
    made = pb.AssumeRoleQuery(principal=who, role=f"{ACCOUNT}/app", external_id=external)
    for key, values in context.items():
        made.context[key].values.extend(values)
    return made


statements = st.builds(
    lambda effect, who, condition: statement(effect, who, **condition),
    st.sampled_from(["Allow", "Allow", "Deny"]),
    st.lists(st.sampled_from(PRINCIPALS), min_size=1, max_size=3, unique=True),
    st.sampled_from(CONDITIONS),
)
documents = st.lists(statements, min_size=1, max_size=4).map(lambda made: document(*made))
contexts = st.dictionaries(st.sampled_from(KEYS), st.lists(st.sampled_from(TEXTS), max_size=3), max_size=3)
times = st.sampled_from([NOON - 1, NOON, NOON + 1, NOON + HOUR - 1, NOON + HOUR, NOON + HOUR + 1])
queries = st.builds(
    query,
    st.sampled_from(ASKING),
    contexts,
    st.sampled_from(["", "a1", "b1"]),
)


def facts(answer: Answer) -> tuple[object, ...]:
    decision = answer.decision
    indexes = tuple(s.index for s in decision.determining)
    return decision.reason, indexes, decision.missing_keys, decision.valid_from, decision.valid_until


def deciding(text: str, entries: int) -> DecisionPoint:
    snapshot = Snapshot([role(text, tags={"team": "pay"})], revision=Revision(1))
    return DecisionPoint(snapshot, DecisionOptions(cache_entries=entries), lambda: NOON)


@given(documents, st.lists(st.tuples(queries, times), min_size=1, max_size=12))
@settings(max_examples=150, deadline=None)
def test_caching_changes_nothing(text: str, asked: list[tuple[pb.AssumeRoleQuery, int]]) -> None:
    remembering, forgetful = deciding(text, 4), deciding(text, 0)
    decoder = QueryDecoder(Accounts())

    for message, now in asked:
        request = decoder.request(message.SerializeToString(deterministic=True))
        assert facts(remembering.check(request, now)) == facts(forgetful.check(request, now)), json.loads(text)


@given(documents, st.lists(queries, min_size=1, max_size=6))
@settings(max_examples=80, deadline=None)
def test_check_batch_stream_and_explain_give_the_same_answer(text: str, asked: list[pb.AssumeRoleQuery]) -> None:
    point = deciding(text, 8)
    servicer = _servicer(point)
    stream = _Stream(asked)

    queries = [message.SerializeToString() for message in asked]
    response = _now(servicer.BatchCheckAssumeRole(RawBatchRequest(queries=queries), None))
    batch = pb.BatchCheckAssumeRoleResponse.FromString(response).results
    _now(servicer.StreamCheckAssumeRole(stream, None))

    assert [answer.sequence for answer in stream.answers] == list(range(len(asked)))
    for message, query, result, answer in zip(asked, queries, batch, stream.answers, strict=True):
        checked = _now(servicer.CheckAssumeRole(RawCheckRequest(query=[query]), None)).decision
        explained = explain_decision(point, QueryDecoder(Accounts()).read(message), NOON)
        assert plain(result.decision) == plain(answer.decision) == plain(checked)
        assert explained.decision.reason.value == pb.DecisionReason.Name(checked.reason).removeprefix(
            "DECISION_REASON_"
        )
        determining = [
            t.statement.index for t in explained.statements if t.applies and t.statement.effect == _winner(checked)
        ]
        assert determining == [s.index for s in checked.determining_statements]


@given(documents, queries)
@settings(max_examples=60, deadline=None)
def test_offline_answers_as_a_server_does_now(text: str, message: pb.AssumeRoleQuery) -> None:
    offline = OfflineRole(document=text, role=f"{ACCOUNT}/app", tags={"team": "pay"})
    point = deciding(text, 0)
    request = QueryDecoder(Accounts()).read(message)

    explained = explain(message, offline, now=NOON).decision

    assert plain(explained)["allowed"] == point.check(request, NOON).decision.allowed
    assert check(message, offline).decision.reason == explain(message, offline).decision.reason


def plain(decision: pb.Decision) -> dict[str, Any]:
    return {
        "allowed": decision.allowed,
        "reason": decision.reason,
        "determining": [s.index for s in decision.determining_statements],
        "missing": list(decision.missing_keys),
        "vary": list(decision.vary_keys),
        "until": decision.valid_until.seconds,
    }


def _winner(decision: pb.Decision) -> str:
    return {pb.DECISION_REASON_ALLOW: "Allow", pb.DECISION_REASON_EXPLICIT_DENY: "Deny"}.get(decision.reason, "")


def _now(coroutine: Any) -> Any:
    """Run what does not wait."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("a decision waited")


def _servicer(point: DecisionPoint) -> DecisionServicer:
    unused: Any = None
    decoder = QueryDecoder(Accounts())
    # However slow the machine is, a batch here lets nobody in: `_now` is to show that a decision itself never waits.
    return DecisionServicer(
        point,
        _NoConsistency(),
        decoder,
        callers=callers_of(point, decoder),
        reverse=unused,
        history=unused,
        max_batch=100,
        answers=long_answers(point),
    )


class _Stream(BidiStream[Any, bytes]):
    """A conversation whose messages are all there, and which keeps the answers."""

    def __init__(self, queries: list[pb.AssumeRoleQuery]) -> None:
        self._queries = enumerate(queries)
        self.ending: Any = None
        self.answers: list[pb.StreamCheckAssumeRoleResponse] = []

    async def read(self) -> Any:
        # Two arrive together.
        raw = [RawStreamRequest(sequence=n, query=[query.SerializeToString()]) for n, query in islice(self._queries, 2)]
        return iter(raw) if raw else None

    async def write(self, messages: Sequence[bytes]) -> None:
        self.answers += map(pb.StreamCheckAssumeRoleResponse.FromString, messages)


class _NoConsistency(Consistency):
    def __init__(self) -> None: ...

    def token(self) -> str:
        return ""

    def staleness(self) -> int:
        return 0

    def age(self) -> StateAge:
        return StateAge(0, limit=1, clock=lambda: 0)
