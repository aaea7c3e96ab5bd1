"""What a watch feeds: something that is built from the changes of roles, such as a cache or a copy of all roles."""

from __future__ import annotations

from typing import Protocol

from rolecall_client.errors import RolecallError
from rolecall_client.v1 import watch_pb2 as w


class WatchSink(Protocol):
    """Receives the events of one watch in order, from one thread or event loop, after a first `restart`."""

    def restart(self) -> None:
        """Discard what was built: the watch starts, or starts again because changes were lost."""
        ...

    def change(self, change: w.RoleWatchChange) -> None:
        """Take a change, or a role of the initial state."""
        ...

    def checkpoint(self, checkpoint: w.WatchCheckpoint, opened_at: float) -> None:
        """Take a checkpoint of a stream that was opened at this time, by `boottime`."""
        ...

    def broken(self, error: RolecallError) -> None:
        """Note that no stream is open until the next checkpoint; the watch is resumed, unless the error is permanent."""
        ...
