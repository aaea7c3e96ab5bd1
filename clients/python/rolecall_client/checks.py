"""How a check is answered: by the first of several layers that can answer it, the last of which asks the server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from rolecall_client.v1 import decision_pb2 as d

Metadata = tuple[tuple[str, str | bytes], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOptions:
    """How one call is made: `timeout` in seconds, with its retries, and metadata beside that of the client."""

    timeout: float
    metadata: Metadata = ()


class Checks(Protocol):
    """Answers checks. Safe to share between threads."""

    def check(
        self, query: d.AssumeRoleQuery, consistency: d.Consistency | None, options: CallOptions
    ) -> d.CheckAssumeRoleResponse:
        """Return the decision; raise `RolecallError`."""
        ...


class AsyncChecks(Protocol):
    """Answers checks of one event loop."""

    async def check(
        self, query: d.AssumeRoleQuery, consistency: d.Consistency | None, options: CallOptions
    ) -> d.CheckAssumeRoleResponse:
        """Return the decision; raise `RolecallError`."""
        ...
