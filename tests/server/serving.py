"""A whole server in the process of a test, on ports of its own, with a store in memory."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from types import ModuleType
from typing import Any

import grpc
import pytest
from structlog.typing import FilteringBoundLogger

from rolecall.config.options import decision_log_options, tls_files
from rolecall.config.settings import Config
from rolecall.engine.clock import now_micros
from rolecall.observability.decision_log.log import DecisionLog, open_sink
from rolecall.observability.decision_log.record import ServerIdentity
from rolecall.observability.logs import make_logger
from rolecall.security.credentials import listener_security
from rolecall.server.callers import open_callers
from rolecall.server.main import running_server
from rolecall.server.replica import Replica
from rolecall.server.server import RolecallServer
from rolecall.storage import open_repository
from rolecall.transport.rpc.stats import MethodStats
from rolecall_client.v1 import decision_pb2, decision_pb2_grpc, role_pb2, role_pb2_grpc, watch_pb2_grpc
from tests.transports import TRANSPORT

ACCOUNT = "123456789012"
PATIENCE_SECONDS = 60
BOB = f"acs:ram::{ACCOUNT}:user/bob"
DOCUMENT = '{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"RAM":["acs:ram::123456789012:root"]}}]}'
ANY_PORTS = {"listen": "127.0.0.1:0", "ops_listen": "127.0.0.1:0", "store": "memory://", "account_id": ACCOUNT}


@dataclass
class Served:
    server: RolecallServer
    log: io.StringIO
    channel: Any

    @property
    def decisions(self) -> Any:
        return decision_pb2_grpc.DecisionServiceStub(self.channel)

    @property
    def roles(self) -> Any:
        return role_pb2_grpc.RoleServiceStub(self.channel)

    @property
    def watches(self) -> Any:
        return watch_pb2_grpc.WatchServiceStub(self.channel)

    @property
    def calls(self) -> Mapping[Any, Any]:
        """Return the calls of every kind that are in progress."""
        return {task: call for limit in self.server.grpc_server.limits.all for task, call in limit.calls.items()}

    def let_catching_up_take(self, time: Callable[[], Awaitable[object]]) -> None:
        """Make a request that is `fully_consistent` wait for `time` first."""
        follower: Any = self.server.replica.follower
        catch_up = follower.catch_up

        async def late() -> object:
            await time()
            return await catch_up()

        follower.catch_up = late

    async def create(self, name: str = "app") -> role_pb2.Role:
        request = role_pb2.CreateRoleRequest(role_name=name, assume_role_policy_document=DOCUMENT)
        response: role_pb2.CreateRoleResponse = await self.roles.CreateRole(request)
        return response.role

    def stats(self, method: str) -> MethodStats:
        return next(stats for stats in self.server.grpc_server.methods.method_stats if stats.method == method)


def config(**flags: object) -> Config:
    return Config.from_mapping({**ANY_PORTS, "transport": TRANSPORT, **flags}, {})


@asynccontextmanager
async def served(**flags: object) -> AsyncIterator[Served]:
    log = io.StringIO()
    settings = config(**flags)
    async with (
        running_server(settings, log=make_logger(settings.log_level, "json", log)) as server,
        grpc.aio.insecure_channel(server.bound.address) as channel,
    ):
        yield Served(server, log, channel)


@dataclass
class Log:
    """A logger of JSON lines, and what it wrote."""

    logger: FilteringBoundLogger
    stream: io.StringIO


def logger(level: str = "debug") -> Log:
    stream = io.StringIO()
    return Log(make_logger(level, "json", stream), stream)


def log_lines(stream: io.StringIO) -> list[dict[str, Any]]:
    """Return the lines of a log without their timestamps."""
    lines: list[dict[str, Any]] = [json.loads(line) for line in stream.getvalue().splitlines()]
    for line in lines:
        del line["timestamp"]
    return lines


@asynccontextmanager
async def idle_server(**flags: object) -> AsyncIterator[RolecallServer]:
    """Give a server whose parts exist and of which none runs: nothing is loaded, polled, bound or answered."""
    settings, log = config(**flags), make_logger("error", "json", io.StringIO())
    callers = open_callers(settings, log, now_micros())
    security = listener_security(tls_files(settings), callers.directory, loopback=True, insecure=False)
    replica, options = Replica(settings, open_repository(settings.store_url), log), decision_log_options(settings)
    decision_log = None
    if options:
        identity = ServerIdentity(instance="i-1", version="1", incarnation=lambda: replica.snapshot.incarnation)
        decision_log = DecisionLog(open_sink(options), options, identity, log=log, clock=lambda: 0.0)
    server = RolecallServer(settings, replica, security, log, decision_log, callers=callers)
    try:
        yield server
    finally:
        await server.close()
        await replica.close()


def check(role: str = "app", principal: str = BOB, *, consistent: bool = False) -> decision_pb2.CheckAssumeRoleRequest:
    request = decision_pb2.CheckAssumeRoleRequest(query=decision_pb2.AssumeRoleQuery(principal=principal, role=role))
    if consistent:
        request.consistency.fully_consistent = True
    return request


async def until(true: Callable[[], object]) -> None:
    """Return when something that this loop brings about is true; fail if it never is."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def for_ever() -> None:
    await asyncio.Event().wait()


def background_work_of(main: ModuleType, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Return the names of the work that is under way in the background of what `main` starts; none of it is done."""
    names = set[str]()

    async def run_with_restarts(work: Any, _: object) -> None:
        name = (work.func if isinstance(work, partial) else work).__qualname__
        names.add(name)
        try:
            await for_ever()
        finally:
            names.remove(name)

    monkeypatch.setattr(main, "run_with_restarts", run_with_restarts)
    return names
