"""The messages of StreamCheckAssumeRole: those that have arrived together are answered in one write."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from rolecall.callers.caller import Caller
from rolecall.engine.consistency import Freshness
from rolecall.engine.decision_point import DecisionPoint, LongWorkError
from rolecall.engine.decision_record import IssuedAnswer
from rolecall.engine.errors import EngineError, UpstreamOnlyError
from rolecall.transport.codecs.batch import StreamAnswers
from rolecall.transport.codecs.federation import log_refusal
from rolecall.transport.codecs.raw import query_bytes
from rolecall.transport.error_status import status_of
from rolecall.transport.errors import PermissionDeniedError
from rolecall.transport.rights.checks import QuestionRights, require_any_policy
from rolecall.transport.rpc.call_context import CallContext
from rolecall.transport.rpc.stream_callers import StreamCaller, StreamCallers
from rolecall.transport.rpc.streams import BidiStream
from rolecall.transport.services.batch import DecisionIds
from rolecall.transport.services.observed_calls import ObservedCalls, Report
from rolecall_client.v1 import decision_pb2 as pb

Respond: TypeAlias = "Callable[[int, bytes, StreamCaller, Report | None], Awaitable[bytes]]"
"""Returns the bytes of the response to a message of a stream, given its number, its query, its caller, and what reports answers."""

AnswerLong: TypeAlias = "Callable[[bytes, Caller, pb.Decision, Report | None], Awaitable[str]]"
"""Decides a query that needs long work, fills the message, and reports the answer."""


class StreamedChecks:
    """Answers the messages of streams, in order. `calls` is None when no observer is notified of decisions."""

    def __init__(
        self,
        point: DecisionPoint,
        consistency: Freshness,
        rights: QuestionRights,
        streams: StreamCallers,
        ids: DecisionIds,
        *,
        answer_long: AnswerLong,
        calls: ObservedCalls | None,
    ) -> None:
        self._point, self._consistency, self._rights, self._streams = point, consistency, rights, streams
        self._ids, self._answer_long, self._calls = ids, answer_long, calls
        self._encode = StreamAnswers().response

    async def answer(self, stream: BidiStream[Any, bytes], context: CallContext, respond: Respond) -> None:
        """Answer each `RawStreamRequest` of a stream, by `respond` if it cannot be answered at once."""
        report = self._calls.begin("StreamCheckAssumeRole", context).unending() if self._calls else None
        with self._streams.of(context, stream.ending, require_any_policy) as caller:
            while (messages := await stream.read()) is not None:
                responses: list[bytes] = []
                try:
                    for message in messages:
                        sequence, query = message.sequence, query_bytes(message)
                        response = self._at_once(sequence, query, caller.now(), report)
                        if response is None:
                            # What is answered does not wait for what takes longer.
                            answered, responses = responses, []
                            await stream.write(answered)
                            response = await respond(sequence, query, caller, report)
                        responses.append(response)
                finally:
                    # A message that ends the stream does not take the answers to those before it along.
                    await stream.write(responses)

    async def response(self, sequence: int, query: bytes, caller: StreamCaller, report: Report | None) -> bytes:
        """Return the bytes of the response to a message whose answer needs long work; raise `UpstreamOnlyError`."""
        message = pb.StreamCheckAssumeRoleResponse(sequence=sequence)
        try:
            await self._answer_long(query, caller.now(), message.decision, report)
        except (EngineError, PermissionDeniedError) as error:
            log_refusal(error)
            return refused_message(sequence, error)
        return message.SerializeToString()

    def _at_once(self, sequence: int, query: bytes, caller: Caller, report: Report | None) -> bytes | None:
        """Return the bytes of the response to a message; None if something must be awaited."""
        try:
            return self._decided(sequence, query, caller, report)
        except (LongWorkError, UpstreamOnlyError):
            return None
        except (EngineError, PermissionDeniedError) as error:
            log_refusal(error)
            return refused_message(sequence, error)

    def _decided(self, sequence: int, query: bytes, caller: Caller, report: Report | None) -> bytes:
        point = self._point
        now = point.clock()
        request = self._rights.request(query, caller, now)
        snapshot, staleness = point.snapshot, self._consistency.staleness()
        answer = point.check_version(request, snapshot.version(request.role_key), now, restored=snapshot.restored)
        decision_id, revision = self._ids.next_bytes(), snapshot.revision
        if report:
            report(request, IssuedAnswer(answer, decision_id.decode(), now, revision, staleness))
        return self._encode(sequence, answer, decision_id, now, revision=revision, staleness=staleness)


def refused_message(sequence: int, error: Exception) -> bytes:
    """Return the bytes of the response to a message of a stream that is refused."""
    return pb.StreamCheckAssumeRoleResponse(sequence=sequence, error=status_of(error)).SerializeToString()
