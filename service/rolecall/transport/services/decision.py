"""Puts decoded questions to the decision point."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from itertools import count, repeat
from math import inf
from time import perf_counter
from typing import Any

import grpc

from rolecall.engine.consistency import Consistency
from rolecall.engine.decision_point import DecisionPoint
from rolecall.engine.errors import BatchSizeError, EngineError
from rolecall.engine.explanation import Explanation, explain_decision, explain_version
from rolecall.engine.history import RoleHistory
from rolecall.transport.codecs.batch import BatchAnswers, RawRequest, RawResponse, refusal
from rolecall.transport.codecs.decision import QueryDecoder, micros_of, requirement, write_answer
from rolecall.transport.codecs.explanation import explain_response
from rolecall.transport.error_status import status_of
from rolecall.transport.rpc.streams import BidiStream
from rolecall.transport.services.reverse import ReverseQueries
from rolecall_client.v1 import decision_pb2 as pb, decision_pb2_grpc as rpc

PATIENCE_SECONDS = 0.01
"""How long a batch may keep others waiting."""

TRIES = 3
"""How often a batch is begun when the state changes while others are let in."""


class DecisionServicer(rpc.DecisionServiceServicer):
    """Answers whether principals may assume roles. Between two awaits the state is constant; a batch sees one revision."""

    def __init__(
        self,
        point: DecisionPoint,
        consistency: Consistency,
        decoder: QueryDecoder,
        *,
        reverse: ReverseQueries,
        history: RoleHistory,
        max_batch: int,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        self._point, self._consistency, self._decoder = point, consistency, decoder
        self._reverse, self._history = reverse, history
        self._max_batch, self._patience = max_batch, patience
        self._process, self._numbers = secrets.token_hex(6).encode(), count(1)

    async def CheckAssumeRole(self, message: pb.CheckAssumeRoleRequest, context: Any) -> pb.CheckAssumeRoleResponse:
        """Answer one question."""
        if message.HasField("consistency"):
            await self._reach(message.consistency)
        point, staleness = self._point, self._consistency.staleness()
        answer = point.check(self._decoder.request(message.query), point.clock())
        response = pb.CheckAssumeRoleResponse(consistency_token=self._consistency.token())
        write_answer(response.decision, answer, self._decision_id(), point.snapshot.revision, staleness)
        return response

    async def BatchCheckAssumeRole(
        self, message: pb.BatchCheckAssumeRoleRequest, context: Any
    ) -> pb.BatchCheckAssumeRoleResponse:
        """Answer many questions at one revision and one time."""
        raw = await self.answer_batch(RawRequest.FromString(message.SerializeToString()), context)
        return pb.BatchCheckAssumeRoleResponse.FromString(raw.SerializeToString())

    async def answer_batch(self, message: Any, context: Any) -> Any:
        """Answer a `RawRequest` with a `RawResponse`: the same messages on the wire, at a third of the cost."""
        if not 1 <= len(message.queries) <= self._max_batch:
            raise BatchSizeError(len(message.queries), self._max_batch)
        if message.HasField("consistency"):
            await self._reach(message.consistency)
        results = await self._answers(message.queries)
        return RawResponse(results=results, consistency_token=self._consistency.token())

    def raw_handlers(self) -> dict[str, grpc.RpcMethodHandler[Any, Any]]:
        """Return the methods that have a cheaper handler than the generated one, which reads and writes the same bytes."""
        batch: grpc.RpcMethodHandler[Any, Any] = grpc.unary_unary_rpc_method_handler(
            self.answer_batch, RawRequest.FromString, RawResponse.SerializeToString
        )
        return {"BatchCheckAssumeRole": batch}

    async def StreamCheckAssumeRole(  # type: ignore[override]  # messages are read and written by the method itself
        self, stream: BidiStream[pb.StreamCheckAssumeRoleRequest, pb.StreamCheckAssumeRoleResponse], context: Any
    ) -> None:
        """Answer questions as they come, in order."""
        while (message := await stream.read()) is not None:
            response = pb.StreamCheckAssumeRoleResponse(sequence=message.sequence)
            self._answer_one(message, response)
            await stream.write(response)

    async def ExplainAssumeRole(
        self, message: pb.ExplainAssumeRoleRequest, context: Any
    ) -> pb.ExplainAssumeRoleResponse:
        """Answer one question and show why."""
        await self._reach(message.consistency)
        staleness = self._consistency.staleness()
        explanation = await self._explained(message)
        then = message.HasField("at_revision")
        return explain_response(
            explanation,
            decision_id=self._decision_id(),
            revision=message.at_revision if then else self._point.snapshot.revision,
            token=self._consistency.token(),
            staleness=staleness,
            restored=self._point.snapshot.restored,
        )

    async def ListAssumableRoles(
        self, message: pb.ListAssumableRolesRequest, context: Any
    ) -> pb.ListAssumableRolesResponse:
        """Return a page of the roles that an identity can assume."""
        self._consistency.staleness()
        return await self._reverse.assumable(message)

    async def ListTrustedPrincipals(
        self, message: pb.ListTrustedPrincipalsRequest, context: Any
    ) -> pb.ListTrustedPrincipalsResponse:
        """Return whom a role trusts."""
        self._consistency.staleness()
        return self._reverse.trusted(message)

    async def _answers(self, queries: Sequence[bytes]) -> list[bytes]:
        """Answer at one revision. A batch that takes long lets others in; if the state changes meanwhile it begins anew.

        At the last try nobody is let in, so that writes cannot keep a batch from its answers.
        """
        for patience in (*repeat(self._patience, TRIES - 1), inf):
            results = await self._answers_at_one_revision(queries, patience)
            if results is not None:
                break
        return results or []

    async def _answers_at_one_revision(self, queries: Sequence[bytes], patience: float) -> list[bytes] | None:
        point, read = self._point, self._decoder.request_of
        check, now, process, numbers = point.check, point.clock(), self._process, self._numbers
        revision, until = point.snapshot.revision, perf_counter() + patience
        result = BatchAnswers(revision=revision, staleness=self._consistency.staleness()).result
        results = []
        for query in queries:
            try:
                results.append(result(check(read(query), now), b"%s-%x" % (process, next(numbers))))
            except EngineError as error:
                results.append(refusal(status_of(error)))
            if perf_counter() > until:
                await asyncio.sleep(0)
                if point.snapshot.revision != revision:
                    return None
                until = perf_counter() + patience
        return results

    def _answer_one(self, message: pb.StreamCheckAssumeRoleRequest, response: pb.StreamCheckAssumeRoleResponse) -> None:
        point = self._point
        try:
            staleness = self._consistency.staleness()
            answer = point.check(self._decoder.request(message.query), point.clock())
        except EngineError as error:
            response.error.CopyFrom(status_of(error))
        else:
            write_answer(response.decision, answer, self._decision_id(), point.snapshot.revision, staleness)

    async def _explained(self, message: pb.ExplainAssumeRoleRequest) -> Explanation:
        request, assumed = self._decoder.request(message.query), message.HasField("assume_time")
        now = micros_of(message.assume_time, "assume_time") if assumed else self._point.clock()
        if not message.HasField("at_revision"):
            return explain_decision(self._point, request, now)
        version = await self._history.version(request.role_key, message.at_revision)
        return explain_version(self._point, version, request, now)

    async def _reach(self, message: pb.Consistency) -> None:
        required = requirement(message)
        if required is not None:
            await self._consistency.reach(required)

    def _decision_id(self) -> str:
        return (b"%s-%x" % (self._process, next(self._numbers))).decode()
