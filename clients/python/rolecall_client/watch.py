"""Watch roles: every change once and in order, on a new stream whenever one breaks.

1. A stream that breaks is resumed from the last checkpoint; changes that were already yielded are not yielded again.
2. If that is impossible `ResyncRequiredError` is raised, and the caller must discard what it built from the changes. This is
   an error and not an event so that it cannot be overlooked.
3. The server sends a message every few seconds. A stream without messages is cancelled and resumed.
4. A stream that has been open for long is continued on a new one at a checkpoint.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterator
from typing import Any, Self

import grpc

from rolecall_client import watch_progress
from rolecall_client.boottime import boottime
from rolecall_client.errors import ResyncRequiredError, RolecallError, UnavailableError, closed_error, error_of_call
from rolecall_client.v1 import watch_pb2 as w
from rolecall_client.watch_progress import (
    GIVE_UP_SECONDS,
    Opened,
    Pause,
    Resumed,
    RoleWatchEvent,
    WatchProgress,
    ignore,
)

__all__ = ["GIVE_UP_SECONDS", "Open", "Opened", "Resumed", "ResyncRequiredError", "RoleWatchEvent", "Watch"]

Open = Callable[[w.WatchRolesRequest], Any]
"""Opens a stream."""


class Watch:
    """One watch, over as many streams as it needs. The first message must arrive within `timeout` seconds."""

    def __init__(
        self,
        open_stream: Open,
        request: w.WatchRolesRequest,
        *,
        timeout: float,
        give_up_after: float = GIVE_UP_SECONDS,
        resumed: Resumed = ignore,
        opened: Opened = ignore,
        pause: Pause | None = None,
    ) -> None:
        self._open, self._resumed, self._opened, self._wait = open_stream, resumed, opened, pause or time.sleep
        self._progress = WatchProgress(request, timeout=timeout, give_up_after=give_up_after)

    def events(self) -> Generator[RoleWatchEvent, None, None]:
        """Yield the events; raise `ResyncRequiredError`, and `RolecallError` for an error that a new stream cannot correct."""
        self._progress.caller_continues()
        while True:
            try:
                yield from self._on_one_stream()
            except ResyncRequiredError:
                raise
            except RolecallError as error:
                pause = self._progress.pause_after(error)
                self._resumed(error)
                self._wait(pause)

    def _on_one_stream(self) -> Iterator[RoleWatchEvent]:
        self._progress.stream_opens()
        self._opened(boottime())
        try:
            stream = self._open(self._progress.request)
        except ValueError as error:  # the channel is closed
            raise closed_error() from error
        with _Watchdog(stream) as watchdog:
            while True:
                for event in self._progress.events(watchdog.next_message()):
                    yield event
                    self._progress.caller_continues()
                    if self._progress.continues_elsewhere(event):
                        return


class _Watchdog:
    """Cancels a stream whose next message does not arrive in time. Time between waits does not count."""

    def __init__(self, stream: Any) -> None:  # noqa: ANN401 - gRPC's calls have no public type
        self._stream, self._seconds = stream, watch_progress.SILENT_SECONDS
        self._waiting_since: float | None = None
        self._stopped = threading.Event()
        self._expired = False
        self._thread = threading.Thread(target=self._watch, name="rolecall-watchdog", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._stream.cancel()

    def next_message(self) -> w.WatchRolesResponse:
        """Wait for a message and return it; raise `RolecallError` when the stream has ended."""
        self.arm()
        try:
            message: w.WatchRolesResponse = next(self._stream)
        except (grpc.RpcError, RolecallError) as error:
            if self._expired:
                raise silent_error() from error
            raise error if isinstance(error, RolecallError) else error_of_call(error) from error
        except StopIteration:
            raise ended_error() from None
        finally:
            self.disarm()
        return message

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
                self._expired = True
                self._stream.cancel()
                return


def silent_error() -> RolecallError:
    """Return the error of a stream on which nothing arrives."""
    return UnavailableError("UNAVAILABLE", f"no message has arrived for {watch_progress.SILENT_SECONDS:g} seconds")


def ended_error() -> RolecallError:
    """Return the error of a stream that the server has ended."""
    return UnavailableError("UNAVAILABLE", "the stream ended without an error")
