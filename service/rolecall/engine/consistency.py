"""How fresh an answer must be, and how that is reached. A mode is honoured or refused, never ignored."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from rolecall.engine.errors import FutureRevisionError, RevisionNotReachedError, StaleStateError
from rolecall.engine.follower import Follower
from rolecall.roles.errors import StoreUnavailableError
from rolecall.roles.role import Revision
from rolecall.roles.tokens import Tokens

MAX_STALENESS_SECONDS = 300.0

_MICROS = 1_000_000


@dataclass(frozen=True, slots=True)
class AtLeastAsFresh:
    """At least the state that a consistency token names."""

    token: str


@dataclass(frozen=True, slots=True)
class FullyConsistent:
    """At least the state of the store when the request arrived."""


Requirement = AtLeastAsFresh | FullyConsistent | None
"""What a request asks for; None is minimize_latency: whatever this process holds."""


class Consistency:
    """Brings the state to where a request needs it."""

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
        """Return the consistency token of the state as it is."""
        snapshot, kept = self._follower.snapshot, self._token
        if kept[0] != snapshot.revision or kept[1] is not snapshot.incarnation:
            kept = self._token = (
                snapshot.revision,
                snapshot.incarnation,
                self._tokens.consistency(snapshot.revision),
            )
        return kept[2]

    def staleness(self) -> int:
        """Return how old the state may be, in microseconds; raise `StaleStateError` when that is too old to answer from."""
        age = self._follower.staleness()
        if age > self._max_staleness:
            raise StaleStateError(age / _MICROS, self._max_staleness / _MICROS)
        return age

    async def reach(self, requirement: AtLeastAsFresh | FullyConsistent) -> None:
        """Return when the state is as fresh as required.

        Raise `InvalidTokenError`, `UnknownIncarnationError`; `FutureRevisionError` when the store itself is behind the
        token; `RevisionNotReachedError` when the store cannot be asked in time.
        """
        if isinstance(requirement, FullyConsistent):
            await self._catch_up(self._follower.snapshot.revision)
            return
        wanted = self._tokens.revision_of(requirement.token)
        if self._follower.snapshot.revision < wanted:
            head = await self._catch_up(wanted)
            # By now another history may be followed, to which the token does not belong.
            self._tokens.revision_of(requirement.token)
            if head < wanted:
                raise FutureRevisionError(wanted, head)

    async def _catch_up(self, wanted: Revision) -> Revision:
        try:
            return await asyncio.wait_for(self._follower.catch_up(), self._wait)
        except (TimeoutError, StoreUnavailableError) as error:
            raise RevisionNotReachedError(wanted, self._follower.snapshot.revision) from error
