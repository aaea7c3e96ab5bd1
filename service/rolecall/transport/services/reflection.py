"""gRPC reflection: what the server's methods are. The right to it is judged at each request of a stream, which may last."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Any

from grpc_reflection.v1alpha.reflection import SERVICE_NAME, aio

from rolecall.transport.rpc.call_context import CallContext
from rolecall.transport.rpc.middleware import Authenticate, Permits

METHOD = f"/{SERVICE_NAME}/ServerReflectionInfo"


class JudgedReflection(aio.ReflectionServicer):  # type: ignore[misc]  # grpc_reflection has no types
    """Describes services by their names, to callers that may still ask."""

    def __init__(self, names: Iterable[str], authenticate: Authenticate | None, permits: Permits) -> None:
        super().__init__([*names, SERVICE_NAME])
        self._authenticate, self._permit = authenticate, permits(METHOD)

    async def ServerReflectionInfo(
        self, request_iterator: AsyncIterator[Any], context: CallContext
    ) -> AsyncIterator[Any]:
        """Answer each request; raise what ends the call of a caller that may not ask any more."""
        async for response in super().ServerReflectionInfo(self._judged(request_iterator, context), context):
            yield response

    async def _judged(self, requests: AsyncIterator[Any], context: CallContext) -> AsyncIterator[Any]:
        async for request in requests:
            if self._authenticate:
                self._authenticate(context)
            if self._permit:
                self._permit(context)
            yield request
