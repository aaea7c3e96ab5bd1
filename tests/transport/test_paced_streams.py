"""Streams of callers that have a rate: each message waits for its token, and none is read before that."""

from __future__ import annotations

from typing import Any

import grpc
import pytest

from rolecall.transport.rpc.concurrency import ConcurrencyLimit
from rolecall.transport.rpc.error_boundary import ErrorBoundary
from rolecall.transport.rpc.method_handlers import wrap_handler
from rolecall.transport.rpc.middleware import Middleware
from rolecall.transport.rpc.stats import MethodStats
from tests.transport.test_method_handlers import Client, Log


@pytest.mark.parametrize("limited", [True, False])
async def test_the_messages_of_a_stream_are_paced_one_by_one_where_callers_have_a_rate(limited: bool) -> None:
    paced, read = list[object](), list[list[bytes]]()

    class Rate:
        async def pace(self, context: object) -> None:
            paced.append(context)

    class Sending(Client):
        """A client of which three messages have arrived."""

        def __init__(self) -> None:
            super().__init__(reads=True)
            self._sent: list[Any] = [b"a", b"b", b"c"]

        async def read(self) -> Any:
            return self._sent.pop(0) if self._sent else grpc.aio.EOF

        def arrived(self, limit: int) -> list[bytes]:
            taken, self._sent = self._sent[:limit], self._sent[limit:]
            return taken

    async def method(stream: Any, _: object) -> None:
        while (messages := await stream.read()) is not None:
            read.append([*messages])

    rate: Any = Rate() if limited else None
    middleware = Middleware(
        concurrency=ConcurrencyLimit(2),
        boundary=ErrorBoundary(Log(), verbose=False),
        permits=lambda _: None,
        rate=rate,
    )
    handler: grpc.RpcMethodHandler[Any, Any] = grpc.stream_stream_rpc_method_handler(method)
    stats = MethodStats("s", "M", request_streaming=True, response_streaming=True)
    client = Sending()

    await wrap_handler(handler, stats, middleware)(None, client)

    assert read == ([[b"a"], [b"b"], [b"c"]] if limited else [[b"a", b"b", b"c"]])
    assert paced == ([client] * 3 if limited else [])
    assert stats.messages_in == 3
