"""The DecisionService of an agent: it decides what it can, and puts the other checks to the server that it follows.

A batch is put to that server whole, so that its decisions are of one revision.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from rolecall.callers.caller import Caller
from rolecall.engine.clock import now_micros
from rolecall.engine.errors import EngineError, UpstreamOnlyError
from rolecall.transport.codecs.batch import batch_response, batch_result, refusal
from rolecall.transport.codecs.decision import MALFORMED_QUERY
from rolecall.transport.codecs.federation import log_refusal
from rolecall.transport.codecs.raw import RawBatchRequest, RawCheckRequest, RawStreamRequest
from rolecall.transport.error_status import status_of
from rolecall.transport.errors import PermissionDeniedError, TransportError
from rolecall.transport.passing.calls import PassedCalls
from rolecall.transport.rights.checks import QuestionRights
from rolecall.transport.rpc.call_origin import Identify
from rolecall.transport.rpc.stream_callers import StreamCaller
from rolecall.transport.rpc.streams import BidiStream
from rolecall.transport.services.decision import DecisionServicer
from rolecall.transport.services.observed_calls import Report
from rolecall.transport.services.stream import refused_message
from rolecall.transport.upstream import UpstreamChecks
from rolecall_client.v1 import decision_pb2 as pb, decision_pb2_grpc as rpc

_DECISION_SERVICE = pb.DESCRIPTOR.services_by_name["DecisionService"]

QUERIES_AT_ONCE = 50
"""The rights of how many queries are judged before other calls have their turn."""


class AgentDecisionServicer(rpc.DecisionServiceServicer):
    """Answers checks by `decisions`, and through `upstream` what that leaves to the followed server; `passed` passes other calls.

    `rights` are those of `decisions`.
    """

    def __init__(
        self,
        decisions: DecisionServicer,
        upstream: UpstreamChecks,
        rights: QuestionRights,
        identify: Identify,
        *,
        passed: PassedCalls,
    ) -> None:
        self._decisions, self._upstream, self._rights, self._identify = decisions, upstream, rights, identify
        self._passed = passed

    def raw_handlers(self) -> dict[str, grpc.RpcMethodHandler[Any, Any]]:
        """Return the handlers of all methods; on the wire they are the generated ones."""
        check: grpc.RpcMethodHandler[Any, Any] = grpc.unary_unary_rpc_method_handler(
            self.CheckAssumeRole, RawCheckRequest.FromString, pb.CheckAssumeRoleResponse.SerializeToString
        )
        batch: grpc.RpcMethodHandler[Any, Any] = grpc.unary_unary_rpc_method_handler(
            self.BatchCheckAssumeRole, RawBatchRequest.FromString, bytes
        )
        stream: grpc.RpcMethodHandler[Any, Any] = grpc.stream_stream_rpc_method_handler(
            self.StreamCheckAssumeRole, RawStreamRequest.FromString, bytes
        )
        checks = {"CheckAssumeRole": check, "BatchCheckAssumeRole": batch, "StreamCheckAssumeRole": stream}
        return {**self._passed.handlers(_DECISION_SERVICE), **checks}

    def check_at_once(self, data: bytes, context: Any) -> bytes | None:
        """Answer a `CheckAssumeRoleRequest` from bytes to bytes; return None if the followed server has to be asked."""
        try:
            return self._decisions.check_at_once(data, context)
        except UpstreamOnlyError:
            return None

    async def CheckAssumeRole(self, message: Any, context: Any) -> pb.CheckAssumeRoleResponse:
        """Answer a `RawCheckRequest`."""
        try:
            return await self._decisions.CheckAssumeRole(message, context)
        except UpstreamOnlyError as why:
            request = pb.CheckAssumeRoleRequest.FromString(message.SerializeToString())
            return await self._upstream.check(request, why, context.time_remaining())

    async def BatchCheckAssumeRole(self, message: Any, context: Any) -> Any:
        """Answer a `RawBatchRequest` with the bytes of the response."""
        try:
            return await self._decisions.BatchCheckAssumeRole(message, context)
        except UpstreamOnlyError as why:
            refused = await self._refused(message.queries, self._identify(context))
            asked = [query for number, query in enumerate(message.queries) if number not in refused]
            results, token = await self._batch_upstream(message, asked, why, context.time_remaining())
            given = iter(results)
            results = [refused[n] if n in refused else next(given) for n in range(len(message.queries))]
            return batch_response(results, token)

    async def StreamCheckAssumeRole(  # type: ignore[override]  # messages are read and written by the method itself
        self, stream: BidiStream[Any, bytes], context: Any
    ) -> None:
        """Answer each `RawStreamRequest` with the bytes of a response as it arrives, in order."""
        await self._decisions.streamed.answer(stream, context, self._stream_response)

    async def _stream_response(self, sequence: int, query: bytes, caller: StreamCaller, report: Report | None) -> bytes:
        try:
            return await self._decisions.streamed.response(sequence, query, caller, report)
        except UpstreamOnlyError as why:
            request = pb.CheckAssumeRoleRequest(query=pb.AssumeRoleQuery.FromString(query))
            try:
                answer = await self._upstream.check(request, why, None)
            except TransportError as error:
                return refused_message(sequence, error)
            return pb.StreamCheckAssumeRoleResponse(sequence=sequence, decision=answer.decision).SerializeToString()

    async def _refused(self, queries: Sequence[bytes], caller: Caller) -> dict[int, bytes]:
        """Return the results of those queries that the caller may not ask, or that are invalid, by their positions."""
        refused = dict[int, bytes]()
        for number, query in enumerate(queries, start=1):
            try:
                self._rights.request(query, caller, now_micros())
            except UpstreamOnlyError:
                pass
            except (EngineError, PermissionDeniedError) as error:
                log_refusal(error)
                refused[number - 1] = refusal(status_of(error))
            except DecodeError:
                refused[number - 1] = refusal(status_of(MALFORMED_QUERY))
            if not number % QUERIES_AT_ONCE:
                await asyncio.sleep(0)
        return refused

    async def _batch_upstream(
        self, message: Any, queries: Sequence[bytes], why: UpstreamOnlyError, seconds: float | None
    ) -> tuple[list[bytes], str]:
        """Return the results of queries and the consistency token."""
        if not queries:
            return [], ""
        raw = RawBatchRequest(queries=queries)
        if message.HasField("consistency"):
            raw.consistency.CopyFrom(message.consistency)
        request = pb.BatchCheckAssumeRoleRequest.FromString(raw.SerializeToString())
        answer = await self._upstream.batch(request, why, seconds)
        return [batch_result(result) for result in answer.results], answer.consistency_token
