"""`grpc.health.v1.Health`: whether each service answers.

Written here since the ready-made one forgets every watcher of a service as soon as one of them leaves.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable

from grpc_health.v1 import health_pb2 as pb, health_pb2_grpc as rpc

from rolecall.transport.errors import UnknownServiceError

PROCESS = ""
"""The name under which the whole process is asked for."""

SERVING = pb.HealthCheckResponse.SERVING
NOT_SERVING = pb.HealthCheckResponse.NOT_SERVING
SERVICE_UNKNOWN = pb.HealthCheckResponse.SERVICE_UNKNOWN


class Health(rpc.HealthServicer):  # type: ignore[misc]  # grpc_health has no types
    """Answers for a fixed set of services and the process itself; none serves until it is said to."""

    def __init__(self, services: Iterable[str]) -> None:
        self._serving = dict.fromkeys([PROCESS, *services], False)
        self._changed = asyncio.Event()
        self._draining = False

    def set(self, *services: str, serving: bool) -> None:
        """Say whether some services serve, the process among them if named; while draining none does."""
        for service in services:
            self._serving[service] = serving and not self._draining
        self._changed.set()
        self._changed = asyncio.Event()

    def drain(self) -> None:
        """Say that nothing serves any more, for good."""
        self._draining = True
        self.set(*self._serving, serving=False)

    async def Check(self, request: pb.HealthCheckRequest, context: object) -> pb.HealthCheckResponse:
        """Answer once; raise `UnknownServiceError`."""
        if request.service not in self._serving:
            raise UnknownServiceError
        return pb.HealthCheckResponse(status=self._status(request.service))

    async def Watch(self, request: pb.HealthCheckRequest, context: object) -> AsyncIterator[pb.HealthCheckResponse]:
        """Answer now and at each change."""
        told = None
        while True:
            changed, status = self._changed, self._status(request.service)
            if status != told:
                yield pb.HealthCheckResponse(status=status)
                told = status
            else:
                await changed.wait()

    def _status(self, service: str) -> int:
        serving = self._serving.get(service)
        if serving is None:
            return int(SERVICE_UNKNOWN)
        return int(SERVING if serving else NOT_SERVING)
