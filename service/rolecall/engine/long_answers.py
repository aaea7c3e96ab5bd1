"""Answers that take long: they are given from the state of one moment, in turns, and never restarted."""

from __future__ import annotations

from typing import NamedTuple

from rolecall.engine.consistency import Freshness, StateAge
from rolecall.engine.decision import Answer
from rolecall.engine.decision_point import DecisionPoint
from rolecall.engine.explanation import Explanation, explain_version
from rolecall.engine.large_documents import LargeDocuments
from rolecall.engine.request import AssumeRoleRequest
from rolecall.engine.snapshot import RoleVersion
from rolecall.engine.turns import LongWork, Turns
from rolecall.roles.role import Revision


class DecisionMoment(NamedTuple):
    """The state at one moment, except its roles; `time` is in microseconds, `token` the consistency token."""

    revision: Revision
    restored: bool
    time: int
    token: str
    age: StateAge

    @classmethod
    def now(cls, point: DecisionPoint, consistency: Freshness) -> DecisionMoment:
        """Return the current moment; raise `StaleStateError`. Role versions belong to it until the caller awaits something."""
        snapshot = point.snapshot
        return cls(snapshot.revision, snapshot.restored, point.clock(), consistency.token(), consistency.age())

    def time_at(self, staleness: int) -> int:
        """Return the time at which the state of this moment has a staleness, whatever the system clock was set to since."""
        return self.time + staleness - self.age.at_first


class LongAnswers:
    """Gives answers that take long, while the event loop serves everything else."""

    def __init__(self, point: DecisionPoint, turns: Turns, documents: LargeDocuments) -> None:
        self._point, self.turns, self.documents = point, turns, documents

    async def check(
        self, request: AssumeRoleRequest, version: RoleVersion | None, moment: DecisionMoment, work: LongWork
    ) -> Answer:
        """Decide a request by a version of its role, in a turn of its own; raise what `DecisionPoint.check` raises."""
        if version is not None:
            await self.documents.compile(version)
        await work.next_turn()
        return self._point.check_version(request, version, moment.time, restored=moment.restored, long=True)

    async def explain(
        self, request: AssumeRoleRequest, version: RoleVersion | None, moment: DecisionMoment, time: int
    ) -> tuple[Explanation, int]:
        """Decide a request at `time` as `explain_version` does, in a turn, and raise what that raises.

        Return the explanation and the staleness that the state of `moment` has by then.
        """
        document = None
        if version is not None:
            document = await self.documents.parse(version)
            await self.documents.compile(version)
        waited = await self.turns.take() or document is not None
        staleness = moment.age.staleness() if waited else moment.age.at_first
        return explain_version(self._point, version, request, time, document), staleness
