"""The streams that are open now, so that the server can end them when it stops or when they grow old."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rolecall.transport.errors import StreamAgeError, StreamIdleError, StreamStoppedError
from rolecall.transport.options import STREAM_IDLE_SECONDS
from rolecall.transport.rpc.streams import StreamEnding

MAX_STREAM_SECONDS = 300.0
"""How long a stream may last: as long as its connection, which gRPC closes a little later, so that no stream is cut."""

MAX_UNRESUMABLE_SECONDS = 3_600.0
"""How long a stream may last while it sends something that is only useful as a whole, such as the initial state."""


class OpenStreams:
    """The endings of all open streams. Each is ended after `max_seconds`, and if nothing arrives for `idle_seconds`."""

    def __init__(self, max_seconds: float = MAX_STREAM_SECONDS, idle_seconds: float = STREAM_IDLE_SECONDS) -> None:
        self._max_seconds, self._idle_seconds = max_seconds, idle_seconds
        self.ended_idle = 0
        self._opened_at: dict[StreamEnding, float] = {}
        self._stopped = False

    @contextmanager
    def track(self, ending: StreamEnding, now: float) -> Iterator[None]:
        """Count a stream as open since `now`. After `stop` it is ended before its first message."""
        self._opened_at[ending] = now
        if self._stopped:
            ending.end(StreamStoppedError())
        try:
            yield
        finally:
            del self._opened_at[ending]

    def stop(self) -> None:
        """End all streams because the server stops, and every stream that opens later."""
        self._stopped = True
        for ending in list(self._opened_at):
            ending.end(StreamStoppedError())

    def sweep(self, now: float) -> None:
        """End the streams that have reached their age at `now`, so that clients spread over new replicas, and idle ones."""
        for ending, opened_at in list(self._opened_at.items()):
            if now >= opened_at + self._limit(ending):
                ending.end(StreamAgeError(self._max_seconds))
            elif ending.idle_seconds(now) >= self._idle_seconds:
                self.ended_idle += 1
                ending.end(StreamIdleError(self._idle_seconds))

    def _limit(self, ending: StreamEnding) -> float:
        return max(self._max_seconds, MAX_UNRESUMABLE_SECONDS) if ending.unresumable else self._max_seconds

    def __len__(self) -> int:
        return len(self._opened_at)
