"""Watching roles: changes in order, each once, carried over to another stream whenever one breaks.

1. A stream that breaks is resumed from the last checkpoint, and what was given since then is not given again.
2. Where that is impossible `ResyncRequiredError` is raised: what the caller has built from the changes is then to be thrown
   away. An error cannot be overlooked as an event could be.
3. The server proves every few seconds that it lives. A stream on which nothing comes is given up and resumed like any other.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Generator, Iterator
from typing import Any, Self, TypeAlias

import grpc

from rolecall_client.errors import RolecallError, error_of_call
from rolecall_client.v1 import watch_pb2 as w

SILENT_SECONDS = 30.0
GIVE_UP_SECONDS = 300.0
FIRST_BACKOFF_SECONDS, MOST_BACKOFF_SECONDS = 0.1, 5.0

_RESUMED_REASONS = frozenset({"WATCH_TOO_SLOW", "TOO_MANY_CALLS"})
_RESUMED_CODES = frozenset({"UNAVAILABLE", "CANCELLED"})
"""A server to which very many come at once cancels the calls of some."""

RoleWatchEvent: TypeAlias = w.RoleWatchChange | w.WatchCheckpoint
"""A change, or a place from which a later watch can go on."""

Open = Callable[[w.WatchRolesRequest], Any]
"""Opens a stream."""

Resumed = Callable[[RolecallError], object]
"""Told why a stream broke, before it is resumed."""


class ResyncRequiredError(RolecallError):
    """The changes since the start or the last checkpoint cannot be had: throw away what was built, and begin with the state."""

    def __init__(self, message: str) -> None:
        super().__init__("FAILED_PRECONDITION", message, reason="RESYNC_REQUIRED")


class Watch:
    """One watch over as many streams as it takes; `timeout` is how long to try for a first message, in seconds."""

    def __init__(
        self,
        open_stream: Open,
        request: w.WatchRolesRequest,
        *,
        timeout: float,
        give_up_after: float = GIVE_UP_SECONDS,
        resumed: Resumed = lambda _error: None,
    ) -> None:
        self._open, self._request, self._resumed = open_stream, request, resumed
        self._patience, self._later_patience = timeout, give_up_after
        self._given: set[tuple[int, str]] = set()
        self._state_begun = False
        self._heard_at = time.monotonic()
        self._backoff = FIRST_BACKOFF_SECONDS

    def events(self) -> Generator[RoleWatchEvent, None, None]:
        """Yield what happens; raise `ResyncRequiredError`, and `RolecallError` when not even a new stream can be had."""
        self._heard_at = time.monotonic()
        while True:
            try:
                yield from self._on_one_stream()
            except ResyncRequiredError:
                raise
            except RolecallError as error:
                self._consider(error)
                self._resumed(error)
                self._pause()

    def _on_one_stream(self) -> Iterator[RoleWatchEvent]:
        try:
            stream = self._open(self._request)
        except ValueError as error:  # the channel is closed
            raise RolecallError("FAILED_PRECONDITION", "the client is closed") from error
        with _Alarm(stream) as alarm:
            while True:
                message = _next(stream, alarm)
                self._hear()
                match message.WhichOneof("event"):
                    case "change" if self._is_new(message.change):
                        yield message.change
                    case "checkpoint":
                        self._pass(message.checkpoint)
                        yield message.checkpoint
                    case "resync_required":
                        raise ResyncRequiredError(message.resync_required.reason)
                # What the caller took for it is no silence of the service.
                self._heard_at = time.monotonic()

    def _hear(self) -> None:
        self._heard_at = time.monotonic()
        self._patience, self._backoff = self._later_patience, FIRST_BACKOFF_SECONDS

    def _is_new(self, change: w.RoleWatchChange) -> bool:
        if self._request.include_initial_state:
            self._state_begun = True
            return True
        key = (change.revision, change.role.role_id)
        if key in self._given:
            return False
        self._given.add(key)
        return True

    def _pass(self, checkpoint: w.WatchCheckpoint) -> None:
        """Go on from here, should the stream break. The first checkpoint of a resumed stream is no later than the one before it."""
        self._given = {key for key in self._given if key[0] > checkpoint.revision}
        self._request.start_token = checkpoint.token
        self._request.include_initial_state = False

    def _consider(self, error: RolecallError) -> None:
        """Raise what cannot be mended by another stream."""
        if error.code not in _RESUMED_CODES and error.reason not in _RESUMED_REASONS:
            raise error
        if time.monotonic() - self._heard_at >= self._patience:
            raise error
        if self._state_begun and self._request.include_initial_state:
            self._pause()
            message = "the stream broke before the initial state was told to its end; read it again"
            raise ResyncRequiredError(message) from error

    def _pause(self) -> None:
        time.sleep(self._backoff * random.uniform(0.5, 1))  # noqa: S311  (it spreads load, it hides nothing)
        self._backoff = min(self._backoff * 2, MOST_BACKOFF_SECONDS)


class _Alarm:
    """Cancels a stream for whose next message one has waited too long; time that the caller takes does not count."""

    def __init__(self, stream: Any) -> None:  # noqa: ANN401 - gRPC's calls have no public type
        self._stream, self._seconds = stream, SILENT_SECONDS
        self._waiting_since: float | None = None
        self._over = threading.Event()
        self.rung = False
        self._thread = threading.Thread(target=self._watch, name="rolecall-watch-alarm", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._stream.cancel()

    def set(self) -> None:
        """Begin to wait for a message."""
        self._waiting_since = time.monotonic()

    def reset(self) -> None:
        """Say that one has come."""
        self._waiting_since = None

    def _watch(self) -> None:
        while not self._over.wait(self._seconds / 4):
            since = self._waiting_since
            if since is not None and time.monotonic() - since > self._seconds:
                self.rung = True
                self._stream.cancel()
                return


def _next(stream: Any, alarm: _Alarm) -> w.WatchRolesResponse:  # noqa: ANN401
    alarm.set()
    try:
        message: w.WatchRolesResponse = next(stream)
    except grpc.RpcError as error:
        if alarm.rung:
            raise RolecallError("UNAVAILABLE", "nothing has come for too long") from error
        raise error_of_call(error) from error
    except StopIteration:
        raise RolecallError("UNAVAILABLE", "the stream ended without saying why") from None
    finally:
        alarm.reset()
    return message
