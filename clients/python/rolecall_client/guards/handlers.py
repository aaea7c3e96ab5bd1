"""Replaces what a handler of gRPC calls, for all four kinds of methods."""

# ruff: noqa: ANN401  (handlers of grpc have no types)

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc

Behaviour = Callable[[Any, Any], Any]
"""What a handler calls, with the request or its stream and the context."""

_KINDS: dict[tuple[bool, bool], tuple[str, Callable[..., Any]]] = {
    (False, False): ("unary_unary", grpc.unary_unary_rpc_method_handler),
    (False, True): ("unary_stream", grpc.unary_stream_rpc_method_handler),
    (True, False): ("stream_unary", grpc.stream_unary_rpc_method_handler),
    (True, True): ("stream_stream", grpc.stream_stream_rpc_method_handler),
}


def with_behaviour(handler: Any, replaced: Callable[[Behaviour], Behaviour]) -> Any:
    """Return a handler that calls `replaced` of what this one calls."""
    name, make = _KINDS[bool(handler.request_streaming), bool(handler.response_streaming)]
    return make(
        replaced(getattr(handler, name)),
        request_deserializer=handler.request_deserializer,
        response_serializer=handler.response_serializer,
    )
