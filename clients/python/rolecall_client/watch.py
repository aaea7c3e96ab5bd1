"""Watch roles: every change once and in order, on a new stream whenever one breaks.

1. A stream that breaks is resumed from the last checkpoint; changes that were already yielded are not yielded again.
2. If that is impossible `ResyncRequiredError` is raised, and the caller must discard what it built from the changes. This is
   an error and not an event so that it cannot be overlooked.
3. The server sends a message every few seconds. A stream without messages is cancelled and resumed.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Generator, Iterator
from typing import Any, Self, TypeAlias

import grpc

from rolecall_client.boottime import boottime
from rolecall_client.errors import RolecallError, error_of_call
from rolecall_client.v1 import watch_pb2 as w

SILENT_SECONDS = 30.0
GIVE_UP_SECONDS = 300.0
FIRST_BACKOFF_SECONDS, MOST_BACKOFF_SECONDS = 0.1, 5.0

_RESUMED_REASONS = frozenset({"WATCH_TOO_SLOW", "TOO_MANY_CALLS"})
_RESUMED_CODES = frozenset({"UNAVAILABLE", "CANCELLED"})
"""gRPC cancels some calls when very many arrive at once."""

RoleWatchEvent: TypeAlias = w.RoleWatchChange | w.WatchCheckpoint
"""A change, or a checkpoint from which a later watch can continue."""

Open = Callable[[w.WatchRolesRequest], Any]
"""Opens a stream."""

Resumed = Callable[[RolecallError], object]
"""Called with the error of a broken stream before it is resumed."""

Opened = Callable[[float], object]
"""Called with the time, by `boottime`, just before each stream is opened."""

Pause = Callable[[float], object]
"""Waits for seconds; may return early."""


class ResyncRequiredError(RolecallError):
    """Changes are lost: discard what was built from the changes, and start a new watch with the initial state."""

    def __init__(self, message: str) -> None:
        super().__init__("FAILED_PRECONDITION", message, reason="RESYNC_REQUIRED")


class Watch:
    """One watch, over as many streams as it needs. The first message must arrive within `timeout` seconds."""

    def __init__(
        self,
        open_stream: Open,
        request: w.WatchRolesRequest,
        *,
        timeout: float,
        give_up_after: float = GIVE_UP_SECONDS,
        resumed: Resumed = lambda _error: None,
        opened: Opened = lambda _at: None,
        pause: Pause | None = None,
    ) -> None:
        self._open, self._request, self._resumed, self._opened = open_stream, request, resumed, opened
        self._wait = pause or time.sleep
        self._give_up_after, self._later_give_up_after = timeout, give_up_after
        self._yielded: set[tuple[int, str]] = set()
        self._state_started = False
        self._last_message_at = time.monotonic()
        self._backoff = FIRST_BACKOFF_SECONDS

    def events(self) -> Generator[RoleWatchEvent, None, None]:
        """Yield the events; raise `ResyncRequiredError`, and `RolecallError` for an error that a new stream cannot correct."""
        self._last_message_at = time.monotonic()
        while True:
            try:
                yield from self._on_one_stream()
            except ResyncRequiredError:
                raise
            except RolecallError as error:
                self._raise_if_permanent(error)
                self._resumed(error)
                self._pause()

    def _on_one_stream(self) -> Iterator[RoleWatchEvent]:
        self._opened(boottime())
        try:
            stream = self._open(self._request)
        except ValueError as error:  # the channel is closed
            raise RolecallError("FAILED_PRECONDITION", "the client is closed") from error
        with _Watchdog(stream) as watchdog:
            while True:
                message = _next(stream, watchdog)
                self._on_message()
                match message.WhichOneof("event"):
                    case "change" if self._is_new(message.change):
                        yield message.change
                    case "checkpoint":
                        self._on_checkpoint(message.checkpoint)
                        yield message.checkpoint
                    case "resync_required":
                        raise ResyncRequiredError(message.resync_required.reason)
                # The time that the caller spent on the event does not count as silence of the server.
                self._last_message_at = time.monotonic()

    def _on_message(self) -> None:
        self._last_message_at = time.monotonic()
        self._give_up_after, self._backoff = self._later_give_up_after, FIRST_BACKOFF_SECONDS

    def _is_new(self, change: w.RoleWatchChange) -> bool:
        if self._request.include_initial_state:
            self._state_started = True
            return True
        key = (change.revision, change.role.role_id)
        if key in self._yielded:
            return False
        self._yielded.add(key)
        return True

    def _on_checkpoint(self, checkpoint: w.WatchCheckpoint) -> None:
        """Resume from this checkpoint if the stream breaks."""
        # The first checkpoint of a resumed stream is not later than this one, so the changes after it must stay in the set.
        self._yielded = {key for key in self._yielded if key[0] > checkpoint.revision}
        self._request.start_token = checkpoint.token
        self._request.include_initial_state = False

    def _raise_if_permanent(self, error: RolecallError) -> None:
        """Raise the error if a new stream would fail as well, or would come too late."""
        if error.code not in _RESUMED_CODES and error.reason not in _RESUMED_REASONS:
            raise error
        if time.monotonic() - self._last_message_at >= self._give_up_after:
            raise error
        if self._state_started and self._request.include_initial_state:
            self._pause()
            message = "the stream broke before the initial state was complete; read it again"
            raise ResyncRequiredError(message) from error

    def _pause(self) -> None:
        self._wait(self._backoff * random.uniform(0.5, 1))  # noqa: S311  (it spreads load; it is no secret)
        self._backoff = min(self._backoff * 2, MOST_BACKOFF_SECONDS)


class _Watchdog:
    """Cancels a stream whose next message does not arrive in time. Time between waits does not count."""

    def __init__(self, stream: Any) -> None:  # noqa: ANN401 - gRPC's calls have no public type
        self._stream, self._seconds = stream, SILENT_SECONDS
        self._waiting_since: float | None = None
        self._stopped = threading.Event()
        self.expired = False
        self._thread = threading.Thread(target=self._watch, name="rolecall-watchdog", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._stream.cancel()

    def arm(self) -> None:
        """Start waiting for a message."""
        self._waiting_since = time.monotonic()

    def disarm(self) -> None:
        """Stop waiting: a message has arrived, or the stream has ended."""
        self._waiting_since = None

    def is_overdue(self) -> bool:
        """Return whether a message has been awaited for too long."""
        since = self._waiting_since
        return since is not None and time.monotonic() - since > self._seconds

    def _watch(self) -> None:
        while not self._stopped.wait(self._seconds / 4):
            if self.is_overdue():
                self.expired = True
                self._stream.cancel()
                return


def _next(stream: Any, watchdog: _Watchdog) -> w.WatchRolesResponse:  # noqa: ANN401
    watchdog.arm()
    try:
        message: w.WatchRolesResponse = next(stream)
    except grpc.RpcError as error:
        if watchdog.expired:
            raise RolecallError("UNAVAILABLE", f"no message has arrived for {SILENT_SECONDS:g} seconds") from error
        raise error_of_call(error) from error
    except StopIteration:
        raise RolecallError("UNAVAILABLE", "the stream ended without an error") from None
    finally:
        watchdog.disarm()
    return message
