"""Puts watches to the engine and sends what they tell."""

from __future__ import annotations

from rolecall.engine.watch import RoleFound, RoleWatches, WatchEvent
from rolecall.roles.accounts import Accounts
from rolecall.transport.codecs.watch import EventEncoder, watch_request
from rolecall.transport.rpc.server_stream import ServerStream
from rolecall_client.v1 import watch_pb2 as pb, watch_pb2_grpc as rpc


class WatchServicer(rpc.WatchServiceServicer):
    """Tells what changes."""

    def __init__(self, watches: RoleWatches, encoder: EventEncoder, accounts: Accounts) -> None:
        self._watches, self._encode, self._accounts = watches, encoder.encode, accounts

    async def WatchRoles(  # type: ignore[override]  # messages are sent by the method itself
        self, message: pb.WatchRolesRequest, telling: ServerStream
    ) -> None:
        """Tell what changes until the caller leaves."""

        async def tell(event: WatchEvent) -> None:
            telling.uninterrupted = isinstance(event, RoleFound)
            await telling.write(self._encode(event))

        await self._watches.run(watch_request(message, self._accounts), tell)
