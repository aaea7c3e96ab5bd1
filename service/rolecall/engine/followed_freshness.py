"""How fresh a followed state is. A requirement that only the followed server can judge is left to it."""

from __future__ import annotations

from collections.abc import Callable
from math import inf

from rolecall.engine.boottime import boottime_micros
from rolecall.engine.consistency import MAX_STALENESS_SECONDS, AtLeastAsFresh, FullyConsistent, StateAge
from rolecall.engine.errors import StaleStateError, UpstreamOnlyError
from rolecall.engine.followed_state import FollowedState

_MICROS = 1_000_000


class FollowedFreshness:
    """The freshness of a followed state; `clock` returns microseconds as `boottime_micros` does."""

    def __init__(
        self,
        state: FollowedState,
        *,
        max_staleness_seconds: float = MAX_STALENESS_SECONDS,
        clock: Callable[[], int] = boottime_micros,
    ) -> None:
        self._state, self._clock = state, clock
        self._max_staleness = round(max_staleness_seconds * _MICROS)

    def token(self) -> str:
        """Return the consistency token of the last checkpoint."""
        return self._state.token

    def age(self) -> StateAge:
        """Return the age of the state as it is now; raise `StaleStateError` above the limit."""
        return StateAge(self.staleness(), self._max_staleness, self._clock)

    def staleness(self) -> int:
        """Return how stale the state may be, in microseconds; raise `StaleStateError` above the limit, or if it is not known."""
        age = self._state.age(self._clock())
        # An unknown age is refused as one above the limit.
        if age is None or age > self._max_staleness:
            raise StaleStateError(inf if age is None else age / _MICROS, self._max_staleness / _MICROS)
        return age

    async def reach(self, requirement: AtLeastAsFresh | FullyConsistent) -> None:
        """Return if the state is as fresh as required; raise `UpstreamOnlyError` if only the followed server can judge that."""
        if isinstance(requirement, FullyConsistent):
            raise UpstreamOnlyError("`fully_consistent` is required", freshness=True)
        # Only the servers have the key that proves what a token names, so only those of this watch are known.
        if not self._state.reached(requirement.token):
            raise UpstreamOnlyError("the consistency token is not known here", freshness=True)
