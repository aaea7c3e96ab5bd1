"""The status that a server gave to a call, where grpc.aio shows another one.

When a message cannot be sent because the call has ended, grpc.aio gives the call the status INTERNAL, "Internal error from Core",
before or after the one that the server sent (grpcio 1.85).
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

import grpc
import grpc.aio

WAIT_SECONDS = 5.0
"""How long the status of the server may come after the other one. It has usually arrived."""

_OF_A_FAILED_WRITE = "Internal error from Core"

T = TypeVar("T")


class CallStatus:
    """Notes the status that ends a call which sends several messages."""

    def __init__(self, call: Any) -> None:  # noqa: ANN401 - gRPC's calls have no public type
        self._error: grpc.aio.AioRpcError | None = None
        self._known = asyncio.Event()
        # It is called for each status that the call gets.
        call.add_done_callback(self._on_status)

    async def error(self, seen: grpc.aio.AioRpcError) -> grpc.aio.AioRpcError:
        """Return the error of the server for one that a call has raised, UNAVAILABLE if none arrives."""
        if not _is_of_a_failed_write(seen.code(), seen.details()):
            return seen
        with suppress(TimeoutError):
            async with asyncio.timeout(WAIT_SECONDS):
                await self._known.wait()
        if self._error is None or self._error.code() is grpc.StatusCode.OK:
            return _error(grpc.StatusCode.UNAVAILABLE, "the call ended before every message was sent", None)
        return self._error

    def _on_status(self, call: Any) -> None:  # noqa: ANN401
        code, details = _at_hand(call.code()), _at_hand(call.details())
        if self._error is None and not _is_of_a_failed_write(code, details):
            self._error = _error(code, details, _at_hand(call.trailing_metadata()))
            self._known.set()


def _is_of_a_failed_write(code: grpc.StatusCode, details: str | None) -> bool:
    return code is grpc.StatusCode.INTERNAL and details == _OF_A_FAILED_WRITE


def _error(code: grpc.StatusCode, details: str | None, trailers: grpc.aio.Metadata | None) -> grpc.aio.AioRpcError:
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), trailers or grpc.aio.Metadata(), details=details)


def _at_hand(coroutine: Coroutine[Any, Any, T]) -> T:
    """Return what a coroutine gives without waiting. Later the call may have another status."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        value: T = done.value
        return value
    coroutine.close()
    raise AssertionError("a call that has ended has a status")
