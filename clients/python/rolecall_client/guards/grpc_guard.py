"""Guards a server of gRPC with threads."""

# ruff: noqa: ANN401  (handlers and contexts of grpc have no types)

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc

from rolecall_client.guards.grpc_calls import peer_of, refusal_of, seconds_left_of, trailing_metadata_of
from rolecall_client.guards.guard import Guard
from rolecall_client.guards.handlers import with_behaviour
from rolecall_client.guards.proxy import TrustedProxy


class GrpcGuard(grpc.ServerInterceptor):
    """Lets a call reach its method only if the guard lets it pass: `grpc.server(..., interceptors=[GrpcGuard(guard)])`.

    It must be the first interceptor: those before it see calls that may be refused. A refused call ends before its method runs,
    with PERMISSION_DENIED, UNAUTHENTICATED or UNAVAILABLE. Behind a proxy that ends TLS, `proxy` reports the client's certificate.
    """

    def __init__(self, guard: Guard, *, proxy: TrustedProxy | None = None) -> None:
        self._guard, self._proxy = guard, proxy

    def intercept_service(
        self, continuation: Callable[[Any], Any], handler_call_details: grpc.HandlerCallDetails
    ) -> Any:
        """Return the method's handler, guarded; None if there is no such method."""
        handler, method = continuation(handler_call_details), handler_call_details.method
        if handler is None:
            return None
        return with_behaviour(handler, lambda behaviour: self._guarded(behaviour, method))

    def _guarded(self, behaviour: Callable[[Any, Any], Any], method: str) -> Callable[[Any, Any], Any]:
        def guarded(request: Any, context: Any) -> Any:
            self._require_pass(method, context)
            return behaviour(request, context)

        return guarded

    def _require_pass(self, method: str, context: Any) -> None:
        decision = self._guard.refusal(method, peer_of(context, self._proxy), seconds_left_of(context))
        if decision is not None:
            status = refusal_of(decision)
            context.set_trailing_metadata(trailing_metadata_of(decision))
            context.abort(status.code, status.message)
