"""An agent on the node of an asynchronous client, by the rules of `agent`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from rolecall_client.agent import (
    PATIENCE_SECONDS,
    first_options,
    has_unanswered,
    is_unanswered,
    late_error,
    require_answer,
    rest_of,
)
from rolecall_client.async_calls import AsyncStream
from rolecall_client.checks import AsyncChecks, CallOptions
from rolecall_client.errors import RolecallError
from rolecall_client.remote_checks import AsyncBatchChecks
from rolecall_client.v1 import decision_pb2 as d


class AsyncAgentFirstChecks:
    """Asks the agent about a query, else the service."""

    def __init__(self, agent: AsyncChecks, service: AsyncChecks) -> None:
        self._agent, self._service = agent, service

    async def check(
        self, query: d.AssumeRoleQuery, consistency: d.Consistency | None, options: CallOptions
    ) -> d.CheckAssumeRoleResponse:
        """Return the decision; raise `RolecallError`."""
        began = time.monotonic()
        try:
            return await self._agent.check(query, consistency, first_options(options))
        except RolecallError as error:
            if not is_unanswered(error):
                raise
        return await self._service.check(query, consistency, rest_of(options, began))


class AsyncAgentFirstBatches:
    """Asks the agent about many queries at once, else the service."""

    def __init__(self, agent: AsyncBatchChecks, service: AsyncBatchChecks) -> None:
        self._agent, self._service = agent, service

    async def batch(
        self, queries: Sequence[d.AssumeRoleQuery], consistency: d.Consistency | None, options: CallOptions
    ) -> d.BatchCheckAssumeRoleResponse:
        """Return the decisions at one revision, in order; raise `RolecallError`."""
        began = time.monotonic()
        try:
            response = await self._agent.batch(queries, consistency, first_options(options))
        except RolecallError as error:
            if not is_unanswered(error):
                raise
        else:
            if not has_unanswered(response):
                return response
        return await self._service.batch(queries, consistency, rest_of(options, began))


class AsyncAgentStream:
    """A stream of checks of an agent, which fails when an answer takes too long."""

    def __init__(self, stream: AsyncStream[d.StreamCheckAssumeRoleResponse]) -> None:
        self._stream, self._is_late = stream, False

    async def read(self) -> d.StreamCheckAssumeRoleResponse | None:
        """Return the next answer, None at the end; raise `RolecallError`."""
        timer = asyncio.get_running_loop().call_later(PATIENCE_SECONDS, self._give_up)
        try:
            answer = await self._stream.read()
        except RolecallError:
            if self._is_late:
                raise late_error() from None
            raise
        finally:
            timer.cancel()
        if answer is not None:
            require_answer(answer)
        return answer

    def cancel(self) -> None:
        """End the stream."""
        self._stream.cancel()

    def _give_up(self) -> None:
        self._is_late = True
        self._stream.cancel()
