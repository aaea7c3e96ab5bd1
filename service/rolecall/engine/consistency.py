"""How fresh the state must be to answer a request. A requirement is met or refused, never ignored."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from rolecall.engine.errors import FutureRevisionError, RevisionNotReachedError, StaleStateError
from rolecall.engine.follower import Follower
from rolecall.roles.errors import StoreUnavailableError
from rolecall.roles.role import Revision
from rolecall.roles.tokens import Tokens

MAX_STALENESS_SECONDS = 300.0

_MICROS = 1_000_000


@dataclass(frozen=True, slots=True)
class AtLeastAsFresh:
    """At least the state of a consistency token, which came in `field`."""

    token: str
    field: str = "consistency.at_least_as_fresh"


@dataclass(frozen=True, slots=True)
class FullyConsistent:
    """At least the state of the store when the request arrived."""


Requirement = AtLeastAsFresh | FullyConsistent | None
"""The freshness that a request requires; None (minimize_latency): the state as it is."""


class StateAge:
    """The age of a state that is read once and then used for a while. It grows with the time that passes."""

    __slots__ = ("_began", "_clock", "_limit", "at_first")

    def __init__(self, staleness: int, limit: int, clock: Callable[[], int]) -> None:
        self.at_first, self._limit, self._clock, self._began = staleness, limit, clock, clock()

    def staleness(self) -> int:
        """Return how stale the state may be by now, in microseconds; raise `StaleStateError` above the limit."""
        age = self.at_first + self._clock() - self._began
        if age > self._limit:
            raise StaleStateError(age / _MICROS, self._limit / _MICROS)
        return age


class Freshness(Protocol):
    """How fresh the state is, and the freshness that a request requires of it."""

    def token(self) -> str:
        """Return the consistency token of the current state."""
        ...

    def age(self) -> StateAge:
        """Return the age of the state as it is now; raise `StaleStateError` above the limit."""
        ...

    def staleness(self) -> int:
        """Return how stale the state may be, in microseconds; raise `StaleStateError` above the limit."""
        ...

    async def reach(self, requirement: AtLeastAsFresh | FullyConsistent) -> None:
        """Return when the state is as fresh as required; raise an error if that cannot be reached."""
        ...


class Consistency:
    """Brings the state to the freshness that a request requires."""

    def __init__(
        self,
        follower: Follower,
        tokens: Tokens,
        *,
        wait_seconds: float = 5.0,
        max_staleness_seconds: float = MAX_STALENESS_SECONDS,
    ) -> None:
        self._follower, self._tokens, self._wait = follower, tokens, wait_seconds
        self._max_staleness = round(max_staleness_seconds * _MICROS)
        self._token = (Revision(-1), "", "")

    def token(self) -> str:
        """Return the consistency token of the current state."""
        snapshot, cached = self._follower.snapshot, self._token
        if cached[0] != snapshot.revision or cached[1] is not snapshot.incarnation:
            cached = self._token = (
                snapshot.revision,
                snapshot.incarnation,
                self._tokens.consistency(snapshot.revision),
            )
        return cached[2]

    def age(self) -> StateAge:
        """Return the age of the state as it is now; raise `StaleStateError` above the limit."""
        return StateAge(self.staleness(), self._max_staleness, self._follower.clock)

    def staleness(self) -> int:
        """Return how stale the state may be, in microseconds; raise `StaleStateError` above the limit."""
        age = self._follower.staleness()
        if age > self._max_staleness:
            raise StaleStateError(age / _MICROS, self._max_staleness / _MICROS)
        return age

    async def reach(self, requirement: AtLeastAsFresh | FullyConsistent) -> None:
        """Wait until the state is as fresh as required.

        Raise `InvalidTokenError`, `UnknownIncarnationError`; `FutureRevisionError` when the store is behind the token;
        `RevisionNotReachedError` when the store does not answer in time.
        """
        if isinstance(requirement, FullyConsistent):
            await self._catch_up(None, "consistency.fully_consistent")
            return
        token, field = requirement.token, requirement.field
        wanted = self._tokens.revision_of(token, field)
        if self._follower.snapshot.revision < wanted:
            head = await self._catch_up(wanted, field)
            # Catching up may have found another history, to which the token does not belong.
            self._tokens.revision_of(token, field)
            if head < wanted:
                raise FutureRevisionError(wanted, head, field=field)

    async def _catch_up(self, wanted: Revision | None, field: str) -> Revision:
        try:
            return await asyncio.wait_for(self._follower.catch_up(), self._wait)
        except StoreUnavailableError as error:
            cause: Exception = error
            why = "the store cannot be reached"
        except TimeoutError as error:
            cause = error
            why = f"the store cannot be reached, or has not answered, within {self._wait:g} seconds"
        raise RevisionNotReachedError(wanted, self._follower.snapshot.revision, field=field, why=why) from cause
