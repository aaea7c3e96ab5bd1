"""How old a followed state is: an upper bound that holds however long messages travel."""

from __future__ import annotations

import math

from google.protobuf.duration_pb2 import Duration

from rolecall_client.v1 import watch_pb2 as w

CLOCK_DRIFT = 200e-6
"""How much faster one of two clocks may run than the other."""

_RATE = 1 + CLOCK_DRIFT


class FollowedAge:
    """The age of the state that the checkpoints of a watch describe; infinite before the first one."""

    # age(now) = now - (opened_at + stream_age) + staleness + drift * (now - opened_at) = rate * now - known_at
    def __init__(self) -> None:
        self._known_at = -math.inf

    def discard(self) -> None:
        """Discard what the checkpoints said: they do not describe the state any more."""
        self._known_at = -math.inf

    def checkpoint(self, checkpoint: w.WatchCheckpoint, opened_at: float) -> None:
        """Take a checkpoint of a stream that was opened at this time."""
        # Without `stream_age` the time at which the server sent this is unknown: the message may have travelled for long.
        if not checkpoint.HasField("stream_age"):
            return
        known_at = _RATE * opened_at + seconds_of(checkpoint.stream_age) - seconds_of(checkpoint.staleness)
        # Of two bounds both are true: a resumed stream may begin with the looser one.
        self._known_at = max(self._known_at, known_at)

    def at(self, now: float) -> float:
        """Return the age at the time `now`, in seconds."""
        return _RATE * now - self._known_at


def seconds_of(duration: Duration) -> float:
    """Return a duration in seconds."""
    return duration.seconds + duration.nanos / 1e9
