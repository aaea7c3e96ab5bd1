"""How far a watch has come: what it has yielded, from where a new stream continues it, and when it is given up."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

from rolecall_client.boottime import boottime
from rolecall_client.errors import OtherStoreError, ResyncRequiredError, RolecallError
from rolecall_client.v1 import watch_pb2 as w

SILENT_SECONDS = 30.0
GIVE_UP_SECONDS = 300.0
FIRST_BACKOFF_SECONDS, MOST_BACKOFF_SECONDS = 0.1, 5.0

LONGEST_STREAM_SECONDS = 1_800.0
"""A stream is continued on a new one after at most this time.

What its checkpoints say about the age of the state is less exact the longer it is open, since the two clocks drift apart, and the
server judges the present credential of the client only when a stream is opened.
"""

RoleWatchEvent: TypeAlias = w.RoleWatchChange | w.WatchCheckpoint
"""A change, or a checkpoint from which a later watch can continue."""

Resumed = Callable[[RolecallError], object]
"""Called with the error of a broken stream before it is resumed."""

Opened = Callable[[float], object]
"""Called with the time, by `boottime`, just before each stream is opened."""

Pause = Callable[[float], object]
"""Waits for seconds; may return early."""


def ignore(_: object) -> None:
    """Do nothing."""


_RESUMED_REASONS = frozenset({"WATCH_TOO_SLOW", "TOO_MANY_CALLS"})
_RESUMED_CODES = frozenset({"UNAVAILABLE", "CANCELLED"})
"""gRPC cancels some calls when very many arrive at once."""
_OTHER_STORE_REASONS = frozenset({"INVALID_TOKEN", "FUTURE_REVISION"})
"""How a server refuses the token of a checkpoint that it did not send: its store has another key, or fewer revisions."""


class WatchProgress:
    """One watch, over as many streams as it needs. The first message must arrive within `timeout` seconds.

    Between two streams it waits `longest_pause` seconds at most.
    """

    def __init__(
        self,
        request: w.WatchRolesRequest,
        *,
        timeout: float,
        give_up_after: float,
        longest_pause: float = MOST_BACKOFF_SECONDS,
    ) -> None:
        self.request, self._longest_pause = request, longest_pause
        self.request.batched = True
        self._give_up_after, self._later_give_up_after = timeout, give_up_after
        self._yielded: set[tuple[int, str]] = set()
        self._state_started = self._has_checkpoint = False
        self._last_message_at = time.monotonic()
        self._backoff = FIRST_BACKOFF_SECONDS
        self._opened_at = self._open_for = 0.0

    def stream_opens(self) -> None:
        """Note that a stream is opened now."""
        self._opened_at = boottime()
        # Streams that were opened at the same time, because a server was restarted, are not reopened at the same time.
        self._open_for = LONGEST_STREAM_SECONDS * random.uniform(0.5, 1)  # noqa: S311  (as below)

    def continues_elsewhere(self, event: RoleWatchEvent) -> bool:
        """Return whether a new stream is to be opened after an event: at a checkpoint, when the present one is old."""
        return isinstance(event, w.WatchCheckpoint) and boottime() - self._opened_at >= self._open_for

    def events(self, message: w.WatchRolesResponse) -> Iterator[RoleWatchEvent]:
        """Yield the events of a message that were not yielded before; raise `ResyncRequiredError`."""
        self._last_message_at = time.monotonic()
        self._give_up_after, self._backoff = self._later_give_up_after, FIRST_BACKOFF_SECONDS
        match message.WhichOneof("event"):
            case "change":
                yield from self._changes([message.change])
            case "checkpoint":
                yield self._on_checkpoint(message.checkpoint)
            case "batch":
                yield from self._changes(message.batch.changes)
                if message.batch.HasField("checkpoint"):
                    yield self._on_checkpoint(message.batch.checkpoint)
            case "resync_required":
                raise ResyncRequiredError(message.resync_required.reason)

    def _changes(self, changes: Iterable[w.RoleWatchChange]) -> Iterator[w.RoleWatchChange]:
        return filter(self._is_new, changes)

    def caller_continues(self) -> None:
        """Note that the caller wants the next event: the time that it took is no silence of the server."""
        self._last_message_at = time.monotonic()

    def pause_after(self, error: RolecallError) -> float:
        """Return the seconds to wait before a new stream; raise the error if a new stream would fail as well or come too late.

        Raise `ResyncRequiredError` if it could not continue from the last checkpoint.
        """
        # A token that the caller chose may be wrong; that of a checkpoint was right when it came.
        if self._has_checkpoint and error.reason in _OTHER_STORE_REASONS:
            raise OtherStoreError from error
        if error.code not in _RESUMED_CODES and error.reason not in _RESUMED_REASONS:
            raise error
        if time.monotonic() - self._last_message_at >= self._give_up_after:
            raise error
        if self._state_started and self.request.include_initial_state:
            message = "the stream broke before the initial state was complete; read it again"
            raise ResyncRequiredError(message) from error
        return self._next_pause()

    def _next_pause(self) -> float:
        seconds = self._backoff * random.uniform(0.5, 1)  # noqa: S311  (it spreads load; it is no secret)
        self._backoff = min(self._backoff * 2, self._longest_pause)
        return seconds

    def _is_new(self, change: w.RoleWatchChange) -> bool:
        if self.request.include_initial_state:
            self._state_started = True
            return True
        key = (change.revision, change.role.role_id)
        if key in self._yielded:
            return False
        self._yielded.add(key)
        return True

    def _on_checkpoint(self, checkpoint: w.WatchCheckpoint) -> w.WatchCheckpoint:
        """Resume from this checkpoint if the stream breaks; return it."""
        # The first checkpoint of a resumed stream is not later than this one, so the changes after it must stay in the set.
        self._yielded = {key for key in self._yielded if key[0] > checkpoint.revision}
        self.request.start_token, self._has_checkpoint = checkpoint.token, True
        self.request.include_initial_state = False
        return checkpoint
