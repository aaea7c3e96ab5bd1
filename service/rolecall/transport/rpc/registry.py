"""Every method of the server by name, wrapped once, when it is registered: an interceptor would work anew on every call."""

# ruff: noqa: ARG001  (the signatures are those of gRPC)

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

import grpc

from rolecall.transport.errors import UnknownMethodError
from rolecall.transport.rpc.method_handlers import wrapped
from rolecall.transport.rpc.middleware import Middleware
from rolecall.transport.rpc.stats import MethodStats

UNKNOWN = "unknown"


class RegisteredServices:
    """Takes the place of a server where generated code registers a servicer, and keeps the handlers to be wrapped."""

    def __init__(self) -> None:
        self.handlers: dict[str, Mapping[str, grpc.RpcMethodHandler[Any, Any]]] = {}

    def add_registered_method_handlers(
        self, service: str, handlers: Mapping[str, grpc.RpcMethodHandler[Any, Any]]
    ) -> None:
        """Keep the handlers of one service."""
        self.handlers[service] = handlers

    def prefer(self, service: str, handlers: Mapping[str, grpc.RpcMethodHandler[Any, Any]]) -> None:
        """Put other handlers in place of some of a service."""
        self.handlers[service] = {**self.handlers[service], **handlers}

    def add_generic_rpc_handlers(self, handlers: object) -> None:
        """Do nothing: these are the same handlers once more."""


class MethodRegistry(grpc.GenericRpcHandler):
    """Every method of the server, wrapped, by name; whatever else is called is counted under one name.

    The names come from strangers: a label for each would let them fill the memory of whoever reads the metrics.
    """

    def __init__(self, unknown_middleware: Middleware) -> None:
        self.method_stats: list[MethodStats] = []
        self._handlers: dict[str, grpc.RpcMethodHandler[Any, Any]] = {}
        stranger: grpc.RpcMethodHandler[Any, Any] = grpc.stream_stream_rpc_method_handler(_unknown)
        self._unknown = self._wrapped(UNKNOWN, UNKNOWN, stranger, unknown_middleware)

    def add(self, services: RegisteredServices, middleware: Middleware) -> None:
        """Wrap every method of some services."""
        for service, handlers in services.handlers.items():
            for method, handler in handlers.items():
                self._handlers[f"/{service}/{method}"] = self._wrapped(service, method, handler, middleware)

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[Any, Any]:
        """Return the handler of the method that is called."""
        return self._handlers.get(details.method, self._unknown)

    def _wrapped(
        self, service: str, method: str, handler: grpc.RpcMethodHandler[Any, Any], middleware: Middleware
    ) -> grpc.RpcMethodHandler[Any, Any]:
        stats = MethodStats(
            service, method, request_streaming=handler.request_streaming, response_streaming=handler.response_streaming
        )
        self.method_stats.append(stats)
        return _SHAPES[handler.request_streaming, handler.response_streaming](wrapped(handler, stats, middleware))


async def _unknown(requests: object, context: object) -> AsyncIterator[bytes]:
    raise UnknownMethodError
    yield b""  # makes this a stream, as the shape of the unknown is the widest


_SHAPES = {
    (False, False): grpc.unary_unary_rpc_method_handler,
    (True, False): grpc.stream_unary_rpc_method_handler,
    (False, True): grpc.unary_stream_rpc_method_handler,
    (True, True): grpc.stream_stream_rpc_method_handler,
}
