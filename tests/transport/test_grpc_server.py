"""How the parts of the gRPC server are connected: what surrounds each service, and what a sweep and a stop do."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from rolecall.transport import server as module
from rolecall.transport.endpoint import AddressError, Endpoint
from rolecall.transport.options import ServerOptions
from rolecall.transport.rpc.middleware import Middleware
from rolecall.transport.rpc.registry import RegisteredServices
from rolecall.transport.server import GrpcServer, Servicers
from rolecall.transport.services.health import Health
from rolecall_client.v1 import (
    caller_pb2,
    caller_pb2_grpc,
    decision_pb2,
    decision_pb2_grpc,
    policy_pb2,
    policy_pb2_grpc,
    role_pb2,
    role_pb2_grpc,
    watch_pb2,
    watch_pb2_grpc,
)
from tests.repository.tree import DOCS

OPTIONS = ServerOptions(max_deadline_seconds=3.0, stream_idle_seconds=7.0, rate_limit=5.0, rate_burst=9)


class Wire:
    """A transport that writes down what is done with it."""

    revivals = 3

    def __init__(self, methods: Any, options: ServerOptions) -> None:
        self.methods, self.options = methods, options
        self.done = list[object]()

    async def stop(self, grace: float) -> None:
        self.done.append(grace)

    def bind(self, endpoint: Endpoint, tls: object) -> int:
        self.done.append(("bind", endpoint, tls))
        return 7

    def bind_admin(self, path: str) -> None:
        self.done.append(("bind_admin", path))

    async def start(self) -> None:
        self.done.append("start")

    async def crashed(self) -> None:
        self.done.append("crashed")

    async def revive(self) -> None:
        self.done.append("revive")

    def tick(self) -> None:
        self.done.append("tick")


class Registry:
    """A registry of methods that writes down the services and what surrounds them."""

    def __init__(self, unknown_middleware: Middleware) -> None:
        self.unknown = unknown_middleware
        self.added = list[tuple[RegisteredServices, Middleware]]()

    def add(self, services: RegisteredServices, middleware: Middleware) -> None:
        self.added.append((services, middleware))


class RawDecisions(decision_pb2_grpc.DecisionServiceServicer):
    def raw_handlers(self) -> dict[str, Any]:
        return {"CheckAssumeRole": "raw check"}

    def check_at_once(self, data: bytes, context: object) -> None: ...


class RawRoles(role_pb2_grpc.RoleServiceServicer):
    def raw_handlers(self) -> dict[str, Any]:
        return {"GetRole": "raw role"}


@pytest.fixture(autouse=True)
def _recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MethodRegistry", Registry)


BOUNDARY: Any = "boundary"


def permits(_: str) -> None: ...


def authenticate(_: object) -> None: ...


def made(options: ServerOptions = OPTIONS, *, raw: bool = False, **more: Any) -> Any:
    servicers = Servicers(
        decision=RawDecisions() if raw else decision_pb2_grpc.DecisionServiceServicer(),
        role=RawRoles() if raw else role_pb2_grpc.RoleServiceServicer(),
        policy=policy_pb2_grpc.PolicyServiceServicer(),
        watch=watch_pb2_grpc.WatchServiceServicer(),
        caller=caller_pb2_grpc.CallerServiceServicer(),
        health=Health([]),
    )
    return GrpcServer(servicers, options, boundary=BOUNDARY, permits=permits, make_wire=Wire, **more)  # type: ignore[arg-type]


def surrounding(server: Any) -> dict[str, Middleware]:
    """Return what surrounds each service, by the last part of its name."""
    found = {"unknown": server.methods.unknown}
    for services, middleware in server.methods.added:
        found |= {name.rpartition(".")[2]: middleware for name in services.handlers}
    return found


def upload_times() -> int:
    row = re.search(
        r"`--max-deadline-seconds`.*Maximum duration of a call; (\w+) times", (DOCS / "configuration.md").read_text()
    )
    assert row
    return {"ten": 10}[row[1]]


async def test_every_service_has_the_parts_of_the_server_around_it() -> None:
    server = made(authenticate=authenticate, write_timeout_seconds=11.0)
    found = surrounding(server)

    assert sorted(found) == [
        *("CallerService", "DecisionService", "Health", "PolicyService", "RoleService", "WatchService", "unknown")
    ]
    for middleware in found.values():
        assert (middleware.boundary, middleware.permits, middleware.authenticate) == (BOUNDARY, permits, authenticate)
        assert (middleware.silent, middleware.open_streams) == (server.silent, server.open_streams)
        assert (middleware.unary_seconds, middleware.upload_seconds) == (3.0, 3.0 * upload_times())
        assert (middleware.idle_seconds, middleware.write_timeout_seconds) == (7.0, 11.0)
    assert server.open_streams._idle_seconds == 7.0
    assert (server.wire.methods, server.wire.options) == (server.methods, OPTIONS)


async def test_each_service_has_its_limits_and_those_that_answer_questions_a_rate() -> None:
    server = made()
    found, limits = surrounding(server), server.limits
    kinds = {"bidi_stream": limits.streams, "client_stream": limits.uploads, "server_stream": limits.watches}
    health = {"unary": limits.health_checks, "server_stream": limits.health_watches}

    for name, middleware in found.items():
        standard = name in ("Health", "unknown")
        assert middleware.concurrency is (limits.standard if standard else limits.calls)
        assert middleware.concurrency_of == (health if standard else kinds)
        assert middleware.rate is (None if standard or name == "WatchService" else server.rates)


@pytest.mark.parametrize("raw", [True, False])
async def test_methods_that_read_bytes_replace_the_generated_ones(raw: bool) -> None:
    ((services, _), *_) = made(raw=raw).methods.added
    check = services.handlers["rolecall.v1.DecisionService"]["CheckAssumeRole"]
    role = services.handlers["rolecall.v1.RoleService"]["GetRole"]

    assert (check == "raw check", role == "raw role") == (raw, raw)
    assert len(services.handlers["rolecall.v1.DecisionService"]) > 1
    assert {service: sorted(methods) for service, methods in services.at_once.items()} == (
        {"rolecall.v1.DecisionService": ["CheckAssumeRole"]} if raw else {}
    )


def test_every_service_of_the_contract_is_one_of_the_server() -> None:
    files = (caller_pb2, decision_pb2, policy_pb2, role_pb2, watch_pb2)
    contract = [service.full_name for file in files for service in file.DESCRIPTOR.services_by_name.values()]

    assert sorted(module.SERVICES) == sorted(contract)
    assert len(contract) == len(set(contract)) == 5


@pytest.mark.parametrize("reflection", [True, False])
async def test_reflection_is_served_beside_health_if_it_is_asked_for(reflection: bool) -> None:
    server = made(ServerOptions(reflection=reflection))
    services, _ = server.methods.added[-1]

    names = ["grpc.health.v1.Health", *["grpc.reflection.v1alpha.ServerReflection"] * reflection]
    assert list(services.handlers) == names


async def test_callers_have_the_rate_of_the_options_by_the_names_that_are_given() -> None:
    class Context:
        def peer(self) -> str:
            return "ipv4:10.0.0.1:7"

    server, context = made(name_of=lambda _: "orders"), Context()
    server.rates.take(context, 9)

    assert (server.rates._buckets.rate, server.rates._buckets.burst) == (5.0, 9)
    assert list(server.rates._buckets._full_at) == ["orders"]
    assert made(ServerOptions()).rates is None


@pytest.mark.parametrize("rate", [5.0, 0.0])
async def test_refused_calls_are_counted_by_the_limit_that_refused_them(rate: float) -> None:
    server = made(ServerOptions(rate_limit=rate))
    for number, limit in enumerate(server.concurrency_limits, start=1):
        limit.refused = number
    if rate:
        server.rates.refused = 8
    server.limits.watches.calls.update({None: (1.0, None)})

    of = ["calls", "streams", "uploads", "watches", "health checks", "watches of health", "calls of reflection"]
    assert server.refusals() == {**{name: number for number, name in enumerate(of, start=1)}, "rate": 8 if rate else 0}
    assert (server.watches, server.revivals) == (1, 3)


async def test_a_sweep_reaches_every_limit_the_waiting_calls_the_streams_and_the_connections() -> None:
    server, swept = made(), list[tuple[object, ...]]()
    for limit in server.limits.all:
        limit.sweep = lambda now, of=limit.of: swept.append((of, now))
    server.silent.sweep = lambda now, seconds: swept.append(("silent", now, seconds))
    server.open_streams.sweep = lambda now: swept.append(("streams", now))

    server.sweep(5.0)

    assert swept == [*((limit.of, 5.0) for limit in server.limits.all), ("silent", 5.0, 3.0), ("streams", 5.0)]
    assert server.wire.done == ["tick"]


async def test_the_transport_listens_starts_and_is_revived_as_the_server_is() -> None:
    server, endpoint, tls = made(), Endpoint("127.0.0.1:0", "127.0.0.1"), object()

    port = server.bind(endpoint, tls)
    server.bind_admin("/run/admin")
    for step in (server.start, server.crashed, server.revive):
        await step()

    assert port == 7
    assert server.wire.done == [
        *(("bind", endpoint, tls), ("bind_admin", "/run/admin")),
        *("start", "crashed", "revive"),
    ]


async def test_an_address_that_is_not_free_is_refused_before_the_transport_sees_it() -> None:
    server = made()

    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        for endpoint in (
            Endpoint(f"127.0.0.1:{port}", "127.0.0.1", port),
            Endpoint("unix:/no/such/directory/rolecall.sock"),
        ):
            with pytest.raises(AddressError):
                server.bind(endpoint, None)

    assert server.wire.done == []


@pytest.mark.parametrize(("grace", "waiting"), [(60.0, 1.0), (0.25, 0.25)])
async def test_a_stop_ends_streams_at_once_and_calls_that_only_wait_after_a_second(
    grace: float, waiting: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, steps, timers = made(), list[str](), list[tuple[float, Callable[[], None]]]()

    class Timer:
        def cancel(self) -> None:
            steps.append(f"cancelled after {server.wire.done}")

    def call_later(_: object, seconds: float, action: Callable[[], None]) -> Timer:
        timers.append((seconds, action))
        return Timer()

    server.open_streams.stop = lambda: steps.append("streams")
    server.silent.stop = lambda: steps.append("silent")
    for limit in server.limits.all:
        limit.stop = lambda of=limit.of: steps.append(of)
    monkeypatch.setattr(type(asyncio.get_running_loop()), "call_later", call_later)

    await server.stop(grace)
    monkeypatch.undo()
    ((seconds, end_waiting),) = timers
    end_waiting()

    assert seconds == waiting
    assert steps == ["streams", f"cancelled after [{grace}]", "silent", "watches of health", "calls of reflection"]
