"""Puts decoded questions to the decision point."""

from __future__ import annotations

import secrets
from itertools import count
from typing import Any

from rolecall.engine.consistency import Consistency
from rolecall.engine.decision_point import DecisionPoint
from rolecall.engine.errors import BatchSizeError, EngineError, NotAvailableError
from rolecall.engine.explanation import explain_decision
from rolecall_client.v1 import decision_pb2 as pb, decision_pb2_grpc as rpc

from .codec_decision import QueryDecoder, micros_of, requirement, write_answer
from .codec_explanation import explain_response
from .status import status_of


class DecisionServicer(rpc.DecisionServiceServicer):
    """Answers whether principals may assume roles. Between two awaits the state is constant, so a batch sees one revision."""

    def __init__(
        self, point: DecisionPoint, consistency: Consistency, decoder: QueryDecoder, *, max_batch: int
    ) -> None:
        self._point, self._consistency, self._decoder = point, consistency, decoder
        self._max_batch = max_batch
        self._process, self._numbers = secrets.token_hex(6), count(1)

    async def CheckAssumeRole(self, message: pb.CheckAssumeRoleRequest, context: Any) -> pb.CheckAssumeRoleResponse:
        """Answer one question."""
        if message.HasField("consistency"):
            await self._reach(message.consistency)
        point = self._point
        answer = point.check(self._decoder.request(message.query), point.clock())
        response = pb.CheckAssumeRoleResponse(consistency_token=self._consistency.token())
        write_answer(response.decision, answer, self._decision_id(), point.snapshot.revision)
        return response

    async def BatchCheckAssumeRole(
        self, message: pb.BatchCheckAssumeRoleRequest, context: Any
    ) -> pb.BatchCheckAssumeRoleResponse:
        """Answer many questions at one revision and one time."""
        if not 1 <= len(message.queries) <= self._max_batch:
            raise BatchSizeError(len(message.queries), self._max_batch)
        if message.HasField("consistency"):
            await self._reach(message.consistency)
        response = pb.BatchCheckAssumeRoleResponse(consistency_token=self._consistency.token())
        self._answer_all(message, response)
        return response

    async def ExplainAssumeRole(
        self, message: pb.ExplainAssumeRoleRequest, context: Any
    ) -> pb.ExplainAssumeRoleResponse:
        """Answer one question and show why."""
        if message.HasField("at_revision"):
            raise NotAvailableError("explaining at an earlier revision")
        await self._reach(message.consistency)
        assumed = message.HasField("assume_time")
        now = micros_of(message.assume_time, "assume_time") if assumed else self._point.clock()
        explanation = explain_decision(self._point, self._decoder.request(message.query), now)
        return explain_response(
            explanation,
            decision_id=self._decision_id(),
            revision=self._point.snapshot.revision,
            token=self._consistency.token(),
        )

    def _answer_all(self, message: pb.BatchCheckAssumeRoleRequest, response: pb.BatchCheckAssumeRoleResponse) -> None:
        point, request, add = self._point, self._decoder.request, response.results.add
        check, revision, now = point.check, point.snapshot.revision, point.clock()
        for query in message.queries:
            result = add()
            try:
                answer = check(request(query), now)
            except EngineError as error:
                result.error.CopyFrom(status_of(error))
            else:
                write_answer(result.decision, answer, self._decision_id(), revision)

    async def _reach(self, message: pb.Consistency) -> None:
        required = requirement(message)
        if required is not None:
            await self._consistency.reach(required)

    def _decision_id(self) -> str:
        return f"{self._process}-{next(self._numbers):x}"
