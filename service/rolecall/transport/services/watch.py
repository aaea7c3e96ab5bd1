"""WatchService: starts watches in the engine and sends their events."""

from __future__ import annotations

from functools import partial

from rolecall.engine.watch import RoleWatches
from rolecall.engine.watch_events import RoleFound, WatchEvent
from rolecall.roles.accounts import Accounts
from rolecall.transport.codecs.watch import EventEncoder, watch_request
from rolecall.transport.codecs.watch_batches import BatchMemory, WatchBatches
from rolecall.transport.rights.reads import named_accounts, require_watch
from rolecall.transport.rpc.call_origin import Identify
from rolecall.transport.rpc.stream_callers import StreamCallers
from rolecall.transport.rpc.streams import ServerStream
from rolecall_client.v1 import watch_pb2 as pb, watch_pb2_grpc as rpc


class WatchServicer(rpc.WatchServiceServicer):
    """Streams the changes of roles."""

    def __init__(
        self,
        watches: RoleWatches,
        encoder: EventEncoder,
        accounts: Accounts,
        identify: Identify,
        callers: StreamCallers,
    ) -> None:
        self._watches, self._encode, self._accounts = watches, encoder.encode, accounts
        self._identify, self._callers, self._batches = identify, callers, BatchMemory()

    async def WatchRoles(  # type: ignore[override]  # the method writes its messages itself
        self, message: pb.WatchRolesRequest, stream: ServerStream
    ) -> None:
        """Send every change until the client cancels the call."""
        batches = WatchBatches(stream.write, self._batches)

        async def send(event: WatchEvent) -> None:
            # A client that has only a part of the initial state must read all of it again.
            stream.ending.unresumable = isinstance(event, RoleFound)
            encoded = self._encode(event)
            await (batches.add(encoded, event) if message.batched else stream.write(encoded))

        accounts = named_accounts(self._accounts, message.account_ids)
        require_watch(accounts, self._identify(stream.context))
        request = watch_request(message, self._accounts)
        with batches, self._callers.of(stream.context, stream.ending, partial(require_watch, accounts)):
            await self._watches.run(request, send)
