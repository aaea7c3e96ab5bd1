"""Put several events of a watch into one message, for clients that ask for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from rolecall.engine.watch_events import Checkpoint, ResyncRequired, RoleChanged, RoleFound, WatchEvent
from rolecall.transport.codecs.field_bytes import BYTES, sized, tag
from rolecall_client.v1 import watch_pb2 as pb

BATCH_BYTES = 64 * 1024
"""A batch of this size is sent; the event that reaches it may make it longer."""

_BATCH = tag(pb.WatchRolesResponse, "batch", BYTES)

Write = Callable[[bytes], Awaitable[None]]


class WatchBatches:
    """Sends the encoded changes of one watch together with the checkpoint that follows them.

    No change is kept back for long: a watch sends a checkpoint before it waits for more changes.
    """

    def __init__(self, write: Write) -> None:
        self._write = write
        self._changes: list[bytes] = []
        self._size = 0

    async def add(self, encoded: bytes, event: WatchEvent) -> None:
        """Send an event, given also as it is encoded: a change at the latest with the next checkpoint."""
        match event:
            case RoleChanged() | RoleFound():
                await self._add_change(encoded)
            case Checkpoint() if self._changes:
                await self._write(self._taken(encoded))
            case Checkpoint():
                await self._write(encoded)
            case ResyncRequired():
                # The changes before it are in order, and the client may use them.
                if self._changes:
                    await self._write(self._taken())
                await self._write(encoded)

    async def _add_change(self, encoded: bytes) -> None:
        self._changes.append(encoded)
        self._size += len(encoded)
        if self._size >= BATCH_BYTES:
            await self._write(self._taken())

    def _taken(self, checkpoint: bytes = b"") -> bytes:
        # An encoded event is a field of WatchRolesResponse, and the fields of a batch have the same numbers.
        batch = sized(_BATCH, b"".join(self._changes) + checkpoint)
        self._changes, self._size = [], 0
        return batch
