"""Every method of the server by name, wrapped once when it is registered; an interceptor would do that work on every call."""

# ruff: noqa: ARG001  (the signatures are those of gRPC)

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

import grpc

from rolecall.transport.errors import UnknownMethodError
from rolecall.transport.rpc.at_once import AtOnce, wrap_at_once
from rolecall.transport.rpc.method_handlers import wrap_handler
from rolecall.transport.rpc.middleware import Middleware
from rolecall.transport.rpc.stats import MethodStats

UNKNOWN = "unknown"


class RegisteredServices:
    """Collects handlers: generated code registers a servicer with it as if it were a server."""

    def __init__(self) -> None:
        self.handlers: dict[str, Mapping[str, grpc.RpcMethodHandler[Any, Any]]] = {}
        self.at_once: dict[str, Mapping[str, AtOnce]] = {}

    def add_registered_method_handlers(
        self, service: str, handlers: Mapping[str, grpc.RpcMethodHandler[Any, Any]]
    ) -> None:
        """Store the handlers of one service."""
        self.handlers[service] = handlers

    def prefer(self, service: str, handlers: Mapping[str, grpc.RpcMethodHandler[Any, Any]]) -> None:
        """Replace some handlers of a service."""
        self.handlers[service] = {**self.handlers[service], **handlers}

    def answer_at_once(self, service: str, methods: Mapping[str, AtOnce]) -> None:
        """Store what answers some methods of a service without a task."""
        self.at_once[service] = methods

    def add_generic_rpc_handlers(self, handlers: object) -> None:
        """Do nothing: generated code passes the same handlers a second time."""


class MethodRegistry(grpc.GenericRpcHandler):
    """Every method of the server by name, wrapped with its middleware. `at_once` has those that may not need a task."""

    def __init__(self, unknown_middleware: Middleware) -> None:
        self.method_stats: list[MethodStats] = []
        self.at_once: dict[str, AtOnce] = {}
        self._handlers: dict[str, grpc.RpcMethodHandler[Any, Any]] = {}
        unknown: grpc.RpcMethodHandler[Any, Any] = grpc.stream_stream_rpc_method_handler(_unknown)
        # All unknown methods share one name in the metrics: clients choose these names, and could fill the memory with them.
        self._unknown = self._wrap(UNKNOWN, UNKNOWN, unknown, unknown_middleware)

    def add(self, services: RegisteredServices, middleware: Middleware) -> None:
        """Wrap and add every method of some services."""
        for service, handlers in services.handlers.items():
            for method, handler in handlers.items():
                self._handlers[f"/{service}/{method}"] = self._wrap(service, method, handler, middleware)
                self._add_at_once(services.at_once.get(service, {}).get(method), middleware)

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[Any, Any]:
        """Return the handler of the method that is called."""
        return self.named(details.method)

    def named(self, path: str) -> grpc.RpcMethodHandler[Any, Any]:
        """Return the handler of the method at a path, such as `/SERVICE/METHOD`."""
        return self._handlers.get(path, self._unknown)

    def _add_at_once(self, answer: AtOnce | None, middleware: Middleware) -> None:
        stats = self.method_stats[-1]
        if answer and (wrapped := wrap_at_once(answer, stats, middleware)):
            self.at_once[stats.name] = wrapped

    def _wrap(
        self, service: str, method: str, handler: grpc.RpcMethodHandler[Any, Any], middleware: Middleware
    ) -> grpc.RpcMethodHandler[Any, Any]:
        stats = MethodStats(
            service, method, request_streaming=handler.request_streaming, response_streaming=handler.response_streaming
        )
        self.method_stats.append(stats)
        # To gRPC every method reads a stream: so it calls the method at once, which reads its message itself.
        if handler.response_streaming:
            return grpc.stream_stream_rpc_method_handler(wrap_handler(handler, stats, middleware))
        return grpc.stream_unary_rpc_method_handler(wrap_handler(handler, stats, middleware))


async def _unknown(requests: object, context: object) -> AsyncIterator[bytes]:
    raise UnknownMethodError
    yield b""  # makes this a generator, which a handler of streams has to be
