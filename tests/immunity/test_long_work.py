"""Work that was made to be long: everything else is answered between its slices, and it ends when its call does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import count
from threading import Event
from typing import Any

import grpc
import pytest

from rolecall.engine.decision_point import LARGE_DOCUMENT_CHARACTERS
from rolecall.server.shutdown import StopSignal
from rolecall_client.v1 import decision_pb2 as pb, policy_pb2, policy_pb2_grpc, role_pb2
from tests.server.serving import BOB, Served, check, served, until

PATTERNS = [f"*{'a?' * 240}?{n:02d}b*" for n in range(8)]
NUMBERS = count()
MANY = 600
TURNS_BESIDE_A_CHECK = 25
"""Of long work, while a plain check is answered, which needs some iterations of the event loop."""


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "1", "Statement": list(statements)}, separators=(",", ":"))


def allow(condition: dict[str, Any] | None = None) -> dict[str, Any]:
    statement: dict[str, Any] = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"RAM": [BOB]}}
    return statement | ({"Condition": condition} if condition else {})


def large_policy(number: int) -> str:
    text = policy(allow({"StringEquals": {"k": [f"{number}-value-{n}" for n in range(600)]}}))
    assert len(text) > LARGE_DOCUMENT_CHARACTERS
    return text


def query(role: str = "hostile", values: Sequence[str] | None = None) -> pb.AssumeRoleQuery:
    """Return a query that takes milliseconds, and that no cache remembers: none is like another."""
    made = pb.AssumeRoleQuery(principal=BOB, role=role)
    made.context["k"].values.extend(values or [f"{'a' * 4_080}{next(NUMBERS)}" for _ in range(4)])
    return made


def batch(size: int = MANY) -> pb.BatchCheckAssumeRoleRequest:
    return pb.BatchCheckAssumeRoleRequest(queries=[query() for _ in range(size)])


@asynccontextmanager
async def hostile_server(**flags: object) -> AsyncIterator[Served]:
    """Give a server with a plain role and one whose patterns are expensive for long values."""
    async with served(**{"max_message_bytes": 64 << 20} | flags) as service:
        await create(service, "app", policy(allow()))
        await create(service, "hostile", policy(allow({"StringLike": {"k": PATTERNS}})))
        yield service


async def create(service: Served, name: str, text: str) -> None:
    await service.roles.CreateRole(role_pb2.CreateRoleRequest(role_name=name, assume_role_policy_document=text))


async def begun(service: Served, turns: int = 3) -> None:
    """Return when long work has had some turns."""
    turns += taken(service)
    await until(lambda: taken(service) >= turns)


def taken(service: Served) -> int:
    return service.server.replica.answers.turns.count


async def deciding(service: Served) -> None:
    """Return when a batch, which takes its moment before its first decision, has made one."""
    before = decided(service)
    await until(lambda: decided(service) > before)


def decided(service: Served) -> int:
    return sum(service.server.replica.point.decided.values())


def thread_occupied(service: Served) -> Event:
    """Let nothing be parsed until the returned event is set."""
    gate = Event()
    service.server.replica.parsing.submit(gate.wait)
    return gate


async def ended(*calls: Any) -> None:
    for call in calls:
        call.cancel()
        with suppress(asyncio.CancelledError):
            await call


async def test_a_plain_check_is_answered_within_a_few_turns_of_a_hostile_batch() -> None:
    async with hostile_server() as service:
        call = service.decisions.BatchCheckAssumeRole(batch())
        await begun(service)
        before = taken(service)

        for _ in range(5):
            assert (await service.decisions.CheckAssumeRole(check())).decision.allowed

        assert not call.done()
        assert 0 < taken(service) - before <= 5 * TURNS_BESIDE_A_CHECK
        await ended(call)


async def test_many_hostile_batches_and_explanations_share_the_turns_of_one() -> None:
    async with hostile_server() as service:
        calls = [service.decisions.BatchCheckAssumeRole(batch(200)) for _ in range(8)]
        calls += [service.decisions.ExplainAssumeRole(pb.ExplainAssumeRoleRequest(query=query())) for _ in range(100)]
        calls += [service.decisions.CheckAssumeRole(pb.CheckAssumeRoleRequest(query=query())) for _ in range(100)]
        await until(lambda: len(service.calls) == sum(not call.done() for call in calls))
        before = taken(service)

        assert (await service.decisions.CheckAssumeRole(check())).decision.allowed

        assert any(not call.done() for call in calls)
        assert taken(service) - before <= TURNS_BESIDE_A_CHECK
        await ended(*calls)


async def test_a_batch_beside_a_writer_decides_every_query_once_and_at_one_revision() -> None:
    async with hostile_server() as service:
        before, writes = decided(service), 0
        call = service.decisions.BatchCheckAssumeRole(batch(60))
        await deciding(service)
        while not call.done():
            writes += 1
            await service.roles.UpdateRole(role_pb2.UpdateRoleRequest(role="hostile", description=str(writes)))
        results = (await call).results

        assert writes > 1
        assert decided(service) - before == len(results) == 60
        assert {result.decision.revision for result in results} == {2}
        assert len({result.decision.allowed for result in results}) == 1


async def test_the_token_of_a_batch_is_that_of_its_moment() -> None:
    async with hostile_server() as service:
        token = (await service.decisions.CheckAssumeRole(check())).consistency_token
        call = service.decisions.BatchCheckAssumeRole(batch(40))
        await deciding(service)
        await service.roles.UpdateRole(role_pb2.UpdateRoleRequest(role="hostile", description="new"))

        assert (await call).consistency_token == token
        assert (await service.decisions.CheckAssumeRole(check())).consistency_token != token


async def test_a_batch_ends_at_the_deadline_of_its_client() -> None:
    async with hostile_server() as service:
        call = service.decisions.BatchCheckAssumeRole(batch(), timeout=0.5)

        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call

        assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        await ends_within_a_slice(service)


async def test_a_batch_ends_when_its_client_cancels_it() -> None:
    async with hostile_server() as service:
        call = service.decisions.BatchCheckAssumeRole(batch())
        await begun(service)

        await ended(call)

        await ends_within_a_slice(service)


async def test_a_batch_ends_at_the_limit_of_the_server() -> None:
    async with hostile_server(max_deadline_seconds=0.5) as service:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await service.decisions.BatchCheckAssumeRole(batch())

        assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        await ends_within_a_slice(service)


async def test_calls_that_wait_for_a_turn_end_at_their_deadlines() -> None:
    async with hostile_server() as service:
        first = [service.decisions.BatchCheckAssumeRole(batch(300)) for _ in range(3)]
        await begun(service)
        waiting = [service.decisions.BatchCheckAssumeRole(batch(300), timeout=0.3) for _ in range(20)]
        waiting += [
            service.decisions.ExplainAssumeRole(pb.ExplainAssumeRoleRequest(query=query()), timeout=0.3)
            for _ in range(200)
        ]

        errors = await asyncio.gather(*waiting, return_exceptions=True)
        await ended(*first)

        codes = {error.code() for error in errors if isinstance(error, grpc.aio.AioRpcError)}
        assert codes == {grpc.StatusCode.DEADLINE_EXCEEDED}
        await ends_within_a_slice(service)


async def ends_within_a_slice(service: Served) -> None:
    """Assert that no call is in progress, and that nothing more is decided."""
    await until(lambda: not service.calls)
    before = decided(service), taken(service)
    for _ in range(3):
        assert (await service.decisions.CheckAssumeRole(check())).decision.allowed
    assert (decided(service), taken(service)) == (before[0] + 3, before[1])
    assert before[0] < MANY


async def test_a_server_that_stops_is_not_held_by_a_batch() -> None:
    async with hostile_server(drain_grace_seconds=0.3) as service:
        call = service.decisions.BatchCheckAssumeRole(batch())
        await begun(service)

        await service.server.drain(StopSignal())

        with pytest.raises(grpc.aio.AioRpcError):
            await call
        assert decided(service) < MANY


async def test_large_documents_that_are_used_first_do_not_keep_checks_waiting() -> None:
    names = [f"large-{n}" for n in range(20)]
    async with hostile_server() as service:
        for number, name in enumerate(names):
            await create(service, name, large_policy(number))
        queries = [query(name, ["0-value-3"]) for name in names]
        gate = thread_occupied(service)
        call = service.decisions.BatchCheckAssumeRole(pb.BatchCheckAssumeRoleRequest(queries=queries))
        explanations = [
            service.decisions.ExplainAssumeRole(pb.ExplainAssumeRoleRequest(query=asked)) for asked in queries
        ]
        await until(lambda: len(service.calls) == 1 + len(names))

        await service.decisions.CheckAssumeRole(check())
        gate.set()

        assert not call.done()
        assert [result.decision.allowed for result in (await call).results] == [True] + [False] * 19
        explained = await asyncio.gather(*explanations)
        assert [answer.decision.allowed for answer in explained] == [True] + [False] * 19
        # Each version was compiled once, whoever asked: the large ones and the plain one.
        assert len(service.server.replica.point.compiled) == len(names) + 1


async def test_a_check_that_waits_for_a_large_document_ends_at_its_deadline_and_the_next_is_answered() -> None:
    async with hostile_server() as service:
        await create(service, "large", large_policy(0))
        gate = thread_occupied(service)
        asked = pb.CheckAssumeRoleRequest(query=query("large", ["0-value-3"]))

        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await service.decisions.CheckAssumeRole(asked, timeout=0.2)
        gate.set()

        assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        assert (await service.decisions.CheckAssumeRole(asked)).decision.allowed


async def test_documents_are_validated_beside_the_checks() -> None:
    request = policy_pb2.ValidateTrustPolicyRequest(document=large_policy(0))
    async with hostile_server() as service:
        validations: list[Any] = [
            policy_pb2_grpc.PolicyServiceStub(service.channel).ValidateTrustPolicy(request) for _ in range(30)
        ]
        await validations[0]

        await service.decisions.CheckAssumeRole(check())

        assert any(not call.done() for call in validations)
        assert all(answer.valid for answer in await asyncio.gather(*validations))


async def test_a_stream_is_answered_in_order_when_one_of_its_queries_takes_long() -> None:
    async with hostile_server() as service:
        await create(service, "large", large_policy(0))
        asked = [query("app"), query(), query("large", ["0-value-3"]), query("app"), query("none")]

        stream = service.decisions.StreamCheckAssumeRole()
        answers = []
        for number, one in enumerate(asked):
            await stream.write(pb.StreamCheckAssumeRoleRequest(sequence=number, query=one))
        for _ in asked:
            answers.append(await stream.read())
        await stream.done_writing()

        assert [answer.sequence for answer in answers] == [0, 1, 2, 3, 4]
        assert [answer.decision.allowed for answer in answers] == [True, False, True, True, False]
