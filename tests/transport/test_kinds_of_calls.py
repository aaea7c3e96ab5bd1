"""Each kind of calls has a limit of its own, and what is said of it is the same in refusals, in metrics and in the documentation."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2_grpc

from rolecall.transport.errors import TooManyCallsError
from rolecall.transport.rpc.concurrency import ConcurrencyLimit
from rolecall_client.v1 import decision_pb2 as pb, policy_pb2, policy_pb2_grpc, role_pb2, watch_pb2
from tests.repository.tree import DOCS
from tests.server.serving import BOB, Served, check, served, until
from tests.transport.refusals import refused
from tests.transport.rights.serving import by, serving

LIMITS = {"max_concurrent_rpcs": 8, "max_streams": 9, "max_uploads": 10, "max_watches": 11}
KINDS = {
    "calls": 8,
    "streams": 9,
    "uploads": 10,
    "watches": 11,
    "health checks": 8,
    "watches of health": 8,
    "calls of reflection": 8,
}
METHODS: dict[str, tuple[str, Callable[[Served], Any]]] = {
    "CheckAssumeRole": ("calls", lambda s: s.decisions.CheckAssumeRole(check(consistent=True))),
    "ListAssumableRoles": (
        "calls",
        lambda s: s.decisions.ListAssumableRoles(pb.ListAssumableRolesRequest(principal=BOB)),
    ),
    "GetRole": ("calls", lambda s: s.roles.GetRole(role_pb2.GetRoleRequest(role="app"))),
    "ValidateTrustPolicy": (
        "calls",
        lambda s: policy_pb2_grpc.PolicyServiceStub(s.channel).ValidateTrustPolicy(
            policy_pb2.ValidateTrustPolicyRequest()
        ),
    ),
    "StreamCheckAssumeRole": ("streams", lambda s: s.decisions.StreamCheckAssumeRole().read()),
    "ApplyRoles": ("uploads", lambda s: s.roles.ApplyRoles()),
    "WatchRoles": ("watches", lambda s: s.watches.WatchRoles(watch_pb2.WatchRolesRequest()).read()),
    "Check": (
        "health checks",
        lambda s: health_pb2_grpc.HealthStub(s.channel).Check(health_pb2.HealthCheckRequest()),
    ),
    "Watch": (
        "watches of health",
        lambda s: health_pb2_grpc.HealthStub(s.channel).Watch(health_pb2.HealthCheckRequest()).read(),
    ),
    "ServerReflectionInfo": (
        "calls of reflection",
        lambda s: reflection_pb2_grpc.ServerReflectionStub(s.channel).ServerReflectionInfo().read(),
    ),
    "unknown": ("calls of reflection", lambda s: s.channel.unary_unary("/no.such.Service/Method")(b"")),
}


def limits_of(service: Served) -> tuple[ConcurrencyLimit, ...]:
    return service.server.grpc_server.limits.all


async def test_a_call_is_refused_by_the_limit_of_its_kind_and_by_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    async with served(**LIMITS, reflection=True) as service:
        for limit in limits_of(service):

            def refuse(*_: object, limit: ConcurrencyLimit = limit) -> None:
                raise TooManyCallsError(limit.of, limit.limit, 1)

            limit.free = 0
            monkeypatch.setattr(limit, "admit", refuse)
        refusals = {method: await refused(call(service)) for method, (_, call) in METHODS.items()}

    answers = {(refusal.code, refusal.reason, refusal.retry) for refusal in refusals.values()}
    assert answers == {(grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_CALLS", True)}
    assert {method: (refusal.facts["of"], refusal.facts["limit"]) for method, refusal in refusals.items()} == {
        method: (kind, str(KINDS[kind])) for method, (kind, _) in METHODS.items()
    }


async def test_the_kinds_are_those_of_the_metric_and_each_has_the_number_of_its_setting() -> None:
    row = next(
        line
        for line in (DOCS / "metrics.md").read_text().splitlines()
        if line.startswith("| `rolecall_calls_refused_total` | counter")
    )
    documented = re.findall(r"`([a-z ]+)`", row.split("|")[3])
    async with served(**LIMITS, rate_limit=1) as service:
        found = {limit.of: limit.limit for limit in limits_of(service)}
        for number, limit in enumerate(limits_of(service), start=1):
            limit.refused = number

        refusals = service.server.grpc_server.refusals()

    assert found == KINDS
    assert documented[1:] == list(refusals)
    assert list(refusals.values()) == [1, 2, 3, 4, 5, 6, 7, 0]


async def test_of_two_callers_on_one_connection_each_has_its_own_rate_and_its_own_share() -> None:
    everything = {"a": ["AdministratorAccess"], "b": ["AdministratorAccess"]}
    async with serving(everything, rate_limit=0.001, rate_burst=1, max_streams=2) as service:
        await service.decisions.CheckAssumeRole(check(), metadata=by("a"))
        refusal = await refused(service.decisions.CheckAssumeRole(check(), metadata=by("a")))
        await service.decisions.CheckAssumeRole(check(), metadata=by("b"))
        open_streams = [service.decisions.StreamCheckAssumeRole(metadata=by("a")) for _ in range(2)]
        streams = service.server.grpc_server.limits.streams
        await until(lambda: len(streams.calls) == 2)
        full = await refused(service.decisions.StreamCheckAssumeRole(metadata=by("a")).read())
        other = service.decisions.StreamCheckAssumeRole(metadata=by("b"))
        await until(lambda: len(streams.calls) == 3)
        for stream in (*open_streams, other):
            stream.cancel()

    assert (refusal.reason, full.reason, full.facts["share"]) == ("RATE_LIMITED", "TOO_MANY_CALLS", "2")


@pytest.mark.parametrize(("grace", "waits"), [(25.0, 1.0), (0.25, 0.25)])
async def test_a_server_that_stops_ends_calls_without_an_end_after_a_second_at_most(
    service: Served, grace: float, waits: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, loop, timers = (
        service.server.grpc_server,
        asyncio.get_running_loop(),
        list[tuple[float, asyncio.TimerHandle]](),
    )
    call_later = loop.call_later

    def later(delay: float, *args: Any, **kwargs: Any) -> asyncio.TimerHandle:
        timers.append((delay, call_later(delay, *args, **kwargs)))
        return timers[-1][1]

    async def stopped(seconds: float) -> None:
        assert seconds == grace
        assert not timers[0][1].cancelled()

    with monkeypatch.context() as patched:
        patched.setattr(loop, "call_later", later)
        patched.setattr(server.wire, "stop", stopped)
        await server.stop(grace)

    assert [delay for delay, _ in timers] == [waits]
    assert timers[0][1].cancelled()


async def test_a_sweep_reaches_every_kind_of_calls_and_the_connections(
    service: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, swept = service.server.grpc_server, list[object]()
    for part in (*limits_of(service), server.silent, server.open_streams):
        monkeypatch.setattr(part, "sweep", lambda *args, part=part: swept.append((part, *args)))
    monkeypatch.setattr(server.wire, "tick", lambda: swept.append("tick"))

    server.sweep(7.0)

    limits = [(limit, 7.0) for limit in limits_of(service)]
    assert swept == [*limits, (server.silent, 7.0, 30.0), (server.open_streams, 7.0), "tick"]
