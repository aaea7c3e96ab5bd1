"""A token in a query that is not valid: each place that sends its refusal logs why, once, and the other answers are given."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import inf
from typing import Any, NoReturn

import pytest

from rolecall.callers.caller import Caller
from rolecall.engine.errors import UpstreamOnlyError
from rolecall.transport.codecs.federation import RefusedIdentityError
from rolecall.transport.codecs.raw import RawBatchRequest, RawStreamRequest
from rolecall.transport.errors import PermissionDeniedError
from rolecall.transport.rpc.streams import BidiStream, StreamEnding
from rolecall.transport.services.agent_decision import AgentDecisionServicer
from rolecall_client.v1 import decision_pb2 as pb
from tests.transport.test_batch_portions import QUERIES, Servicer

GOOD, REFUSED, DENIED = QUERIES[0], QUERIES[1], QUERIES[2]
NO_RIGHT, INVALID = 7, 3


class Refusing(Servicer):
    """A servicer that refuses the token of one query and the right to another; `logged` are the refusals in its log."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, slice_seconds: float = inf) -> None:
        super().__init__(slice_seconds)
        self.logged = list[str]()
        request = self.rights.request

        def judged(query: bytes, caller: Caller, now: int) -> Any:
            if query == REFUSED:
                raise RefusedIdentityError(lambda: self.logged.append("refused"))
            if query == DENIED:
                raise PermissionDeniedError("rolecall:CheckAssumeRole", "*")
            return request(query, caller, now)

        monkeypatch.setattr(self.rights, "request", judged)


class Call:
    def invocation_metadata(self) -> tuple[()]:
        return ()

    def time_remaining(self) -> None: ...


class Stream(BidiStream[Any, bytes]):
    """A stream whose messages have all arrived, and what is written to it."""

    def __init__(self, *queries: bytes) -> None:
        self.ending = StreamEnding()
        self.written = list[pb.StreamCheckAssumeRoleResponse]()
        messages = [RawStreamRequest(sequence=number, query=[query]) for number, query in enumerate(queries, start=1)]
        self._bursts = iter([messages])

    async def read(self) -> Iterator[Any] | None:
        return next((iter(messages) for messages in self._bursts), None)

    async def write(self, messages: Sequence[bytes]) -> None:
        self.written += map(pb.StreamCheckAssumeRoleResponse.FromString, messages)


async def test_a_stream_answers_the_other_messages_and_logs_each_refusal_once(monkeypatch: pytest.MonkeyPatch) -> None:
    servicer, stream, context = Refusing(monkeypatch), Stream(REFUSED, GOOD, DENIED, REFUSED), Call()

    await servicer.servicer.StreamCheckAssumeRole(stream, context)

    assert [(answer.sequence, answer.error.code) for answer in stream.written] == [
        *((1, INVALID), (2, 0), (3, NO_RIGHT), (4, INVALID))
    ]
    assert [answer.HasField("decision") for answer in stream.written] == [False, True, False, False]
    assert servicer.logged == ["refused"] * 2


@pytest.mark.parametrize(("query", "code", "logged"), [(REFUSED, INVALID, ["refused"]), (DENIED, NO_RIGHT, [])])
async def test_a_message_that_needs_long_work_and_is_refused_then_is_logged_too(
    query: bytes, code: int, logged: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    servicer, stream_caller = Refusing(monkeypatch), type("StreamCaller", (), {"now": lambda _: None})()

    answer = await servicer.servicer.streamed.response(9, query, stream_caller, None)

    found = pb.StreamCheckAssumeRoleResponse.FromString(answer)
    assert (found.sequence, found.error.code, servicer.logged) == (9, code, logged)


@pytest.mark.parametrize("slice_seconds", [inf, 0])
async def test_a_batch_answers_the_other_queries_and_logs_each_refusal_once(
    slice_seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    servicer = Refusing(monkeypatch, slice_seconds=slice_seconds)

    results = await servicer.ask([REFUSED, GOOD, DENIED, REFUSED, GOOD])

    assert [result.error.code for result in results] == [INVALID, 0, NO_RIGHT, INVALID, 0]
    assert servicer.logged == ["refused"] * 2


async def test_a_batch_that_is_put_to_another_server_logs_each_refusal_once(monkeypatch: pytest.MonkeyPatch) -> None:
    servicer, call, unused = Refusing(monkeypatch), Call(), None
    request = servicer.rights.request

    def judged(query: bytes, caller: Caller, now: int) -> Any:
        if query == GOOD:
            raise UpstreamOnlyError("the account of the role is not followed")
        return request(query, caller, now)

    class Upstream:
        async def batch(self, request: Any, *_: object) -> pb.BatchCheckAssumeRoleResponse:
            return pb.BatchCheckAssumeRoleResponse(results=[pb.BatchCheckResult() for _ in request.queries])

    monkeypatch.setattr(servicer.rights, "request", judged)
    parts: Any = servicer.servicer, Upstream(), servicer.rights, lambda _: servicer.caller
    agent = AgentDecisionServicer(*parts, passed=unused)  # type: ignore[arg-type]

    answer = await agent.BatchCheckAssumeRole(RawBatchRequest(queries=[REFUSED, DENIED, GOOD, REFUSED]), call)

    results = pb.BatchCheckAssumeRoleResponse.FromString(answer).results
    assert [result.error.code for result in results] == [INVALID, NO_RIGHT, 0, INVALID]
    assert servicer.logged == ["refused"] * 2


async def test_another_error_is_not_sent_as_a_refusal_but_ends_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    servicer, stream, context = Refusing(monkeypatch), Stream(GOOD), Call()

    def fail(*_: object) -> NoReturn:
        raise LookupError

    monkeypatch.setattr(servicer.rights, "request", fail)

    with pytest.raises(LookupError):
        await servicer.servicer.StreamCheckAssumeRole(stream, context)
    with pytest.raises(LookupError):
        await servicer.ask([GOOD])
    assert stream.written == []
