"""`grpc.health.v1.Health`: whether each service is serving.

The servicer of grpcio-health-checking is not used: it drops every watcher of a service as soon as one of them leaves.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable

from grpc_health.v1 import health_pb2 as pb, health_pb2_grpc as rpc

from rolecall.engine.pace import Pace
from rolecall.transport.errors import UnknownServiceError

PROCESS = ""
"""The service name that stands for the whole process."""

SERVING = pb.HealthCheckResponse.SERVING
NOT_SERVING = pb.HealthCheckResponse.NOT_SERVING
SERVICE_UNKNOWN = pb.HealthCheckResponse.SERVICE_UNKNOWN


class Health(rpc.HealthServicer):  # type: ignore[misc]  # grpc_health has no types
    """The health of a fixed set of services and of the process. None is serving at first."""

    def __init__(self, services: Iterable[str]) -> None:
        self._serving = dict.fromkeys([PROCESS, *services], False)
        self._changed = asyncio.Event()
        self._draining = False
        self._pace = Pace()

    def set(self, *services: str, serving: bool) -> None:
        """Set whether the services are serving. After `drain` none ever is."""
        for service in services:
            self._serving[service] = serving and not self._draining
        self._changed.set()
        self._changed = asyncio.Event()

    def drain(self) -> None:
        """Report every service as not serving, permanently."""
        self._draining = True
        self.set(*self._serving, serving=False)

    async def Check(self, request: pb.HealthCheckRequest, context: object) -> pb.HealthCheckResponse:
        """Return the current status of a service; raise `UnknownServiceError`."""
        if request.service not in self._serving:
            raise UnknownServiceError
        return pb.HealthCheckResponse(status=self._status(request.service))

    async def Watch(self, request: pb.HealthCheckRequest, context: object) -> AsyncIterator[pb.HealthCheckResponse]:
        """Yield the status of a service, now and at each change."""
        reported = None
        while True:
            changed, status = self._changed, self._status(request.service)
            if status != reported:
                yield pb.HealthCheckResponse(status=status)
                reported = status
            else:
                await changed.wait()
                # A change wakes all watchers at once, and there may be thousands.
                await self._pace.turn()

    def _status(self, service: str) -> int:
        serving = self._serving.get(service)
        if serving is None:
            return int(SERVICE_UNKNOWN)
        return int(SERVING if serving else NOT_SERVING)
