"""The DecisionService: decodes requests, asks the decision point, and encodes its answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import grpc

from rolecall.callers.caller import Caller
from rolecall.engine.consistency import Freshness
from rolecall.engine.decision import Answer, ServedFrom
from rolecall.engine.decision_point import DecisionPoint, LongWorkError
from rolecall.engine.decision_record import IssuedAnswer
from rolecall.engine.errors import BatchSizeError, EngineError
from rolecall.engine.history import History
from rolecall.engine.long_answers import DecisionMoment, LongAnswers
from rolecall.engine.request import AssumeRoleRequest
from rolecall.roles.role import Revision
from rolecall.transport.codecs.batch import CheckAnswers, batch_response
from rolecall.transport.codecs.decision import QueryDecoder, micros_of, requirement, write_answer
from rolecall.transport.codecs.explanation import explain_response
from rolecall.transport.codecs.raw import (
    RawBatchRequest,
    RawCheckRequest,
    RawStreamRequest,
    lone_query,
    query_bytes,
)
from rolecall.transport.rights.actions import (
    CHECK_ASSUME_ROLE,
    EXPLAIN_ASSUME_ROLE,
    LIST_TRUSTED_PRINCIPALS,
    READ_HISTORY,
)
from rolecall.transport.rights.checks import QuestionRights
from rolecall.transport.rpc.call_origin import Identify
from rolecall.transport.rpc.stream_callers import StreamCallers
from rolecall.transport.rpc.streams import BidiStream
from rolecall.transport.services.batch import Batches, DecisionIds
from rolecall.transport.services.observed_calls import ObservedCalls, Report
from rolecall.transport.services.reverse import ReverseQueries
from rolecall.transport.services.stream import StreamedChecks
from rolecall_client.v1 import decision_pb2 as pb, decision_pb2_grpc as rpc


@dataclass(frozen=True, slots=True, kw_only=True)
class Callers:
    """How a service finds the caller of a call and of an open stream, and its rights."""

    identify: Identify
    streams: StreamCallers
    rights: QuestionRights


class DecisionServicer(rpc.DecisionServiceServicer):
    """Answers whether principals may assume roles. `calls` is None when no observer is notified of decisions.

    `streamed` answers the messages of streams.
    """

    def __init__(
        self,
        point: DecisionPoint,
        consistency: Freshness,
        decoder: QueryDecoder,
        *,
        callers: Callers,
        reverse: ReverseQueries,
        history: History,
        max_batch: int,
        answers: LongAnswers,
        calls: ObservedCalls | None = None,
    ) -> None:
        self._point, self._consistency, self._decoder = point, consistency, decoder
        self._reverse, self._history, self._answers = reverse, history, answers
        self._max_batch, self._calls, self._ids = max_batch, calls, DecisionIds()
        self._identify, self._rights, self._encode_check = callers.identify, callers.rights, CheckAnswers().response
        self._batches = Batches(point, consistency, callers.rights, self._ids, answers)
        self.streamed = StreamedChecks(
            point, consistency, callers.rights, callers.streams, self._ids, answer_long=self._answer_long, calls=calls
        )

    def raw_handlers(self) -> dict[str, grpc.RpcMethodHandler[Any, Any]]:
        """Return the handlers of the methods that take queries as bytes; on the wire they are the generated ones."""
        check: grpc.RpcMethodHandler[Any, Any] = grpc.unary_unary_rpc_method_handler(
            self.CheckAssumeRole, RawCheckRequest.FromString, pb.CheckAssumeRoleResponse.SerializeToString
        )
        batch: grpc.RpcMethodHandler[Any, Any] = grpc.unary_unary_rpc_method_handler(
            self.BatchCheckAssumeRole, RawBatchRequest.FromString, bytes
        )
        stream: grpc.RpcMethodHandler[Any, Any] = grpc.stream_stream_rpc_method_handler(
            self.StreamCheckAssumeRole,
            RawStreamRequest.FromString,
            bytes,
        )
        return {"CheckAssumeRole": check, "BatchCheckAssumeRole": batch, "StreamCheckAssumeRole": stream}

    async def CheckAssumeRole(self, message: Any, context: Any) -> pb.CheckAssumeRoleResponse:
        """Answer a `RawCheckRequest`."""
        call = self._calls.begin("CheckAssumeRole", context) if self._calls else None
        query, caller = query_bytes(message), self._identify(context)
        if message.HasField("consistency"):
            self._rights.request(query, caller, self._point.clock())
            await self._reach(message.consistency)
        response, report = pb.CheckAssumeRoleResponse(), call.report if call else None
        try:
            self._answer(query, caller, response.decision, report)
            response.consistency_token = self._consistency.token()
        except LongWorkError:
            response.consistency_token = await self._answer_long(query, caller, response.decision, report)
        return response

    def check_at_once(self, data: bytes, context: Any) -> bytes | None:
        """Answer a `CheckAssumeRoleRequest` from bytes to bytes; return None if something must be awaited, raise what it raises."""
        query = lone_query(data)
        if query is None:
            message = RawCheckRequest.FromString(data)
            if message.HasField("consistency"):
                return None
            query = query_bytes(message)
        call = self._calls.begin("CheckAssumeRole", context) if self._calls else None
        point = self._point
        now = point.clock()
        request = self._rights.request(query, self._identify(context), now)
        snapshot, staleness = point.snapshot, self._consistency.staleness()
        try:
            answer = point.check_version(request, snapshot.version(request.role_key), now, restored=snapshot.restored)
        except LongWorkError:
            return None
        decision_id, revision = self._ids.next_bytes(), snapshot.revision
        token = self._consistency.token()
        response = self._encode_check(answer, decision_id, now, revision=revision, staleness=staleness, token=token)
        # Last: after a failure the method answers the call again, and one answer is reported once.
        if call:
            call.report(request, IssuedAnswer(answer, decision_id.decode(), now, revision, staleness))
        return response

    async def BatchCheckAssumeRole(self, message: Any, context: Any) -> Any:
        """Answer a `RawBatchRequest` with the bytes of the response: all queries at one revision and one time."""
        call, caller = (
            self._calls.begin("BatchCheckAssumeRole", context) if self._calls else None,
            self._identify(context),
        )
        if not message.queries:
            # A call that names no role asks about everything.
            self._rights.require_role(CHECK_ASSUME_ROLE, "", caller)
        if not 1 <= len(message.queries) <= self._max_batch:
            raise BatchSizeError(len(message.queries), self._max_batch)
        if message.HasField("consistency"):
            await self._reach(message.consistency)
        batch = await self._batches.decide(message.queries, caller, reported=call is not None)
        if call:
            report = call.end()
            for decided in batch.decided:
                report(*decided)
        return batch_response(batch.results, batch.moment.token)

    async def StreamCheckAssumeRole(  # type: ignore[override]  # messages are read and written by the method itself
        self, stream: BidiStream[Any, bytes], context: Any
    ) -> None:
        """Answer each `RawStreamRequest` with the bytes of a response as it arrives, in order."""
        await self.streamed.answer(stream, context, self.streamed.response)

    async def ExplainAssumeRole(
        self, message: pb.ExplainAssumeRoleRequest, context: Any
    ) -> pb.ExplainAssumeRoleResponse:
        """Answer one query and explain the decision, as of now or of an assumed time and revision."""
        call = self._calls.begin("ExplainAssumeRole", context) if self._calls else None
        request = self._explained(message, self._identify(context))
        await self._reach(message.consistency)
        self._consistency.staleness()
        assumed_time = micros_of(message.assume_time, "assume_time") if message.HasField("assume_time") else None
        at_revision = message.at_revision if message.HasField("at_revision") else None
        past = None if at_revision is None else await self._history.version(request.role_key, at_revision)
        moment = DecisionMoment.now(self._point, self._consistency)
        version = self._point.snapshot.version(request.role_key) if at_revision is None else past
        time = moment.time if assumed_time is None else assumed_time
        explanation, staleness = await self._answers.explain(request, version, moment, time)
        revision = moment.revision if at_revision is None else Revision(at_revision)
        served_from = ServedFrom.RESTORED if moment.restored else ServedFrom.EVALUATED
        answer = Answer(explanation.decision, served_from)
        issued = IssuedAnswer(answer, self._ids.next(), moment.time, revision, staleness)
        if call:
            call.end(assumed_time=assumed_time, at_revision=at_revision)(request, issued)
        return explain_response(
            explanation,
            decision_id=issued.decision_id,
            revision=revision,
            role_revision=version.role.revision if version else 0,
            token=moment.token,
            staleness=staleness,
            served_from=served_from,
            now=moment.time_at(staleness),
        )

    async def ListAssumableRoles(
        self, message: pb.ListAssumableRolesRequest, context: Any
    ) -> pb.ListAssumableRolesResponse:
        """Return a page of the roles that an identity can assume."""
        caller = self._identify(context)
        self._reverse.require_assumable(message, caller)
        self._consistency.staleness()
        return await self._reverse.assumable(message, caller)

    async def ListTrustedPrincipals(
        self, message: pb.ListTrustedPrincipalsRequest, context: Any
    ) -> pb.ListTrustedPrincipalsResponse:
        """Return the principals that a role trusts."""
        self._rights.require_role(LIST_TRUSTED_PRINCIPALS, message.role, self._identify(context))
        self._consistency.staleness()
        return await self._reverse.trusted(message)

    def _explained(self, message: pb.ExplainAssumeRoleRequest, caller: Caller) -> AssumeRoleRequest:
        """Return the request of a query that the caller may have explained."""
        try:
            request = self._decoder.read(message.query)
        except EngineError:
            self._rights.require_role(EXPLAIN_ASSUME_ROLE, message.query.role, caller)
            raise
        self._rights.require(EXPLAIN_ASSUME_ROLE, message.query.role, request, caller)
        if message.HasField("at_revision"):
            self._rights.require_role(READ_HISTORY, message.query.role, caller)
        return request

    def _answer(self, query: bytes, caller: Caller, message: pb.Decision, report: Report | None) -> None:
        """Decide a query, fill an empty message with the answer, and report it; raise `LongWorkError`."""
        point = self._point
        now = point.clock()
        request = self._rights.request(query, caller, now)
        snapshot, staleness = point.snapshot, self._consistency.staleness()
        answer = point.check_version(request, snapshot.version(request.role_key), now, restored=snapshot.restored)
        decision_id, revision = self._ids.next(), snapshot.revision
        write_answer(message, answer, decision_id, revision, staleness, now=now)
        if report:
            report(request, IssuedAnswer(answer, decision_id, now, revision, staleness))

    async def _answer_long(self, query: bytes, caller: Caller, message: pb.Decision, report: Report | None) -> str:
        """Do as `_answer` for a query that needs long work; return the consistency token of the answer."""
        request = self._rights.request(query, caller, self._point.clock())
        moment = DecisionMoment.now(self._point, self._consistency)
        version = self._point.snapshot.version(request.role_key)
        answer = await self._answers.check(request, version, moment, self._answers.turns.begin())
        decision_id, staleness = self._ids.next(), moment.age.staleness()
        write_answer(message, answer, decision_id, moment.revision, staleness, now=moment.time_at(staleness))
        if report:
            report(request, IssuedAnswer(answer, decision_id, moment.time, moment.revision, staleness))
        return moment.token

    async def _reach(self, message: pb.Consistency) -> None:
        required = requirement(message)
        if required is not None:
            await self._consistency.reach(required)
