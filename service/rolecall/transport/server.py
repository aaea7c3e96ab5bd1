"""The gRPC server: its services, the limits of their calls, and where it listens."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, runtime_checkable

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2_grpc

from rolecall.transport.endpoint import Endpoint
from rolecall.transport.grpcio_server import GrpcioServer
from rolecall.transport.options import ServerOptions
from rolecall.transport.rpc.call_limits import CallLimits
from rolecall.transport.rpc.call_origin import CallerName, no_name
from rolecall.transport.rpc.concurrency import ConcurrencyLimit
from rolecall.transport.rpc.error_boundary import ErrorBoundary
from rolecall.transport.rpc.middleware import Authenticate, Middleware, Permits
from rolecall.transport.rpc.open_streams import OpenStreams
from rolecall.transport.rpc.rates import CallerRates, TokenBuckets
from rolecall.transport.rpc.registry import MethodRegistry, RegisteredServices
from rolecall.transport.rpc.silent_calls import SilentCalls
from rolecall.transport.rpc.streams import WRITE_TIMEOUT_SECONDS
from rolecall.transport.services.health import Health
from rolecall.transport.services.reflection import JudgedReflection
from rolecall.transport.wire import MakeWire, ServerTls
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

DECISION_SERVICE = decision_pb2.DESCRIPTOR.services_by_name["DecisionService"].full_name
ROLE_SERVICE = role_pb2.DESCRIPTOR.services_by_name["RoleService"].full_name
POLICY_SERVICE = policy_pb2.DESCRIPTOR.services_by_name["PolicyService"].full_name
CALLER_SERVICE = caller_pb2.DESCRIPTOR.services_by_name["CallerService"].full_name
WATCH_SERVICE = watch_pb2.DESCRIPTOR.services_by_name["WatchService"].full_name
HEALTH_SERVICE = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name
SERVICES = (DECISION_SERVICE, ROLE_SERVICE, POLICY_SERVICE, WATCH_SERVICE, CALLER_SERVICE)

WAITING_GRACE_SECONDS = 1.0

UPLOAD_TIME_FACTOR = 10
"""An upload may take this many times as long as a call with one message."""


@runtime_checkable
class RawServicer(Protocol):
    """A servicer with methods that take messages, or a part of them, as bytes."""

    def raw_handlers(self) -> dict[str, grpc.RpcMethodHandler[Any, Any]]:
        """Return the handlers of these methods."""
        ...


@runtime_checkable
class BytesServicer(RawServicer, Protocol):
    """A servicer of the DecisionService that takes queries as bytes, and answers some calls without a task."""

    def check_at_once(self, data: bytes, context: Any) -> bytes | None:
        """Answer a `CheckAssumeRoleRequest` from bytes to bytes; return None if something must be awaited."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Servicers:
    """The servicers of the contract's services, and health."""

    decision: decision_pb2_grpc.DecisionServiceServicer
    role: role_pb2_grpc.RoleServiceServicer
    policy: policy_pb2_grpc.PolicyServiceServicer
    watch: watch_pb2_grpc.WatchServiceServicer
    caller: caller_pb2_grpc.CallerServiceServicer
    health: Health


class GrpcServer:
    """A gRPC server. `methods` has the statistics of each method, `limits` the calls in progress. `name_of` names callers.

    `make_wire` makes `wire`, which reads the calls from connections.
    """

    def __init__(
        self,
        servicers: Servicers,
        options: ServerOptions,
        *,
        boundary: ErrorBoundary,
        permits: Permits,
        authenticate: Authenticate | None = None,
        name_of: CallerName = no_name,
        write_timeout_seconds: float = WRITE_TIMEOUT_SECONDS,
        make_wire: MakeWire = GrpcioServer,
    ) -> None:
        self.open_streams = OpenStreams(idle_seconds=options.stream_idle_seconds)
        self.silent, self._unary_seconds = SilentCalls(), options.max_deadline_seconds
        self.limits = limits = CallLimits.of(options, name_of)
        self.rates = _caller_rates(options, name_of)
        common = Middleware(
            concurrency=limits.calls,
            concurrency_of={
                "bidi_stream": limits.streams,
                "client_stream": limits.uploads,
                "server_stream": limits.watches,
            },
            boundary=boundary,
            permits=permits,
            authenticate=authenticate,
            silent=self.silent,
            unary_seconds=options.max_deadline_seconds,
            upload_seconds=options.max_deadline_seconds * UPLOAD_TIME_FACTOR,
            idle_seconds=options.stream_idle_seconds,
            write_timeout_seconds=write_timeout_seconds,
            open_streams=self.open_streams,
        )
        standard = replace(
            common,
            concurrency=limits.standard,
            concurrency_of={"unary": limits.health_checks, "server_stream": limits.health_watches},
        )
        self.methods = MethodRegistry(unknown_middleware=standard)
        self.methods.add(_services(servicers), replace(common, rate=self.rates))
        self.methods.add(_watch_service(servicers), common)
        reflection = (
            JudgedReflection([*SERVICES, HEALTH_SERVICE], authenticate, permits) if options.reflection else None
        )
        self.methods.add(_standard_services(servicers, reflection), standard)
        self.wire = make_wire(self.methods, options)

    @property
    def revivals(self) -> int:
        """Return how often the server was revived."""
        return self.wire.revivals

    @property
    def watches(self) -> int:
        """Return how many watches are open."""
        return len(self.limits.watches.calls)

    @property
    def concurrency_limits(self) -> Sequence[ConcurrencyLimit]:
        """Return the limits of all kinds of calls."""
        return self.limits.all

    def refusals(self) -> dict[str, int]:
        """Return how many calls were refused, by the limit that refused them."""
        refused = {limit.of: limit.refused for limit in self.limits.all}
        return {**refused, "rate": self.rates.refused if self.rates else 0}

    def bind(self, endpoint: Endpoint, tls: ServerTls | None) -> int:
        """Listen on an endpoint, in plain text without `tls`; return the port. Raise `AddressError`."""
        endpoint.require_free()
        return self.wire.bind(endpoint, tls)

    def bind_admin(self, path: str) -> None:
        """Listen on a Unix socket that only the user of this process may use; raise `AddressError`."""
        self.wire.bind_admin(path)

    async def start(self) -> None:
        """Start accepting calls."""
        await self.wire.start()

    async def crashed(self) -> None:
        """Return when the server has stopped accepting calls although `stop` was not called."""
        await self.wire.crashed()

    async def revive(self) -> None:
        """Accept calls again on the same endpoint; raise `AddressError`."""
        await self.wire.revive()

    async def stop(self, grace: float) -> None:
        """Stop accepting calls; give those in progress `grace` seconds, then end them. Streams are ended at once.

        Calls without a message, watches of health and reflection, which would never end, have `WAITING_GRACE_SECONDS`.
        """
        self.open_streams.stop()
        # Not at once: a watch of health first sends that nothing is serving, and is not to be cancelled meanwhile.
        ending = asyncio.get_running_loop().call_later(min(grace, WAITING_GRACE_SECONDS), self._end_waiting_calls)
        await self.wire.stop(grace)
        ending.cancel()

    def _end_waiting_calls(self) -> None:
        self.silent.stop()
        self.limits.health_watches.stop()
        self.limits.standard.stop()

    def sweep(self, now: float) -> None:
        """End the calls and streams that have reached their time limit at `now`."""
        for concurrency in self.limits.all:
            concurrency.sweep(now)
        self.silent.sweep(now, self._unary_seconds)
        self.open_streams.sweep(now)
        self.wire.tick()


def _caller_rates(options: ServerOptions, name_of: CallerName) -> CallerRates | None:
    if not options.rate_limit:
        return None
    return CallerRates(TokenBuckets(options.rate_limit, options.rate_burst), name_of=name_of)


def _services(servicers: Servicers) -> RegisteredServices:
    services: Any = RegisteredServices()
    decision_pb2_grpc.add_DecisionServiceServicer_to_server(servicers.decision, services)
    if isinstance(servicers.decision, BytesServicer):
        services.prefer(DECISION_SERVICE, servicers.decision.raw_handlers())
        services.answer_at_once(DECISION_SERVICE, {"CheckAssumeRole": servicers.decision.check_at_once})
    role_pb2_grpc.add_RoleServiceServicer_to_server(servicers.role, services)
    if isinstance(servicers.role, RawServicer):
        services.prefer(ROLE_SERVICE, servicers.role.raw_handlers())
    policy_pb2_grpc.add_PolicyServiceServicer_to_server(servicers.policy, services)
    caller_pb2_grpc.add_CallerServiceServicer_to_server(servicers.caller, services)
    return services  # type: ignore[no-any-return]


def _watch_service(servicers: Servicers) -> RegisteredServices:
    services: Any = RegisteredServices()
    watch_pb2_grpc.add_WatchServiceServicer_to_server(servicers.watch, services)
    return services  # type: ignore[no-any-return]


def _standard_services(servicers: Servicers, reflection: JudgedReflection | None) -> RegisteredServices:
    services: Any = RegisteredServices()
    health_pb2_grpc.add_HealthServicer_to_server(servicers.health, services)
    if reflection:
        reflection_pb2_grpc.add_ServerReflectionServicer_to_server(reflection, services)
    return services  # type: ignore[no-any-return]
