"""A sink that records what a watch feeds it, for tests."""

from __future__ import annotations

from queue import SimpleQueue
from typing import TypeAlias

from rolecall_client import RolecallError
from rolecall_client.v1 import watch_pb2 as w

Fed: TypeAlias = "tuple[str, object]"

PATIENCE_SECONDS = 30


class RecordingSink:
    """Notes every call in order; `opened_at` has the times of the streams of the checkpoints."""

    def __init__(self) -> None:
        self.fed = SimpleQueue[Fed]()
        self.opened_at = list[float]()

    def restart(self) -> None:
        self.fed.put(("restart", None))

    def change(self, change: w.RoleWatchChange) -> None:
        self.fed.put(("change", change.revision))

    def checkpoint(self, checkpoint: w.WatchCheckpoint, opened_at: float) -> None:
        self.opened_at.append(opened_at)
        self.fed.put(("checkpoint", checkpoint.revision))

    def broken(self, error: RolecallError) -> None:
        self.fed.put(("broken", error.reason or error.code))

    def next(self, count: int) -> list[Fed]:
        """Wait for the next calls."""
        return [self.fed.get(timeout=PATIENCE_SECONDS) for _ in range(count)]
