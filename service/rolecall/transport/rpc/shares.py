"""The shares of callers and connections in a limit that is reached.

1. Below the limit everything is admitted: a lone caller may occupy all of it.
2. At the limit a caller's share is the limit divided by the number of callers that have calls in progress, and a
   connection's share is that of its caller divided by the number of the caller's connections. A share is at least one.
3. A call of a caller and a connection that are both below their shares is admitted beyond the limit, up to twice the limit.
4. A call of a caller that has reached its share, on a connection that has not, is admitted up to one and a half times the
   limit: one connection cannot stop the others of the same caller, and they cannot take what is reserved for other callers.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from rolecall.transport.rpc.call_origin import CallOrigin

HARD_FACTOR = 2
"""How many times the limit may be in progress at most, while callers below their shares make calls."""


@dataclass(slots=True)
class _Held:
    """The calls of one caller, by connection."""

    total: int = 0
    by_connection: dict[str, int] = field(default_factory=dict)


class Shares:
    """How many calls each caller and each of its connections has in progress. Those without calls are not stored."""

    def __init__(self, limit: int) -> None:
        self.limit, self.hard_limit = limit, limit * HARD_FACTOR
        self._held: dict[str, _Held] = {}

    def add(self, caller: CallOrigin) -> None:
        """Count a call."""
        held = self._held.setdefault(caller.name, _Held())
        held.total += 1
        held.by_connection[caller.connection] = held.by_connection.get(caller.connection, 0) + 1

    def remove(self, caller: CallOrigin) -> None:
        """Count a call that has ended."""
        held = self._held[caller.name]
        held.total -= 1
        held.by_connection[caller.connection] -= 1
        if not held.by_connection[caller.connection]:
            del held.by_connection[caller.connection]
        if not held.total:
            del self._held[caller.name]

    def admit(self, caller: CallOrigin, in_progress: int) -> bool:
        """Return whether a call is admitted beside those in progress, which are at least as many as the limit."""
        held = self._held.get(caller.name, _Held())
        on_connection = held.by_connection.get(caller.connection)
        # The first call of a connection is below every share.
        if on_connection is not None and on_connection >= self._connection_share(caller, held):
            return False
        below_share = held.total < self.share(caller)
        return in_progress < (self.hard_limit if below_share else self.limit + self.limit // 2)

    def share(self, caller: CallOrigin) -> int:
        """Return how many calls a caller may have in progress while the limit is reached."""
        return max(1, self.limit // (len(self._held) + (caller.name not in self._held)))

    def __len__(self) -> int:
        return len(self._held)

    def _connection_share(self, caller: CallOrigin, held: _Held) -> int:
        return self.share(caller) // len(held.by_connection)
