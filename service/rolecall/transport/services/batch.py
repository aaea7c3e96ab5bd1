"""Batches: all decisions are of one revision and one time, however long a batch takes."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from itertools import count, islice
from time import perf_counter

from google.protobuf.message import DecodeError

from rolecall.callers.caller import Caller
from rolecall.engine.consistency import Freshness
from rolecall.engine.decision import Answer
from rolecall.engine.decision_point import DecisionPoint, LongWorkError
from rolecall.engine.decision_record import IssuedAnswer
from rolecall.engine.errors import EngineError
from rolecall.engine.long_answers import DecisionMoment, LongAnswers
from rolecall.engine.request import AssumeRoleRequest
from rolecall.engine.snapshot import RoleVersion
from rolecall.engine.turns import LongWork
from rolecall.transport.codecs.batch import BatchAnswers, refusal
from rolecall.transport.codecs.decision import MALFORMED_QUERY
from rolecall.transport.codecs.federation import log_refusal
from rolecall.transport.error_status import status_of
from rolecall.transport.errors import PermissionDeniedError
from rolecall.transport.rights.checks import QuestionRights

PORTION = 64
"""How many items of a batch whose answers are remembered are answered together, in less than a tenth of a millisecond."""


class DecisionIds:
    """The ids of decisions: the name of this process and a number."""

    def __init__(self) -> None:
        self.form, self.numbers = secrets.token_hex(6).encode() + b"-%x", count(1)

    def next(self) -> str:
        """Return the next id."""
        return self.next_bytes().decode()

    def next_bytes(self) -> bytes:
        """Return the next id in UTF-8."""
        return self.form % next(self.numbers)


class Batch:
    """A batch that is decided by a moment and the versions of its roles.

    `decided` has its decisions if they are to be reported.
    """

    __slots__ = (
        "_encode",
        "_now",
        "_point",
        "_reported",
        "_requests",
        "_staleness",
        "_versions",
        "decided",
        "moment",
        "results",
    )

    def __init__(
        self,
        point: DecisionPoint,
        requests: Sequence[AssumeRoleRequest],
        versions: Sequence[RoleVersion | None],
        moment: DecisionMoment,
        *,
        reported: bool,
    ) -> None:
        self._point, self._reported, self.moment = point, reported, moment
        self._requests, self._versions = requests, versions
        self.results: list[bytes] = []
        self.decided: list[tuple[AssumeRoleRequest, IssuedAnswer]] = []
        self._use_staleness(moment.age.at_first)

    @property
    def done(self) -> bool:
        """Return whether every request has its result."""
        return len(self.results) == len(self._requests)

    def grow_older(self) -> None:
        """Report the staleness of this time from now on; raise `StaleStateError` above the limit."""
        self._use_staleness(self.moment.age.staleness())

    def decide_until(self, until: float, ids: DecisionIds) -> tuple[AssumeRoleRequest, RoleVersion | None] | None:
        """Decide requests until the time `until`; stop at one that needs long work, and return that."""
        restored = self.moment.restored
        while not self.done:
            portion = slice(len(self.results), len(self.results) + PORTION)
            requests, versions = self._requests[portion], self._versions[portion]
            if perf_counter() < until and not restored and self._add_remembered(requests, versions, ids):
                continue
            for request, version in zip(requests, versions, strict=True):
                try:
                    answer = self._point.check_version(request, version, self.moment.time, restored=restored)
                except LongWorkError:
                    return request, version
                except EngineError as error:
                    self.refuse(error)
                else:
                    self.add(request, answer, ids.next_bytes())
                if perf_counter() > until:
                    return None
        return None

    def add(self, request: AssumeRoleRequest, answer: Answer, decision_id: bytes) -> None:
        """Add the answer to the next request."""
        self.results.append(self._encode(answer, decision_id, self._now))
        if self._reported:
            self._report(request, answer, decision_id)

    def _add_remembered(
        self, requests: Sequence[AssumeRoleRequest], versions: Sequence[RoleVersion | None], ids: DecisionIds
    ) -> bool:
        """Add the answers to the next requests if all of them are remembered; return whether they were."""
        answers = self._point.remembered(requests, versions, self.moment.time)
        if answers is None:
            return False
        encode, now, form = self._encode, self._now, ids.form
        numbered = [form % number for number in islice(ids.numbers, len(answers))]
        self.results += [encode(answer, id_, now) for answer, id_ in zip(answers, numbered, strict=True)]
        if self._reported:
            for decided in zip(requests, answers, numbered, strict=True):
                self._report(*decided)
        return True

    def refuse(self, error: EngineError) -> None:
        """Add the error of the next request."""
        self.results.append(refusal(status_of(error)))

    def _report(self, request: AssumeRoleRequest, answer: Answer, decision_id: bytes) -> None:
        time, revision = self.moment.time, self.moment.revision
        self.decided.append((request, IssuedAnswer(answer, decision_id.decode(), time, revision, self._staleness)))

    def _use_staleness(self, staleness: int) -> None:
        self._staleness, self._now = staleness, self.moment.time_at(staleness)
        self._encode = BatchAnswers(revision=self.moment.revision, staleness=staleness).result


class Batches:
    """Decides batches in three steps.

    1. Decode the queries, and judge whether the caller may ask them.
    2. At one moment, take the version of every role that they name, and all else that the answers depend on.
    3. Decide each query by that. Writes meanwhile change nothing; the reported staleness grows.
    """

    def __init__(
        self,
        point: DecisionPoint,
        consistency: Freshness,
        rights: QuestionRights,
        ids: DecisionIds,
        answers: LongAnswers,
    ) -> None:
        self._point, self._consistency, self._rights = point, consistency, rights
        self._ids, self._answers = ids, answers

    async def decide(self, queries: Sequence[bytes], caller: Caller, *, reported: bool) -> Batch:
        """Decide a batch of a caller; raise `StaleStateError` when its state is too stale before it ends."""
        work = self._answers.turns.begin()
        refused: dict[int, bytes] = {}
        requests = await self._decode(queries, caller, work, refused)
        # From here until the versions are taken nothing is awaited, so they are those of the moment.
        moment = DecisionMoment.now(self._point, self._consistency)
        versions = self._point.snapshot.versions_of([request.role_key for request in requests])
        batch = Batch(self._point, requests, versions, moment, reported=reported)
        while not batch.done:
            if long := batch.decide_until(work.until, self._ids):
                await self._add_long(batch, *long, work)
            elif not batch.done:
                await work.next_turn()
                batch.grow_older()
        work.end()
        if refused:
            results = iter(batch.results)
            batch.results = [refused[n] if n in refused else next(results) for n in range(len(queries))]
        return batch

    async def _decode(
        self, queries: Sequence[bytes], caller: Caller, work: LongWork, refused: dict[int, bytes]
    ) -> list[AssumeRoleRequest]:
        """Return the requests of queries; the results of those that are refused go to `refused`, by their positions."""
        requests: list[AssumeRoleRequest] = []
        errors: list[Exception] = []
        now = self._point.clock()
        for start in range(0, len(queries), PORTION):
            portion = queries[start : start + PORTION]
            if perf_counter() < work.until and (known := self._rights.known(portion, caller, now)):
                requests += known
                continue
            for query in portion:
                if perf_counter() > work.until:
                    await work.next_turn()
                    now = self._point.clock()
                try:
                    requests.append(self._rights.request(query, caller, now))
                except (EngineError, PermissionDeniedError) as error:
                    errors.append(error)
                    refused[len(requests) + len(refused)] = refusal(status_of(error))
                except DecodeError:
                    refused[len(requests) + len(refused)] = refusal(status_of(MALFORMED_QUERY))
        # Not before: a batch of which a query is for another server is judged again, and its refusals are logged then.
        for refused_by in errors:
            log_refusal(refused_by)
        return requests

    async def _add_long(
        self, batch: Batch, request: AssumeRoleRequest, version: RoleVersion | None, work: LongWork
    ) -> None:
        try:
            answer = await self._answers.check(request, version, batch.moment, work)
        except EngineError as error:
            batch.grow_older()
            batch.refuse(error)
        else:
            # First: the answer was waited for, and says how old the state is by now.
            batch.grow_older()
            batch.add(request, answer, self._ids.next_bytes())
