"""The call that an observer sees with each decision: its method, its request id, and how long it took, if it has ended."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import inf
from typing import Any

import pytest

from rolecall.engine.consistency import StateAge
from rolecall.transport.codecs.raw import RawBatchRequest, RawCheckRequest, RawStreamRequest
from rolecall.transport.rpc.streams import BidiStream, StreamEnding
from rolecall_client.v1 import decision_pb2 as pb
from tests.engine.world import ACCOUNT, HOUR, NOON
from tests.transport.test_batch_portions import QUERIES, Servicer

PLAIN, UNTIL_ONE, LONG, ABSENT = QUERIES[0], QUERIES[2], QUERIES[4], QUERIES[5]
KEY = f"{ACCOUNT}/until-one"


class Call:
    def invocation_metadata(self) -> tuple[tuple[str, str], ...]:
        return (("x-request-id", "r-1"),)


class Stream(BidiStream[Any, bytes]):
    """A stream of two messages that have arrived, and the answers to them."""

    def __init__(self, query: bytes) -> None:
        self.ending, self.written = StreamEnding(), list[pb.StreamCheckAssumeRoleResponse]()
        self._bursts = iter([[RawStreamRequest(sequence=number, query=[query]) for number in (1, 2)]])

    async def read(self) -> Iterator[Any] | None:
        return next((iter(messages) for messages in self._bursts), None)

    async def write(self, messages: Sequence[bytes]) -> None:
        self.written += map(pb.StreamCheckAssumeRoleResponse.FromString, messages)


async def ask(servicer: Servicer, method: str, query: bytes) -> list[pb.Decision]:
    """Ask once by a method; return the decisions that it answers."""
    asked, call = servicer.servicer, Call()
    match method:
        case "at once":
            data = asked.check_at_once(RawCheckRequest(query=[query]).SerializeToString(), call)
            return [] if data is None else [pb.CheckAssumeRoleResponse.FromString(data).decision]
        case "CheckAssumeRole":
            return [(await asked.CheckAssumeRole(RawCheckRequest(query=[query]), call)).decision]
        case "BatchCheckAssumeRole":
            answer = await asked.BatchCheckAssumeRole(RawBatchRequest(queries=[query] * 2), call)
            return [result.decision for result in pb.BatchCheckAssumeRoleResponse.FromString(answer).results]
        case "StreamCheckAssumeRole":
            stream = Stream(query)
            await asked.StreamCheckAssumeRole(stream, call)
            return [answer.decision for answer in stream.written]
    message = pb.ExplainAssumeRoleRequest(query=pb.AssumeRoleQuery.FromString(query))
    return [(await asked.ExplainAssumeRole(message, call)).decision]


METHODS = ["CheckAssumeRole", "BatchCheckAssumeRole", "StreamCheckAssumeRole", "ExplainAssumeRole"]


@pytest.mark.parametrize("query", [PLAIN, LONG], ids=["plain", "long"])
@pytest.mark.parametrize("method", [*METHODS, "at once"])
async def test_every_decision_is_recorded_with_the_call_that_it_is_an_answer_to(method: str, query: bytes) -> None:
    servicer = Servicer(inf)

    decisions = await ask(servicer, method, query)

    count = 2 if method in ("BatchCheckAssumeRole", "StreamCheckAssumeRole") else 1
    # What needs long work is left to the method, which reports it then.
    assert len(decisions) == (0 if (method, query) == ("at once", LONG) else count)
    assert [record.decision_id for record in servicer.records] == [decision.decision_id for decision in decisions]
    for record in servicer.records:
        name = "CheckAssumeRole" if method == "at once" else method
        assert (record.call.method, record.call.caller, record.call.request_id) == (name, "caller", "r-1")
        assert (record.call.handler_ns is None) == (method == "StreamCheckAssumeRole")
        assert (record.call.assumed_time, record.call.at_revision) == (None, None)
        assert (record.time, record.revision) == (NOON, 1)


@pytest.mark.parametrize("query", [PLAIN, LONG], ids=["plain", "long"])
@pytest.mark.parametrize("method", [*METHODS, "at once"])
async def test_without_an_observer_the_decisions_are_the_same(method: str, query: bytes) -> None:
    observed, unobserved = Servicer(inf), Servicer(inf)
    unobserved.servicer._calls = unobserved.servicer.streamed._calls = None

    found = [await ask(servicer, method, query) for servicer in (observed, unobserved)]

    for decision in (*found[0], *found[1]):
        decision.decision_id = ""
    assert found[0] == found[1]
    assert unobserved.records == []


class History:
    """A history in which the role was at every revision as it is now."""

    def __init__(self, servicer: Servicer) -> None:
        self._version, self.asked = servicer.point.snapshot.version, list[tuple[str, int]]()

    async def version(self, role_key: str, revision: int) -> Any:
        self.asked.append((role_key, revision))
        return self._version(role_key)


@pytest.mark.parametrize("at_revision", [None, 0, 1])
@pytest.mark.parametrize("assumed", [None, 0, NOON + HOUR])
@pytest.mark.parametrize("restored", [False, True])
async def test_an_explanation_is_recorded_with_the_revision_and_the_time_that_it_assumes(
    at_revision: int | None, assumed: int | None, restored: bool
) -> None:
    servicer, call = Servicer(inf, restored=restored), Call()
    history: Any = History(servicer)
    servicer.servicer._history = history
    message = pb.ExplainAssumeRoleRequest(query=pb.AssumeRoleQuery.FromString(UNTIL_ONE), at_revision=at_revision)
    if assumed is not None:
        message.assume_time.FromMicroseconds(assumed)

    answer = await servicer.servicer.ExplainAssumeRole(message, call)

    (record,) = servicer.records
    assert (record.call.assumed_time, record.call.at_revision) == (assumed, at_revision)
    assert record.call.handler_ns
    assert history.asked == ([] if at_revision is None else [(KEY, at_revision)])
    assert (answer.decision.revision, record.revision) == (
        (1, 1) if at_revision is None else (at_revision, at_revision)
    )
    assert (answer.role_revision, record.role_revision) == (1, 1 if at_revision is None else None)
    # It is allowed until one o'clock.
    assert (answer.decision.allowed, record.allowed) == ((assumed or 0) < NOON + HOUR,) * 2
    served = pb.SERVED_FROM_RESTORED if restored else pb.SERVED_FROM_EVALUATED
    assert (answer.decision.served_from, record.served_from.name) == (served, "RESTORED" if restored else "EVALUATED")
    assert (answer.consistency_token, record.time, record.decision_id) == ("t", NOON, answer.decision.decision_id)


async def test_an_explanation_of_a_role_that_is_absent_has_no_revision_of_it() -> None:
    servicer, call = Servicer(inf), Call()
    message = pb.ExplainAssumeRoleRequest(query=pb.AssumeRoleQuery.FromString(ABSENT))

    answer = await servicer.servicer.ExplainAssumeRole(message, call)

    assert (answer.role_revision, answer.decision.reason) == (0, pb.DECISION_REASON_ROLE_NOT_FOUND)


@pytest.mark.parametrize("query", [PLAIN, LONG], ids=["plain", "long"])
@pytest.mark.parametrize("method", [*METHODS, "at once"])
async def test_every_decision_says_how_old_its_state_may_be(
    method: str, query: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    servicer, second = Servicer(inf), 1_000_000
    consistency = type(servicer.servicer._consistency)
    time = iter(range(0, 100 * second, second))
    monkeypatch.setattr(consistency, "staleness", lambda _: 3 * second)
    # It grows while an answer is waited for.
    age = lambda _: StateAge(3 * second, limit=60 * second, clock=lambda: next(time))  # noqa: E731
    monkeypatch.setattr(consistency, "age", age)

    decisions = await ask(servicer, method, query)

    waited = query == LONG and method in ("CheckAssumeRole", "BatchCheckAssumeRole", "StreamCheckAssumeRole")
    # A later message of a stream needs no long work any more.
    for decision in decisions[:1]:
        assert decision.staleness.seconds >= (4 if waited else 3)
    assert all(3 <= decision.staleness.seconds < 20 for decision in decisions)
    assert [record.staleness_ms for record in servicer.records] == [
        decision.staleness.ToMilliseconds() for decision in decisions
    ]
