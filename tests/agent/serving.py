"""An agent in the process of a test, which follows a real server over real connections."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc

from rolecall.config.agent_settings import AgentConfig
from rolecall.observability.logs import make_logger
from rolecall.server.agent.main import running_agent
from rolecall.server.agent.replica import AgentReplica
from rolecall.server.server import CallServer
from rolecall_client.v1 import decision_pb2 as pb, decision_pb2_grpc, role_pb2_grpc
from tests.server.serving import ACCOUNT, ANY_PORTS, Served, served, until
from tests.transports import TRANSPORT

ROOT = f"acs:ram::{ACCOUNT}:root"
BOB = f"acs:ram::{ACCOUNT}:user/bob"
OTHER_ACCOUNT = "999999999999"


@dataclass
class Agent:
    """A running agent, its log, and a channel to it."""

    server: CallServer
    log: io.StringIO
    channel: Any

    @property
    def replica(self) -> AgentReplica:
        assert isinstance(self.server.state, AgentReplica)
        return self.server.state

    @property
    def decisions(self) -> Any:
        return decision_pb2_grpc.DecisionServiceStub(self.channel)

    @property
    def roles(self) -> Any:
        return role_pb2_grpc.RoleServiceStub(self.channel)

    def metric(self, name: str, **labels: str) -> float | None:
        return self.server.registry.get_sample_value(name, labels)

    async def at(self, revision: int) -> None:
        """Return when the agent has reached a revision."""
        await until(lambda: self.replica.snapshot.revision >= revision)


@dataclass
class Node:
    """A server, and an agent that follows it."""

    upstream: Served
    agent: Agent


def agent_config(upstream: str, **flags: object) -> AgentConfig:
    ports = {name: value for name, value in ANY_PORTS.items() if name != "store"}
    return AgentConfig.from_mapping({**ports, "transport": TRANSPORT, "upstream": upstream, **flags}, {})


@asynccontextmanager
async def running(upstream: str, **flags: object) -> AsyncIterator[Agent]:
    log = io.StringIO()
    config = agent_config(upstream, **flags)
    async with (
        running_agent(config, log=make_logger("debug", "json", log)) as server,
        grpc.aio.insecure_channel(server.bound.address) as channel,
    ):
        yield Agent(server, log, channel)


@asynccontextmanager
async def node(**flags: object) -> AsyncIterator[Node]:
    async with served() as upstream, running(upstream.server.bound.address, **flags) as agent:
        yield Node(upstream, agent)


def query(role: str = "app", principal: str = BOB, **fields: Any) -> pb.AssumeRoleQuery:
    return pb.AssumeRoleQuery(role=role, principal=principal, **fields)


async def check(agent: Agent | Served, asked: pb.AssumeRoleQuery, **fields: Any) -> pb.CheckAssumeRoleResponse:
    request = pb.CheckAssumeRoleRequest(query=asked, **fields)
    response: pb.CheckAssumeRoleResponse = await agent.decisions.CheckAssumeRole(request)
    return response


async def failure(call: Any) -> grpc.aio.AioRpcError:
    """Return the error of a call that must fail."""
    try:
        await asyncio.wait_for(call, 30)
    except grpc.aio.AioRpcError as error:
        return error
    raise AssertionError("the call succeeded")
