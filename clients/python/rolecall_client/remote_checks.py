"""The last layer of the checks: it asks the server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from rolecall_client.checks import CallOptions
from rolecall_client.methods import BATCH_CHECK, CHECK
from rolecall_client.v1 import decision_pb2 as d

if TYPE_CHECKING:
    from rolecall_client.async_calls import AsyncCalls
    from rolecall_client.calls import Calls


class BatchChecks(Protocol):
    """Answers many queries at once. Safe to share between threads."""

    def batch(
        self, queries: Sequence[d.AssumeRoleQuery], consistency: d.Consistency | None, options: CallOptions
    ) -> d.BatchCheckAssumeRoleResponse:
        """Return the decisions at one revision, in order; raise `RolecallError`."""
        ...


class AsyncBatchChecks(Protocol):
    """Answers many queries of one event loop at once."""

    async def batch(
        self, queries: Sequence[d.AssumeRoleQuery], consistency: d.Consistency | None, options: CallOptions
    ) -> d.BatchCheckAssumeRoleResponse:
        """Return the decisions at one revision, in order; raise `RolecallError`."""
        ...


class RemoteChecks:
    """Asks the server about one query, or about many at once."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def check(
        self, query: d.AssumeRoleQuery, consistency: d.Consistency | None, options: CallOptions
    ) -> d.CheckAssumeRoleResponse:
        """Return the decision of the server; raise `RolecallError`."""
        return self._calls.unary(CHECK, d.CheckAssumeRoleRequest(query=query, consistency=consistency), options)

    def batch(
        self, queries: Sequence[d.AssumeRoleQuery], consistency: d.Consistency | None, options: CallOptions
    ) -> d.BatchCheckAssumeRoleResponse:
        """Return the decisions of the server at one revision, in order; raise `RolecallError`."""
        request = d.BatchCheckAssumeRoleRequest(queries=queries, consistency=consistency)
        return self._calls.unary(BATCH_CHECK, request, options)


class AsyncRemoteChecks:
    """Asks the server about one query, or about many at once, from an event loop."""

    def __init__(self, calls: AsyncCalls) -> None:
        self._calls = calls

    async def check(
        self, query: d.AssumeRoleQuery, consistency: d.Consistency | None, options: CallOptions
    ) -> d.CheckAssumeRoleResponse:
        """Return the decision of the server; raise `RolecallError`."""
        return await self._calls.unary(CHECK, d.CheckAssumeRoleRequest(query=query, consistency=consistency), options)

    async def batch(
        self, queries: Sequence[d.AssumeRoleQuery], consistency: d.Consistency | None, options: CallOptions
    ) -> d.BatchCheckAssumeRoleResponse:
        """Return the decisions of the server at one revision, in order; raise `RolecallError`."""
        request = d.BatchCheckAssumeRoleRequest(queries=queries, consistency=consistency)
        return await self._calls.unary(BATCH_CHECK, request, options)
