"""An agent decides as the server that it follows, without asking it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

from rolecall_client.v1 import decision_pb2 as pb, role_pb2
from tests.agent.serving import BOB, OTHER_ACCOUNT, Node, check, failure, node, query, running
from tests.server.serving import DOCUMENT, served

DENIED = f"acs:ram::{OTHER_ACCOUNT}:user/bob"


@pytest.fixture
async def pair() -> AsyncIterator[Node]:
    async with node() as made:
        yield made


def upstream_checks(pair: Node) -> int:
    return sum(pair.upstream.stats(f"{kind}CheckAssumeRole").started for kind in ("", "Batch", "Stream"))


async def test_a_check_is_decided_by_the_agent_as_by_the_server(pair: Node) -> None:
    role = await pair.upstream.create()
    await pair.agent.at(role.revision)

    allowed, denied = await check(pair.agent, query()), await check(pair.agent, query(principal=DENIED))
    asked_upstream = upstream_checks(pair)
    expected = await check(pair.upstream, query())

    assert asked_upstream == 0
    assert (allowed.decision.allowed, denied.decision.allowed) == (True, False)
    assert (allowed.decision.revision, allowed.decision.role_id) == (role.revision, role.role_id)
    assert allowed.consistency_token == expected.consistency_token
    assert allowed.decision.HasField("staleness")


async def test_a_batch_is_decided_by_the_agent_at_one_revision(pair: Node) -> None:
    role = await pair.upstream.create()
    await pair.agent.at(role.revision)

    request = pb.BatchCheckAssumeRoleRequest(queries=[query(), query(principal=DENIED), query("no such role!")])
    answer = await pair.agent.decisions.BatchCheckAssumeRole(request)

    assert [result.decision.allowed for result in answer.results] == [True, False, False]
    assert answer.results[2].error.code == grpc.StatusCode.INVALID_ARGUMENT.value[0]
    assert {result.decision.revision for result in answer.results[:2]} == {role.revision}
    assert upstream_checks(pair) == 0


async def test_a_stream_is_decided_by_the_agent_and_sees_changes(pair: Node) -> None:
    role = await pair.upstream.create()
    await pair.agent.at(role.revision)
    stream = pair.agent.decisions.StreamCheckAssumeRole()

    await stream.write(pb.StreamCheckAssumeRoleRequest(sequence=1, query=query()))
    before = await stream.read()
    await pair.upstream.roles.DeleteRole(role_pb2.DeleteRoleRequest(role="app"))
    await pair.agent.at(role.revision + 1)
    await stream.write(pb.StreamCheckAssumeRoleRequest(sequence=2, query=query()))
    after = await stream.read()
    await stream.done_writing()

    assert (before.decision.allowed, after.decision.allowed) == (True, False)
    assert (after.sequence, after.decision.revision) == (2, role.revision + 1)
    assert upstream_checks(pair) == 0


async def test_roles_that_exist_when_the_agent_starts_are_there_before_it_answers() -> None:
    async with served() as upstream:
        role = await upstream.create()
        async with running(upstream.server.bound.address) as agent:
            answer = await check(agent, query())

    assert (answer.decision.allowed, answer.decision.revision) == (True, role.revision)


async def test_an_agent_reads_and_writes_no_roles_itself(pair: Node) -> None:
    create = role_pb2.CreateRoleRequest(role_name="other", assume_role_policy_document=DOCUMENT)
    calls: list[Any] = [
        pair.agent.roles.CreateRole(create),
        pair.agent.roles.GetRole(role_pb2.GetRoleRequest(role="app")),
        pair.agent.decisions.ExplainAssumeRole(pb.ExplainAssumeRoleRequest(query=query())),
        pair.agent.decisions.ListAssumableRoles(pb.ListAssumableRolesRequest(principal=BOB)),
        pair.agent.decisions.ListTrustedPrincipals(pb.ListTrustedPrincipalsRequest(role="app")),
    ]

    errors = [await failure(call) for call in calls]

    assert {error.code() for error in errors} == {grpc.StatusCode.UNIMPLEMENTED}


async def test_the_metrics_show_the_followed_state(pair: Node) -> None:
    role = await pair.upstream.create()
    await pair.agent.at(role.revision)

    staleness = pair.agent.metric("rolecall_snapshot_staleness_seconds")

    assert pair.agent.metric("rolecall_snapshot_revision") == role.revision
    assert pair.agent.metric("rolecall_snapshot_roles") == 1
    assert pair.agent.metric("rolecall_upstream_connected") == 1
    assert staleness is not None
    assert 0 <= staleness < 300


async def test_an_agent_reaches_its_server_through_a_unix_socket_and_listens_on_one(tmp_path: Any) -> None:
    sockets = f"unix://{tmp_path}/server.sock", f"unix:{tmp_path}/agent.sock"
    async with (
        served(listen=sockets[0]) as upstream,
        running(upstream.server.bound.address, listen=sockets[1]) as agent,
    ):
        role = await upstream.create()
        await agent.at(role.revision)

        answer = await check(agent, query())

    assert upstream.server.bound.address == f"unix:{tmp_path}/server.sock"
    assert answer.decision.allowed
