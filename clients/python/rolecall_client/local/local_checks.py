"""Checks that are decided in this process where possible, and asked of the server otherwise."""

from __future__ import annotations

from dataclasses import dataclass

from rolecall_client.checks import AsyncChecks, CallOptions, Checks
from rolecall_client.local.replica import LocalReplica
from rolecall_client.local.watch_credential import Digest
from rolecall_client.v1 import decision_pb2 as d


@dataclass(frozen=True, slots=True)
class LocalChecks:
    """Decides by `replica`, and passes on to `next` what that cannot decide. `digest` is that of the client's credential."""

    replica: LocalReplica
    next: Checks
    digest: Digest

    def check(
        self, query: d.AssumeRoleQuery, consistency: d.Consistency | None, options: CallOptions
    ) -> d.CheckAssumeRoleResponse:
        """Return the decision; raise `RolecallError`."""
        answer = self.replica.answer(query, consistency, options, self.digest())
        return self.next.check(query, consistency, options) if answer is None else answer


@dataclass(frozen=True, slots=True)
class AsyncLocalChecks:
    """Decides by `replica`, and passes on to `next` what that cannot decide. `digest` is that of the client's credential."""

    replica: LocalReplica
    next: AsyncChecks
    digest: Digest

    async def check(
        self, query: d.AssumeRoleQuery, consistency: d.Consistency | None, options: CallOptions
    ) -> d.CheckAssumeRoleResponse:
        """Return the decision; raise `RolecallError`."""
        answer = self.replica.answer(query, consistency, options, self.digest())
        if answer is not None:
            return answer
        self.replica.start()
        return await self.next.check(query, consistency, options)
