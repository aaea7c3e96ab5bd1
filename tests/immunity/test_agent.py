"""Attacks on an agent, and on a service through it."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc

from rolecall.server.agent.upstream import MAX_CALLS
from rolecall_client.errors import error_of_call
from rolecall_client.v1 import decision_pb2 as pb
from tests.agent.serving import Agent, check, node, query
from tests.agent.test_upstream import asked
from tests.server.serving import Served, until


async def hold_back(upstream: Served) -> asyncio.Event:
    """Have the server answer no `fully_consistent` check until the event that is returned is set."""
    release = asyncio.Event()
    upstream.let_catching_up_take(release.wait)
    return release


def questions(agent: Agent, count: int) -> list[Any]:
    request = pb.CheckAssumeRoleRequest(query=query(), consistency=pb.Consistency(fully_consistent=True))
    return [agent.decisions.CheckAssumeRole(request) for _ in range(count)]


async def test_a_flood_of_questions_for_the_server_reaches_it_only_up_to_a_limit_and_holds_up_no_decision() -> None:
    async with node() as pair:
        role = await pair.upstream.create()
        await pair.agent.at(role.revision)
        release = await hold_back(pair.upstream)
        waiting = questions(pair.agent, MAX_CALLS)
        await until(lambda: pair.agent.replica.upstream.under_way == MAX_CALLS)

        refused = await codes(questions(pair.agent, 3))
        meanwhile = await check(pair.agent, query())
        at_the_server = asked(pair.upstream)
        release.set()
        answered = await codes(waiting)

    assert refused == [("RESOURCE_EXHAUSTED", "TOO_MANY_CALLS")] * 3
    assert meanwhile.decision.allowed
    assert at_the_server <= MAX_CALLS
    assert answered == [("OK", "")] * MAX_CALLS


async def codes(calls: list[Any]) -> list[tuple[str, str]]:
    """Return how calls ended."""
    ended = list[tuple[str, str]]()
    for call in calls:
        try:
            await call
        except grpc.aio.AioRpcError as error:
            seen = error_of_call(error)
            ended.append((seen.code, seen.reason))
        else:
            ended.append(("OK", ""))
    return ended
