"""Bounds of what clients have sent and no method has read yet, for all connections of a server together.

Every connection and every stream has a window of its own; these bounds are for many connections that each use their windows.
Whatever is ended is what has waited longest: an honest request is complete at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from rolecall.transport.connection_counts import ConnectionClosure, ConnectionCounts

if TYPE_CHECKING:
    from rolecall.transport.http2.call import Call
    from rolecall.transport.http2.connection import Http2Connection

STARTED_AT_ONCE = 16
"""How many calls without a message get a task in one tick: each of them costs as much as fifty checks if it must be ended."""

SMALL_HEADER_BYTES = 1_024
"""Calls with headers of at most this size are always accepted: their number has limits of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestMemoryLimits:
    """Bounds for one process.

    1. `message_bytes`: of messages that are incomplete or unread. The call that has had some for longest is ended.
    2. `header_bytes`: of calls in progress, with 32 for each header. A call with more than a kilobyte is refused.
    3. `partial_frames`: connections with a frame, for example a list of headers, that is incomplete. The connection
       that has waited longest is closed.
    4. `early_calls`: calls whose headers came without the message, and which have no task yet. The first is refused.
    """

    message_bytes: int = 64 * 1024 * 1024
    header_bytes: int = 32 * 1024 * 1024
    partial_frames: int = 1_000
    early_calls: int = 1_000


class RequestMemory:
    """What is buffered now. `refuse` ends a call for its memory, `start` gives a call a task, which waits for its message."""

    __slots__ = (
        "_early",
        "_messages",
        "_partial",
        "_refuse",
        "_start",
        "_stopped",
        "counts",
        "header_bytes",
        "limits",
        "message_bytes",
    )

    def __init__(
        self,
        limits: RequestMemoryLimits,
        counts: ConnectionCounts,
        *,
        refuse: Callable[[Call], object],
        start: Callable[[Call], object],
    ) -> None:
        self.limits, self.counts, self._refuse, self._start = limits, counts, refuse, start
        self._stopped = False
        self.message_bytes = self.header_bytes = 0
        self._messages: dict[Call, int] = {}
        self._partial: dict[Http2Connection, None] = {}
        self._early: dict[Call, None] = {}

    # --- messages ---

    def hold(self, call: Call, size: int) -> None:
        """Note how many bytes of messages a call has that are not read, and end calls if all have too many."""
        messages = self._messages
        self.message_bytes += size - messages.get(call, 0)
        if size:
            messages[call] = size  # a call that had some keeps its place
        else:
            messages.pop(call, None)
        while self.message_bytes > self.limits.message_bytes:
            longest = next(iter(messages))
            self.hold(longest, 0)
            self.counts.memory_ended += 1
            self._refuse(longest)

    # --- headers ---

    def accepts_headers(self, size: int) -> bool:
        """Return whether a call with more than `SMALL_HEADER_BYTES` of headers may begin."""
        return self.header_bytes + size <= self.limits.header_bytes

    def begin(self, call: Call) -> None:
        """Note the headers of a call that has a task."""
        self.header_bytes += call.header_bytes

    def release(self, call: Call) -> None:
        """Note that a call that has a task is over."""
        self.header_bytes -= call.header_bytes
        self.hold(call, 0)

    # --- calls that may still be answered in the read of their message ---

    def wait(self, call: Call) -> None:
        """Note a call whose message was not in the read of its headers."""
        self._early[call] = None
        if self._stopped or len(self._early) > self.limits.early_calls:
            self._turn_away(next(iter(self._early)))

    def tick(self) -> None:
        """Start the first calls whose message has still not arrived; from then on they have a time limit."""
        for call in list(islice(self._early, STARTED_AT_ONCE)):
            del self._early[call]
            if is_early(call):
                self._start(call)

    def stop(self) -> None:
        """Refuse calls whose message has not arrived: their clients may repeat them elsewhere."""
        self._stopped = True
        for call in list(self._early):
            self._turn_away(call)

    def _turn_away(self, call: Call) -> None:
        del self._early[call]
        if is_early(call):
            self.counts.memory_ended += 1
            call.refuse()

    # --- frames ---

    def expect_rest(self, connection: Http2Connection) -> None:
        """Note that the last read of a connection ended within a frame, and close a connection if there are too many such."""
        self._partial[connection] = None
        if len(self._partial) > self.limits.partial_frames:
            longest = next(iter(self._partial))
            del self._partial[longest]
            longest.cut(ConnectionClosure.PARTIAL_FRAME)

    def complete(self, connection: Http2Connection) -> None:
        """Note that a connection has no incomplete frame, or is lost."""
        self._partial.pop(connection, None)


def is_early(call: Call) -> bool:
    """Return whether a call is still without its message and without a task."""
    return call.incoming is None and not call.over
