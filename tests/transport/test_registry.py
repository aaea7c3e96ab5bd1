from __future__ import annotations

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from rolecall_client.v1 import decision_pb2 as pb
from tests.server.serving import Served, check, served
from tests.transport.refusals import refused


async def test_who_may_not_call_a_method_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rolecall.security.permissions.RIGHTS", {})
    async with served() as service:
        refusal = await refused(service.decisions.CheckAssumeRole(check()))
        stranger = await refused(service.channel.unary_unary("/a/b")(b""))

        assert (refusal.code, refusal.facts["ram_code"]) == (grpc.StatusCode.PERMISSION_DENIED, "NoPermission")
        assert stranger.code is grpc.StatusCode.PERMISSION_DENIED
        assert service.server.replica.point.cache.misses == 0


async def test_calls_are_counted_by_code_and_latency(service: Served) -> None:
    await service.decisions.CheckAssumeRole(check())
    await refused(service.decisions.CheckAssumeRole(check(principal="?")))

    stats = service.stats("CheckAssumeRole")
    assert (stats.started, stats.handled[0], stats.handled[3]) == (2, 1, 1)
    assert (stats.received, stats.sent, sum(stats.buckets)) == (2, 1, 2)
    assert stats.seconds > 0


async def test_a_successful_check_logs_nothing(service: Served) -> None:
    await service.decisions.CheckAssumeRole(check())
    await refused(service.decisions.CheckAssumeRole(check(principal="?")))

    assert service.log.getvalue() == ""


async def test_at_level_debug_every_call_is_told_of_once() -> None:
    async with served(log_level="debug") as service:
        await service.decisions.CheckAssumeRole(check(), metadata=[("x-request-id", "call-1")])
        await refused(service.decisions.CheckAssumeRole(check(principal="?"), metadata=[("x-request-id", "call-2")]))

        lines = service.log.getvalue().splitlines()
        assert [("call-1" in line, "call-2" in line) for line in lines] == [(True, False), (False, True)]
        assert '"code": "OK"' in lines[0]
        assert '"code": "INVALID_ARGUMENT"' in lines[1]


async def test_methods_of_the_contract_that_nobody_wrote_yet_say_so(service: Served) -> None:
    refusal = await refused(service.decisions.ListTrustedPrincipals(pb.ListTrustedPrincipalsRequest(role="app")))

    assert refusal.code in (grpc.StatusCode.UNIMPLEMENTED, grpc.StatusCode.NOT_FOUND)


async def test_health_is_told_of_each_service(service: Served) -> None:
    stub = health_pb2_grpc.HealthStub(service.channel)

    answers = [
        (await stub.Check(health_pb2.HealthCheckRequest(service=f"rolecall.v1.{name}Service"))).status
        for name in ("Decision", "Role", "Policy", "Watch")
    ]
    unknown = await refused(stub.Check(health_pb2.HealthCheckRequest(service="nope")))

    assert answers == [health_pb2.HealthCheckResponse.SERVING] * 4
    assert unknown.code is grpc.StatusCode.NOT_FOUND


async def test_a_watcher_of_health_is_told_of_changes_also_when_another_has_left(service: Served) -> None:
    stub = health_pb2_grpc.HealthStub(service.channel)
    stays, leaves = (stub.Watch(health_pb2.HealthCheckRequest()) for _ in range(2))
    assert [(await stays.read()).status, (await leaves.read()).status] == [1, 1]

    leaves.cancel()
    service.server.health.drain()

    assert (await stays.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
    stays.cancel()


@pytest.mark.parametrize(("flags", "code"), [({}, None), ({"reflection": False}, grpc.StatusCode.UNIMPLEMENTED)])
async def test_reflection_is_there_on_loopback_unless_turned_off(
    flags: dict[str, object], code: grpc.StatusCode | None
) -> None:
    from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

    async with served(**flags) as service:
        stub = reflection_pb2_grpc.ServerReflectionStub(service.channel)
        call = stub.ServerReflectionInfo(iter([reflection_pb2.ServerReflectionRequest(list_services="*")]))
        if code is None:
            names = {entry.name for entry in (await call.read()).list_services_response.service}
            assert {"rolecall.v1.DecisionService", "grpc.health.v1.Health"} <= names
        else:
            assert await call.code() is code
