"""Decisions that are recorded. A server without a decision log has none of this on its path."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from time import perf_counter_ns
from typing import Any, Protocol

from rolecall.engine.decision_record import DecisionRecord, RecordedCall
from rolecall.transport.codecs.decision import micros_of
from rolecall.transport.codecs.record import RecordDecoder
from rolecall.transport.rpc.call_context import request_id
from rolecall.transport.rpc.streams import BidiStream
from rolecall_client.v1 import decision_pb2 as pb, decision_pb2_grpc as rpc

UNNAMED = ""
"""Stands for a caller whose certificate names nobody."""

_METHODS = [method.name for method in pb.DESCRIPTOR.services_by_name["DecisionService"].methods]


class DecisionLog(Protocol):
    """Keeps records of decisions. Nothing here waits or fails; what cannot be kept is counted."""

    def takes(self, *, allowed: bool) -> bool:
        """Tell whether the next decision, which allows or denies, is to be recorded."""
        ...

    def record(self, record: DecisionRecord) -> object:
        """Take a record."""
        ...


class RecordedDecisions(rpc.DecisionServiceServicer):
    """Does what another servicer does, and records each decision before its caller has it.

    Questions that were not answered are not decisions, and a reverse query decides nothing.
    """

    def __init__(
        self,
        decisions: rpc.DecisionServiceServicer,
        log: DecisionLog,
        decoder: RecordDecoder,
        *,
        clock: Callable[[], int],
        identify: Callable[[Any], str | None],
    ) -> None:
        self._decisions, self._log, self._decoder = decisions, log, decoder
        self._clock, self._identify = clock, identify
        for name in _METHODS:
            if name not in RecordedDecisions.__dict__:
                setattr(self, name, getattr(decisions, name))

    async def CheckAssumeRole(self, message: pb.CheckAssumeRoleRequest, context: Any) -> pb.CheckAssumeRoleResponse:
        """Answer one question."""
        began = perf_counter_ns()
        response: pb.CheckAssumeRoleResponse = await self._decisions.CheckAssumeRole(message, context)
        call = self._call("CheckAssumeRole", context, handler_ns=perf_counter_ns() - began)
        self._record(message.query, response.decision, call)
        return response

    async def BatchCheckAssumeRole(
        self, message: pb.BatchCheckAssumeRoleRequest, context: Any
    ) -> pb.BatchCheckAssumeRoleResponse:
        """Answer many questions."""
        began = perf_counter_ns()
        response: pb.BatchCheckAssumeRoleResponse = await self._decisions.BatchCheckAssumeRole(message, context)
        call = self._call("BatchCheckAssumeRole", context, handler_ns=perf_counter_ns() - began)
        for query, result in zip(message.queries, response.results, strict=True):
            if result.HasField("decision"):
                self._record(query, result.decision, call)
        return response

    async def StreamCheckAssumeRole(  # type: ignore[override]  # as the method that it stands before
        self, stream: BidiStream[pb.StreamCheckAssumeRoleRequest, pb.StreamCheckAssumeRoleResponse], context: Any
    ) -> None:
        """Answer questions as they come."""
        call = self._call("StreamCheckAssumeRole", context)
        decisions: Any = self._decisions
        await decisions.StreamCheckAssumeRole(
            _Overheard(stream, lambda query, decision: self._record(query, decision, call)), context
        )

    async def ExplainAssumeRole(
        self, message: pb.ExplainAssumeRoleRequest, context: Any
    ) -> pb.ExplainAssumeRoleResponse:
        """Answer one question and show why."""
        began = perf_counter_ns()
        response: pb.ExplainAssumeRoleResponse = await self._decisions.ExplainAssumeRole(message, context)
        call = self._call(
            "ExplainAssumeRole",
            context,
            handler_ns=perf_counter_ns() - began,
            assumed_time=micros_of(message.assume_time, "assume_time") if message.HasField("assume_time") else None,
            at_revision=message.at_revision if message.HasField("at_revision") else None,
        )
        self._record(message.query, response.decision, call)
        return response

    def _call(
        self,
        method: str,
        context: Any,
        *,
        handler_ns: int | None = None,
        assumed_time: int | None = None,
        at_revision: int | None = None,
    ) -> RecordedCall:
        return RecordedCall(
            method=method,
            caller=self._identify(context) or UNNAMED,
            request_id=request_id(context),
            handler_ns=handler_ns,
            assumed_time=assumed_time,
            at_revision=at_revision,
        )

    def _record(self, query: pb.AssumeRoleQuery, decision: pb.Decision, call: RecordedCall) -> None:
        if self._log.takes(allowed=decision.allowed):
            self._log.record(self._decoder.record(query, decision, call, self._clock()))


class _Overheard:
    """A conversation of which each answered question is told. Answers come in the order of the questions."""

    def __init__(
        self,
        stream: BidiStream[pb.StreamCheckAssumeRoleRequest, pb.StreamCheckAssumeRoleResponse],
        tell: Callable[[pb.AssumeRoleQuery, pb.Decision], None],
    ) -> None:
        self._stream, self._tell = stream, tell
        self._asked: deque[pb.AssumeRoleQuery] = deque()

    async def read(self) -> pb.StreamCheckAssumeRoleRequest | None:
        message = await self._stream.read()
        if message is not None:
            self._asked.append(message.query)
        return message

    async def write(self, response: pb.StreamCheckAssumeRoleResponse) -> None:
        query = self._asked.popleft()
        if response.HasField("decision"):
            self._tell(query, response.decision)
        await self._stream.write(response)
