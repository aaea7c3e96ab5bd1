"""Put several events of a watch into one message, for clients that ask for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self, TypeAlias

from rolecall.engine.watch_events import Checkpoint, ResyncRequired, RoleChanged, RoleFound, WatchEvent
from rolecall.transport.codecs.field_bytes import BYTES, sized, tag
from rolecall_client.v1 import watch_pb2 as pb

BATCH_BYTES = 64 * 1024
"""A batch of this size is sent; the event that reaches it may make it longer."""

BATCHES_BYTES = 8 * 1024 * 1024
"""The most memory of all batches that are collected or wait for their clients."""

_BATCH = tag(pb.WatchRolesResponse, "batch", BYTES)

Write: TypeAlias = Callable[[bytes], Awaitable[None]]


class BatchMemory:
    """The memory that the batches of all watches take. For one event loop."""

    def __init__(self, max_bytes: int = BATCHES_BYTES) -> None:
        self._max_bytes = max_bytes
        self.bytes = 0

    @property
    def is_full(self) -> bool:
        """Return whether there is room for no other change."""
        return self.bytes >= self._max_bytes


class WatchBatches:
    """Sends the encoded changes of one watch together with the checkpoint that follows them. Use it in a `with` statement.

    No change is kept back for long: a watch sends a checkpoint before it waits for more changes. While the memory of all
    batches is full, because many clients do not read, each change is sent by itself.
    """

    def __init__(self, write: Write, memory: BatchMemory) -> None:
        self._write, self._memory = write, memory
        self._events: list[bytes] = []
        self._size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._release()

    async def add(self, encoded: bytes, event: WatchEvent) -> None:
        """Send an event, given also as it is encoded: a change at the latest with the next checkpoint."""
        match event:
            case RoleChanged() | RoleFound():
                self._keep(encoded)
                if self._size >= BATCH_BYTES or self._memory.is_full:
                    await self._send()
            case Checkpoint() if self._events:
                self._keep(encoded)
                await self._send()
            case Checkpoint():
                await self._write(encoded)
            case ResyncRequired():
                # The changes before it are in order, and the client may use them.
                if self._events:
                    await self._send()
                await self._write(encoded)

    def _keep(self, encoded: bytes) -> None:
        self._events.append(encoded)
        self._size += len(encoded)
        self._memory.bytes += len(encoded)

    async def _send(self) -> None:
        # An encoded event is a field of WatchRolesResponse, and the fields of a batch have the same numbers.
        batch = sized(_BATCH, b"".join(self._events))
        self._events = []
        try:
            await self._write(batch)
        finally:
            # It counts until the client has accepted it.
            self._release()

    def _release(self) -> None:
        self._memory.bytes -= self._size
        self._events, self._size = [], 0
