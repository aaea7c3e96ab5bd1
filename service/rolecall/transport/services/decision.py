"""The DecisionService: decodes requests, asks the decision point, and encodes its answers."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from itertools import count, repeat
from math import inf
from time import perf_counter
from typing import Any, NamedTuple

import grpc
from google.protobuf.message import DecodeError

from rolecall.engine.consistency import Consistency
from rolecall.engine.decision import Answer, ServedFrom
from rolecall.engine.decision_point import DecisionPoint
from rolecall.engine.decision_record import IssuedAnswer
from rolecall.engine.errors import BatchSizeError, EngineError
from rolecall.engine.explanation import Explanation, explain_decision, explain_version
from rolecall.engine.history import RoleHistory
from rolecall.engine.request import AssumeRoleRequest
from rolecall.roles.role import Revision
from rolecall.transport.codecs.batch import BatchAnswers, refusal
from rolecall.transport.codecs.decision import MALFORMED_QUERY, QueryDecoder, micros_of, requirement, write_answer
from rolecall.transport.codecs.explanation import explain_response
from rolecall.transport.codecs.raw import (
    RawBatchRequest,
    RawBatchResponse,
    RawCheckRequest,
    RawStreamRequest,
    query_bytes,
)
from rolecall.transport.error_status import status_of
from rolecall.transport.rpc.streams import BidiStream
from rolecall.transport.services.observed_calls import ObservedCalls, Report
from rolecall.transport.services.reverse import ReverseQueries
from rolecall_client.v1 import decision_pb2 as pb, decision_pb2_grpc as rpc

PATIENCE_SECONDS = 0.01
"""How long a batch may run before it yields to other calls."""

TRIES = 3
"""How often a batch is started when the state changes while it yields."""


class _Decided(NamedTuple):
    """An answered query of a batch."""

    request: AssumeRoleRequest
    answer: Answer
    decision_id: str


class _Batch(NamedTuple):
    """The results of a batch, and, if they are to be reported, the decisions in them."""

    revision: Revision
    staleness: int
    results: list[bytes]
    decided: list[_Decided]


class DecisionServicer(rpc.DecisionServiceServicer):
    """Answers whether principals may assume roles. `calls` is None when no observer is notified of decisions."""

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
        calls: ObservedCalls | None = None,
    ) -> None:
        self._point, self._consistency, self._decoder = point, consistency, decoder
        self._reverse, self._history = reverse, history
        self._max_batch, self._patience, self._calls = max_batch, patience, calls
        self._process, self._numbers = secrets.token_hex(6).encode(), count(1)

    def raw_handlers(self) -> dict[str, grpc.RpcMethodHandler[Any, Any]]:
        """Return the handlers of the methods that take queries as bytes; on the wire they are the generated ones."""
        check: grpc.RpcMethodHandler[Any, Any] = grpc.unary_unary_rpc_method_handler(
            self.CheckAssumeRole, RawCheckRequest.FromString, pb.CheckAssumeRoleResponse.SerializeToString
        )
        batch: grpc.RpcMethodHandler[Any, Any] = grpc.unary_unary_rpc_method_handler(
            self.BatchCheckAssumeRole, RawBatchRequest.FromString, RawBatchResponse.SerializeToString
        )
        stream: grpc.RpcMethodHandler[Any, Any] = grpc.stream_stream_rpc_method_handler(
            self.StreamCheckAssumeRole,
            RawStreamRequest.FromString,
            pb.StreamCheckAssumeRoleResponse.SerializeToString,
        )
        return {"CheckAssumeRole": check, "BatchCheckAssumeRole": batch, "StreamCheckAssumeRole": stream}

    async def CheckAssumeRole(self, message: Any, context: Any) -> pb.CheckAssumeRoleResponse:
        """Answer a `RawCheckRequest`."""
        call = self._calls.begin("CheckAssumeRole", context) if self._calls else None
        if message.HasField("consistency"):
            await self._reach(message.consistency)
        response = pb.CheckAssumeRoleResponse()
        self._answer(query_bytes(message), response.decision, call.report if call else None)
        response.consistency_token = self._consistency.token()
        return response

    async def BatchCheckAssumeRole(self, message: Any, context: Any) -> Any:
        """Answer a `RawBatchRequest` with a `RawBatchResponse`: all queries at one revision and one time."""
        call = self._calls.begin("BatchCheckAssumeRole", context) if self._calls else None
        if not 1 <= len(message.queries) <= self._max_batch:
            raise BatchSizeError(len(message.queries), self._max_batch)
        if message.HasField("consistency"):
            await self._reach(message.consistency)
        batch = await self._decide_batch(message.queries)
        if call:
            self._report_batch(batch, call.end())
        return RawBatchResponse(results=batch.results, consistency_token=self._consistency.token())

    async def StreamCheckAssumeRole(  # type: ignore[override]  # messages are read and written by the method itself
        self, stream: BidiStream[Any, pb.StreamCheckAssumeRoleResponse], context: Any
    ) -> None:
        """Answer each `RawStreamRequest` as it arrives, in order."""
        report = self._calls.begin("StreamCheckAssumeRole", context).unending() if self._calls else None
        while (message := await stream.read()) is not None:
            response = pb.StreamCheckAssumeRoleResponse(sequence=message.sequence)
            try:
                self._answer(query_bytes(message), response.decision, report)
            except EngineError as error:
                response.error.CopyFrom(status_of(error))
            await stream.write(response)

    async def ExplainAssumeRole(
        self, message: pb.ExplainAssumeRoleRequest, context: Any
    ) -> pb.ExplainAssumeRoleResponse:
        """Answer one query and explain the decision, as of now or of an assumed time and revision."""
        call = self._calls.begin("ExplainAssumeRole", context) if self._calls else None
        await self._reach(message.consistency)
        staleness = self._consistency.staleness()
        request = self._decoder.read(message.query)
        time = micros_of(message.assume_time, "assume_time") if message.HasField("assume_time") else None
        at_revision = message.at_revision if message.HasField("at_revision") else None
        explanation = await self._explain(request, self._point.clock() if time is None else time, at_revision)
        snapshot, decision_id = self._point.snapshot, self._decision_id()
        revision = snapshot.revision if at_revision is None else Revision(at_revision)
        served_from = ServedFrom.RESTORED if snapshot.restored else ServedFrom.EVALUATED
        if call:
            answer = Answer(explanation.decision, served_from)
            issued = IssuedAnswer(answer, decision_id, self._point.clock(), revision, staleness)
            call.end(assumed_time=time, at_revision=at_revision)(request, issued)
        return explain_response(
            explanation,
            decision_id=decision_id,
            revision=revision,
            token=self._consistency.token(),
            staleness=staleness,
            served_from=served_from,
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
        """Return the principals that a role trusts."""
        self._consistency.staleness()
        return self._reverse.trusted(message)

    def _answer(self, query: bytes, message: pb.Decision, report: Report | None) -> None:
        """Decide a query, fill an empty message with the answer, and report it."""
        point, staleness = self._point, self._consistency.staleness()
        request, now = self._decoder.request(query), point.clock()
        answer = point.check(request, now)
        decision_id, revision = self._decision_id(), point.snapshot.revision
        write_answer(message, answer, decision_id, revision, staleness)
        if report:
            report(request, IssuedAnswer(answer, decision_id, now, revision, staleness))

    async def _decide_batch(self, queries: Sequence[bytes]) -> _Batch:
        """Decide at one revision. A long batch yields to other calls, and starts over when the state changes meanwhile."""
        # The last try does not yield, so that a stream of writes cannot keep a batch from being answered.
        for patience in (*repeat(self._patience, TRIES - 1), inf):
            batch = await self._try_batch(queries, patience)
            if batch is not None:
                return batch
        raise AssertionError("a batch that does not yield is always answered")

    async def _try_batch(self, queries: Sequence[bytes], patience: float) -> _Batch | None:
        """Decide the queries of a batch; return None when the state changed while it yielded."""
        point, request_of, process, numbers = self._point, self._decoder.request, self._process, self._numbers
        check, now, revision, until = point.check, point.clock(), point.snapshot.revision, perf_counter() + patience
        batch = _Batch(revision, self._consistency.staleness(), [], [])
        result, results = BatchAnswers(revision=revision, staleness=batch.staleness).result, batch.results
        decided = batch.decided if self._calls else None
        for query in queries:
            try:
                request = request_of(query)
                answer = check(request, now)
            except EngineError as error:
                results.append(refusal(status_of(error)))
            except DecodeError:
                results.append(refusal(status_of(MALFORMED_QUERY)))
            else:
                decision_id = b"%s-%x" % (process, next(numbers))
                results.append(result(answer, decision_id))
                if decided is not None:
                    decided.append(_Decided(request, answer, decision_id.decode()))
            if perf_counter() > until:
                await asyncio.sleep(0)
                if point.snapshot.revision != revision:
                    return None
                until = perf_counter() + patience
        return batch

    def _report_batch(self, batch: _Batch, report: Report) -> None:
        time = self._point.clock()
        for request, answer, decision_id in batch.decided:
            report(request, IssuedAnswer(answer, decision_id, time, batch.revision, batch.staleness))

    async def _explain(self, request: AssumeRoleRequest, now: int, at_revision: int | None) -> Explanation:
        if at_revision is None:
            return explain_decision(self._point, request, now)
        version = await self._history.version(request.role_key, at_revision)
        return explain_version(self._point, version, request, now)

    async def _reach(self, message: pb.Consistency) -> None:
        required = requirement(message)
        if required is not None:
            await self._consistency.reach(required)

    def _decision_id(self) -> str:
        return (b"%s-%x" % (self._process, next(self._numbers))).decode()
