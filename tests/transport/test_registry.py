"""The methods of the server: who may call them, what they log, and which services there are."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from rolecall.transport.rpc.concurrency import ConcurrencyLimit
from rolecall.transport.rpc.error_boundary import ErrorBoundary
from rolecall.transport.rpc.middleware import Middleware
from rolecall.transport.rpc.registry import MethodRegistry, RegisteredServices
from rolecall.transport.services.health import Health
from rolecall_client.v1 import watch_pb2
from tests.server.serving import Served, check, served
from tests.transport.refusals import refused

PERMISSION_DENIED = grpc.StatusCode.PERMISSION_DENIED
SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING


async def test_a_caller_without_the_right_to_a_method_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rolecall.transport.rights.methods.NEEDS", {})
    async with served() as service:
        refusal = await refused(service.decisions.CheckAssumeRole(check()))
        unknown = await refused(service.channel.unary_unary("/a/b")(b""))

        assert (refusal.code, refusal.facts["ram_code"]) == (PERMISSION_DENIED, "NoPermission")
        assert "/rolecall.v1.DecisionService/CheckAssumeRole" in refusal.message
        assert unknown.code is PERMISSION_DENIED
        assert service.server.replica.point.cache.misses == 0
        assert not service.calls


async def test_a_caller_without_the_right_to_a_stream_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rolecall.transport.rights.methods.NEEDS", {})
    async with served() as service:
        watching = service.watches.WatchRoles(watch_pb2.WatchRolesRequest())
        stream = service.decisions.StreamCheckAssumeRole()
        health = health_pb2_grpc.HealthStub(service.channel).Watch(health_pb2.HealthCheckRequest())

        refusals = [await refused(call.read()) for call in (watching, stream, health)]

        assert [refusal.code for refusal in refusals] == [PERMISSION_DENIED] * 3
        assert [refusal.message.rpartition("/")[2].rstrip("`") for refusal in refusals] == [
            "WatchRoles",
            "StreamCheckAssumeRole",
            "Watch",
        ]


async def test_a_method_of_another_service_of_the_same_name_is_not_found(service: Served) -> None:
    refusal = await refused(service.channel.unary_unary("/rolecall.v1.RoleService/CheckAssumeRole")(b""))

    assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNIMPLEMENTED, "UNKNOWN_METHOD")


def test_a_preferred_handler_replaces_its_namesake_alone() -> None:
    services: Any = RegisteredServices()
    services.add_registered_method_handlers("s", {"A": "a", "B": "b"})
    services.add_generic_rpc_handlers(("ignored",))

    services.prefer("s", {"B": "better"})

    assert services.handlers == {"s": {"A": "a", "B": "better"}}


class Log:
    def debug(self, event: str, **facts: object) -> None: ...

    warning = error = debug


@pytest.mark.parametrize("verbose", [False, True])
def test_a_method_that_is_answered_at_once_is_found_by_its_name_unless_all_calls_are_logged(verbose: bool) -> None:
    middleware = Middleware(
        concurrency=ConcurrencyLimit(9), boundary=ErrorBoundary(Log(), verbose=verbose), permits=lambda _: None
    )
    services, registry = RegisteredServices(), MethodRegistry(middleware)
    context: Any = None
    handlers: dict[str, Any] = {name: grpc.unary_unary_rpc_method_handler(echo) for name in ("A", "B", "C")}
    services.add_registered_method_handlers("s", handlers)
    services.add_registered_method_handlers("t", handlers)
    services.answer_at_once("s", {"B": lambda data, _: data + b"!"})

    registry.add(services, middleware)

    assert [stats.name for stats in registry.method_stats] == [
        *("/unknown/unknown", "/s/A", "/s/B", "/s/C", "/t/A", "/t/B", "/t/C")
    ]
    answers = {name: answer(b"x", context) for name, answer in registry.at_once.items()}
    assert answers == ({} if verbose else {"/s/B": b"x!"})
    assert [stats.name for stats in registry.method_stats if stats.started] == ([] if verbose else ["/s/B"])


async def echo(message: bytes, _: object) -> bytes:
    return message


async def test_a_path_leads_to_its_method_and_every_other_to_the_one_for_unknown_methods() -> None:
    middleware = Middleware(
        concurrency=ConcurrencyLimit(9), boundary=ErrorBoundary(Log(), verbose=False), permits=lambda _: None
    )
    services, registry = RegisteredServices(), MethodRegistry(middleware)
    services.add_registered_method_handlers("s", {"A": grpc.unary_unary_rpc_method_handler(echo)})
    registry.add(services, middleware)
    details: Any = type("Details", (), {"method": "/s/A"})

    known, unknown = registry.service(details), registry.named("/s/a")

    # To gRPC every method reads a stream.
    assert [(each.request_streaming, each.response_streaming) for each in (known, unknown)] == [
        *((True, False), (True, True))
    ]
    assert registry.named("/s/A") is known
    assert registry.named("") is registry.named("/s/B") is unknown


async def test_health_is_reported_for_each_service(service: Served) -> None:
    stub = health_pb2_grpc.HealthStub(service.channel)
    names = ["", *(f"rolecall.v1.{name}Service" for name in ("Decision", "Role", "Policy", "Watch"))]

    answers = [(await stub.Check(health_pb2.HealthCheckRequest(service=name))).status for name in names]
    unknown = await refused(stub.Check(health_pb2.HealthCheckRequest(service="nope")))

    assert answers == [SERVING] * 5
    assert (unknown.code, unknown.reason) == (grpc.StatusCode.NOT_FOUND, "UNKNOWN_SERVICE")
    assert unknown.message == "the server has no such service"


async def test_a_watcher_of_health_sees_every_change_of_its_service() -> None:
    health = Health(["watched", "other"])
    watching: Any = health.Watch(health_pb2.HealthCheckRequest(service="watched"), None)
    seen = [(await anext(watching)).status]

    for serving in (True, False):
        following = asyncio.ensure_future(anext(watching))
        await asyncio.sleep(0)  # the watcher waits
        health.set("other", serving=serving)
        health.set("watched", serving=serving)
        seen.append((await asyncio.wait_for(following, 10)).status)
    await watching.aclose()

    assert seen == [NOT_SERVING, SERVING, NOT_SERVING]


async def test_a_watcher_of_an_unknown_service_is_answered_with_unknown(service: Served) -> None:
    stub = health_pb2_grpc.HealthStub(service.channel)
    watching = stub.Watch(health_pb2.HealthCheckRequest(service="nope"))

    assert (await watching.read()).status == health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
    watching.cancel()


async def test_a_watcher_of_health_sees_a_change_after_another_watcher_has_left(service: Served) -> None:
    stub = health_pb2_grpc.HealthStub(service.channel)
    stays, leaves = (stub.Watch(health_pb2.HealthCheckRequest()) for _ in range(2))
    assert [(await stays.read()).status, (await leaves.read()).status] == [SERVING, SERVING]

    leaves.cancel()
    service.server.health.drain()

    assert (await stays.read()).status == NOT_SERVING
    stays.cancel()


async def test_nothing_is_serving_before_it_is_set_or_after_draining() -> None:
    health = Health(["a", "b"])
    before = [await status(health, name) for name in ("", "a", "b")]

    health.set("a", "", serving=True)
    between = [await status(health, name) for name in ("", "a", "b")]
    health.drain()
    health.set("b", serving=True)
    after = [await status(health, name) for name in ("", "a", "b")]

    assert before == after == [NOT_SERVING] * 3
    assert between == [SERVING, SERVING, NOT_SERVING]


async def status(health: Health, name: str) -> int:
    return int((await health.Check(health_pb2.HealthCheckRequest(service=name), None)).status)


@pytest.mark.parametrize(("flags", "code"), [({}, None), ({"reflection": False}, grpc.StatusCode.UNIMPLEMENTED)])
async def test_reflection_is_served_on_loopback_unless_it_is_turned_off(
    flags: dict[str, object], code: grpc.StatusCode | None
) -> None:
    from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

    async with served(**flags) as service:
        stub = reflection_pb2_grpc.ServerReflectionStub(service.channel)
        # A client that is still sending when its call is refused may get INTERNAL from its own library.
        call = stub.ServerReflectionInfo()
        if code is None:
            await call.write(reflection_pb2.ServerReflectionRequest(list_services="*"))
            names = {entry.name for entry in (await call.read()).list_services_response.service}
            assert names == {
                *(f"rolecall.v1.{name}Service" for name in ("Caller", "Decision", "Policy", "Role", "Watch")),
                "grpc.health.v1.Health",
                "grpc.reflection.v1alpha.ServerReflection",
            }
        else:
            assert await call.code() is code
