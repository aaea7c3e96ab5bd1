"""Pipelined checks from an event loop, by the rules of `stream`."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable
from contextlib import aclosing, suppress

from rolecall_client.agent import is_unanswered
from rolecall_client.async_agent import AsyncAgentStream
from rolecall_client.async_calls import AsyncStream
from rolecall_client.errors import RolecallError, UnavailableError
from rolecall_client.stream import BACKOFF_SECONDS, MAX_ATTEMPTS
from rolecall_client.v1 import decision_pb2 as d

Queries = AsyncIterable[d.AssumeRoleQuery] | Iterable[d.AssumeRoleQuery]

Answers = AsyncStream[d.StreamCheckAssumeRoleResponse] | AsyncAgentStream

AsyncOpen = Callable[[AsyncIterator[d.StreamCheckAssumeRoleRequest]], Awaitable[Answers]]
"""Opens a stream that sends the messages of an iterator."""


class AsyncPipeline:
    """Sends queries on streams, at most `in_flight` ahead of the answers.

    The first stream is one of the agent, if there is one. When it ends early, all others are those of the service.
    """

    def __init__(
        self, open_stream: AsyncOpen, queries: Queries, in_flight: int, *, open_at_agent: AsyncOpen | None = None
    ) -> None:
        self._open, self._open_at_agent, self._in_flight = open_stream, open_at_agent, max(1, in_flight)
        self._source = _numbered(queries)
        self._unanswered: deque[d.StreamCheckAssumeRoleRequest] = deque()

    async def answers(self) -> AsyncGenerator[d.StreamCheckAssumeRoleResponse, None]:
        """Yield an answer for each query; raise `RolecallError` when several streams in succession return none."""
        if self._open_at_agent is not None and await self._read_ahead():
            async with aclosing(self._at_agent(self._open_at_agent)) as of_agent:
                async for answer in of_agent:
                    yield answer
        attempts = 0
        while await self._read_ahead() or self._unanswered:
            try:
                async with aclosing(self._on_one_stream(self._open)) as answers:
                    async for answer in answers:
                        attempts = 0
                        yield answer
            except RolecallError as error:
                attempts += 1
                if error.code != "UNAVAILABLE" or attempts == MAX_ATTEMPTS:
                    raise
                await asyncio.sleep(BACKOFF_SECONDS * 3 ** (attempts - 1))

    async def _at_agent(self, open_stream: AsyncOpen) -> AsyncGenerator[d.StreamCheckAssumeRoleResponse, None]:
        """Yield what the agent answers, until every query is answered or the agent does not answer."""
        try:
            async with aclosing(self._on_one_stream(open_stream)) as answers:
                async for answer in answers:
                    yield answer
        except RolecallError as error:
            if not is_unanswered(error):
                raise

    async def _on_one_stream(self, open_stream: AsyncOpen) -> AsyncGenerator[d.StreamCheckAssumeRoleResponse, None]:
        """Send the unanswered queries and then the following ones, until every query is answered."""
        to_send: asyncio.Queue[d.StreamCheckAssumeRoleRequest | None] = asyncio.Queue()
        for message in self._unanswered:
            to_send.put_nowait(message)
        stream = await open_stream(_until_none(to_send))
        try:
            while self._unanswered:
                answer = await _next(stream)
                self._unanswered.popleft()
                yield answer
                for message in await self._read_ahead():
                    to_send.put_nowait(message)
        finally:
            to_send.put_nowait(None)
            await _close(stream, in_order=not self._unanswered)

    async def _read_ahead(self) -> list[d.StreamCheckAssumeRoleRequest]:
        read = list[d.StreamCheckAssumeRoleRequest]()
        while len(self._unanswered) < self._in_flight:
            message = await anext(self._source, None)
            if message is None:
                break
            self._unanswered.append(message)
            read.append(message)
        return read


async def _numbered(queries: Queries) -> AsyncGenerator[d.StreamCheckAssumeRoleRequest, None]:
    sequence = 0
    if isinstance(queries, AsyncIterable):
        async for query in queries:
            yield d.StreamCheckAssumeRoleRequest(sequence=sequence, query=query)
            sequence += 1
        return
    for sequence, query in enumerate(queries):
        yield d.StreamCheckAssumeRoleRequest(sequence=sequence, query=query)


async def _until_none(
    queue: asyncio.Queue[d.StreamCheckAssumeRoleRequest | None],
) -> AsyncIterator[d.StreamCheckAssumeRoleRequest]:
    while (message := await queue.get()) is not None:
        yield message


async def _next(stream: Answers) -> d.StreamCheckAssumeRoleResponse:
    answer = await stream.read()
    if answer is None:
        raise UnavailableError("UNAVAILABLE", "the stream ended before every query was answered")
    return answer


async def _close(stream: Answers, *, in_order: bool) -> None:
    """End a stream. If every query is answered, wait for its end and ignore how it ends, else cancel it."""
    if not in_order:
        stream.cancel()
        return
    with suppress(RolecallError):
        await stream.read()
