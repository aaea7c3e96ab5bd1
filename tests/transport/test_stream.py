"""StreamCheckAssumeRole over a real channel: order, errors of single queries, flow control, and how streams end."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterable
from typing import Any
from unittest.mock import patch

import grpc
from google.rpc import error_details_pb2

from rolecall.server.shutdown import StopSignal
from rolecall_client.v1 import decision_pb2 as pb, decision_pb2_grpc
from tests.server.serving import BOB, Served, check, served, until
from tests.transport.refusals import Refusal, refusal_of

METHOD = "/rolecall.v1.DecisionService/StreamCheckAssumeRole"
ALLOW, NOT_FOUND = pb.DECISION_REASON_ALLOW, pb.DECISION_REASON_ROLE_NOT_FOUND


def question(sequence: int, role: str = "app", principal: str = BOB) -> pb.StreamCheckAssumeRoleRequest:
    query = pb.AssumeRoleQuery(principal=principal, role=role)
    return pb.StreamCheckAssumeRoleRequest(sequence=sequence, query=query)


async def asked(service: Served, questions: Iterable[pb.StreamCheckAssumeRoleRequest]) -> list[Any]:
    async def messages() -> Any:
        for message in questions:
            yield message

    return [answer async for answer in service.decisions.StreamCheckAssumeRole(messages())]


async def ended(stream: Any) -> Refusal:
    return (await read_out(stream))[1]


async def read_out(stream: Any) -> tuple[list[Any], Refusal]:
    """Return the answers of a stream, and with what it ends, which must be an error."""
    answers = []
    try:
        while (answer := await stream.read()) is not grpc.aio.EOF:
            answers.append(answer)
    except grpc.aio.AioRpcError as error:
        return answers, refusal_of(error)
    raise AssertionError("the stream ended without an error")


async def test_answers_come_in_order_with_the_callers_numbers(service: Served) -> None:
    await service.create()
    numbers = [7, -1, 7, 0, 2**63 - 1]

    answers = await asked(service, [question(n, "app" if n else "none") for n in numbers])

    assert [answer.sequence for answer in answers] == numbers
    assert [answer.decision.reason for answer in answers] == [ALLOW, ALLOW, ALLOW, NOT_FOUND, ALLOW]
    assert len({answer.decision.decision_id for answer in answers}) == len(numbers)


async def test_a_malformed_query_gets_its_own_error_and_the_others_are_answered(service: Served) -> None:
    await service.create()

    answers = await asked(service, [question(1), question(2, principal="?"), question(3)])

    assert [answer.WhichOneof("result") for answer in answers] == ["decision", "error", "decision"]
    info = error_details_pb2.ErrorInfo()
    answers[1].error.details[0].Unpack(info)
    assert (answers[1].error.code, info.reason) == (grpc.StatusCode.INVALID_ARGUMENT.value[0], "INVALID_PRINCIPAL")


async def test_a_stream_answers_what_a_check_answers(service: Served) -> None:
    await service.create()
    queries = [question(n, role, who) for n, role in enumerate(("app", "none")) for who in (BOB, BOB.replace("1", "2"))]

    answers = await asked(service, queries)

    for message, answer in zip(queries, answers, strict=True):
        checked = await service.decisions.CheckAssumeRole(pb.CheckAssumeRoleRequest(query=message.query))
        for decision in (answer.decision, checked.decision):
            decision.decision_id, decision.served_from = "", pb.SERVED_FROM_UNSPECIFIED
        assert answer.decision == checked.decision


async def test_a_stream_without_questions_has_no_answers(service: Served) -> None:
    assert await asked(service, []) == []
    assert service.stats("StreamCheckAssumeRole").handled[0] == 1


async def test_an_answer_does_not_wait_for_the_next_question(service: Served) -> None:
    await service.create()
    stream = service.decisions.StreamCheckAssumeRole()

    for number in range(3):
        await stream.write(question(number))
        answer = await stream.read()
        assert answer.sequence == number

    await stream.done_writing()
    assert await stream.read() is grpc.aio.EOF


async def test_an_answer_has_the_state_of_its_moment(service: Served) -> None:
    stream = service.decisions.StreamCheckAssumeRole()

    await stream.write(question(1))
    before = await stream.read()
    await service.create()
    await stream.write(question(2))
    after = await stream.read()
    stream.cancel()

    assert (before.decision.reason, after.decision.reason) == (NOT_FOUND, ALLOW)
    assert after.decision.revision == before.decision.revision + 1


async def test_a_caller_that_does_not_read_is_not_read_from(service: Served) -> None:
    window = [("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 65_536)]
    stats = service.stats("StreamCheckAssumeRole")
    refused = question(0, role="x" * 10_000)
    async with grpc.aio.insecure_channel(service.server.bound.address, options=window) as channel:
        stream = decision_pb2_grpc.DecisionServiceStub(channel).StreamCheckAssumeRole()

        async def write() -> None:
            with contextlib.suppress(asyncio.CancelledError, asyncio.InvalidStateError):
                while True:
                    await stream.write(refused)

        writing, seen, unchanged = asyncio.create_task(write()), 0, 0
        # The server stands still when it has answered many other calls and read nothing more of the stream meanwhile.
        while unchanged < 100 and stats.messages_in < 2_000:
            await service.decisions.CheckAssumeRole(check())
            unchanged = unchanged + 1 if seen == stats.messages_in > 0 else 0
            seen = stats.messages_in

        # An answer has about 700 bytes, so the caller's window of 64 KiB is full after about a hundred.
        assert 20 < stats.messages_in < 2_000
        assert stats.messages_in - stats.messages_out in {0, 1}
        stream.cancel()
        await writing


async def test_a_query_whose_bytes_are_no_message_ends_the_stream(service: Served) -> None:
    stream = service.channel.stream_stream(METHOD)()

    await stream.write(question(1).SerializeToString() + b"\x12\x02\x0a\xff")

    refusal = await ended(stream)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "MALFORMED_MESSAGE")


async def test_bytes_that_are_no_message_end_the_stream(service: Served) -> None:
    stream = service.channel.stream_stream(METHOD)()

    await stream.write(question(1).SerializeToString())
    first = pb.StreamCheckAssumeRoleResponse.FromString(await stream.read())
    await stream.write(b"\xff\xff")

    refusal = await ended(stream)
    assert first.sequence == 1
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "MALFORMED_MESSAGE")


async def test_an_unexpected_error_is_not_described_to_the_caller(service: Served) -> None:
    stream = service.decisions.StreamCheckAssumeRole()

    with patch.object(service.server.replica.point, "check_version", side_effect=RuntimeError("canary-of-an-error")):
        await stream.write(question(1))
        refusal = await ended(stream)

    assert (refusal.code, refusal.message) == (grpc.StatusCode.INTERNAL, "internal error")
    assert "canary-of-an-error" in service.log.getvalue()


async def test_streams_have_a_limit_of_their_own() -> None:
    async with served(max_streams=1) as service:
        first = service.decisions.StreamCheckAssumeRole()
        await until(lambda: service.calls)

        refusal = await ended(service.decisions.StreamCheckAssumeRole())

        assert (refusal.code, refusal.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_CALLS")
        first.cancel()
        await until(lambda: not service.calls)


async def test_a_caller_that_leaves_is_forgotten(service: Served) -> None:
    streams = [service.decisions.StreamCheckAssumeRole() for _ in range(20)]
    for stream in streams:
        await stream.write(question(1))
        await stream.read()

    for stream in streams:
        stream.cancel()
    await until(lambda: not service.calls)

    assert not service.server.grpc_server.open_streams
    assert sum(service.stats("StreamCheckAssumeRole").handled) == 20


async def test_a_stream_ends_in_order_when_the_server_stops() -> None:
    # row 77 of the faults
    async with served(drain_grace_seconds=20) as service:
        await service.create()
        stream, idle = service.decisions.StreamCheckAssumeRole(), service.decisions.StreamCheckAssumeRole()
        await until(lambda: len(service.calls) == 2)
        for number in range(50):
            await stream.write(question(number))
        await until(lambda: service.stats("StreamCheckAssumeRole").messages_out)

        draining = asyncio.create_task(service.server.drain(StopSignal()))
        answers, refusal = await read_out(stream)
        refusals = [refusal, await ended(idle)]
        await draining
        assert [answer.sequence for answer in answers] == list(range(len(answers)))
        assert len(answers) == service.stats("StreamCheckAssumeRole").messages_in > 0
        for refusal in refusals:
            assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAVAILABLE, "SERVER_STOPPING")
            assert refusal.retry
        assert "call" not in service.log.getvalue()


async def test_a_stream_that_begins_after_the_end_is_ended_too(service: Served) -> None:
    service.server.grpc_server.open_streams.stop()

    refusal = await ended(service.decisions.StreamCheckAssumeRole())

    assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAVAILABLE, "SERVER_STOPPING")


async def test_a_stream_lasts_as_long_as_a_connection(service: Served) -> None:
    stream = service.decisions.StreamCheckAssumeRole()
    await until(lambda: service.calls)

    service.server.grpc_server.sweep(time.perf_counter() + 200)
    await stream.write(question(1))
    answer = await stream.read()
    service.server.grpc_server.sweep(time.perf_counter() + 301)

    refusal = await ended(stream)
    assert answer.sequence == 1
    assert (refusal.code, refusal.reason, refusal.retry) == (grpc.StatusCode.UNAVAILABLE, "STREAM_AGE", True)
    assert refusal.facts["limit_seconds"] == "300"
