"""Asks one server in every way: single checks, batches, a stream, explanations of now, of the past and at boundaries of time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from random import Random
from typing import TypeAlias

import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from rolecall_client.v1 import decision_pb2 as d
from tests.soak.answers import Answered
from tests.soak.evaluator import LAST, Asked
from tests.soak.model import KEPT_REVISIONS, Model, key_of_text, microseconds
from tests.soak.questions import query_of, question
from tests.soak.sending import CALL_SECONDS
from tests.soak.servers import Asks
from tests.soak.vocabulary import ACCOUNTS, ASKING, NAMES

ROLES = [f"acs:ram::{account}:role/{name}" for account in ACCOUNTS for name in NAMES]

Way: TypeAlias = "Callable[[], Awaitable[None]]"

_PLAIN_QUESTION = Asked(principal=ASKING[0], role=ROLES[0])
_REPEATED_QUESTIONS = 60
_PAUSE_SECONDS = 0.01
_EDGE_STEPS = (-1, 0, 1)


class Asker:
    """Asks one server during one round; some questions are repeated, so that their answers are cached.

    `since` is the revision that the server had reached when the round began.
    """

    def __init__(self, server: Asks, model: Model, random: Random, since: int) -> None:
        self._server, self._model, self._random, self._since = server, model, random, since
        self._repeated = [self._new_question() for _ in range(_REPEATED_QUESTIONS)]
        self.answers: list[Answered] = []

    async def ask_until(self, until: float, most: int) -> None:
        """Ask in every way at once until a monotonic time, or until there are so many answers."""
        async with asyncio.TaskGroup() as group:
            for way in (
                self._check,
                self._check,
                self._batch,
                self._stream,
                self._explain,
                self._explain_at_edge,
                self._explain_past,
            ):
                group.create_task(self._repeat(way, until, most))

    async def check_current(self) -> None:
        """Ask one question that the newest state must decide: afterwards the server has reached it."""
        await self._checked(_PLAIN_QUESTION, d.Consistency(at_least_as_fresh=self._model.token))

    async def _repeat(self, way: Way, until: float, most: int) -> None:
        while time.monotonic() < until and len(self.answers) < most:
            await way()
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _check(self) -> None:
        draw = self._random.random()
        if draw < 0.2:
            await self._checked(self._question(), d.Consistency(at_least_as_fresh=self._model.token))
        elif draw < 0.3:
            await self._checked(self._question(), d.Consistency(fully_consistent=True))
        else:
            await self._checked(self._question(), None)

    async def _checked(self, asked: Asked, consistency: d.Consistency | None) -> None:
        sent = microseconds()
        least = self._since if consistency is None else self._model.revision
        request = d.CheckAssumeRoleRequest(query=query_of(asked), consistency=consistency)
        try:
            answer = await self._server.decisions.CheckAssumeRole(request, timeout=CALL_SECONDS)
        except grpc.aio.AioRpcError as error:
            self._add("check", asked, sent, least, error=_text_of(error))
        else:
            self._add("check", asked, sent, least, decision=answer.decision)

    async def _batch(self) -> None:
        asked = [self._question() for _ in range(self._random.randint(1, 40))]
        request, sent = d.BatchCheckAssumeRoleRequest(queries=map(query_of, asked)), microseconds()
        try:
            answer = await self._server.decisions.BatchCheckAssumeRole(request, timeout=CALL_SECONDS)
        except grpc.aio.AioRpcError as error:
            self._add("batch", asked[0], sent, self._since, error=f"the whole batch: {_text_of(error)}")
            return
        revisions = {result.decision.revision for result in answer.results if result.HasField("decision")}
        if len(answer.results) != len(asked) or len(revisions) > 1:
            what = f"a batch of {len(asked)} has {len(answer.results)} answers of the revisions {revisions}"
            self._add("batch", asked[0], sent, self._since, error=what)
            return
        for one, result in zip(asked, answer.results, strict=True):
            self._add_result("batch", one, sent, result)

    async def _stream(self) -> None:
        asked = [self._question() for _ in range(self._random.randint(1, 40))]
        sent: list[int] = []

        async def messages() -> AsyncIterator[d.StreamCheckAssumeRoleRequest]:
            for sequence, one in enumerate(asked):
                sent.append(microseconds())
                yield d.StreamCheckAssumeRoleRequest(sequence=sequence, query=query_of(one))
                if sequence % 10 == 9:
                    await asyncio.sleep(_PAUSE_SECONDS)

        received = list[int]()
        fault = ""
        try:
            async for result in self._server.decisions.StreamCheckAssumeRole(messages(), timeout=CALL_SECONDS):
                received.append(result.sequence)
                self._add_result("stream", asked[result.sequence], sent[result.sequence], result)
        except grpc.aio.AioRpcError as error:
            fault = f"the whole stream: {_text_of(error)}"
        if fault or received != list(range(len(asked))):
            what = fault or f"{len(asked)} queries are answered in the order {received}"
            self._add("stream", asked[0], sent[0] if sent else microseconds(), self._since, error=what)

    async def _explain(self) -> None:
        await self._explained("explain", self._question())

    async def _explain_past(self) -> None:
        oldest = max(self._model.oldest, self._model.revision - self._random.choice((5, 100, KEPT_REVISIONS)))
        await self._explained("past", self._question(), past=self._random.randint(oldest, self._model.revision))

    async def _explain_at_edge(self) -> None:
        """Ask about the microseconds around an instant at which the policy may change its answer."""
        asked = self._question()
        role = self._model.now(key_of_text(asked.role))
        edge = self._random.choice(role.edges) if role and role.edges else microseconds()
        await self._explained("boundary", asked, at=min(edge + self._random.choice(_EDGE_STEPS), LAST))

    async def _explained(self, way: str, asked: Asked, *, past: int | None = None, at: int | None = None) -> None:
        request = d.ExplainAssumeRoleRequest(query=query_of(asked), at_revision=past)
        if at is not None:
            request.assume_time.CopyFrom(Timestamp(seconds=at // 1_000_000, nanos=at % 1_000_000 * 1_000))
        # A replica can explain a revision when it has reached it.
        if past is not None:
            request.consistency.at_least_as_fresh = self._model.token
        least, sent = (self._since if past is None else self._model.revision), microseconds()
        try:
            answer = await self._server.decisions.ExplainAssumeRole(request, timeout=CALL_SECONDS)
        except grpc.aio.AioRpcError as error:
            self._add(way, asked, sent, least, error=_text_of(error), past=past, at=at)
        else:
            self._add(way, asked, sent, least, decision=answer.decision, past=past, at=at, explained=answer)

    def _question(self) -> Asked:
        return self._random.choice(self._repeated) if self._random.random() < 0.6 else self._new_question()

    def _new_question(self) -> Asked:
        arn = self._random.choice(ROLES)
        role = self._model.now(key_of_text(arn))
        return question(self._random, arn, role.document if role else None)

    def _add_result(
        self, way: str, asked: Asked, sent: int, result: d.BatchCheckResult | d.StreamCheckAssumeRoleResponse
    ) -> None:
        if result.HasField("decision"):
            self._add(way, asked, sent, self._since, decision=result.decision)
        else:
            code = grpc.StatusCode.INVALID_ARGUMENT.name if result.error.code == 3 else str(result.error.code)
            self._add(way, asked, sent, self._since, error=f"{code}: {result.error.message}")

    def _add(
        self,
        way: str,
        asked: Asked,
        sent: int,
        least: int,
        *,
        decision: d.Decision | None = None,
        error: str = "",
        past: int | None = None,
        at: int | None = None,
        explained: d.ExplainAssumeRoleResponse | None = None,
    ) -> None:
        self.answers.append(
            Answered(
                way=way,
                server=self._server.name,
                asked=asked,
                sent=sent,
                received=microseconds(),
                least=least,
                decision=decision,
                error=error,
                past=past,
                at=at,
                explained=explained,
            )
        )


def _text_of(error: grpc.aio.AioRpcError) -> str:
    return f"{error.code().name}: {error.details()}"
