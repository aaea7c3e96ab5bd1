"""The gRPC server: which services it has, what bounds its connections, where it listens."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2_grpc

from rolecall.transport.rpc.bidi_stream import CONVERSATION_SECONDS, OpenStreams
from rolecall.transport.rpc.concurrency import ConcurrencyLimit
from rolecall.transport.rpc.error_boundary import ErrorBoundary
from rolecall.transport.rpc.middleware import Middleware, Permits
from rolecall.transport.rpc.registry import MethodRegistry, RegisteredServices
from rolecall.transport.rpc.server_stream import TAKEN_SECONDS
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

MAX_METADATA_BYTES = 16 * 1024
MAX_STREAMS = 1_000
"""How many calls a connection may have under way."""

MAX_PENDING = 20_000
"""How many calls may wait to be taken: those of twenty connections. Each takes about as much memory as its message."""

UPLOAD_PATIENCE = 10
"""An upload may take this many times as long as a call with one message."""


class AddressError(Exception):
    """The server cannot listen where it was told to."""

    def __init__(self, address: str, why: str) -> None:
        self.address = address
        super().__init__(f"cannot listen on `{address}`: {why}")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where to listen: an address as gRPC spells it, and its host and port; a socket file has neither."""

    address: str
    host: str = ""
    port: int = 0

    def require_free(self) -> None:
        """Raise `AddressError` when the place cannot be had. gRPC itself would not say why."""
        if not self.host:
            return
        try:
            socket.create_server((self.host, self.port), family=_family(self.host)).close()
        except OSError as error:
            raise AddressError(self.address, (error.strerror or str(error)).lower()) from None

    def with_port(self, port: int) -> str:
        """Return the address with the port that was chosen where none was asked for."""
        return self.address if not self.host else f"{self.address.rpartition(':')[0]}:{port}"


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """What bounds the calls of a server. Health and reflection have a bound of their own, so that health can answer.

    Watches, which last, have one too, so that they take no check's place; `taken_seconds` is how long they may leave a message.
    """

    max_message_bytes: int = 4 * 1024 * 1024
    max_concurrent_rpcs: int = 1_000
    max_watches: int = 10_000
    max_deadline_seconds: float = 30.0
    taken_seconds: float = TAKEN_SECONDS
    reflection: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Servicers:
    """What answers the services of the contract."""

    decision: decision_pb2_grpc.DecisionServiceServicer
    role: role_pb2_grpc.RoleServiceServicer
    policy: policy_pb2_grpc.PolicyServiceServicer
    watch: watch_pb2_grpc.WatchServiceServicer
    health: Health


class GrpcServer:
    """A gRPC server. `methods` has the method_stats, `concurrency_limits` the calls under way.

    One request with a path that is not UTF-8 ends the loop in which grpc.aio takes calls (seen with grpcio 1.85), and
    with it the server. So that loop is watched, and `revive` goes on with a new server; the old one ends its calls.
    """

    def __init__(
        self, servicers: Servicers, options: ServerOptions, *, boundary: ErrorBoundary, permits: Permits
    ) -> None:
        self.conversations = OpenStreams()
        calls, standard = ConcurrencyLimit(options.max_concurrent_rpcs), ConcurrencyLimit(options.max_concurrent_rpcs)
        watches = ConcurrencyLimit(options.max_watches)
        middleware = Middleware(
            concurrency=calls,
            boundary=boundary,
            permits=permits,
            unary_seconds=options.max_deadline_seconds,
            upload_seconds=options.max_deadline_seconds * UPLOAD_PATIENCE,
            conversations=self.conversations,
        )
        watches_middleware = Middleware(
            concurrency=watches,
            boundary=boundary,
            permits=permits,
            taken_seconds=options.taken_seconds,
            conversations=self.conversations,
        )
        standard_middleware = Middleware(concurrency=standard, boundary=boundary, permits=permits)
        self.concurrency_limits: Sequence[ConcurrencyLimit] = (calls, standard, watches)
        self._watches = watches
        self.methods = MethodRegistry(unknown_middleware=standard_middleware)
        self.methods.add(_services(servicers), middleware)
        self.methods.add(_watch_service(servicers), watches_middleware)
        self.methods.add(_standard_services(servicers, with_reflection=options.reflection), standard_middleware)
        self.revivals = 0
        self._crashed = asyncio.Event()
        self._stopped = False
        self._options = _channel_options(options)
        self._server = self._new()
        self._bind_again: Callable[[], object] = lambda: None

    @property
    def watches(self) -> int:
        """Return how many change feeds are open."""
        return len(self._watches.calls)

    def bind(self, place: Endpoint, credentials: grpc.ServerCredentials | None) -> int:
        """Take a place to listen, in plain text without credentials; return the port. Raise `AddressError`."""
        place.require_free()
        port = _bound(self._server, place.address, credentials)
        address = place.with_port(port)
        self._bind_again = lambda: _bound(self._server, address, credentials)
        return port

    async def start(self) -> None:
        """Begin to take calls."""
        before = asyncio.all_tasks()
        await self._server.start()
        for task in asyncio.all_tasks() - before:
            task.add_done_callback(self._look_at)

    async def crashed(self) -> None:
        """Return when the server takes no more calls though nobody stopped it."""
        await self._crashed.wait()

    async def revive(self) -> None:
        """Take calls again at the same place; raise `AddressError`."""
        self._server = self._new()
        self._bind_again()
        self._crashed.clear()
        await self.start()
        self.revivals += 1

    async def stop(self, grace: float) -> None:
        """Take no further calls; let those under way finish for `grace` seconds, then end them. Streams are ended at once."""
        self._stopped = True
        self.conversations.stop()
        await self._server.stop(grace)

    def sweep(self, now: float) -> None:
        """End the calls that are overdue."""
        for concurrency in self.concurrency_limits:
            concurrency.sweep(now)
        self.conversations.sweep(now)

    def _new(self) -> grpc.aio.Server:
        # Not `register_method` as well: the loop that takes calls in would wait on one future for each method.
        return grpc.aio.server(handlers=[self.methods], options=self._options)

    def _look_at(self, task: asyncio.Task[Any]) -> None:
        # A server that is stopped before its first call ends this task with an error, too (seen with grpcio 1.85).
        if not task.cancelled() and task.exception() is not None and not self._stopped:
            self._crashed.set()


def _bound(server: grpc.aio.Server, address: str, credentials: grpc.ServerCredentials | None) -> int:
    try:
        if credentials is None:
            return int(server.add_insecure_port(address))
        return int(server.add_secure_port(address, credentials))
    except RuntimeError:
        raise AddressError(address, "the address is in use or not one of this machine") from None


def _services(servicers: Servicers) -> RegisteredServices:
    services: Any = RegisteredServices()
    decision_pb2_grpc.add_DecisionServiceServicer_to_server(servicers.decision, services)
    if isinstance(servicers.decision, DecisionServicer):
        services.prefer("rolecall.v1.DecisionService", servicers.decision.raw_handlers())
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


def _channel_options(options: ServerOptions) -> list[tuple[str, int]]:
    return [
        ("grpc.max_receive_message_length", options.max_message_bytes),
        ("grpc.max_metadata_size", MAX_METADATA_BYTES),
        ("grpc.absolute_max_metadata_size", MAX_METADATA_BYTES),
        ("grpc.max_concurrent_streams", MAX_STREAMS),
        # Beyond its own limits gRPC ends calls with a bare CANCELLED, which nobody repeats; the concurrency says why, and when to.
        ("grpc.server.max_pending_requests", MAX_PENDING),
        ("grpc.server.max_pending_requests_hard_limit", 2 * MAX_PENDING),
        # Clients resolve again now and then, so that calls spread over new replicas.
        ("grpc.max_connection_age_ms", 300_000),
        # Longer than a stream may last, which is ended in order by then and not cut.
        ("grpc.max_connection_age_grace_ms", int(CONVERSATION_SECONDS * 1_000) + 30_000),
        ("grpc.keepalive_time_ms", 60_000),
        ("grpc.keepalive_timeout_ms", 20_000),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.min_ping_interval_without_data_ms", 30_000),
        # Else a second server could take the same port, and clients would meet the one or the other.
        ("grpc.so_reuseport", 0),
    ]
