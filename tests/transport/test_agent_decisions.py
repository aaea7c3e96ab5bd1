"""What an agent puts to the server that it follows: which queries, why, for how long, and what it answers itself."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from google.protobuf.message import DecodeError

from rolecall.engine.errors import UpstreamOnlyError
from rolecall.transport.codecs.federation import RefusedIdentityError
from rolecall.transport.codecs.raw import RawBatchRequest, RawCheckRequest, RawStreamRequest
from rolecall.transport.errors import PermissionDeniedError, UpstreamUnavailableError
from rolecall.transport.services.agent_decision import AgentDecisionServicer
from rolecall_client.v1 import decision_pb2 as pb

WHY = UpstreamOnlyError("the account of the role is not followed")
AWAY = UpstreamUnavailableError("it is away", freshness=False)
CALLER: Any = "caller"


class Context:
    def time_remaining(self) -> float:
        return 2.5


class Parts:
    """The decisions, the server and the rights of an agent that decides nothing itself; `asked` is what the server is asked."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.asked = list[Any]()
        self.logged = list[str]()
        self.turns = list[int]()

    # --- decisions ---

    def check_at_once(self, data: bytes, context: object) -> bytes:
        if data == b"known":
            return b"answer"
        raise WHY

    async def CheckAssumeRole(self, message: object, context: object) -> None:  # noqa: N802  (a method of the contract)
        raise WHY

    BatchCheckAssumeRole = CheckAssumeRole

    @property
    def streamed(self) -> Any:
        return self

    async def response(self, sequence: int, query: bytes, caller: object, report: object) -> bytes:
        if query == b"":
            return b"decided %d" % sequence
        raise WHY

    # --- the server ---

    async def check(self, request: Any, why: Exception, seconds: float | None) -> pb.CheckAssumeRoleResponse:
        self.asked.append((request, why, seconds))
        if self.error:
            raise self.error
        return pb.CheckAssumeRoleResponse(decision=pb.Decision(decision_id="of the server"), consistency_token="t")

    async def batch(self, request: Any, why: Exception, seconds: float | None) -> pb.BatchCheckAssumeRoleResponse:
        self.asked.append((request, why, seconds))
        results = [pb.BatchCheckResult(decision=pb.Decision(decision_id=query.role)) for query in request.queries]
        return pb.BatchCheckAssumeRoleResponse(results=results, consistency_token="t")

    # --- rights ---

    def request(self, query: bytes, caller: object, now: int) -> None:
        assert caller == CALLER
        assert now > 1_700_000_000_000_000
        if query == b"\xff":
            raise DecodeError
        match pb.AssumeRoleQuery.FromString(query).role:
            case "denied":
                raise PermissionDeniedError("rolecall:CheckAssumeRole", "*")
            case "unproven":
                raise RefusedIdentityError(lambda: self.logged.append("refused"))
            case "elsewhere":
                raise WHY

    # --- passed calls ---

    def handlers(self, service: Any) -> dict[str, str]:
        return {method.name: "passed" for method in service.methods if not method.server_streaming}


def servicer(parts: Any) -> AgentDecisionServicer:
    return AgentDecisionServicer(parts, parts, parts, lambda _: CALLER, passed=parts)


def query(role: str) -> bytes:
    return pb.AssumeRoleQuery(role=role).SerializeToString()


async def batch(parts: Parts, queries: Sequence[bytes], **consistency: Any) -> pb.BatchCheckAssumeRoleResponse:
    message = RawBatchRequest(queries=queries)
    if consistency:
        message.consistency.CopyFrom(pb.Consistency(**consistency))
    encoded = await servicer(parts).BatchCheckAssumeRole(message, Context())
    return pb.BatchCheckAssumeRoleResponse.FromString(encoded)


def reasons(response: pb.BatchCheckAssumeRoleResponse) -> list[str]:
    return [result.decision.decision_id or result.error.message.partition(";")[0] for result in response.results]


def test_checks_are_decided_here_and_other_calls_are_passed() -> None:
    handlers: Any = servicer(Parts()).raw_handlers()

    passed = [name for name, handler in handlers.items() if handler == "passed"]
    assert passed == ["ExplainAssumeRole", "ListAssumableRoles", "ListTrustedPrincipals"]
    check, many, stream = (
        handlers[name] for name in ("CheckAssumeRole", "BatchCheckAssumeRole", "StreamCheckAssumeRole")
    )
    assert [one.request_deserializer(b"") for one in (check, many, stream)] == [
        *(RawCheckRequest(), RawBatchRequest(), RawStreamRequest())
    ]
    answer = pb.CheckAssumeRoleResponse(consistency_token="t")
    assert check.response_serializer(answer) == answer.SerializeToString()
    assert [one.response_serializer(b"x") for one in (many, stream)] == [b"x", b"x"]
    assert stream.request_streaming
    assert stream.response_streaming


def test_what_the_server_must_be_asked_is_not_answered_at_once() -> None:
    found = servicer(Parts())

    assert [found.check_at_once(data, Context()) for data in (b"known", b"other")] == [b"answer", None]


async def test_a_check_is_put_to_the_server_with_why_and_for_as_long_as_the_caller_waits() -> None:
    parts, asked = Parts(), pb.CheckAssumeRoleRequest(query=pb.AssumeRoleQuery(role="app"))
    asked.consistency.fully_consistent = True

    answer = await servicer(parts).CheckAssumeRole(RawCheckRequest.FromString(asked.SerializeToString()), Context())

    assert parts.asked == [(asked, WHY, 2.5)]
    assert answer == pb.CheckAssumeRoleResponse(
        decision=pb.Decision(decision_id="of the server"), consistency_token="t"
    )


async def test_the_queries_of_a_batch_that_are_refused_here_keep_their_places() -> None:
    parts = Parts()

    response = await batch(
        parts, [query(role) for role in ("denied", "one", "unproven", "elsewhere")] + [b"\xff", query("two")]
    )

    (((request, why, seconds)),) = parts.asked
    assert [asked.role for asked in request.queries] == ["one", "elsewhere", "two"]
    assert (why, seconds, request.HasField("consistency")) == (WHY, 2.5, False)
    assert reasons(response) == [
        "this caller may not `rolecall:CheckAssumeRole` on `*`",
        "one",
        "the request breaks a rule",
        "elsewhere",
        "the request breaks a rule",
        "two",
    ]
    errors = [result.error for result in response.results if result.HasField("error")]
    assert [error.code for error in errors] == [7, 3, 3]
    assert b"MALFORMED_MESSAGE" in errors[2].details[0].value
    assert (response.consistency_token, parts.logged) == ("t", ["refused"])


async def test_a_batch_is_put_to_the_server_with_the_freshness_that_it_requires() -> None:
    parts = Parts()

    await batch(parts, [query("one")], at_least_as_fresh="token")

    ((request, *_),) = parts.asked
    assert request.consistency == pb.Consistency(at_least_as_fresh="token")


async def test_a_batch_of_refused_queries_is_not_put_to_the_server() -> None:
    parts = Parts()

    response = await batch(parts, [query("denied")] * 2)

    assert (parts.asked, response.consistency_token, len(response.results)) == ([], "", 2)


async def test_other_calls_have_their_turn_while_the_rights_of_a_long_batch_are_judged() -> None:
    parts, turns = Parts(), 0

    async def count() -> None:
        nonlocal turns
        while not parts.asked:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.ensure_future(count())
    await asyncio.sleep(0)
    before = turns
    await batch(parts, [query("one")] * 120)
    await counting

    # One after each portion, and those in which the batch itself begins and ends; not one for each query.
    assert 120 // 50 <= turns - before < 10


async def test_a_message_of_a_stream_is_put_to_the_server_without_a_limit_of_its_own() -> None:
    parts = Parts()

    answers = [
        await servicer(parts)._stream_response(number, asked, CALLER, None)
        for number, asked in ((4, b""), (5, query("app")))
    ]

    assert answers[0] == b"decided 4"
    assert pb.StreamCheckAssumeRoleResponse.FromString(answers[1]) == pb.StreamCheckAssumeRoleResponse(
        sequence=5, decision=pb.Decision(decision_id="of the server")
    )
    assert parts.asked == [(pb.CheckAssumeRoleRequest(query=pb.AssumeRoleQuery(role="app")), WHY, None)]


async def test_a_message_that_the_server_does_not_answer_gets_the_error_and_the_stream_continues() -> None:
    answer = await servicer(Parts(AWAY))._stream_response(6, query("app"), CALLER, None)

    found = pb.StreamCheckAssumeRoleResponse.FromString(answer)
    assert (found.sequence, found.error.code, found.error.message) == (6, 14, str(AWAY))


async def test_an_error_that_is_none_of_the_call_ends_the_stream() -> None:
    with pytest.raises(ZeroDivisionError):
        await servicer(Parts(ZeroDivisionError()))._stream_response(6, query("app"), CALLER, None)


async def test_the_messages_of_a_stream_are_answered_by_the_decisions_and_what_is_left_by_the_server() -> None:
    parts, given = Parts(), list[Any]()

    async def answer(*arguments: Any) -> None:
        given.extend(arguments)

    parts.answer = answer  # type: ignore[attr-defined]
    stream: Any = "stream"
    made = servicer(parts)

    await made.StreamCheckAssumeRole(stream, "context")

    assert given == ["stream", "context", made._stream_response]
