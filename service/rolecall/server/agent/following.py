"""What the watch of an agent feeds: the followed state, and what is known about the watch itself."""

from __future__ import annotations

import asyncio

from structlog.typing import FilteringBoundLogger

from rolecall.engine.boottime import boottime_micros
from rolecall.engine.followed_state import FollowedState
from rolecall.roles.role import Revision
from rolecall.transport.codecs.followed import WatchedRoles, change_kind, sent_checkpoint
from rolecall_client.errors import RolecallError
from rolecall_client.v1 import watch_pb2 as w

_MICROS = 1_000_000


class FollowedRoles:
    """Feeds a followed state. It is a `WatchSink`, in one event loop.

    `whole` is set once there is a whole state, `answered` then or once a stream broke. `connected` is whether a stream is open, and
    `error` why it is not; `reconnects` counts how often it was open again after it broke, `breaks` how often one broke.
    """

    def __init__(self, state: FollowedState, log: FilteringBoundLogger) -> None:
        self._state, self._log, self._reader = state, log, WatchedRoles()
        self.whole, self.answered = asyncio.Event(), asyncio.Event()
        self.connected, self.reconnects, self.breaks = False, 0, 0
        self.error = ""

    def restart(self) -> None:
        """Read the initial state again; until it is whole the present state decides, while it is young enough."""
        self._state.restart()
        self._reader.forget()

    def change(self, change: w.RoleWatchChange) -> None:
        """Take a role of the initial state, or a change."""
        self._state.change(Revision(change.revision), change_kind(change.kind), self._reader.role(change.role))

    def checkpoint(self, checkpoint: w.WatchCheckpoint, opened_at: float) -> None:
        """Let everything up to a checkpoint take effect, at once."""
        self._reader.forget()
        self._state.checkpoint(sent_checkpoint(checkpoint, round(opened_at * _MICROS)), boottime_micros())
        if not self.connected:
            self.connected, self.error = True, ""
            self.reconnects += self.whole.is_set()
            self._log.info("following", revision=self._state.snapshot.revision, roles=len(self._state.snapshot))
        self.whole.set()
        self.answered.set()

    def broken(self, error: RolecallError) -> None:
        """Note that the stream ended; the present state decides, while it is young enough."""
        self.connected = False
        self.breaks += 1
        # Each attempt fails alike while the server is away: that is one line of the log.
        if not self.error.startswith(error.code):
            self.error = f"{error.code}: {error}"
            self._log.warning("upstream_lost", error=self.error, revision=self._state.snapshot.revision)
        self.answered.set()
