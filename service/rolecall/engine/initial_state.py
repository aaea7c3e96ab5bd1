"""The states that watches are reading as their initial state: few lists of roles, shared by any number of watches.

1. A watch reads the newest list if few changes were written since; it receives them after the list, from the feed. Otherwise a
   list of the present state is made. No watch waits for another.
2. There are at most `count` lists, so memory does not grow with the watches. For one more, the oldest list is taken from its
   readers if they had `min_seconds` for it; if not, the newest list is read by the next watch, too.
"""

from __future__ import annotations

from collections.abc import Sequence

from rolecall.engine.errors import InitialStateTooSlowError
from rolecall.engine.follower import Follower
from rolecall.engine.snapshot import RoleVersion
from rolecall.roles.role import Revision, Role

JOINED_CHANGES = 1_000
"""How many changes a watch may receive after the list instead of in it: a tenth of what the feed has."""


class InitialState:
    """Every role at one revision, in a list that later commits do not change."""

    def __init__(self, follower: Follower) -> None:
        snapshot, feed = follower.snapshot, follower.feed
        self._versions: Sequence[RoleVersion] = snapshot.versions()
        self.count, self.revision, self.generation = len(self._versions), Revision(snapshot.revision), feed.generation
        self.changes_before = feed.added
        self.joined_at, self.readers = 0.0, 0
        self._min_seconds = 0.0

    def role(self, number: int) -> Role:
        """Return the role with a number below `count`; raise `InitialStateTooSlowError` after `take_away`."""
        if not self._versions:
            raise InitialStateTooSlowError(self._min_seconds)
        return self._versions[number].role

    def take_away(self, min_seconds: float) -> None:
        """Free the list, although watches are reading it that had at least `min_seconds` for it."""
        self._versions, self._min_seconds = (), min_seconds


class InitialStates:
    """At most `count` lists. For one event loop."""

    def __init__(self, count: int, min_seconds: float) -> None:
        self._count, self._min_seconds = count, min_seconds
        # In the order in which they were made. Only the last is joined, so it is also the order in which they were joined.
        self._states: list[InitialState] = []

    def join(self, follower: Follower, now: float) -> InitialState:
        """Return a list of the state that `follower` has, or had a short time ago. Call `leave` with it in any case."""
        self._drop_other_histories(follower.feed.generation)
        if not self._is_recent(follower):
            self._make_room(now)
            if len(self._states) < self._count:
                self._states.append(InitialState(follower))
        state = self._states[-1]
        state.joined_at = now
        state.readers += 1
        return state

    def leave(self, state: InitialState) -> None:
        """Free a list that nobody else is reading."""
        state.readers -= 1
        if not state.readers and state in self._states:
            self._states.remove(state)

    def __len__(self) -> int:
        return len(self._states)

    def _is_recent(self, follower: Follower) -> bool:
        return bool(self._states) and follower.feed.added - self._states[-1].changes_before <= JOINED_CHANGES

    def _make_room(self, now: float) -> None:
        if len(self._states) >= self._count and now - self._states[0].joined_at >= self._min_seconds:
            self._states.pop(0).take_away(self._min_seconds)

    def _drop_other_histories(self, generation: int) -> None:
        for state in [state for state in self._states if state.generation != generation]:
            # Their readers end because the history is another one, as soon as they want to continue.
            state.take_away(self._min_seconds)
            self._states.remove(state)
