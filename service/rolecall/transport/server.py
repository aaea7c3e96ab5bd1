"""The gRPC server: its services, the limits of their calls, and where it listens."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2_grpc

from rolecall.transport.channel_options import channel_options
from rolecall.transport.options import ServerOptions
from rolecall.transport.rpc.call_limits import CallLimits
from rolecall.transport.rpc.callers import CallerName, no_name
from rolecall.transport.rpc.concurrency import ConcurrencyLimit
from rolecall.transport.rpc.error_boundary import ErrorBoundary
from rolecall.transport.rpc.middleware import Authenticate, Middleware, Permits
from rolecall.transport.rpc.open_streams import OpenStreams
from rolecall.transport.rpc.rates import CallerRates, TokenBuckets
from rolecall.transport.rpc.registry import MethodRegistry, RegisteredServices
from rolecall.transport.rpc.silent_calls import SilentCalls
from rolecall.transport.rpc.streams import WRITE_TIMEOUT_SECONDS
from rolecall.transport.services.decision import DecisionServicer
from rolecall.transport.services.health import Health
from rolecall_client.v1 import (
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
WATCH_SERVICE = watch_pb2.DESCRIPTOR.services_by_name["WatchService"].full_name
HEALTH_SERVICE = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name
SERVICES = (DECISION_SERVICE, ROLE_SERVICE, POLICY_SERVICE, WATCH_SERVICE)

WAITING_GRACE_SECONDS = 1.0

UPLOAD_TIME_FACTOR = 10
"""An upload may take this many times as long as a call with one message."""


class AddressError(Exception):
    """The server cannot listen on its configured address."""

    def __init__(self, address: str, why: str) -> None:
        self.address = address
        super().__init__(f"cannot listen on `{address}`: {why}")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where to listen: an address in the syntax of gRPC, with its host and port; a Unix socket has neither."""

    address: str
    host: str = ""
    port: int = 0

    def require_free(self) -> None:
        """Raise `AddressError` if the address is in use or not available; gRPC itself would not say why."""
        if not self.host:
            return
        try:
            socket.create_server((self.host, self.port), family=_family(self.host)).close()
        except OSError as error:
            raise AddressError(self.address, _reason(error)) from None

    def with_port(self, port: int) -> str:
        """Return the address with the port that the system chose, if the address has port 0."""
        return self.address if not self.host else f"{self.address.rpartition(':')[0]}:{port}"


def _reason(error: OSError) -> str:
    # The text of an error with a number of the system repeats the address; a name that is not found has no such number.
    text = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror or str(error)
    return text.lower()


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


@dataclass(frozen=True, slots=True, kw_only=True)
class Servicers:
    """The servicers of the contract's services, and health."""

    decision: decision_pb2_grpc.DecisionServiceServicer
    role: role_pb2_grpc.RoleServiceServicer
    policy: policy_pb2_grpc.PolicyServiceServicer
    watch: watch_pb2_grpc.WatchServiceServicer
    health: Health


class GrpcServer:
    """A gRPC server. `methods` has the statistics of each method, `limits` the calls in progress. `name_of` names callers.

    One request with a path that is not UTF-8 ends the loop in which grpc.aio accepts calls (seen with grpcio 1.85).
    `crashed` reports that, and `revive` starts another gRPC server in its place; the old one finishes its calls.
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
        self.methods.add(_standard_services(servicers, with_reflection=options.reflection), standard)
        self.revivals = 0
        self._crashed = asyncio.Event()
        self._stopped = False
        self._options = channel_options(options.max_message_bytes)
        self._server = self._new_server()
        self._rebind: Callable[[], object] = lambda: None

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

    def bind(self, endpoint: Endpoint, credentials: grpc.ServerCredentials | None) -> int:
        """Listen on an endpoint, without TLS if there are no credentials; return the port. Raise `AddressError`."""
        endpoint.require_free()
        port = _add_port(self._server, endpoint.address, credentials)
        address = endpoint.with_port(port)
        self._rebind = lambda: _add_port(self._server, address, credentials)
        return port

    async def start(self) -> None:
        """Start accepting calls."""
        before = asyncio.all_tasks()
        await self._server.start()
        for task in asyncio.all_tasks() - before:
            task.add_done_callback(self._on_task_done)

    async def crashed(self) -> None:
        """Return when the server has stopped accepting calls although `stop` was not called."""
        await self._crashed.wait()

    async def revive(self) -> None:
        """Accept calls again on the same endpoint; raise `AddressError`."""
        self._server = self._new_server()
        self._rebind()
        self._crashed.clear()
        await self.start()
        self.revivals += 1

    async def stop(self, grace: float) -> None:
        """Stop accepting calls; give those in progress `grace` seconds, then end them. Streams are ended at once.

        Calls without a message, watches of health and reflection, which would never end, have `WAITING_GRACE_SECONDS`.
        """
        self._stopped = True
        self.open_streams.stop()
        # Not at once: a watch of health first sends that nothing is serving, and is not to be cancelled meanwhile.
        ending = asyncio.get_running_loop().call_later(min(grace, WAITING_GRACE_SECONDS), self._end_waiting_calls)
        await self._server.stop(grace)
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

    def _new_server(self) -> grpc.aio.Server:
        # No `register_method`: the loop that accepts calls would then wait on one future for each method.
        return grpc.aio.server(handlers=[self.methods], options=self._options)

    def _on_task_done(self, task: asyncio.Task[Any]) -> None:
        # The task also fails when a server is stopped before its first call (seen with grpcio 1.85).
        if not task.cancelled() and task.exception() is not None and not self._stopped:
            self._crashed.set()


def _add_port(server: grpc.aio.Server, address: str, credentials: grpc.ServerCredentials | None) -> int:
    try:
        if credentials is None:
            return int(server.add_insecure_port(address))
        return int(server.add_secure_port(address, credentials))
    except RuntimeError:
        raise AddressError(address, "the address is in use or not one of this machine") from None


def _caller_rates(options: ServerOptions, name_of: CallerName) -> CallerRates | None:
    if not options.rate_limit:
        return None
    return CallerRates(TokenBuckets(options.rate_limit, options.rate_burst), name_of=name_of)


def _services(servicers: Servicers) -> RegisteredServices:
    services: Any = RegisteredServices()
    decision_pb2_grpc.add_DecisionServiceServicer_to_server(servicers.decision, services)
    if isinstance(servicers.decision, DecisionServicer):
        services.prefer(DECISION_SERVICE, servicers.decision.raw_handlers())
    role_pb2_grpc.add_RoleServiceServicer_to_server(servicers.role, services)
    policy_pb2_grpc.add_PolicyServiceServicer_to_server(servicers.policy, services)
    return services  # type: ignore[no-any-return]


def _watch_service(servicers: Servicers) -> RegisteredServices:
    services: Any = RegisteredServices()
    watch_pb2_grpc.add_WatchServiceServicer_to_server(servicers.watch, services)
    return services  # type: ignore[no-any-return]


def _standard_services(servicers: Servicers, *, with_reflection: bool) -> RegisteredServices:
    services: Any = RegisteredServices()
    health_pb2_grpc.add_HealthServicer_to_server(servicers.health, services)
    if with_reflection:
        names = [*SERVICES, HEALTH_SERVICE, reflection.SERVICE_NAME]
        servicer = reflection.aio.ReflectionServicer(names)
        reflection_pb2_grpc.add_ServerReflectionServicer_to_server(servicer, services)
    return services  # type: ignore[no-any-return]
